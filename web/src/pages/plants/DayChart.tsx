// A plant's day in small: the hours in which it is judged, the sun's course, now, and the power it gave.
import type { JSX } from "preact";
import { t } from "../../i18n/index.ts";
import { now } from "../../live/clock.ts";
import { formatNumber } from "../../ui/format.ts";
import { DAY_MIN, midnightOf, minuteIn, minuteOf, type DayPoint } from "./day.ts";
import { capacityOf, type Plant } from "./model.ts";

const HEIGHT = 100;
const HOURS = [6, 12, 18] as const;

interface Props {
  readonly plant: Plant;
  /** What it gave, in order of time; undefined: not known yet. */
  readonly power: readonly DayPoint[] | undefined;
}

/** The chart: a band for the hours, a dashed arc for the sun, a filled curve for the power, a line for now. */
export function DayChart({ plant, power }: Props): JSX.Element {
  const minute = Math.round(minuteIn(plant.timezone, now.value));
  const midnight = midnightOf(plant.timezone, now.value);
  const [from, to] = plant.window.map(minuteOf) as [number, number];
  const peak = Math.max(0, ...(power ?? []).map(({ kw }) => kw ?? 0));
  const top = Math.max(peak, capacityOf(plant) ?? 0) || 1;
  const { line, area } = curve(power ?? [], midnight, top);
  return (
    <figure class="day-chart">
      <svg viewBox={`0 0 ${DAY_MIN} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={labelOf(plant, peak)}>
        <rect class="hours" x={from} y="0" width={Math.max(0, to - from)} height={HEIGHT} />
        {HOURS.map((hour) => (
          <path key={hour} class="tick" d={`M${hour * 60} 0V${HEIGHT}`} vector-effect="non-scaling-stroke" />
        ))}
        {plant.sunrise && plant.sunset && <path class="sun" d={sunArc(plant)} vector-effect="non-scaling-stroke" />}
        {area && <path class="area" d={area} />}
        {line && <path class="power" d={line} vector-effect="non-scaling-stroke" />}
        <path class="now" d={`M${minute} 0V${HEIGHT}`} vector-effect="non-scaling-stroke" />
      </svg>
      <div class="day-hours number" aria-hidden="true">
        <span>0</span>
        <span>6</span>
        <span>12</span>
        <span>18</span>
        <span>24 h</span>
      </div>
    </figure>
  );
}

function labelOf(plant: Plant, peak: number): string {
  const [from, to] = plant.window;
  return t("Power of the day: {peak} kW at most. Watched from {from} to {to}.", { peak: formatNumber(peak, 1), from: from ?? "", to: to ?? "" });
}

/** Half a sine from sunrise to sunset: where the sun stands, near enough for a picture. */
function sunArc({ timezone, sunrise, sunset }: Plant): string {
  const rise = minuteIn(timezone, sunrise ?? "");
  const fall = minuteIn(timezone, sunset ?? "");
  const steps = 24;
  return Array.from({ length: steps + 1 }, (_, step) => {
    const x = rise + ((fall - rise) * step) / steps;
    const y = HEIGHT - Math.sin((Math.PI * step) / steps) * HEIGHT * 0.92;
    return `${step ? "L" : "M"}${x.toFixed(0)} ${y.toFixed(1)}`;
  }).join("");
}

function curve(power: readonly DayPoint[], midnight: number, top: number): { line: string; area: string } {
  let line = "";
  let area = "";
  let stretch: string[] = [];
  let first = 0;
  let last = 0;
  const close = () => {
    if (stretch.length > 1) {
      line += `M${stretch.join("L")}`;
      area += `M${first} ${HEIGHT}L${stretch.join("L")}L${last} ${HEIGHT}Z`;
    }
    stretch = [];
  };
  for (const { time, kw } of power) {
    const x = Math.round((time - midnight) / 60_000);
    if (kw === null) {
      close();
      continue;
    }
    if (stretch.length === 0) first = x;
    last = x;
    stretch.push(`${x} ${(HEIGHT - (Math.max(0, kw) / top) * HEIGHT * 0.94).toFixed(1)}`);
  }
  close();
  return { line, area };
}

/** Where the sun stands, in words. */
export function SunWord({ plant }: { readonly plant: Plant }): JSX.Element {
  const height = plant.sun_elevation_deg;
  if (height === null) return <span title={t("The plant's coordinates are not in the configuration")}>{t("Sun: not known")}</span>;
  if (height <= 0) return <span>{t("Sun below the horizon")}</span>;
  return <span>{t("Sun {angle}° up", { angle: formatNumber(height, 0) })}</span>;
}
