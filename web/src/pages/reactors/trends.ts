// The last hour of readings: what the history has, and what came since.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiFailure, api } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import { serviceNow } from "../../live/clock.ts";
import { live } from "../../live/index.ts";

export const TREND_MS = 3_600_000;
const STEPS = 240;
const AT_ONCE = 50; // names in one question to the history
const AGAIN_MS = 60_000;

export interface TrendPoint {
  readonly time: number;
  readonly value: number | null;
}
export type Trends = ReadonlyMap<string, readonly TrendPoint[]>;

const NONE: Trends = new Map();

/** Ask for the last hour of these points, and again each minute. What a reactor reports each few seconds, where it is kept. */
export function useTrends(names: readonly string[]): Trends {
  const [time, setTime] = useState(serviceNow);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && setTime(serviceNow()), AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => live.clockOffset.subscribe(() => setTime(serviceNow())), []); // told by the stream, a moment after the page
  const { answer } = useAsk((signal) => askTrends(names, time, signal), [names.join("\n"), time]);
  return answer ?? NONE;
}

/** Whether the service keeps what reactors report between two samples; known once it has said that it does not. */
let statuses = true;

async function askTrends(names: readonly string[], to: number, signal: AbortSignal): Promise<Trends> {
  try {
    return await askOnce(names, to, signal);
  } catch (error) {
    if (!statuses || !(error instanceof ApiFailure) || error.error !== "history-unavailable") throw error;
    statuses = false;
    return askOnce(names, to, signal);
  }
}

async function askOnce(names: readonly string[], to: number, signal: AbortSignal): Promise<Trends> {
  const times = { from: new Date(to - TREND_MS).toISOString(), to: new Date(to).toISOString(), max_points: STEPS, statuses };
  const found = new Map<string, TrendPoint[]>();
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const { items } = await api.get("/api/v1/history", { query: { name: names.slice(start, start + AT_ONCE), ...times }, signal });
    for (const { name, points } of items) {
      found.set(
        name,
        points.map(({ time, value }) => ({ time: Date.parse(time), value: typeof value === "number" ? value : null })),
      );
    }
  }
  return found;
}

/** Return a point's last hour: the history, then each reading that the stream has told while this is shown. */
export function useTrend(name: string, history: readonly TrendPoint[] | undefined): readonly TrendPoint[] {
  const latest = live.point(name).value;
  const told = useRef<TrendPoint[]>([]);
  return useMemo(() => {
    const since = history?.at(-1)?.time ?? 0;
    const from = serviceNow() - TREND_MS;
    const time = (latest?.time ?? 0) * 1_000;
    const value = latest && typeof latest.value === "number" && latest.severity !== "INVALID" ? latest.value : null;
    if (latest?.time != null && time > (told.current.at(-1)?.time ?? 0)) told.current.push({ time, value });
    told.current = told.current.filter((point) => point.time > Math.max(since, from));
    return [...(history ?? []).filter((point) => point.time > from), ...told.current];
  }, [history, latest]);
}
