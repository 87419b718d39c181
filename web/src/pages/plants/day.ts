// A plant's day: the minutes of its own time zone, and what its inverters gave in it.
import type { Series } from "../../api/types.ts";
import type { Plant } from "./model.ts";

export const DAY_MIN = 1_440;
const STEP_MIN = 10;
const HOLDS_MS = 30 * 60_000; // how long a reading stands for its inverter: two of the usual pauses between scans

const CLOCKS = new Map<string, Intl.DateTimeFormat>();

/** Return the minute of the day that a moment (milliseconds since 1970, or ISO 8601) is in a time zone. */
export function minuteIn(zone: string, moment: number | string): number {
  let clock = CLOCKS.get(zone);
  if (!clock) {
    clock = new Intl.DateTimeFormat("en", { timeZone: zone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit" });
    CLOCKS.set(zone, clock);
  }
  const parts = Object.fromEntries(clock.formatToParts(new Date(moment)).map(({ type, value }) => [type, Number(value)]));
  return (parts["hour"] ?? 0) * 60 + (parts["minute"] ?? 0) + (parts["second"] ?? 0) / 60;
}

/** Return when the day began there, milliseconds since 1970; to the minute, so that one question serves for a minute. */
export function midnightOf(zone: string, now: number): number {
  return Math.round((now - minuteIn(zone, now) * 60_000) / 60_000) * 60_000;
}

/** Return the minute of the day that "06:30" is. */
export function minuteOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(":").map(Number);
  return hours * 60 + minutes;
}

/** The names of the points that say what a plant's inverters give. */
export function powerNames(plant: Plant): string[] {
  return plant.inverters.flatMap(({ points }) => points["Pac"] ?? []);
}

/** One point of the sum; null where nothing is known. */
export interface DayPoint {
  readonly time: number;
  readonly kw: number | null;
}

/** Return what several inverters gave together between two moments; each reading stands for half an hour at most. */
export function summed(all: readonly Series[], from: number, to: number): DayPoint[] {
  const tracks = all.map(({ points }) => ({ at: 0, points: points.map(({ time, value }) => ({ time: Date.parse(time), value })) }));
  const found: DayPoint[] = [];
  for (let time = from; time <= to; time += STEP_MIN * 60_000) {
    let kw: number | null = null;
    for (const track of tracks) {
      while ((track.points[track.at + 1]?.time ?? Infinity) <= time) track.at += 1;
      const last = track.points[track.at];
      if (last && last.time <= time && time - last.time <= HOLDS_MS && typeof last.value === "number") kw = (kw ?? 0) + last.value;
    }
    found.push({ time, kw });
  }
  return found;
}
