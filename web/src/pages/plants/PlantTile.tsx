// A plant as a tile: what is wrong, what it gives, its relays and inverters, and its day.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Severity } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { formatNumber } from "../../ui/format.ts";
import { Since } from "../../ui/Since.tsx";
import { Tile } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { DayChart, SunWord } from "./DayChart.tsx";
import { RelayMark, StateMark, TroubleMark } from "./Marks.tsx";
import { capacityOf, point, powerOf, shareOf, signsOf, stateOf, tripsOf, type Inverter, type Plant, type Relay, type Trip } from "./model.ts";
import { useDay } from "./power.ts";
import { flagWord, stateWord, troubleWord } from "./words.ts";

interface Props {
  readonly plant: Plant;
  readonly open: boolean;
  readonly onOpen: (id: string) => void;
}

/** The tile. What is below the window is only a frame until one scrolls there: hundreds of plants cost as much as ten. */
export function PlantTile({ plant, open, onOpen }: Props): JSX.Element {
  const frame = useRef<HTMLLIElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const look = (entries: IntersectionObserverEntry[]) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      setSeen(true); // and stays: what was scrolled past must not change its height
      observer.disconnect();
    };
    const observer = new IntersectionObserver(look, { rootMargin: "600px" });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const severity = severityOf(plant);
  return (
    <li ref={frame} class={`plant-place ${open ? "open" : ""}`}>
      <Tile
        class="plant-tile"
        title={
          <button type="button" class="plant-name" aria-expanded={open} onClick={() => onOpen(plant.id)}>
            {visible(plant.name)}
          </button>
        }
        aside={<Trouble plant={plant} />}
        {...(severity ? { severity } : {})}
      >
        {seen ? <Body plant={plant} /> : <div class="plant-body-later" />}
      </Tile>
    </li>
  );
}

function severityOf(plant: Plant): Severity | undefined {
  const { trips, trouble } = signsOf(plant);
  switch (trouble.value) {
    case "relay":
      return (["MAJOR", "INVALID"] as const).find((worst) => trips.value.some(({ severity }) => severity === worst)) ?? "MINOR";
    case "failed":
      return "MAJOR";
    case "nodata":
      return "MINOR";
    case "lost":
      return "INVALID";
    default:
      return undefined;
  }
}

function Trouble({ plant }: { readonly plant: Plant }): JSX.Element {
  const trouble = signsOf(plant).trouble.value;
  return (
    <span class={`plant-trouble ${trouble}`}>
      {severityOf(plant) === undefined && <TroubleMark trouble={trouble} />}
      {troubleWord(trouble)}
    </span>
  );
}

function Body({ plant }: { readonly plant: Plant }): JSX.Element {
  const { answer } = useDay(plant, true);
  return (
    <>
      <div class="plant-power">
        <PowerFigure plant={plant} />
        <ul class="relays" aria-label={t("Relays")}>
          {plant.relays.map((relay) => (
            <RelaySign key={relay.id} relay={relay} />
          ))}
        </ul>
      </div>
      <Causes plant={plant} />
      <Inverters plant={plant} />
      <DayChart plant={plant} power={answer} />
      <footer class="plant-foot muted">
        <span>
          {plant.window.join("–")} · <SunWord plant={plant} />
        </span>
        <LastData plant={plant} />
      </footer>
    </>
  );
}

/** What it gives together, beside what it could. */
export function PowerFigure({ plant }: { readonly plant: Plant }): JSX.Element {
  const kw = signsOf(plant).power.value;
  const capacity = capacityOf(plant);
  const old = live.old.value || signsOf(plant).trouble.value === "lost";
  return (
    <p class={`plant-kw number ${old ? "old" : ""}`}>
      <strong>{kw === null ? "–" : formatNumber(kw, kw < 100 ? 1 : 0)}</strong> kW
      {plant.capacity && <span class="muted"> / {visible(plant.capacity)}</span>}
      {kw !== null && capacity !== null && <span class="muted"> · {formatNumber((100 * kw) / capacity, 0)} %</span>}
    </p>
  );
}

function RelaySign({ relay }: { readonly relay: Relay }): JSX.Element {
  const trips = tripsOf(relay);
  const readings = Object.values(relay.points).map((name) => point(name));
  const unknown = readings.length === 0 || readings.some((reading) => reading !== undefined && (reading.value === null || reading.severity === "INVALID"));
  const state = trips.length > 0 ? trips.map(({ flag }) => flagWord(flag)).join(", ") : unknown ? t("not known") : t("Normal");
  return (
    <li class={trips.length > 0 ? "tripped" : ""} title={`${visible(relay.name)}: ${state}`}>
      <RelayMark tripped={trips.length > 0} unknown={unknown} />
      <span class="sr-only">{visible(relay.name)}: </span>
      <span class={trips.length > 0 ? "" : "muted"}>{state}</span>
    </li>
  );
}

