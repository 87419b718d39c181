import assert from "node:assert/strict";
import { test } from "node:test";
import { draftOf, parseValue, type ValueDeclaration } from "./values.ts";

const PERCENT: ValueDeclaration = { kind: "number", limits: [0, 100], units: "%" };
const STATE: ValueDeclaration = { kind: "enum", labels: ["Off", "On"] };

test("numbers with a point or a comma, within their limits", () => {
  assert.deepEqual(parseValue(PERCENT, " 12.5 "), { value: 12.5 });
  assert.deepEqual(parseValue(PERCENT, "12,5"), { value: 12.5 });
  assert.deepEqual(parseValue(PERCENT, "0"), { value: 0 });
  assert.equal(parseValue(PERCENT, "100.1").wrong, "0 to 100 %");
  assert.equal(parseValue(PERCENT, "1,000.5").wrong, "Write a number");
  assert.equal(parseValue(PERCENT, "Infinity").wrong, "Write a number");
  for (const nothing of ["", "  "]) assert.equal(parseValue(PERCENT, nothing).wrong, "Write a number");
});

test("whole numbers", () => {
  assert.deepEqual(parseValue({ kind: "integer" }, "7"), { value: 7 });
  assert.equal(parseValue({ kind: "integer" }, "7.5").wrong, "Write a whole number");
});

test("choices by their index", () => {
  assert.deepEqual(parseValue(STATE, draftOf(STATE, 1)), { value: 1 });
  assert.deepEqual(parseValue({ kind: "boolean" }, draftOf({ kind: "boolean" }, false)), { value: false });
  assert.equal(parseValue(STATE, draftOf(STATE, null)).wrong, "Choose one");
});

test("texts, the empty one among them", () => {
  assert.deepEqual(parseValue({ kind: "text" }, ""), { value: "" });
  assert.equal(parseValue({ kind: "text" }, "x".repeat(1025)).wrong, "At most 1024 characters");
});
