// Plants as the page sees them: what each inverter is at, which relays have tripped, and how bad that is.
import { computed, type ReadonlySignal } from "@preact/signals";
import type { components } from "../../api/schema.d.ts";
import type { Severity } from "../../api/types.ts";
import { now } from "../../live/clock.ts";
import { live, type LivePoint } from "../../live/index.ts";

type Schemas = components["schemas"];
export type Plant = Schemas["PlantModel"];
export type Inverter = Schemas["InverterModel"];
export type Relay = Schemas["RelayModel"];

const MINUTE_MS = 60_000;

/**
 * What an inverter is at. night: outside the hours in which it is judged; stopped: no power, but not for long enough to
 * be a failure.
 */
export type InverterState = "producing" | "stopped" | "failed" | "suppressed" | "nodata" | "night" | "lost" | "unread" | "waiting";

/** What matters most at a plant; in the order in which they matter. */
export const TROUBLES = ["relay", "failed", "nodata", "lost", "stopped", "waiting", "ok", "night"] as const;
export type Trouble = (typeof TROUBLES)[number];

/** A class of a relay's alarms that is active. */
export interface Trip {
  readonly relay: Relay;
  readonly flag: string;
  readonly point: string;
  readonly severity: Severity;
}

/** What the page knows of a plant from the stream; each is worked out again only when its own points change. */
export interface Signs {
  readonly trips: ReadonlySignal<readonly Trip[]>;
  readonly states: ReadonlySignal<ReadonlyMap<InverterState, number>>;
  /** What its inverters give together, kW; null: of none of them it is known. */
  readonly power: ReadonlySignal<number | null>;
  readonly trouble: ReadonlySignal<Trouble>;
  /** How much of it: orders plants of one trouble. */
  readonly weight: ReadonlySignal<number>;
}

/** The service's time, told each minute: hundreds of plants are not worked out again each second. */
const minute = computed(() => Math.floor(now.value / MINUTE_MS) * MINUTE_MS);

const known = new WeakMap<Plant, Signs>();

/** Return the signs of a plant; the same ones for the same view of it. */
export function signsOf(plant: Plant): Signs {
  let signs = known.get(plant);
  if (!signs) known.set(plant, (signs = makeSigns(plant)));
  return signs;
}

