// What the history has of a plant's day.
import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { useAsk, type Asked } from "../../api/ask.ts";
import type { Series } from "../../api/types.ts";
import { serviceNow } from "../../live/clock.ts";
import { live } from "../../live/index.ts";
import { midnightOf, powerNames, summed, type DayPoint } from "./day.ts";
import type { Plant } from "./model.ts";

const AT_ONCE = 50; // names in one question to the history
const STEPS = 150;
const AGAIN_MS = 120_000; // records come each few minutes

/** Return the service's time, told anew each `every` milliseconds while the page is seen. */
export function useTurn(every: number): number {
  const [time, setTime] = useState(serviceNow);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && setTime(serviceNow()), every);
    return () => clearInterval(timer);
  }, [every]);
  useEffect(() => live.clockOffset.subscribe(() => setTime(serviceNow())), []); // told by the stream, a moment after the page
  return time;
}

/** Ask the history for points over a time; in parcels that it takes. */
export async function askHistory(names: readonly string[], from: number, to: number, signal: AbortSignal): Promise<Series[]> {
  const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), max_points: STEPS };
  const all: Series[] = [];
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const { items } = await api.get("/api/v1/history", { query: { name: names.slice(start, start + AT_ONCE), ...times }, signal });
    all.push(...items);
  }
  return all;
}

/** Return the power of a plant's day; not asked for until it is `wanted`. */
export function useDay(plant: Plant, wanted: boolean): Asked<readonly DayPoint[] | undefined> {
  const time = useTurn(AGAIN_MS);
  const names = powerNames(plant);
  return useAsk(
    async (signal) => {
      if (!wanted || names.length === 0) return undefined;
      const from = midnightOf(plant.timezone, time);
      return summed(await askHistory(names, from, time, signal), from, time);
    },
    [names.join("\n"), wanted, time],
  );
}
