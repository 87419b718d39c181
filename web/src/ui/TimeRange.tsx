// From when until when: a usual length up to now, or two times.
import type { JSX } from "preact";
import { t, tn } from "../i18n/index.ts";
import { serviceNow } from "../live/clock.ts";
import { live } from "../live/index.ts";
import { inUtc, zone } from "./format.ts";

const HOUR = 3_600_000;
const LENGTHS = { "24h": 24 * HOUR, "7d": 168 * HOUR, "30d": 720 * HOUR, "1y": 8_766 * HOUR } as const;
type Length = keyof typeof LENGTHS;

/** What is chosen: a length up to now, everything, or times of one's own (milliseconds since 1970; null: left open). */
export interface Range {
  readonly length: Length | "all" | "own";
  readonly from: number | null;
  readonly to: number | null;
}

/** Read a range from the address: `range=7d`, or `from=…&to=…`. */
export function readRange(query: URLSearchParams, usual: Length | "all"): Range {
  const from = momentIn(query.get("from"));
  const to = momentIn(query.get("to"));
  if (from !== null || to !== null || query.get("range") === "own") return { length: "own", from, to };
  const named = query.get("range") ?? usual;
  return { length: named === "all" || named in LENGTHS ? (named as Length | "all") : usual, from: null, to: null };
}

/** Return what the address holds of a range. */
export function rangeFields({ length, from, to }: Range): Record<"range" | "from" | "to", string | null> {
  return {
    range: length,
    from: length === "own" && from !== null ? new Date(from).toISOString() : null,
    to: length === "own" && to !== null ? new Date(to).toISOString() : null,
  };
}

/** Return what changes where the same range means other times: it is chosen anew, or the service's clock became known. */
export function rangeKey({ length, from, to }: Range): string {
  return `${length} ${from} ${to} ${Math.round(live.clockOffset.value / 10_000)}`;
}

/** Return a range as the service takes it, at this moment. */
export function rangeQuery({ length, from, to }: Range): { from?: string; to?: string } {
  if (length === "all") return {};
  if (length !== "own") return { from: new Date(serviceNow() - LENGTHS[length]).toISOString() };
  return {
    ...(from === null ? {} : { from: new Date(from).toISOString() }),
    ...(to === null ? {} : { to: new Date(to).toISOString() }),
  };
}

function momentIn(text: string | null): number | null {
  const moment = text ? Date.parse(text) : NaN;
  return Number.isNaN(moment) ? null : moment;
}

/** Return a moment as a field for date and time has it, in the zone that times are shown in. */
export function toField(moment: number | null): string {
  if (moment === null) return "";
  const shift = inUtc.value ? 0 : new Date(moment).getTimezoneOffset() * 60_000;
  return new Date(moment - shift).toISOString().slice(0, 16);
}

/** Return the moment that a field for date and time says; null where it says none. */
export function fromField(text: string): number | null {
  return momentIn(text && inUtc.value ? `${text}Z` : text);
}

interface Props {
  readonly range: Range;
  readonly onRange: (range: Range) => void;
  /** Whether everything there ever was may be asked for. */
  readonly all?: boolean;
}

/** Chooses a range. */
export function TimeRange({ range, onRange, all = false }: Props): JSX.Element {
  const words: Record<Length, string> = {
    "24h": tn("Last hour", "Last {n} hours", 24),
    "7d": tn("Last day", "Last {n} days", 7),
    "30d": tn("Last day", "Last {n} days", 30),
    "1y": t("Last year"),
  };
  const choose = (length: string) => {
    if (length !== "own") return onRange({ length: length as Range["length"], from: null, to: null });
    const end = serviceNow();
    const known = range.length in LENGTHS ? LENGTHS[range.length as Length] : LENGTHS["7d"];
    return onRange({ length: "own", from: range.from ?? end - known, to: range.to });
  };
  const field = (label: string, side: "from" | "to") => (
    <label>
      <span class="muted">{label}</span>
      <input
        class="input"
        type="datetime-local"
        title={zone()}
        value={toField(range[side])}
        onChange={(event) => onRange({ ...range, [side]: fromField(event.currentTarget.value) })}
      />
    </label>
  );
  return (
    <div class="time-range row" role="group" aria-label={t("Period")}>
      <select class="input" aria-label={t("Period")} value={range.length} onChange={(event) => choose(event.currentTarget.value)}>
        {(Object.keys(LENGTHS) as Length[]).map((length) => (
          <option key={length} value={length}>
            {words[length]}
          </option>
        ))}
        {all && <option value="all">{t("All times")}</option>}
        <option value="own">{t("From … to …")}</option>
      </select>
      {range.length === "own" && (
        <>
          {field(t("From"), "from")}
          {field(t("To"), "to")}
        </>
      )}
    </div>
  );
}
