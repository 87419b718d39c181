// Turns what the history answers into what uPlot draws.
import uPlot from "uplot";
import type { Point, Series, Severity } from "../api/types.ts";

/** One curve of a chart. */
export interface Curve {
  readonly name: string;
  readonly kind: Point["kind"];
  readonly labels: string[];
  readonly units: string | null;
  readonly precision?: number | null;
  readonly series: Series;
}

/** Which axis a curve belongs to: those with the same units share one, an enum has its own. */
export function scaleOf(curve: Curve): string {
  if (curve.kind === "enum" || curve.kind === "boolean") return `labels ${curve.labels.join("|")}`;
  return `units ${curve.units ?? ""}`;
}

/** Whether a curve's buckets hold more than one reading, so that the smallest and the largest are worth drawing. */
export function hasBand(curve: Curve): boolean {
  return curve.series.resolution_s > 0 && (curve.kind === "number" || curve.kind === "integer");
}

/**
 * Return uPlot's data: times in seconds, then for each curve its value, its largest and its smallest.
 * A gap is null; undefined is only a time at which another curve has something.
 */
export function aligned(curves: readonly Curve[]): uPlot.AlignedData {
  if (curves.length === 0) return [[]];
  const tables = curves.map(({ series }): uPlot.AlignedData => {
    const times: number[] = [];
    const values: (number | null)[] = [];
    const highs: (number | null)[] = [];
    const lows: (number | null)[] = [];
    let last = -Infinity;
    for (const { time, value, min, max } of series.points) {
      const seconds = Math.max(Date.parse(time) / 1_000, last + 0.0001); // two readings of one instant stay two
      last = seconds;
      times.push(seconds);
      values.push(typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : null);
      highs.push(max ?? null);
      lows.push(min ?? null);
    }
    return [times, values, highs, lows];
  });
  return uPlot.join(tables);
}

/** A stretch of time with one severity that is not normal. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly severity: Exclude<Severity, "NO_ALARM">;
}

/** Return where a curve was not normal, in seconds since 1970; `end` is where the chart ends. */
export function stretches({ series }: Curve, end: number): Stretch[] {
  const found: Stretch[] = [];
  const { points } = series;
  points.forEach(({ time, severity }, index) => {
    if (severity === "NO_ALARM") return;
    const from = Date.parse(time) / 1_000;
    const next = points[index + 1];
    const to = next ? Date.parse(next.time) / 1_000 : Math.max(from, end);
    const before = found.at(-1);
    if (before?.severity === severity && before.to >= from) found[found.length - 1] = { ...before, to };
    else found.push({ from, to, severity });
  });
  return found;
}

/** Return the format of the time axis's labels where they are `step` seconds apart. */
export function axisFormat(step: number): Intl.DateTimeFormatOptions {
  if (step >= 360 * 86_400) return { year: "numeric" };
  if (step >= 28 * 86_400) return { month: "short", year: "numeric" };
  if (step >= 86_400) return { day: "numeric", month: "short" };
  if (step >= 60) return { hour: "2-digit", minute: "2-digit" };
  return { hour: "2-digit", minute: "2-digit", second: "2-digit" };
}
