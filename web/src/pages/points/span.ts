// Which times the page's chart shows. A shared link holds them: `last` (seconds up to now), or `from` and `to`.
import type { Span } from "../../ui/Chart.tsx";

const HOUR_S = 3_600;
const DAY_S = 86_400;

export const DEFAULT_LAST_S = HOUR_S;

/** The lengths one chooses from, in seconds. */
export const LENGTHS_S = [60, 900, HOUR_S, 6 * HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S, 365 * DAY_S, 5 * 365 * DAY_S] as const;

export interface ChosenSpan {
  /** Seconds up to now, where the chart follows the time; null: it stands. */
  readonly last: number | null;
  readonly span: Span;
}

/** Read it from the page's address; `now` in milliseconds since 1970. */
export function spanOf(query: URLSearchParams, now: number): ChosenSpan {
  const from = Date.parse(query.get("from") ?? "");
  const to = Date.parse(query.get("to") ?? "");
  if (Number.isFinite(from) && Number.isFinite(to) && from < to) return { last: null, span: { from, to } };
  const asked = Number(query.get("last"));
  const last = Number.isFinite(asked) && asked >= 10 ? Math.min(asked, 20 * 365 * DAY_S) : DEFAULT_LAST_S;
  return { last, span: { from: now - last * 1_000, to: now } };
}

/** Return what the address says of a span that stands. */
export function standing({ from, to }: Span): { from: string; to: string; last: null } {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), last: null };
}

/** How often a chart that follows the time asks anew, in milliseconds. */
export function paceMs(last: number): number {
  return Math.min(300_000, Math.max(5_000, (last * 1_000) / 360));
}
