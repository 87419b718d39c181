// Curves over time. Drag to zoom, shift-drag or the buttons to move, two fingers or Ctrl and the wheel to zoom;
// by keyboard the arrows move, + and − zoom. What is drawn can also be read as a table.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { language, t } from "../i18n/index.ts";
import { Button } from "./Button.tsx";
import { aligned, axisFormat, hasBand, scaleOf, stretches, type Curve } from "./chartdata.ts";
import { ChartTable } from "./ChartTable.tsx";
import { formatTime, formatValue, inUtc, zone } from "./format.ts";
import { Icon } from "./Icon.tsx";
import { colour, faded, schemeChanges, seriesColour } from "./palette.ts";
import { visible } from "./text.ts";

export type { Curve } from "./chartdata.ts";

/** The times a chart shows, milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

interface Props {
  /** What it shows: read out. */
  readonly label: string;
  readonly curves: readonly Curve[];
  readonly span: Span;
  /** Asked to show other times. Without it the chart stands still. */
  readonly onSpan?: (span: Span) => void;
  readonly height?: number;
  /** True while other data are on their way. */
  readonly busy?: boolean;
  /** Takes a curve out. */
  readonly onRemove?: (name: string) => void;
}

const DASHES: readonly (number[] | undefined)[] = [undefined, [7, 4], [2, 3], [9, 3, 2, 3]];
const RIBBON = 4; // CSS pixels of the severity ribbon of one curve
const SHORTEST_MS = 10_000;
const LONGEST_MS = 20 * 366 * 86_400_000;

/** Curves with their legend, their controls, and their table. */
export function Chart(props: Props): JSX.Element {
  const { label, curves, span, onSpan, height = 320, busy = false, onRemove } = props;
  const [at, setAt] = useState<number | null>(null);
  const data = useMemo(() => aligned(curves), [curves]);
  const move = (by: number) => onSpan?.(moved(span, by));
  const zoom = (by: number) => onSpan?.(zoomed(span, by));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      ArrowLeft: () => move(-0.25),
      ArrowRight: () => move(0.25),
      PageUp: () => move(-1),
      PageDown: () => move(1),
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
    }[event.key];
    if (!act || !onSpan) return;
    event.preventDefault();
    act();
  };
  return (
    <figure class="chart" aria-label={label}>
      <Legend curves={curves} data={data} at={at} onRemove={onRemove} />
      <div
        class={`plot ${busy ? "busy" : ""}`}
        tabIndex={0}
        role="application"
        aria-roledescription={t("chart")}
        aria-label={t("{what}, {from} to {to}. Arrows move, plus and minus zoom.", {
          what: label,
          from: formatTime(span.from),
          to: formatTime(span.to),
        })}
        onKeyDown={onKeyDown}
      >
        <Plot curves={curves} data={data} span={span} onSpan={onSpan} height={height} onAt={setAt} />
        {!busy && (data[0]?.length ?? 0) === 0 && <p class="plot-empty">{t("Nothing was recorded in this time")}</p>}
      </div>
      <figcaption class="row muted">
        <Icon name="clock" /> {at === null ? zone() : `${formatTime(at * 1_000)} · ${zone()}`}
        {onSpan && (
          <div class="chart-buttons" role="group" aria-label={t("Times shown")}>
            <Button kind="quiet" icon="left" label={t("Earlier")} onClick={() => move(-0.5)} />
            <Button kind="quiet" icon="minus" label={t("Longer")} onClick={() => zoom(2)} />
            <Button kind="quiet" icon="plus" label={t("Shorter")} onClick={() => zoom(0.5)} />
            <Button kind="quiet" icon="right" label={t("Later")} onClick={() => move(0.5)} />
          </div>
        )}
      </figcaption>
      <ChartTable curves={curves} />
    </figure>
  );
}

function moved({ from, to }: Span, by: number): Span {
  const shift = (to - from) * by;
  return { from: from + shift, to: to + shift };
}

