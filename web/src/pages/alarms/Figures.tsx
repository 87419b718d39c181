import type { JSX } from "preact";
import { useAsk } from "../../api/ask.ts";
import { api } from "../../api/client.ts";
import { sentenceOf } from "../../api/failure.ts";
import type { components } from "../../api/schema.d.ts";
import { query, setQuery } from "../../app/router.ts";
import { t, tn } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { SeverityBadge, SeverityMark } from "../../ui/Severity.tsx";
import { Since } from "../../ui/Since.tsx";
import { Table, type Column } from "../../ui/Table.tsx";
import { Figure, Tile } from "../../ui/Tile.tsx";
import { rangeFields, rangeKey, rangeQuery, readRange, TimeRange } from "../../ui/TimeRange.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import { RateChart } from "./RateChart.tsx";

type Answer = components["schemas"]["FiguresAnswer"];
type Source = Omit<components["schemas"]["CountedAnswer"], "count" | "share">;

const FLOOD_PERCENT = 1; // ISA-18.2 and EEMUA 191: more than that is an alarm system out of hand
const CALM = 1; // alarms per ten minutes that somebody can deal with in the long run

/** How the alarm system fares, after ISA-18.2: how many, how fast, which ones, which never go. */
export function Figures(): JSX.Element {
  const range = readRange(query.value, "7d");
  const asked = useAsk(
    (signal) => api.get("/api/v1/alarms/figures", { query: rangeQuery(range), signal }),
    [rangeKey(range)],
  );
  const { answer } = asked;
  return (
    <>
      <div class="filter-bar">
        <TimeRange range={range} onRange={(next) => setQuery(rangeFields(next))} />
        <Button kind="quiet" icon="refresh" label={t("Count again")} busy={asked.busy} onClick={asked.again} />
      </div>
      {asked.wrong !== null && !asked.busy && <Note kind="major">{sentenceOf(asked.wrong)}</Note>}
      {answer ? <Answers answer={answer} /> : asked.busy && <div class="empty" aria-busy="true">{t("Loading")}</div>}
    </>
  );
}

function Answers({ answer }: { readonly answer: Answer }): JSX.Element {
  const rate = answer.rate_per_10min;
  const flood = answer.flood_share * 100;
  return (
    <>
      <Tile
        title={t("Alarms per 10 minutes")}
        severity={flood > FLOOD_PERCENT ? "MINOR" : "NO_ALARM"}
      >
        <dl class="figures">
          <Figure label={t("On average")}>{meanText(rate.mean)}</Figure>
          <Figure label={t("At most")}>{formatNumber(rate.max, 0)}</Figure>
          <Figure label={t("Flood, share of the time")}>{t("{n} %", { n: formatNumber(flood, 2) })}</Figure>
          <Figure label={t("Raised")}>{formatNumber(answer.total, 0)}</Figure>
          <Figure label={t("Standing now")}>{formatNumber(answer.standing, 0)}</Figure>
        </dl>
        <p class="muted">{t("Only alarms that people were told of are counted.")}</p>
        <p class="verdict">{verdict(answer)}</p>
        <RateChart rate={rate} to={answer.to} />
      </Tile>
      <div class="figure-tiles">
        <div class="stack">
          <Tile title={t("By severity")}>
            <Severities answer={answer} />
          </Tile>
          <Tile title={t("Chattering")} severity={answer.chattering.length > 0 ? "MINOR" : "NO_ALARM"}>
            <p class="muted">{t("Raised three times or more within a minute: a dead band or a delay is missing.")}</p>
            {answer.chattering.length > 0 ? (
              <Table caption={t("Chattering")} columns={[what(), ...chatterColumns()]} rows={answer.chattering} rowKey={({ alarm }) => alarm} />
            ) : (
              <p>{t("None")}</p>
            )}
          </Tile>
        </div>
        <div class="stack">
          <Tile title={t("The ten most frequent")}>
            {answer.top.length > 0 ? (
              <Table caption={t("The ten most frequent")} columns={[what(), ...topColumns()]} rows={answer.top} rowKey={({ alarm }) => alarm} />
            ) : (
              <p class="muted">{t("No alarm was raised in this time.")}</p>
            )}
          </Tile>
          <Tile title={t("Stale")} severity={answer.stale.length > 0 ? "MINOR" : "NO_ALARM"}>
            <p class="muted">{t("Standing for more than a day: nobody looks at them any more.")}</p>
            {answer.stale.length > 0 ? (
              <>
                <Table caption={t("Stale")} columns={[what(), ...staleColumns()]} rows={answer.stale} rowKey={({ alarm }) => alarm} />
                {answer.stale_count > answer.stale.length && (
                  <p class="muted">{tn("and {n} more", "and {n} more", answer.stale_count - answer.stale.length)}</p>
                )}
              </>
            ) : (
              <p>{t("None")}</p>
            )}
          </Tile>
        </div>
      </div>
    </>
  );
}

