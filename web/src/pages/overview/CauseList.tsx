// What is wrong: since when, why, who was told, and what to do about it.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { may } from "../../api/session.ts";
import type { Alarm } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { now } from "../../live/clock.ts";
import { Button } from "../../ui/Button.tsx";
import { formatTime, formatWhen } from "../../ui/format.ts";
import { SeverityMark } from "../../ui/Severity.tsx";
import { Since } from "../../ui/Since.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import type { Act } from "../alarms/acts.ts";
import { wrongSince } from "../alarms/arrange.ts";
import { isQuiet, placeOf, wantsAcknowledgement, type Cause } from "./causes.ts";

const MOST_SHOWN = 40;
const MOST_BELOW = 25;

/** Asks for an act on alarms. The page holds the dialog: an alarm that goes into another list leaves it open. */
export type Ask = (act: Act, alarms: readonly Alarm[]) => void;

interface Props {
  readonly causes: readonly Cause[];
  readonly label: string;
  readonly onAct: Ask;
}

/** Causes with what they suppress. */
export function CauseList({ causes, label, onAct }: Props): JSX.Element {
  const more = causes.length - MOST_SHOWN;
  return (
    <>
      <ol class="causes" aria-label={label}>
        {causes.slice(0, MOST_SHOWN).map((cause) => (
          <CauseItem key={cause.alarm.id} cause={cause} onAct={onAct} />
        ))}
      </ol>
      {more > 0 && (
        <p class="muted">
          {tn("{n} more alarm", "{n} more alarms", more)} · <a href="/alarms">{t("All alarms")}</a>
        </p>
      )}
    </>
  );
}

function CauseItem({ cause: { alarm, suppresses, count }, onAct }: { readonly cause: Cause; readonly onAct: Ask }): JSX.Element {
  return (
    <li class={`cause ${alarm.severity} ${wantsAcknowledgement(alarm) ? "unacknowledged" : ""}`}>
      <div class="cause-line">
        <SeverityMark severity={alarm.severity} />
        <div class="grow">
          <h3>
            <a href={placeOf(alarm)}>
              <DeviceText text={alarm.device} />
            </a>{" "}
            <a class="cause-name" href={`/alarms?${new URLSearchParams({ alarm: alarm.id })}`}>
              <DeviceText text={alarm.name} />
            </a>
          </h3>
          {alarm.detail && (
            <p>
              <DeviceText text={alarm.detail} />
            </p>
          )}
          <p class="cause-facts muted">
            {alarm.area && <span>{visible(alarm.area)}</span>}
            <StateText alarm={alarm} />
            <ToldText alarm={alarm} />
          </p>
        </div>
        <p class="cause-since">
          <strong>
            <Since time={wrongSince(alarm)} bare />
          </strong>
          <span class="muted">
            {t("since")} <SinceTime time={wrongSince(alarm)} />
          </span>
        </p>
        {may("operator") && !isQuiet(alarm) && (
          <div class="cause-actions">
            {wantsAcknowledgement(alarm) && (
              <Button icon="check" onClick={() => onAct("acknowledge", [alarm])}>
                {t("Acknowledge")}
              </Button>
            )}
            <Button kind={wantsAcknowledgement(alarm) ? "quiet" : "normal"} icon="clock" onClick={() => onAct("shelve", [alarm])}>
              {t("Shelve")}
            </Button>
          </div>
        )}
      </div>
      {count > 0 && <Suppressed suppresses={suppresses} count={count} />}
    </li>
  );
}

/** The time of day, with the date where it was another day. */
function SinceTime({ time }: { readonly time: string }): JSX.Element {
  return (
    <time class="number" dateTime={time} title={formatTime(time)}>
      {formatWhen(time, now.value)}
    </time>
  );
}

function StateText({ alarm }: { readonly alarm: Alarm }): JSX.Element | null {
  const { state, acknowledged_by: by, acknowledgement, quieted, shelved_until: until } = alarm;
  switch (state) {
    case "acknowledged":
      return (
        <span>
          {by ? t("Acknowledged by {who}", { who: visible(by) }) : t("Acknowledged")}
          <CommentText act={acknowledgement} />
        </span>
      );
    case "returned":
      return <span>{t("Over, not acknowledged")}</span>;
    case "shelved":
      return (
        <span>
          {until ? t("Shelved until {time}", { time: formatTime(until) }) : t("Shelved")}
          <CommentText act={quieted} />
        </span>
      );
    case "out-of-service":
      return (
        <span>
          {t("Out of service")}
          <CommentText act={quieted} />
        </span>
      );
    case "suppressed":
      return <span>{t("Kept quiet by {cause}", { cause: visible(alarm.suppressed_by ?? "–") })}</span>;
    default:
      return null;
  }
}

function CommentText({ act }: { readonly act: Alarm["acknowledgement"] }): JSX.Element | null {
  if (!act?.comment) return null;
  return (
    <>
      : “<DeviceText text={act.comment} />”
    </>
  );
}

/** Who was told, through what, and when; or that nobody was. */
function ToldText({ alarm }: { readonly alarm: Alarm }): JSX.Element | null {
  const { told, waiting, state } = alarm;
  if (told.length > 0) {
    const cards = told.map((card) => t("{channel} at {time} (card {n})", { channel: visible(channelWord(card.channel)), time: formatWhen(card.at, now.value), n: card.card }));
    return <span>{t("Told: {cards}", { cards: cards.join(", ") })}</span>;
  }
  if (state === "suppressed" || isQuiet(alarm)) return null;
  return <span class="untold">{waiting.length > 0 ? t("Nobody was told yet: the notice waits") : t("Nobody was told")}</span>;
}

function channelWord(channel: string): string {
  return channel.slice(0, 1).toUpperCase() + channel.slice(1);
}

/** The alarms that have this one as their cause. */
function Suppressed({ suppresses, count }: { readonly suppresses: readonly Cause[]; readonly count: number }): JSX.Element {
  const [open, setOpen] = useState(false);
  const more = suppresses.length - MOST_BELOW;
  return (
    <details class="explained" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{tn("explains {n} other alarm, which is kept quiet", "explains {n} other alarms, which are kept quiet", count)}</summary>
      {open && (
        <ul>
          {suppresses.slice(0, MOST_BELOW).map(({ alarm, suppresses: below, count: within }) => (
            <li key={alarm.id}>
              <SeverityMark severity={alarm.severity} />
              <span class="grow">
                <a href={placeOf(alarm)}>
                  <DeviceText text={alarm.device} />
                </a>{" "}
                <DeviceText text={alarm.name} />
              </span>
              <span class="muted">
                <Since time={wrongSince(alarm)} bare />
              </span>
              {within > 0 && <Suppressed suppresses={below} count={within} />}
            </li>
          ))}
          {more > 0 && <li class="muted">{tn("and {n} more", "and {n} more", more)}</li>}
        </ul>
      )}
    </details>
  );
}