function zoomed({ from, to }: Span, by: number, around = (from + to) / 2): Span {
  const length = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (to - from) * by));
  const share = (around - from) / (to - from || 1);
  return { from: around - length * share, to: around + length * (1 - share) };
}

interface LegendProps {
  readonly curves: readonly Curve[];
  readonly data: uPlot.AlignedData;
  /** The time the pointer is at, in seconds; null: nowhere. */
  readonly at: number | null;
  readonly onRemove: ((name: string) => void) | undefined;
}

/** Which line is which, and what each says where the pointer is. */
function Legend({ curves, data, at, onRemove }: LegendProps): JSX.Element {
  const index = at === null ? -1 : data[0].indexOf(at);
  return (
    <ul class="legend">
      {curves.map((curve, position) => (
        <li key={curve.name}>
          <svg class={`key series-${(position % 8) + 1}`} viewBox="0 0 24 8" aria-hidden="true">
            <path d="M0 4h24" stroke-dasharray={DASHES[position % DASHES.length]?.join(" ")} />
          </svg>
          <bdi class="mono">{visible(curve.name)}</bdi>
          {index >= 0 && <strong class="number">{valueAt(curve, data[1 + 3 * position], index)}</strong>}
          {onRemove && (
            <Button kind="quiet" icon="close" label={t("Take {name} out", { name: visible(curve.name) })} onClick={() => onRemove(curve.name)} />
          )}
        </li>
      ))}
    </ul>
  );
}

/** Return what a curve said last at or before `index`; "" where nothing is known. */
function valueAt(curve: Curve, values: ArrayLike<number | null | undefined> | undefined, index: number): string {
  for (let i = index; values && i >= 0; i -= 1) {
    const value = values[i];
    if (value === null) return "–";
    if (value !== undefined) return `${formatValue(curve, value)}${curve.units ? ` ${visible(curve.units)}` : ""}`;
  }
  return "";
}

interface PlotProps {
  readonly curves: readonly Curve[];
  readonly data: uPlot.AlignedData;
  readonly span: Span;
  readonly onSpan: ((span: Span) => void) | undefined;
  readonly height: number;
  readonly onAt: (seconds: number | null) => void;
}

/** The canvas. It is made anew where curves, colours or language change, and given data otherwise. */
function Plot({ curves, data, span, onSpan, height, onAt }: PlotProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ span, onSpan, onAt });
  latest.current = { span, onSpan, onAt };
  const shape = JSON.stringify(curves.map((curve) => [curve.name, scaleOf(curve), hasBand(curve)]));
  const look = `${schemeChanges.value} ${inUtc.value} ${language.value}`;
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const made = new uPlot(optionsOf(curves, latest, element.clientWidth, height), data, element);
    plot.current = made;
    const stop = listen(made, latest);
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      stop();
      made.destroy();
      plot.current = null;
    };
  }, [shape, look, height]);
  useEffect(() => {
    plot.current?.batch((made: uPlot) => {
      made.setData(data, false);
      made.setScale("x", { min: span.from / 1_000, max: span.to / 1_000 });
      for (const key of new Set(curves.map(scaleOf))) made.setScale(key, { min: null, max: null } as unknown as { min: number; max: number });
    });
  }, [data, span.from, span.to]);
  return <div ref={frame} class="canvas" style={{ height: `${height}px` }} aria-hidden="true" />;
}

type Latest = { current: { span: Span; onSpan: PlotProps["onSpan"]; onAt: PlotProps["onAt"] } };