function makeSigns(plant: Plant): Signs {
  const trips = computed(() => plant.relays.flatMap((relay) => tripsOf(relay)));
  const states = computed(() => {
    const counts = new Map<InverterState, number>();
    for (const inverter of plant.inverters) {
      const state = stateOf(inverter, plant.in_window);
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  });
  const power = computed(() => {
    let sum: number | null = null;
    for (const inverter of plant.inverters) {
      const kw = powerOf(inverter, plant);
      if (kw !== null) sum = (sum ?? 0) + kw;
    }
    return sum;
  });
  const trouble = computed(() => troubleOf(plant, trips.value, states.value));
  const weight = computed(() => trips.value.length + (states.value.get("failed") ?? 0) + (states.value.get("suppressed") ?? 0));
  return { trips, states, power, trouble, weight };
}

function troubleOf(plant: Plant, trips: readonly Trip[], states: ReadonlyMap<InverterState, number>): Trouble {
  if (trips.length > 0) return "relay";
  if (states.has("failed") || states.has("suppressed")) return "failed";
  if (states.has("lost")) return "lost";
  const record = point(plant.points["LastRecord"]);
  if (plant.in_window && (states.has("nodata") || states.has("unread") || (record !== undefined && record.severity !== "NO_ALARM"))) return "nodata";
  if (states.has("stopped")) return "stopped";
  if (states.has("waiting")) return "waiting";
  return plant.in_window ? "ok" : "night";
}

/** Return the classes of a relay's alarms that are active. */
export function tripsOf(relay: Relay): Trip[] {
  return Object.entries(relay.points).flatMap(([flag, name]) => {
    const reading = point(name);
    if (reading?.value !== 1) return [];
    return [{ relay, flag, point: name, severity: reading.severity === "NO_ALARM" ? ("MINOR" as const) : reading.severity }];
  });
}

/** Return what an inverter is at. */
export function stateOf(inverter: Inverter, inWindow: boolean): InverterState {
  const state = point(inverter.points["State"]);
  if (state === undefined) return "waiting";
  if (state.value === 1) return "failed";
  if (state.value === 2) return "suppressed";
  if (state.severity === "INVALID" && state.status === "TIMEOUT") return "lost";
  if (!inWindow) return "night";
  if (state.value === null) return "unread";
  if (state.value === 3) return "nodata";
  return Number(point(inverter.points["Pac"])?.value ?? 0) > 0 ? "producing" : "stopped";
}

/**
 * Return an inverter's present power, kW; null: it is not known. What it said last is not present where too long ago:
 * during the hours in which it is judged its reading says so by itself, outside them its time does.
 */
export function powerOf(inverter: Inverter, { in_window: inWindow, usual_silence_s: usualS }: Plant): number | null {
  const reading = point(inverter.points["Pac"]);
  if (typeof reading?.value !== "number" || reading.severity === "INVALID") return null;
  const newest = Math.max((reading.time ?? 0) * 1_000, lastRecordOf(inverter) ?? 0);
  return inWindow || minute.value - newest <= usualS * 1_000 ? reading.value : null;
}

/**
 * Return the time of an inverter's newest record, milliseconds since 1970; null: there is none. The stream does not tell
 * of one that only repeats a value: the view does.
 */
export function lastRecordOf(inverter: Inverter): number | null {
  return inverter.last_data === null ? null : Date.parse(inverter.last_data);
}

/** Return a point's reading where the view names it; undefined: it does not, or nothing is known yet. */
export function point(name: string | undefined): LivePoint | undefined {
  return name === undefined ? undefined : live.point(name).value;
}

/** Return a plant's capacity in kW, of "1000 kWp"; null: not known. */
export function capacityOf({ capacity }: Plant): number | null {
  const match = /^([0-9]+(?:\.[0-9]+)?) ?kWp?$/.exec(capacity.trim());
  return match ? Number(match[1]) : null;
}

/** Return an inverter's share of its plant's capacity in kW: what nobody tells of each of them. */
export function shareOf(plant: Plant): number | null {
  const capacity = capacityOf(plant);
  return capacity === null || plant.inverters.length === 0 ? null : capacity / plant.inverters.length;
}

/** Which plants are shown, and in what order. */
export interface Wish {
  readonly q: string;
  readonly trouble: string;
  readonly sort: string;
}

/** Return the plants that are wanted, in the order that is wanted: the worst first, or by name or power. */
export function arrange(plants: readonly Plant[], { q, trouble, sort }: Wish): Plant[] {
  const words = q.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const found = plants.filter((plant) => {
    if (trouble && signsOf(plant).trouble.value !== trouble) return false;
    const text = `${plant.name}\n${plant.id}`.toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
  const byName = (a: Plant, b: Plant) => a.name.localeCompare(b.name);
  if (sort === "name") return found.sort(byName);
  if (sort === "power") return found.sort((a, b) => (signsOf(b).power.value ?? -1) - (signsOf(a).power.value ?? -1) || byName(a, b));
  return found.sort((a, b) => {
    const [x, y] = [signsOf(a), signsOf(b)];
    return TROUBLES.indexOf(x.trouble.value) - TROUBLES.indexOf(y.trouble.value) || y.weight.value - x.weight.value || byName(a, b);
  });
}

/** Return how many plants have each trouble. */
export function countTroubles(plants: readonly Plant[]): Map<Trouble, number> {
  const counts = new Map<Trouble, number>();
  for (const plant of plants) {
    const trouble = signsOf(plant).trouble.value;
    counts.set(trouble, (counts.get(trouble) ?? 0) + 1);
  }
  return counts;
}
