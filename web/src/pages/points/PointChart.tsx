import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import type { Point } from "../../api/types.ts";
import { query, setQuery } from "../../app/router.ts";
import { t, tn } from "../../i18n/index.ts";
import { serviceNow } from "../../live/clock.ts";
import { Button } from "../../ui/Button.tsx";
import { Chart, type Curve } from "../../ui/Chart.tsx";
import { formatDuration, inUtc, showUtc } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { visible } from "../../ui/text.ts";
import { ShareLink } from "./ShareLink.tsx";
import { DEFAULT_LAST_S, LENGTHS_S, paceMs, spanOf, standing } from "./span.ts";

export const MOST_CURVES = 16;
const MOST_POINTS = 1_200; // of each curve: more than a screen has columns

interface Props {
  readonly names: readonly string[];
  readonly points: ReadonlyMap<string, Point>;
}

/** The chart of the points that were picked, over the times in the address. */
export function PointChart({ names, points }: Props): JSX.Element {
  const [now, setNow] = useState(serviceNow);
  const { last, span } = spanOf(query.value, now);
  useEffect(() => {
    if (last === null) return undefined;
    setNow((before) => (Math.abs(serviceNow() - before) > 1_000 ? serviceNow() : before));
    const timer = setInterval(() => document.visibilityState === "visible" && setNow(serviceNow()), paceMs(last));
    return () => clearInterval(timer);
  }, [last]);
  const { answer, wrong, busy } = useAsk(
    (signal) =>
      api.get("/api/v1/history", {
        query: {
          name: [...names],
          from: new Date(span.from).toISOString(),
          to: new Date(span.to).toISOString(),
          max_points: MOST_POINTS,
        },
        signal,
      }),
    [names.join("\n"), span.from, span.to],
  );
  const curves = useMemo(
    () =>
      (answer?.items ?? [])
        .filter(({ name }) => names.includes(name))
        .map((series): Curve => {
          const point = points.get(series.name);
          return {
            name: series.name,
            kind: point?.kind ?? "number",
            labels: point?.labels ?? [],
            units: series.units,
            precision: point?.precision ?? null,
            series,
          };
        }),
    [answer, points, names.join("\n")],
  );
  const remove = (name: string) => setQuery({ name: names.filter((other) => other !== name) });
  return (
    <section class="tile point-chart" aria-label={t("Chart")}>
      <div class="row">
        <div class="lengths row" role="group" aria-label={t("Length of time")}>
          {LENGTHS_S.map((length) => (
            <Button
              key={length}
              kind="quiet"
              aria-pressed={last === length}
              onClick={() => setQuery({ last: length === DEFAULT_LAST_S ? null : String(length), from: null, to: null })}
            >
              {lengthWord(length)}
            </Button>
          ))}
        </div>
        <div class="row end">
          <Button kind="quiet" aria-pressed={inUtc.value} onClick={() => showUtc(!inUtc.value)}>
            UTC
          </Button>
          <ShareLink span={span} />
          <Button kind="quiet" icon="close" label={t("Close the chart")} onClick={() => setQuery({ name: null })} />
        </div>
      </div>
      {wrong !== null && (
        <Note kind="major">
          <p>{sentenceOf(wrong)}</p>
          <p class="row">
            {names.map((name) => (
              <Button key={name} icon="close" onClick={() => remove(name)}>
                {visible(name)}
              </Button>
            ))}
          </p>
        </Note>
      )}
      <Chart
        label={tn("{n} point over time", "{n} points over time", names.length)}
        curves={curves}
        span={span}
        onSpan={(next) => setQuery(standing(next))}
        height={300}
        busy={busy && answer === undefined}
        onRemove={remove}
      />
    </section>
  );
}

function lengthWord(seconds: number): string {
  const days = seconds / 86_400;
  if (days >= 365) return tn("{n} year", "{n} years", days / 365);
  return formatDuration(seconds);
}
