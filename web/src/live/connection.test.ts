import assert from "node:assert/strict";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { Connection, type Touch } from "./connection.ts";

const TIMING = { silenceMs: 300, firstWordMs: 100, firstWaitMs: 20, longestWaitMs: 100, lookMs: 10 };

let server: Server;
let streams: ServerResponse[] = [];
let address = "";
let heard: [string, unknown][] = [];
let touches: Touch[] = [];
let opened = 0;
let connection: Connection;

const listener = {
  opened: () => void (opened += 1),
  heard: (event: string, data: unknown) => void heard.push([event, data]),
  touched: (touch: Touch) => void (touches.at(-1) !== touch && touches.push(touch)),
};

async function listen(port = 0): Promise<void> {
  server = createServer((_, answer) => {
    answer.writeHead(200, { "Content-Type": "text/event-stream" });
    answer.flushHeaders();
    streams.push(answer);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
}

async function close(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function say(event: string, data: unknown): void {
  streams.at(-1)?.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `not within 10 s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

beforeEach(async () => {
  streams = [];
  heard = [];
  touches = [];
  opened = 0;
  connection = new Connection(listener, ["points", "beat"], TIMING);
  await listen();
});

afterEach(async () => {
  connection.close();
  await close();
});

test("what the stream says is handed on", async () => {
  connection.open(address);
  await until(() => streams.length === 1);
  say("points", { points: [["a", 1, 0, 0, 5]] });
  say("nothing-we-know", {});
  say("beat", {});
  await until(() => heard.length === 2);
  assert.deepEqual(heard, [["points", { points: [["a", 1, 0, 0, 5]] }], ["beat", {}]]);
  assert.deepEqual(touches, ["live"]);
  assert.equal(opened, 1);
});

test("a stream that ends is opened again, and begins anew", async () => {
  connection.open(address);
  await until(() => streams.length === 1);
  say("beat", {});
  await until(() => heard.length === 1);
  streams[0]?.end();
  await until(() => streams.length === 2);
  say("beat", {});
  await until(() => opened === 2);
  assert.deepEqual(touches, ["live", "lost", "live"]);
});

test("a service that is down is tried until it is back", async () => {
  connection.open(address);
  await until(() => streams.length === 1);
  say("beat", {});
  await until(() => heard.length === 1);
  const port = Number(new URL(address).port);
  await close();
  await until(() => touches.at(-1) === "lost");
  await new Promise((resolve) => setTimeout(resolve, 200));
  await listen(port);
  await until(() => streams.length === 2);
  say("beat", {});
  await until(() => touches.at(-1) === "live");
});

test("silence is a stream that has died", async () => {
  connection.open(address);
  await until(() => streams.length === 1);
  say("beat", {});
  await until(() => touches.at(-1) === "lost");
  await until(() => streams.length >= 2);
});

test("a first try that fails is contact lost", async () => {
  const nobody = address.replace(/:\d+/, ":9");
  connection.open(nobody);
  await until(() => touches.length > 0);
  assert.deepEqual(touches, ["lost"]);
});

test("a first word that does not come is contact lost, until it comes", async () => {
  const patient = new Connection(listener, ["beat"], { ...TIMING, silenceMs: 60_000 });
  patient.open(address);
  await until(() => touches.at(-1) === "lost");
  assert.equal(streams.length, 1, "the try goes on");
  say("beat", {});
  await until(() => touches.at(-1) === "live");
  patient.open(`${address}?other`); // whose first word does not come either
  await until(() => touches.at(-1) === "lost");
  patient.close();
});

/** A connection that nothing looks after by itself, as if the machine were asleep; `go` has its clock go on. */
async function asleep(): Promise<{ sleeper: Connection; go: (ms: number) => void; end: () => void }> {
  const sleeper = new Connection(listener, ["beat"], { ...TIMING, silenceMs: 40_000, lookMs: 3_600_000 });
  sleeper.open(address);
  await until(() => streams.length === 1);
  say("beat", {});
  await until(() => heard.length === 1);
  const { now } = Date;
  let gone = 0;
  Date.now = () => now() + gone;
  const end = () => {
    Date.now = now;
    sleeper.close();
  };
  return { sleeper, go: (ms) => void (gone += ms), end };
}

test("waking up after a long sleep says that contact was lost before it looks, and looks at once", async () => {
  const { sleeper, go, end } = await asleep();
  try {
    go(3_600_000);
    sleeper.wake();
    assert.deepEqual(touches, ["live", "lost"]);
    await until(() => streams.length === 2);
  } finally {
    end();
  }
});

test("no new try makes what was heard any younger", async () => {
  const { sleeper, go, end } = await asleep();
  try {
    for (let n = 1; n <= 3; n += 1) {
      go(21_000);
      sleeper.wake(); // each begins anew, and none hears anything
      await until(() => streams.length === n + 1);
    }
    assert.deepEqual(touches, ["live", "lost"]);
  } finally {
    end();
  }
});

test("a stream given back is opened again when somebody looks, and not before", async () => {
  connection.open(address);
  await until(() => streams.length === 1);
  say("beat", {});
  await until(() => touches.at(-1) === "live");
  const closed = new Promise((resolve) => streams[0]?.on("close", resolve));
  connection.rest();
  assert.equal(touches.at(-1), "connecting");
  await closed;
  connection.open(`${address}?other`);
  await new Promise((resolve) => setTimeout(resolve, 350)); // longer than any limit: nobody looks, so nothing is lost
  assert.equal(streams.length, 1);
  assert.equal(touches.at(-1), "connecting");
  connection.wake();
  assert.equal(touches.at(-1), "connecting", "nothing is known yet");
  await until(() => streams.length === 2);
  say("beat", {});
  await until(() => touches.at(-1) === "live");
});

test("another address takes the place of the first; its late words are not heard", async () => {
  connection.open(address);
  await until(() => streams.length === 1);
  const first = streams[0];
  connection.open(`${address}?other`);
  await until(() => streams.length === 2);
  first?.write('event: beat\ndata: {"of":"first"}\n\n');
  say("beat", { of: "second" });
  await until(() => heard.length > 0);
  assert.deepEqual(heard, [["beat", { of: "second" }]]);
});

test("closed is closed", async () => {
  connection.open(address);
  await until(() => streams.length === 1);
  connection.close();
  streams[0]?.end();
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(streams.length, 1);
});
