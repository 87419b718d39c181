// How many alarms were raised, ten minutes by ten minutes: bars, which are drawn as fine as the window allows.
import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { components } from "../../api/schema.d.ts";
import { t, tn } from "../../i18n/index.ts";
import { formatDuration, formatNumber, formatTime } from "../../ui/format.ts";
import { Table } from "../../ui/Table.tsx";

type Rate = components["schemas"]["RateAnswer"];

const HEIGHT = 190;
const LEFT = 34;
const BOTTOM = 22;
const TOP = 8;
const NARROWEST = 4; // CSS pixels of a bar
const FLOOD = 10; // vigilia.store.figures.FLOOD
const MOST_ROWS = 200;

interface Bar {
  readonly from: number;
  readonly to: number;
  /** The most in ten minutes of it. */
  readonly most: number;
  readonly count: number;
}

/** The bars, the limit beyond which it is a flood, and all of it as a table. */
export function RateChart({ rate, to }: { readonly rate: Rate; readonly to: string }): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  const [at, setAt] = useState<Bar | null>(null);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const measure = () => setWidth(element.clientWidth);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const bars = useMemo(() => merged(rate, Date.parse(to), Math.max(1, Math.floor((width - LEFT) / NARROWEST))), [rate, to, width]);
  const start = bars[0]?.from ?? 0;
  const end = bars.at(-1)?.to ?? 1;
  const top = Math.max(12, ...bars.map(({ most }) => most)) * 1.05;
  const x = (time: number) => LEFT + ((time - start) / (end - start || 1)) * (width - LEFT);
  const y = (count: number) => TOP + (1 - count / top) * (HEIGHT - TOP - BOTTOM);
  const length = bars[0] ? (bars[0].to - bars[0].from) / 1_000 : 600;
  return (
    <figure class="rate" aria-label={t("Alarms per 10 minutes")}>
      <div ref={frame} class="rate-frame" onPointerLeave={() => setAt(null)}>
        <svg width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={summary(rate)}>
          {ticks(top).map((value) => (
            <g key={value}>
              <line class="grid" x1={LEFT} x2={width} y1={y(value)} y2={y(value)} />
              <text x={LEFT - 6} y={y(value) + 4} text-anchor="end">
                {formatNumber(value, 0)}
              </text>
            </g>
          ))}
          {bars.map((bar) => (
            <g key={bar.from}>
              {bar.most > 0 && (
                <rect
                  class={bar.most > FLOOD ? "flood" : "bar"}
                  x={x(bar.from) + 0.5}
                  width={Math.max(1.5, x(bar.to) - x(bar.from) - 1)}
                  y={y(bar.most)}
                  height={Math.max(1, y(0) - y(bar.most))}
                />
              )}
              <rect class="touch" x={x(bar.from)} width={Math.max(1, x(bar.to) - x(bar.from))} y={TOP} height={HEIGHT - TOP - BOTTOM} onPointerEnter={() => setAt(bar)} />
            </g>
          ))}
          <line class="limit" x1={LEFT} x2={width} y1={y(FLOOD)} y2={y(FLOOD)} />
          <line class="base" x1={LEFT} x2={width} y1={y(0)} y2={y(0)} />
          {moments(start, end, Math.floor((width - LEFT) / 110)).map((moment) => (
            <text key={moment} x={x(moment)} y={HEIGHT - 6} text-anchor="middle">
              {formatTime(moment, end - start > 2 * 86_400_000 ? { day: "2-digit", month: "short" } : { hour: "2-digit", minute: "2-digit" })}
            </text>
          ))}
        </svg>
      </div>
      <figcaption class="muted number">
        {at
          ? t("{time}: at most {most} in ten minutes, {count} in {length}", {
              time: formatTime(at.from, { dateStyle: "short", timeStyle: "short" }),
              most: at.most,
              count: at.count,
              length: formatDuration((at.to - at.from) / 1_000),
            })
          : t("A bar is {length}: the most in ten minutes of it. Above the line it is a flood.", { length: formatDuration(length) })}
      </figcaption>
      <RateTable rate={rate} />
    </figure>
  );
}

/** Put neighbours together until there are at most `most` bars. */
function merged({ buckets, bucket_s }: Rate, end: number, most: number): Bar[] {
  const each = Math.max(1, Math.ceil(buckets.length / most));
  const bars: Bar[] = [];
  for (let first = 0; first < buckets.length; first += each) {
    const part = buckets.slice(first, first + each);
    const from = Date.parse(part[0]?.time ?? "");
    bars.push({
      from,
      to: Math.min(Math.max(end, from + 1), from + each * bucket_s * 1_000),
      most: Math.max(...part.map(({ max }) => max)),
      count: part.reduce((sum, { count }) => sum + count, 0),
    });
  }
  return bars;
}

function ticks(top: number): number[] {
  const rough = top / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const found: number[] = [];
  for (let value = 0; value <= top; value += step) found.push(value);
  return found;
}

function moments(start: number, end: number, most: number): number[] {
  const count = Math.max(1, Math.min(8, most));
  return Array.from({ length: count }, (_, index) => start + ((index + 0.5) / count) * (end - start));
}

function summary({ mean, max }: Rate): string {
  return t("On average {mean}, at most {max} alarms in ten minutes", { mean: formatNumber(mean, 2), max });
}

function RateTable({ rate }: { readonly rate: Rate }): JSX.Element {
  const [open, setOpen] = useState(false);
  const busy = rate.buckets.filter(({ count }) => count > 0);
  return (
    <details class="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("As a table")}</summary>
      {open && (
        <>
          <Table
            caption={t("Alarms per 10 minutes")}
            columns={[
              { key: "time", title: t("From"), cell: ({ time }) => formatTime(time) },
              { key: "count", title: t("Raised"), number: true, cell: ({ count }) => formatNumber(count, 0) },
              { key: "max", title: t("At most in ten minutes"), number: true, cell: ({ max }) => formatNumber(max, 0) },
            ]}
            rows={busy.slice(-MOST_ROWS).reverse()}
            rowKey={({ time }) => time}
          />
          {busy.length > MOST_ROWS && <p class="muted">{tn("the last row", "the last {n} rows", MOST_ROWS)}</p>}
        </>
      )}
    </details>
  );
}
