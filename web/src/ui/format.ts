// Numbers and times as people read them, in the language in use.
import { signal } from "@preact/signals";
import type { Point, PointValue } from "../api/types.ts";
import { keepChoice, readChoice } from "../app/choices.ts";
import { type Language, language, t, tn } from "../i18n/index.ts";
import { visible } from "./text.ts";

/** Whether times are shown in UTC instead of this machine's time zone. */
export const inUtc = signal(readChoice("utc") === "yes");

/** Show times in UTC, or not. */
export function showUtc(utc: boolean): void {
  inUtc.value = utc;
  keepChoice("utc", utc ? "yes" : null);
}

/** The name of the time zone that times are shown in, such as "America/Sao_Paulo". */
export function zone(): string {
  return inUtc.value ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What a value's formatting needs to know of its point. */
export type Declaration = Pick<Point, "kind" | "labels" | "units"> & { readonly precision?: number | null };

const NUMBERS = new Map<string, Intl.NumberFormat>();
const TIMES = new Map<string, Intl.DateTimeFormat>();

/** Return a number with at most `precision` decimals; very large and very small ones with a power of ten. */
export function formatNumber(value: number, precision = 3): string {
  const size = Math.abs(value);
  const scientific = size !== 0 && (size >= 1e9 || size < 10 ** -precision / 2);
  const key = `${language.value} ${precision} ${scientific}`;
  let format = NUMBERS.get(key);
  if (!format) {
    format = new Intl.NumberFormat(
      language.value,
      scientific
        ? { notation: "scientific", maximumSignificantDigits: 4 }
        : { maximumFractionDigits: precision, minimumFractionDigits: 0 },
    );
    NUMBERS.set(key, format);
  }
  return format.format(value);
}

/** Return a point's value without its units: a label for an enum's index, texts with their control characters visible. */
export function formatValue(declaration: Declaration, value: PointValue | null): string {
  if (value === null) return "–";
  if (typeof value === "string") return visible(value);
  const { kind, labels } = declaration;
  if (kind === "enum" || kind === "boolean") {
    const label = labels[Number(value)];
    return label === undefined ? booleanWord(value) : visible(label);
  }
  return formatNumber(Number(value), kind === "integer" ? 0 : (declaration.precision ?? 3));
}

function booleanWord(value: boolean | number): string {
  return typeof value === "boolean" ? (value ? t("true") : t("false")) : String(value);
}

/** Return date and time to the second. `time` in milliseconds since 1970, or ISO 8601. */
export function formatTime(time: number | string, options: Intl.DateTimeFormatOptions = FULL): string {
  const key = `${language.value} ${inUtc.value} ${JSON.stringify(options)}`;
  let format = TIMES.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(DATES[language.value], { ...options, hourCycle: "h23", timeZone: zone() });
    TIMES.set(key, format);
  }
  return format.format(new Date(time));
}

// English as in Britain: 10/03/2026 is the tenth of March wherever somebody reads it.
const DATES: Readonly<Record<Language, string>> = { en: "en-GB", "pt-BR": "pt-BR" };
const FULL: Intl.DateTimeFormatOptions = { dateStyle: "short", timeStyle: "medium" };

/** Return only the time of day, to the second. */
export function formatClock(time: number | string): string {
  return formatTime(time, { timeStyle: "medium" });
}

/** Return the time of day; with the date before it where `now`, the service's time, is another day. */
export function formatWhen(time: number | string, now: number): string {
  const day = (moment: number | string) => formatTime(moment, { dateStyle: "short" });
  return day(time) === day(now) ? formatClock(time) : formatTime(time);
}

/** Return a duration in one word or two: "3 min", "2 h 5 min", "4 days". */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t("{n} s", { n: s });
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return t("{n} min", { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return minutes % 60 && hours < 10
      ? t("{h} h {min} min", { h: hours, min: minutes % 60 })
      : t("{n} h", { n: hours });
  }
  return tn("{n} day", "{n} days", Math.floor(hours / 24));
}
