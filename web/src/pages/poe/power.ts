// The power of a switch: the sum of what its ports deliver, now and over time.
import type { Series, Severity } from "../../api/types.ts";
import type { LivePoint } from "../../live/index.ts";

/** A sum, and what it is worth. */
export interface Sum {
  /** null: no port of it has ever told. */
  readonly watts: number | null;
  /** False where some of what was summed is from before contact was lost. */
  readonly fresh: boolean;
}

/** Add up what ports deliver; ports that do not tell are left out. */
export function sumOf(readings: Iterable<LivePoint | undefined>): Sum {
  let watts: number | null = null;
  let fresh = true;
  for (const reading of readings) {
    if (reading === undefined || typeof reading.value !== "number") continue;
    watts = (watts ?? 0) + reading.value;
    if (reading.severity === "INVALID") fresh = false;
  }
  return { watts, fresh };
}

/**
 * Return the sum of several points' histories at `steps` moments between `from` and `to` (milliseconds since 1970).
 * At each moment every point counts with what it said last. Where one that had spoken is not known any more, the sum of
 * the others is INVALID; where none is known, there is none.
 */
export function summed(all: readonly Series[], name: string, from: number, to: number, steps: number): Series {
  const tracks = all.map(({ points }) => ({ points, times: points.map(({ time }) => Date.parse(time)), next: 0 }));
  const points: Series["points"] = [];
  for (let step = 0; step <= steps; step += 1) {
    const moment = from + ((to - from) * step) / steps;
    let sum: number | null = null;
    let spoken = false;
    let severity: Severity = "NO_ALARM";
    for (const track of tracks) {
      while (track.next < track.times.length && (track.times[track.next] ?? Infinity) <= moment) track.next += 1;
      const last = track.points[track.next - 1];
      if (last === undefined) continue;
      spoken = true;
      if (typeof last.value === "number") sum = (sum ?? 0) + last.value;
      if (last.severity === "INVALID") severity = "INVALID";
    }
    if (spoken) points.push({ time: new Date(moment).toISOString(), value: sum, min: null, max: null, severity });
  }
  return { name, units: "W", resolution_s: 0, points };
}
