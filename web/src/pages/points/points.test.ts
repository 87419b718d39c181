import assert from "node:assert/strict";
import { test } from "node:test";
import type { Point } from "../../api/types.ts";
import { choices, filterOf, leavesOut, select } from "./filter.ts";
import { spanOf, standing } from "./span.ts";

function point(name: string, more: Partial<Point> = {}): Point {
  return {
    name, description: "", device: "T1", link: "sw-1", system: "aruba", access: "r", kind: "number", labels: [],
    label: null, limits: null, precision: 3, units: null, severity: "NO_ALARM", status: "NO_ALARM", timestamp: null, value: null,
    ...more,
  }; // prettier-ignore
}

const POINTS = [
  point("T1:Power-Mon", { description: "Power drawn" }),
  point("T1:PwrState-Sel", { access: "rw", severity: "MAJOR" }),
  point("R1:ph:Calibrate-Cmd", { link: "R1", severity: "INVALID", status: "UDF" }),
  point("R1:ph:pH-Mon", { value: 7,  device: "R1:ph", link: "R1", system: "reactor", severity: "INVALID" }),
];
const named = (query: string) =>
  select(POINTS, filterOf(new URLSearchParams(query)), (point) => point).map(({ name }) => name);

test("every word of a search must be somewhere", () => {
  assert.deepEqual(named("q=pwr+t1"), ["T1:PwrState-Sel"]);
  assert.deepEqual(named("q=POWER"), ["T1:Power-Mon"]);
  assert.deepEqual(named("q=drawn+nothing"), []);
});

test("filters, and those that are not in the address", () => {
  assert.equal(named("").length, 4);
  assert.deepEqual(named("system=reactor"), ["R1:ph:pH-Mon"]);
  assert.deepEqual(named("severity=wrong"), ["T1:PwrState-Sel", "R1:ph:pH-Mon"]);
  assert.deepEqual(named("severity=MAJOR&access=rw"), ["T1:PwrState-Sel"]);
  assert.equal(leavesOut(filterOf(new URLSearchParams("severity=loud&access=all"))), false);
});

test("what there is to choose from", () => {
  assert.deepEqual(choices(POINTS, "link"), ["R1", "sw-1"]);
});

test("times in the address", () => {
  const now = Date.parse("2026-03-10T12:00:00Z");
  assert.deepEqual(spanOf(new URLSearchParams(), now), { last: 3600, span: { from: now - 3_600_000, to: now } });
  assert.equal(spanOf(new URLSearchParams("last=86400"), now).last, 86_400);
  assert.equal(spanOf(new URLSearchParams("last=-5"), now).last, 3600);
  const span = { from: now - 5_000, to: now };
  const { from, to } = standing(span);
  assert.deepEqual(spanOf(new URLSearchParams({ from, to }), 0), { last: null, span });
  assert.equal(spanOf(new URLSearchParams({ from: to, to: from }), now).last, 3600);
});