function optionsOf(curves: readonly Curve[], latest: Latest, width: number, height: number): uPlot.Options {
  const scales = [...new Set(curves.map(scaleOf))];
  const strip = curves.length * (RIBBON + 1) + 4;
  return {
    width,
    height,
    ms: 1e-3,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone()),
    legend: { show: false },
    padding: [10, 34, 0, 0], // the last time stands half beyond the end
    cursor: { drag: { x: latest.current.onSpan !== undefined, y: false, setScale: false }, points: { size: 6 } },
    scales: {
      x: { time: true, auto: false, range: (_, low, high) => [low ?? 0, high ?? 1] },
      ...Object.fromEntries(scales.map((key) => [key, { range: rangeOf(curves, key, strip / Math.max(80, height - 50)) }])),
    },
    series: [{}, ...curves.flatMap(seriesOf)],
    bands: curves.flatMap((curve, index) =>
      hasBand(curve) ? [{ series: [2 + 3 * index, 3 + 3 * index] as [number, number], fill: faded(seriesColour(index), 0.18) }] : [],
    ),
    axes: [timeAxis(), ...scales.map((key, index) => valueAxis(curves, key, index))],
    hooks: {
      draw: [(plot) => drawRibbons(plot, curves)],
      setCursor: [
        (plot) => {
          const index = plot.cursor.idx;
          latest.current.onAt(index == null ? null : (plot.data[0][index] ?? null));
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < 4) return;
          const from = plot.posToVal(left, "x") * 1_000;
          const to = plot.posToVal(left + wide, "x") * 1_000;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onSpan?.(to - from < SHORTEST_MS ? zoomed({ from, to }, SHORTEST_MS / (to - from)) : { from, to });
        },
      ],
    },
  };
}

/** Leave room below the curves for the ribbons, and around those that do not move. */
function rangeOf(curves: readonly Curve[], key: string, strip: number): uPlot.Scale.Range {
  const labels = curves.find((curve) => scaleOf(curve) === key && key.startsWith("labels "))?.labels;
  return (_, low, high): uPlot.Range.MinMax => {
    if (labels) return [-0.3 - strip * labels.length, labels.length - 1 + 0.3];
    if (low == null || high == null) return [0, 1];
    const size = high - low || Math.abs(high) * 0.1 || 1;
    const room = size * 0.08;
    const bottom = low >= 0 && low - room < 0 ? 0 : low - room;
    return [bottom - size * strip, high + room];
  };
}

function seriesOf(curve: Curve, index: number): uPlot.Series[] {
  const scale = scaleOf(curve);
  const stroke = seriesColour(index);
  const stepped = curve.kind === "enum" || curve.kind === "boolean";
  const dash = DASHES[index % DASHES.length];
  const line: uPlot.Series = { scale, stroke, width: 1.75, spanGaps: false, ...(dash ? { dash } : {}) };
  const paths = stepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  if (paths) line.paths = paths;
  const edge: uPlot.Series = { scale, stroke: "transparent", width: 0, points: { show: false } };
  return [line, edge, edge];
}

function timeAxis(): uPlot.Axis {
  return {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1, size: 4 },
    font: "12px system-ui, sans-serif",
    size: 44,
    space: 76,
    values: (_, splits, __, ___, step) => {
      let day = "";
      return splits.map((seconds) => {
        const text = formatTime(seconds * 1_000, axisFormat(step));
        if (step >= 86_400) return text;
        const date = formatTime(seconds * 1_000, { day: "numeric", month: "short" });
        const shown = date === day ? text : `${text}\n${date}`;
        day = date;
        return shown;
      });
    },
  };
}

