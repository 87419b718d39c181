import assert from "node:assert/strict";
import { test } from "node:test";
import { language } from "../i18n/index.ts";
import { formatDuration, formatNumber, formatTime, formatValue, formatWhen, showUtc } from "./format.ts";

const NUMBER = { kind: "number" as const, labels: [], units: "W", precision: 1 };

test("numbers in both languages", () => {
  assert.equal(formatNumber(1234.5678, 2), "1,234.57");
  language.value = "pt-BR";
  assert.equal(formatNumber(1234.5678, 2), "1.234,57");
  language.value = "en";
  assert.equal(formatNumber(0, 3), "0");
  assert.equal(formatNumber(0.0000012, 3), "1.2E-6");
  assert.equal(formatNumber(-3e12, 3), "-3E12");
});

test("values by their kind", () => {
  assert.equal(formatValue(NUMBER, 4.46), "4.5");
  assert.equal(formatValue(NUMBER, null), "–");
  assert.equal(formatValue({ kind: "enum", labels: ["Off", "On"], units: null }, 1), "On");
  assert.equal(formatValue({ kind: "enum", labels: ["Off", "On"], units: null }, 7), "7");
  assert.equal(formatValue({ kind: "boolean", labels: [], units: null }, true), "true");
  assert.equal(formatValue({ kind: "text", labels: [], units: null }, "a\u0007"), "a␇");
});

test("durations", () => {
  assert.deepEqual([0, 59, 60, 3_600, 3_900, 86_400, 200_000].map(formatDuration), [
    "0 s", "59 s", "1 min", "1 h", "1 h 5 min", "1 day", "2 days",
  ]); // prettier-ignore
});

test("times in UTC where that is wanted", () => {
  showUtc(true);
  assert.equal(formatTime("2026-03-10T08:50:07.000Z"), "10/03/2026, 08:50:07");
  showUtc(false);
});

test("a time says its date where it was another day, in the zone that is shown", () => {
  showUtc(true);
  const now = Date.parse("2026-03-10T14:20:00.000Z");
  assert.equal(formatWhen("2026-03-10T00:03:00.000Z", now), "00:03:00");
  assert.equal(formatWhen("2026-03-09T23:59:00.000Z", now), "09/03/2026, 23:59:00");
  assert.equal(formatWhen("2026-03-07T14:03:00.000Z", now), "07/03/2026, 14:03:00");
  showUtc(false);
});
