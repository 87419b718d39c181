// One plant: its day as a curve, every inverter and every relay with what they say, and its alarms.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import type { Alarm, Series } from "../../api/types.ts";
import { language, t } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Chart, type Curve, type Span } from "../../ui/Chart.tsx";
import { formatNumber, formatTime } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { SeverityBadge } from "../../ui/Severity.tsx";
import { Moment, Since } from "../../ui/Since.tsx";
import { Table } from "../../ui/Table.tsx";
import { Figure } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import { midnightOf, powerNames, summed } from "./day.ts";
import { SunWord } from "./DayChart.tsx";
import { StateMark, TroubleMark } from "./Marks.tsx";
import { lastRecordOf, point, powerOf, shareOf, signsOf, stateOf, type Inverter, type Plant } from "./model.ts";
import { Cause, LastData, PowerFigure } from "./PlantTile.tsx";
import { askHistory, useTurn } from "./power.ts";
import { flagWord, stateWord, troubleWord } from "./words.ts";

const DAY_MS = 86_400_000;
const AGAIN_MS = 60_000;
const MOST_CURVES = 16; // more are a thicket: the others are in the table, and in the sum

interface Props {
  readonly plant: Plant;
  readonly onClose: () => void;
}

/** The part of the page beside the tiles. Escape closes it. */
export function PlantDetail({ plant, onClose }: Props): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus({ preventScroll: matchMedia("(min-width: 64rem)").matches });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const trouble = signsOf(plant).trouble.value;
  return (
    <section
      class="plant-detail stack"
      aria-labelledby="plant-heading"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        onClose();
      }}
    >
      <header class="row">
        <h2 id="plant-heading" ref={heading} tabIndex={-1} class="grow">
          {visible(plant.name)}
        </h2>
        <span class={`plant-trouble ${trouble}`}>
          <TroubleMark trouble={trouble} />
          {troubleWord(trouble)}
        </span>
        <Button kind="quiet" icon="close" label={t("Close")} onClick={onClose} />
      </header>
      <Figures plant={plant} />
      <Alarms plant={plant} />
      <DayCurves plant={plant} />
      <InverterTable plant={plant} />
      <RelayTable plant={plant} />
    </section>
  );
}

function Figures({ plant }: { readonly plant: Plant }): JSX.Element {
  return (
    <dl class="figures plant-figures">
      <Figure label={t("Power")}>
        <PowerFigure plant={plant} />
      </Figure>
      <Figure label={t("Watched hours")}>
        {plant.window.join(" – ")}
        <small class="muted"> {plant.in_window ? t("now") : t("not now")}</small>
      </Figure>
      <Figure label={t("Sunlight")}>
        {plant.sunrise && plant.sunset ? (
          <span title={visible(plant.timezone)}>
            {clockIn(plant.timezone, plant.sunrise)} – {clockIn(plant.timezone, plant.sunset)} <small class="muted"><SunWord plant={plant} /></small>
          </span>
        ) : (
          <small class="muted">{t("The plant's coordinates are not in the configuration")}</small>
        )}
      </Figure>
      <Figure label={t("Last data")}>
        <LastData plant={plant} bare />
      </Figure>
    </dl>
  );
}

function clockIn(zone: string, time: string): string {
  return new Date(time).toLocaleTimeString(language.value, { hourCycle: "h23", timeZone: zone, hour: "2-digit", minute: "2-digit" });
}

