import assert from "node:assert/strict";
import { test } from "node:test";
import { streamAddress } from "./events.ts";
import { Live } from "./live.ts";

const TIME = "2026-03-10T08:50:00.000Z";
const point = (name: string, value: number | null, severity = 0) => [name, value, severity, value === null ? 17 : 0, 5];
const alarm = (id: string, state: string) => ({ id, state });

test("points come in parcels, then one by one", () => {
  const live = new Live();
  live.opened();
  live.heard("points", { time: TIME, points: [point("a", 1)] });
  assert.equal(live.complete.value, false);
  live.heard("points", { time: TIME, points: [point("b", null, 3)], complete: true });
  assert.equal(live.complete.value, true);
  assert.deepEqual(live.point("a").value, { value: 1, severity: "NO_ALARM", status: "NO_ALARM", time: 5 });
  assert.deepEqual(live.point("b").value, { value: null, severity: "INVALID", status: "UDF", time: 5 });
  assert.equal(live.point("c").value, undefined);
  live.heard("points", { time: TIME, points: [point("a", 2, 2)] });
  assert.equal(live.point("a").value?.severity, "MAJOR");
});

test("a snapshot takes away what is not in it", () => {
  const live = new Live();
  live.opened();
  live.heard("points", { time: TIME, points: [point("a", 1), point("b", 1)], complete: true });
  live.opened();
  assert.equal(live.point("b").value?.value, 1, "what was known stays until the snapshot is there");
  live.heard("points", { time: TIME, points: [point("a", 2)], complete: true });
  assert.equal(live.point("b").value, undefined);
});

test("points that are gone, or declared anew, count up", () => {
  const live = new Live();
  live.opened();
  const before = live.defined.value;
  live.heard("defined", {});
  live.heard("gone", ["a"]);
  assert.equal(live.defined.value, before + 2);
});

test("alarms are listed once all have come; normal ones go", () => {
  const live = new Live();
  live.opened();
  live.heard("alarms", { items: [alarm("a", "unacknowledged")], complete: false });
  assert.equal(live.alarms.value.size, 0);
  live.heard("alarms", { items: [alarm("b", "acknowledged")], complete: true });
  assert.deepEqual([...live.alarms.value.keys()], ["a", "b"]);
  live.heard("alarms", { items: [alarm("a", "normal"), alarm("c", "shelved")], complete: false });
  assert.deepEqual([...live.alarms.value.keys()], ["b", "c"]);
  live.opened();
  assert.equal(live.alarms.value.size, 2, "a new stream does not empty the page");
  live.heard("alarms", { items: [], complete: true, gone: [] });
  assert.equal(live.alarms.value.size, 0);
});

test("links that are gone are gone", () => {
  const live = new Live();
  live.opened();
  live.heard("links", { items: [{ name: "sw-1" }, { name: "sw-2" }], complete: true });
  live.heard("links", { items: [], gone: ["sw-1"] });
  assert.deepEqual([...live.links.value.keys()], ["sw-2"]);
});

test("what was heard is old unless the stream lives", () => {
  const live = new Live();
  live.touched("connecting", null);
  assert.equal(live.old.value, false, "there is nothing yet");
  live.touched("lost", null);
  assert.equal(live.old.value, true, "what comes without the stream may be old");
  live.touched("live", 1);
  assert.equal(live.old.value, false);
  live.touched("connecting", 1);
  assert.equal(live.old.value, true);
});

test("an event nobody knows is left alone", () => {
  new Live().heard("tomorrow", {});
});

test("one wish has one address", () => {
  assert.equal(
    streamAddress({ name: ["a b", "c"], q: "" }, ["links", "alarms", "links"]),
    "/api/v1/events?compact=true&name=a+b&name=c&watch=alarms&watch=links",
  );
  assert.equal(streamAddress(false, []), "/api/v1/events?compact=true&points=false");
});
