import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { now } from "../../live/clock.ts";
import { live } from "../../live/index.ts";
import { powerOf, signsOf, type Inverter, type Plant } from "./model.ts";

const EVENING = Date.parse("2026-03-10T20:10:00Z"); // 17:10 there
const MINUTE = 60_000;
const INTERVAL_S = 900;

const inverter = (id: string, lastData: number | null = null): Inverter => ({
  id,
  name: id,
  points: { Pac: `${id}:Pac`, State: `${id}:State` },
  suppressed_by: null,
  last_data: lastData === null ? null : new Date(lastData).toISOString(),
});
const plant = (inWindow: boolean, ...inverters: Inverter[]): Plant => ({
  ...{ id: "1", name: "UFV", capacity: "1000 kWp", timezone: "UTC", window: ["06:30", "17:30"], relays: [], points: {} },
  ...{ sun_elevation_deg: null, sunrise: null, sunset: null, last_data: null, usual_silence_s: 2 * INTERVAL_S + 900 },
  in_window: inWindow,
  inverters,
});
const said = (id: string, kw: number | null, time: number, severity = 0) =>
  live.heard("points", { time: new Date(now.value).toISOString(), points: [[`${id}:Pac`, kw, severity, 0, time / 1_000]] });

beforeEach(() => (now.value = EVENING));

test("what an inverter said yesterday evening is no power of the night", () => {
  said("a", 200, EVENING);
  said("b", 100, EVENING);
  const evening = plant(true, inverter("a"), inverter("b"));
  const night = plant(false, inverter("a"), inverter("b"));
  assert.equal(signsOf(evening).power.value, 300);
  now.value = EVENING + 40 * MINUTE;
  assert.equal(signsOf(night).power.value, 300, "two intervals and the way of a record are usual");
  now.value = EVENING + 46 * MINUTE;
  assert.equal(signsOf(night).power.value, null);
  assert.equal(powerOf(night.inverters[0] as Inverter, night), null);
});

test("a record that only repeats a value is as new as any", () => {
  said("c", 0, EVENING);
  now.value = EVENING + 180 * MINUTE;
  const silent = inverter("c");
  const repeating = inverter("c", EVENING + 170 * MINUTE);
  assert.equal(powerOf(silent, plant(false, silent)), null);
  assert.equal(powerOf(repeating, plant(false, repeating)), 0);
});

test("by day its reading says by itself that it is too old", () => {
  said("d", 50, EVENING);
  now.value = EVENING + 300 * MINUTE;
  const one = inverter("d");
  assert.equal(powerOf(one, plant(true, one)), 50);
  said("d", 50, EVENING + 45 * MINUTE, 3);
  assert.equal(powerOf(one, plant(true, one)), null);
  said("e", 70, EVENING + 299 * MINUTE);
  assert.equal(signsOf(plant(true, one, inverter("e"))).power.value, 70, "a sum is of what is known");
});