/** Return a mean that need not be exact: one a day and one a week are both few. */
function meanText(mean: number): string {
  return mean > 0 && mean < 0.01 ? t("below {n}", { n: formatNumber(0.01, 2) }) : formatNumber(mean, 2);
}

function verdict({ rate_per_10min: { mean, max }, flood_share, total }: Answer): string {
  if (total === 0) return t("No alarm was raised in this time.");
  if (flood_share * 100 > FLOOD_PERCENT) {
    return t("Too many: there were floods, with more than ten alarms in ten minutes, for more than 1 % of the time.");
  }
  if (max > 10) return t("There was a flood: more than ten alarms in ten minutes. Nobody can deal with so many.");
  if (mean > CALM) return t("More than one alarm in ten minutes on average: too many to be dealt with in the long run.");
  return t("Within what a person can deal with: at most one alarm in ten minutes on average, and no flood.");
}

function Severities({ answer }: { readonly answer: Answer }): JSX.Element {
  const all = Math.max(1, answer.total);
  return (
    <ul class="severities">
      {(["INVALID", "MAJOR", "MINOR"] as const).map((severity) => {
        const count = answer.per_severity[severity];
        return (
          <li key={severity}>
            <SeverityBadge severity={severity} />
            <meter class={severity} min={0} max={1} value={count / all} aria-hidden="true" />
            <span class="number">
              {formatNumber(count, 0)} · {t("{n} %", { n: formatNumber((count / all) * 100, 0) })}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function what<S extends Source>(): Column<S> {
  return {
    key: "what",
    title: t("Alarm"),
    cell: ({ alarm, name, equipment, device, area, severity }) => (
      <a class="source" href={`/alarms?${new URLSearchParams({ alarm })}`}>
        <SeverityMark severity={severity} />
        <span>
          <DeviceText text={name} />
          <span class="second">
            <DeviceText text={[equipment || device, area].filter(Boolean).join(" · ")} />
          </span>
        </span>
      </a>
    ),
  };
}

function topColumns(): Column<components["schemas"]["CountedAnswer"]>[] {
  return [
    { key: "count", title: t("Times"), number: true, cell: ({ count }) => formatNumber(count, 0) },
    {
      key: "share",
      title: t("Part of all"),
      number: true,
      cell: ({ share }) => t("{n} %", { n: formatNumber(share * 100, 1) }),
    },
  ];
}

function chatterColumns(): Column<components["schemas"]["ChatteringAnswer"]>[] {
  return [
    { key: "rate", title: t("In a minute"), number: true, cell: ({ count_per_min }) => formatNumber(count_per_min, 0) },
    { key: "count", title: t("Times"), number: true, cell: ({ count }) => formatNumber(count, 0) },
    { key: "last", title: t("Last"), number: true, wide: true, cell: ({ last }) => <Since time={last} /> },
  ];
}

function staleColumns(): Column<components["schemas"]["StaleAnswer"]>[] {
  return [{ key: "since", title: t("Standing for"), number: true, cell: ({ since }) => <Since time={since} bare /> }];
}
