import type { JSX } from "preact";

interface Props {
  /** In order of time; null where nothing is known. Times in any one unit. */
  readonly points: readonly { readonly time: number; readonly value: number | null }[];
  /** What it shows: read out. */
  readonly label: string;
  /** The ends of the time axis, where they are not those of the points. */
  readonly from?: number;
  readonly to?: number;
}

const WIDTH = 120;
const HEIGHT = 28;
const EDGE = 2;

/** A curve the size of a word. Scales by itself; a gap stays a gap; the last value is a dot. */
export function Sparkline({ points, label, from, to }: Props): JSX.Element {
  const known = points.filter((point): point is { time: number; value: number } => point.value !== null);
  const start = from ?? points[0]?.time ?? 0;
  const end = to ?? points.at(-1)?.time ?? 1;
  const values = known.map(({ value }) => value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const x = (time: number) => ((time - start) / (end - start || 1)) * (WIDTH - 2 * EDGE) + EDGE;
  const y = (value: number) => (high > low ? HEIGHT - EDGE - ((value - low) / (high - low)) * (HEIGHT - 2 * EDGE) : HEIGHT / 2);
  let path = "";
  let drawing = false;
  for (const { time, value } of points) {
    if (value !== null) path += `${drawing ? "L" : "M"}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    drawing = value !== null;
  }
  const last = known.at(-1);
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {path && <path d={path} vector-effect="non-scaling-stroke" />}
      {last && <path class="last" d={`M${x(last.time)} ${y(last.value)}h0`} vector-effect="non-scaling-stroke" />}
    </svg>
  );
}
