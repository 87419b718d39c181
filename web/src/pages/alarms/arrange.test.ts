import assert from "node:assert/strict";
import { test } from "node:test";
import type { Alarm } from "../../api/types.ts";
import { causesOf } from "../overview/causes.ts";
import { arrange, wrongSince } from "./arrange.ts";

const EVERYTHING = { text: "", state: "", severity: "", system: "" } as const;

/** An alarm that was acknowledged at `since` while it had been wrong since `began`. */
function known(id: string, began: string | null, since: string): Alarm {
  return { id, began, since, state: "acknowledged", severity: "MAJOR", name: "", device: "", area: "", point: "", detail: "", suppressed_by: null } as unknown as Alarm;
}

const OLD = known("old", "2026-03-07T08:00:00.000Z", "2026-03-10T14:03:00.000Z");
const NEW = known("new", "2026-03-09T08:00:00.000Z", "2026-03-09T09:00:00.000Z");

test("wrong since it began, whatever was done about it later; since it is so where nothing is wrong", () => {
  assert.equal(wrongSince(OLD), "2026-03-07T08:00:00.000Z");
  assert.equal(wrongSince(known("over", null, "2026-03-10T14:03:00.000Z")), "2026-03-10T14:03:00.000Z");
});

test("the newest fault comes first, and not the one that was clicked last", () => {
  const alarms = new Map([OLD, NEW].map((alarm) => [alarm.id, alarm]));
  assert.deepEqual(arrange(alarms, EVERYTHING, new Set()).rows.map(({ alarm }) => alarm.id), ["new", "old"]);
  assert.deepEqual(causesOf([OLD, NEW]).active.map(({ alarm }) => alarm.id), ["new", "old"]);
});