const MOST_CAUSES = 3;

/** What is wrong and why, a line each: failed inverters by name, and what suppresses others. */
function Causes({ plant }: { readonly plant: Plant }): JSX.Element | null {
  const failed = plant.inverters.filter((inverter) => stateOf(inverter, plant.in_window) === "failed");
  const suppressed = plant.inverters.filter((inverter) => stateOf(inverter, plant.in_window) === "suppressed");
  if (failed.length === 0 && suppressed.length === 0) return null;
  const names = failed.slice(0, MOST_CAUSES).map(({ name }) => visible(name));
  const more = failed.length - names.length;
  return (
    <ul class="plant-causes">
      {failed.length > 0 && (
        <li>
          <StateMark state="failed" />
          <span>
            {t("Failed")}: {names.join(", ")}
            {more > 0 && ` +${more}`}
          </span>
        </li>
      )}
      {suppressed.length > 0 && (
        <li>
          <StateMark state="suppressed" />
          <span>
            {tn("{n} inverter suppressed", "{n} inverters suppressed", suppressed.length)}: <Cause plant={plant} text={suppressed.find((each) => each.suppressed_by)?.suppressed_by ?? null} />
          </span>
        </li>
      )}
    </ul>
  );
}

/** Why an inverter's failure is not told, as a link to the alarm of the relay that causes it. */
export function Cause({ plant, text }: { readonly plant: Plant; readonly text: string | null }): JSX.Element {
  const trip: Trip | undefined = signsOf(plant).trips.value[0];
  if (!trip) return <span>{text === null ? t("the relay has just gone back to normal") : visible(text)}</span>;
  const alarm = [...live.alarms.value.values()].find(({ point: name }) => name === trip.point);
  const to = alarm ? `/alarms?${new URLSearchParams({ alarm: alarm.id })}` : `/points?${new URLSearchParams({ q: trip.point })}`;
  return (
    <a href={to}>
      {visible(trip.relay.name)}: {flagWord(trip.flag)}
    </a>
  );
}

/** Every inverter: a bar as high as its power beside its share of the capacity, its shape above it. */
function Inverters({ plant }: { readonly plant: Plant }): JSX.Element {
  const share = shareOf(plant);
  if (plant.inverters.length === 0) return <p class="muted">{t("No inverter has been seen yet")}</p>;
  return (
    <ul class="inverters" aria-label={t("Inverters")}>
      {plant.inverters.map((inverter) => (
        <InverterSign key={inverter.id} inverter={inverter} plant={plant} share={share} />
      ))}
    </ul>
  );
}

function InverterSign({ inverter, plant, share }: { readonly inverter: Inverter; readonly plant: Plant; readonly share: number | null }): JSX.Element {
  const state = stateOf(inverter, plant.in_window);
  const kw = powerOf(inverter, plant);
  const part = kw === null || !share ? 0 : Math.max(0, Math.min(1, kw / share));
  const power = kw === null ? "" : ` · ${formatNumber(kw, 1)} kW`;
  const label = `${visible(inverter.name)}: ${stateWord(state)}${power}`;
  return (
    <li class={`inverter ${state}`} title={label}>
      <StateMark state={state} />
      <svg class="level" viewBox="0 0 10 24" preserveAspectRatio="none" aria-hidden="true">
        <rect class="all" width="10" height="24" />
        <rect class="part" y={24 - part * 24} width="10" height={part * 24} />
      </svg>
      <span class="sr-only">{label}</span>
    </li>
  );
}

/** When its newest record is from; loud where that is too long ago while the sun should shine. */
export function LastData({ plant, bare = false }: { readonly plant: Plant; readonly bare?: boolean }): JSX.Element {
  const record = point(plant.points["LastRecord"]);
  const time = typeof record?.value === "string" ? record.value : plant.last_data; // its value is the time, whenever it was told
  if (time === null) return <span class="plant-stale">{t("No data yet")}</span>;
  const stale = record !== undefined && record.severity !== "NO_ALARM" && plant.in_window;
  return (
    <span class={stale ? "plant-stale" : ""}>
      {stale && <StateMark state="nodata" />} {!bare && t("Last data")} <Since time={time} />
    </span>
  );
}
