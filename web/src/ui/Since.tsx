import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { now } from "../live/clock.ts";
import { formatDuration, formatTime } from "./format.ts";

interface Props {
  /** Milliseconds since 1970, or ISO 8601. */
  readonly time: number | string;
  /** Only how long: "3 min"; otherwise "3 min ago". */
  readonly bare?: boolean;
}

/** How long ago something was, by the service's clock, kept up to date; the time itself is its tip. */
export function Since({ time, bare = false }: Props): JSX.Element {
  const moment = new Date(time);
  const seconds = (now.value - moment.getTime()) / 1_000;
  const duration = formatDuration(Math.abs(seconds));
  const text = bare ? duration : seconds < -1 ? t("in {time}", { time: duration }) : t("{time} ago", { time: duration });
  return (
    <time class="since number" dateTime={moment.toISOString()} title={formatTime(moment.getTime())}>
      {text}
    </time>
  );
}

/** A moment: date and time to the second, in the zone that was chosen. */
export function Moment({ time }: { readonly time: number | string }): JSX.Element {
  const moment = new Date(time);
  return (
    <time class="number" dateTime={moment.toISOString()} title={moment.toISOString()}>
      {formatTime(moment.getTime())}
    </time>
  );
}