/** The alarms of this plant that are not normal, as links to where they are dealt with. */
function Alarms({ plant }: { readonly plant: Plant }): JSX.Element | null {
  const alarms = [...live.alarms.value.values()].filter((alarm: Alarm) => alarm.point.startsWith(`${plant.id}:`));
  if (alarms.length === 0) return null;
  return (
    <ul class="plant-alarms" aria-label={t("Alarms")}>
      {alarms.map((alarm) => (
        <li key={alarm.id}>
          <SeverityBadge severity={alarm.severity} />
          <a href={`/alarms?${new URLSearchParams({ alarm: alarm.id })}`}>
            <DeviceText text={`${alarm.device}: ${alarm.name}`} />
          </a>
          {alarm.detail && (
            <span class="muted mono">
              <DeviceText text={alarm.detail} />
            </span>
          )}
          <span class="muted end">
            <Since time={alarm.began ?? alarm.since} />
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The power over a day: the sum, or a curve for each inverter. */
function DayCurves({ plant }: { readonly plant: Plant }): JSX.Element {
  const time = useTurn(AGAIN_MS);
  const [each, setEach] = useState(false);
  const [back, setBack] = useState(0);
  const [chosen, setChosen] = useState<Span | null>(null);
  const names = powerNames(plant);
  const midnight = midnightOf(plant.timezone, time - back * DAY_MS);
  const span = chosen ?? { from: midnight, to: midnight + DAY_MS };
  const { answer, wrong, busy } = useAsk(
    async (signal) => ({ span, all: names.length === 0 ? [] : await askHistory(names, span.from, Math.min(span.to, Math.max(time, span.from)), signal) }),
    [names.join("\n"), span.from, span.to, time],
  );
  const curves = useMemo(() => {
    if (!answer) return [];
    if (each) return answer.all.slice(0, MOST_CURVES).map((series): Curve => curveOf(series.name, series));
    return [curveOf(t("Sum"), sumOf(answer.all, answer.span.from, Math.min(answer.span.to, time)))];
  }, [answer, each, t("Sum")]);
  const day = (days: number) => {
    setChosen(null);
    setBack(days);
  };
  return (
    <section class="stack" aria-label={t("Power of the day")}>
      <div class="row">
        <h3>{t("Power of the day")}</h3>
        <div class="row plant-choice" role="group" aria-label={t("Curves")}>
          <Button kind="quiet" aria-pressed={!each} onClick={() => setEach(false)}>
            {t("Sum")}
          </Button>
          <Button kind="quiet" aria-pressed={each} onClick={() => setEach(true)}>
            {t("Each inverter")}
          </Button>
        </div>
        <div class="row end plant-choice">
          <Button kind="quiet" icon="left" label={t("The day before")} onClick={() => day(back + 1)} />
          <span class="plant-day number">{formatTime(midnight + DAY_MS / 2, { day: "2-digit", month: "2-digit" })}</span>
          <Button kind="quiet" icon="right" label={t("The day after")} aria-disabled={back === 0 && chosen === null} onClick={() => day(Math.max(0, back - 1))} />
        </div>
      </div>
      {wrong !== null && <Note kind="major">{sentenceOf(wrong)}</Note>}
      <Chart label={t("Power of {plant}", { plant: visible(plant.name) })} curves={curves} span={span} onSpan={setChosen} height={230} busy={busy && answer === undefined} />
      {each && names.length > MOST_CURVES && <p class="muted">{t("The first {n} inverters; the others are in the table.", { n: MOST_CURVES })}</p>}
    </section>
  );
}

function curveOf(name: string, series: Series): Curve {
  const inverter = /:Inverter-([^:]+):/.exec(name)?.[1];
  return { name: inverter ?? name, kind: "number", labels: [], units: "kW", precision: 2, series: known(series) };
}

/** Leave out a series that is one gap: the chart then says that nothing was recorded. */
function known(series: Series): Series {
  return series.points.some(({ value }) => value !== null) ? series : { ...series, points: [] };
}

function sumOf(all: readonly Series[], from: number, to: number): Series {
  const points = summed(all, from, to).map(({ time, kw }) => ({
    time: new Date(time).toISOString(),
    value: kw,
    min: kw,
    max: kw,
    severity: "NO_ALARM" as const,
  }));
  return { name: "", units: "kW", resolution_s: 0, points };
}

/** Each inverter: what it is at, what it gives, and why its failure is not told. */
function InverterTable({ plant }: { readonly plant: Plant }): JSX.Element | null {
  const share = shareOf(plant);
  if (plant.inverters.length === 0) return null;
  return (
    <section class="stack">
      <h3>{t("Inverters")}</h3>
      <Table
        caption={t("Inverters")}
        rows={plant.inverters}
        rowKey={({ id }) => id}
        columns={[
          { key: "name", title: t("Inverter"), cell: (one) => <DeviceText text={one.id} /> },
          { key: "state", title: t("State"), cell: (one) => <State inverter={one} plant={plant} /> },
          { key: "power", title: t("Power"), number: true, cell: (one) => <Power inverter={one} plant={plant} share={share} /> },
          { key: "read", title: t("Record"), wide: true, cell: (one) => <ReadAt inverter={one} /> },
          { key: "chart", title: <span class="sr-only">{t("Chart")}</span>, cell: (one) => <ChartLink inverter={one} /> },
        ]}
      />
    </section>
  );
}

function State({ inverter, plant }: { readonly inverter: Inverter; readonly plant: Plant }): JSX.Element {
  const state = stateOf(inverter, plant.in_window);
  return (
    <>
      <span class={`plant-state ${state}`}>
        <StateMark state={state} /> {stateWord(state)}
      </span>
      {state === "suppressed" && (
        <span class="plant-why">
          <Cause plant={plant} text={inverter.suppressed_by} />
        </span>
      )}
    </>
  );
}

function Power({ inverter, plant, share }: { readonly inverter: Inverter; readonly plant: Plant; readonly share: number | null }): JSX.Element {
  const kw = powerOf(inverter, plant);
  if (kw === null) return <span class="muted">–</span>;
  const part = share ? Math.max(0, Math.min(1, kw / share)) : 0;
  return (
    <span class="plant-share" title={share ? t("{percent} % of its share of the plant's capacity", { percent: formatNumber(100 * (kw / share), 0) }) : undefined}>
      {formatNumber(kw, 2)} kW
      {share && (
        <svg viewBox="0 0 40 4" preserveAspectRatio="none" aria-hidden="true">
          <rect class="all" width="40" height="4" />
          <rect class="part" width={part * 40} height="4" />
        </svg>
      )}
    </span>
  );
}

function ReadAt({ inverter }: { readonly inverter: Inverter }): JSX.Element {
  const time = lastRecordOf(inverter);
  return time === null ? <span class="muted">–</span> : <Moment time={time} />;
}

function ChartLink({ inverter }: { readonly inverter: Inverter }): JSX.Element | null {
  const name = inverter.points["Pac"];
  if (name === undefined) return null;
  return (
    <a href={`/points?${new URLSearchParams({ name, last: "604800" })}`} aria-label={t("{name} over a week", { name: visible(inverter.name) })}>
      {t("Week")}
    </a>
  );
}

/** Each relay: the classes of its alarms. */
function RelayTable({ plant }: { readonly plant: Plant }): JSX.Element | null {
  if (plant.relays.length === 0) return null;
  const flags = [...new Set(plant.relays.flatMap(({ points }) => Object.keys(points)))];
  return (
    <section class="stack">
      <h3>{t("Relays")}</h3>
      <Table
        caption={t("Relays")}
        rows={plant.relays}
        rowKey={({ id }) => id}
        columns={[
          { key: "name", title: t("Relay"), cell: (one) => <DeviceText text={one.id} /> },
          ...flags.map((flag) => ({ key: flag, title: flagWord(flag), cell: (one: Plant["relays"][number]) => <Flag name={one.points[flag]} /> })),
        ]}
      />
    </section>
  );
}

function Flag({ name }: { readonly name: string | undefined }): JSX.Element {
  const reading = point(name);
  if (reading === undefined) return <span class="muted">–</span>;
  if (reading.value === 1) return <SeverityBadge severity={reading.severity} status={reading.status === "NO_ALARM" ? "STATE" : reading.status} />;
  if (reading.severity !== "NO_ALARM" || reading.value === null) return <SeverityBadge severity={reading.severity} status={reading.status} />;
  return <span class="muted">{t("Normal")}</span>;
}
