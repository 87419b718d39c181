// Power over time: of a port the size of a word, of a switch as a chart of the sum.
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import type { Series } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { useTime } from "../../live/pace.ts";
import { Button } from "../../ui/Button.tsx";
import { Chart, type Span } from "../../ui/Chart.tsx";
import { formatDuration, formatNumber } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { Sparkline } from "../../ui/Sparkline.tsx";
import { visible } from "../../ui/text.ts";
import type { Port, Switch } from "./ports.ts";
import { summed } from "./power.ts";

const HOUR_MS = 3_600_000;
const LENGTHS_MS = [HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS, 7 * 24 * HOUR_MS] as const;
const STEPS = 240;
const AT_ONCE = 50; // names in one question to the history

async function askHistory(names: readonly string[], { from, to }: Span, points: number, signal: AbortSignal): Promise<Series[]> {
  const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), max_points: points };
  const all: Series[] = [];
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const { items } = await api.get("/api/v1/history", { query: { name: names.slice(start, start + AT_ONCE), ...times }, signal });
    all.push(...items);
  }
  return all;
}

/** The power of a port in the last hour. */
export function PortHistory({ port }: { readonly port: Port }): JSX.Element | null {
  const name = port.points["Power"];
  const time = useTime(30_000);
  const { answer } = useAsk(
    async (signal) => (name === undefined ? [] : askHistory([name], { from: time - HOUR_MS, to: time }, STEPS, signal)),
    [name, time],
  );
  const points = (answer?.[0]?.points ?? []).map((point) => ({
    time: Date.parse(point.time),
    value: typeof point.value === "number" ? point.value : null,
  }));
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  if (values.length < 2) return null;
  const range = { low: formatNumber(Math.min(...values), 1), high: formatNumber(Math.max(...values), 1) };
  const label = t("Power in the last hour: {low} to {high} W", range);
  return (
    <figure class="port-history">
      <Sparkline points={points} label={label} from={time - HOUR_MS} to={time} />
      <figcaption class="muted small">{label}</figcaption>
    </figure>
  );
}

/** The power of a switch: the sum of its ports, over an hour to a week, or what one zooms to. */
export function SwitchHistory({ of }: { readonly of: Switch }): JSX.Element | null {
  const names = useMemo(() => of.ports.flatMap(({ points }) => points["Power"] ?? []), [of]);
  const [length, setLength] = useState<number>(HOUR_MS);
  const [standing, setStanding] = useState<Span | null>(null);
  const time = useTime(Math.max(15_000, length / STEPS));
  const span = standing ?? { from: time - length, to: time };
  const { answer, wrong, busy } = useAsk((signal) => askHistory(names, span, STEPS, signal).then((all) => ({ all, span })), [names, span.from, span.to]);
  const curves = useMemo(() => {
    if (!answer) return [];
    const series = summed(answer.all, visible(of.name), answer.span.from, answer.span.to, STEPS);
    return [{ name: of.name, kind: "number" as const, labels: [], units: "W", precision: 1, series }];
  }, [answer, of.name]);
  if (names.length === 0) return null;
  return (
    <section class="stack" aria-label={t("Power over time")}>
      <div class="row power-head">
        <h3>{t("Power over time")}</h3>
        <div class="row power-lengths" role="group" aria-label={t("Times shown")}>
          {LENGTHS_MS.map((each) => (
            <Button
              key={each}
              kind="quiet"
              aria-pressed={standing === null && each === length}
              onClick={() => {
                setStanding(null);
                setLength(each);
              }}
            >
              {formatDuration(each / 1_000)}
            </Button>
          ))}
        </div>
      </div>
      {wrong !== null && <Note kind="major">{sentenceOf(wrong)}</Note>}
      <Chart label={t("Power of {name}, all ports together", { name: visible(of.name) })} curves={curves} span={span} onSpan={setStanding} height={200} busy={busy && answer === undefined} />
    </section>
  );
}
