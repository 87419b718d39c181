import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiFailure } from "../../api/failure.ts";
import type { Alarm } from "../../api/types.ts";
import { actOnEach } from "./many.ts";

const ALARMS = ["a", "b", "c", "d"].map((id) => ({ id, latest_incident: "seen" }) as Alarm);
const ids = (alarms: readonly Alarm[]) => alarms.map(({ id }) => id);

test("all are done, but for those that refuse", async () => {
  const acts: string[] = [];
  const act = async ({ id }: Alarm, index: number) => {
    acts.push(`${id}${index}`);
    if (id === "b") throw new ApiFailure(409, "alarm-refused", "b is normal");
  };
  const { done, refused, left } = await actOnEach(ALARMS, act, () => false);
  assert.deepEqual(acts, ["a0", "b1", "c2", "d3"]);
  assert.deepEqual(ids(done), ["a", "c", "d"]);
  assert.deepEqual(refused, [{ alarm: ALARMS[1], why: "b is normal" }]);
  assert.deepEqual(left, []);
});

test("stopped, it says what was done and what was not; what was under way is done", async () => {
  let stopped = false;
  const act = async ({ id }: Alarm) => {
    if (id === "b") stopped = true;
  };
  const { done, refused, left } = await actOnEach(ALARMS, act, () => stopped);
  assert.deepEqual([ids(done), refused, ids(left)], [["a", "b"], [], ["c", "d"]]);
});

test("one that was raised anew is given back as it is now", async () => {
  const present = { id: "a", latest_incident: "newer" } as Alarm;
  const failure = new ApiFailure(409, "alarm-changed", "look again", { alarm: present });
  const { refused } = await actOnEach(ALARMS.slice(0, 1), () => Promise.reject(failure), () => false);
  assert.deepEqual(refused, [{ alarm: present, why: "look again" }]);
});

test("nobody is asked to sign in once for each of them", async () => {
  let asked = 0;
  const act = () => {
    asked += 1;
    return asked > 1 ? Promise.reject(new ApiFailure(401, "not-signed-in", "sign in first")) : Promise.resolve();
  };
  const { done, refused, left } = await actOnEach(ALARMS, act, () => false);
  assert.deepEqual([asked, ids(done), refused.map(({ alarm }) => alarm.id), left], [2, ["a"], ["b", "c", "d"], []]);
});