function valueAxis(curves: readonly Curve[], key: string, index: number): uPlot.Axis {
  const [curve, ...others] = curves.filter((candidate) => scaleOf(candidate) === key);
  const labelled = key.startsWith("labels ");
  const axis: uPlot.Axis = {
    scale: key,
    side: index % 2 === 0 ? 3 : 1,
    stroke: others.length > 0 || curves.length === 1 ? colour("--muted") : seriesColour(curves.indexOf(curve as Curve)),
    grid: { show: index === 0, stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
    size: (plot, values) => {
      plot.ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
      const widest = Math.max(24, ...(values ?? []).map((text) => plot.ctx.measureText(text).width / devicePixelRatio));
      return Math.min(140, Math.ceil(widest) + 14);
    },
    values: (_, splits) => splits.map((value) => (curve ? axisLabel(curve, value) : "")),
  };
  if (labelled) axis.splits = () => (curve?.labels ?? []).map((_, position) => position);
  if (curve?.units) {
    Object.assign(axis, { label: visible(curve.units), labelSize: 18, labelFont: "12px system-ui, sans-serif" });
  }
  return axis;
}

function axisLabel(curve: Curve, value: number | null): string {
  if (value === null) return "";
  return formatValue(curve.kind === "number" ? { ...curve, precision: 6 } : curve, value);
}

/** Below the curves, one ribbon each: where it was not normal. Minor is thin, major is thick, invalid is hatched. */
function drawRibbons(plot: uPlot, curves: readonly Curve[]): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const shades = { MINOR: colour("--minor-mark"), MAJOR: colour("--major-mark"), INVALID: colour("--invalid-mark") };
  const end = plot.scales["x"]?.max ?? 0;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  curves.forEach((curve, index) => {
    const bottom = bbox.top + bbox.height - (curves.length - 1 - index) * (RIBBON + 1) * ratio - ratio;
    for (const { from, to, severity } of stretches(curve, end)) {
      const left = plot.valToPos(from, "x", true);
      const width = Math.max(2 * ratio, plot.valToPos(to, "x", true) - left);
      ctx.fillStyle = shades[severity];
      const height = (severity === "MINOR" ? RIBBON / 2 : RIBBON) * ratio;
      if (severity !== "INVALID") ctx.fillRect(left, bottom - height, width, height);
      else for (let x = left; x < left + width; x += 4 * ratio) ctx.fillRect(x, bottom - height, 2 * ratio, height);
    }
  });
  ctx.restore();
}

/** Wheel and shift-drag. Returns what stops listening. */
function listen(plot: uPlot, latest: Latest): () => void {
  const over = plot.over;
  const onWheel = (event: WheelEvent) => {
    const { span, onSpan } = latest.current;
    if (!onSpan || !(event.ctrlKey || event.metaKey || event.shiftKey)) return; // the page itself scrolls
    event.preventDefault();
    const step = event.deltaY || event.deltaX;
    if (event.shiftKey) onSpan(moved(span, Math.sign(step) * 0.1));
    else onSpan(zoomed(span, step > 0 ? 1.25 : 0.8, plot.posToVal(event.offsetX, "x") * 1_000));
  };
  const onDown = (event: MouseEvent) => {
    const { span, onSpan } = latest.current;
    if (!onSpan || !event.shiftKey) return;
    event.stopImmediatePropagation();
    const start = event.clientX;
    const perPixel = (span.to - span.from) / Math.max(1, over.clientWidth);
    const shifted = (to: MouseEvent): Span => {
      const by = (start - to.clientX) * perPixel;
      return { from: span.from + by, to: span.to + by };
    };
    const onMove = (to: MouseEvent) => {
      const next = shifted(to);
      plot.setScale("x", { min: next.from / 1_000, max: next.to / 1_000 });
    };
    const onUp = (to: MouseEvent) => {
      removeEventListener("mousemove", onMove);
      onSpan(shifted(to));
    };
    addEventListener("mousemove", onMove);
    addEventListener("mouseup", onUp, { once: true });
  };
  const onDouble = () => latest.current.onSpan?.(zoomed(latest.current.span, 2));
  over.addEventListener("wheel", onWheel, { passive: false });
  over.addEventListener("mousedown", onDown, { capture: true });
  over.addEventListener("dblclick", onDouble);
  return () => {
    over.removeEventListener("wheel", onWheel);
    over.removeEventListener("mousedown", onDown, { capture: true });
    over.removeEventListener("dblclick", onDouble);
  };
}
