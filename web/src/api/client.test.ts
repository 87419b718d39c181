import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { isNotSignedIn } from "./failure.ts";
import { request } from "./client.ts";
import { closeSignIn, refreshSession, session, sessionEnded, signIn, signInWanted } from "./session.ts";
import type { Point } from "./types.ts";
import { changedPoint, expectationAfter, expectationOf, writePoint } from "./write.ts";

const DOSE = "R1:acid:Dose-SP";
const FIRST = "2026-03-10T08:50:00.120Z";
const SECOND = "2026-03-10T08:50:07.500Z";

/** A service over real HTTP: people sign in, and it has one pump. */
class Service {
  inside = true;
  time = FIRST;
  asked: string[] = [];
  bodies: Record<string, unknown>[] = [];

  async answer(method: string, path: string, body: Record<string, unknown>): Promise<[number, unknown]> {
    this.asked.push(`${method} ${path}`);
    if (path === "/api/v1/session") {
      if (method === "POST") this.inside = true;
      return [200, { user: this.inside ? "otto" : null, role: "operator", signin_required: true, csrf: "x" }];
    }
    if (!this.inside) return [401, { error: "not-signed-in", detail: "sign in" }];
    const point = { name: DOSE, value: 5, timestamp: this.time };
    if (method !== "PUT") return [200, point];
    this.bodies.push(body);
    if (body["expected_timestamp"] !== this.time) return [409, { error: "changed", detail: "chosen again", point }];
    return [200, point];
  }
}

let service: Service;
let server: Server;
const plainFetch = globalThis.fetch;

async function bodyOf(message: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const part of message) text += part;
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

before(async () => {
  server = createServer((asked, answer) => {
    void bodyOf(asked).then(async (body) => {
      const [status, content] = await service.answer(asked.method ?? "", asked.url ?? "", body);
      answer.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(content));
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  globalThis.fetch = (path, options) => plainFetch(base + String(path), options); // which a browser does by itself
});

after(() => {
  globalThis.fetch = plainFetch;
  server.closeAllConnections();
  server.close();
});

beforeEach(async () => {
  service = new Service();
  await refreshSession();
  closeSignIn(true);
});

/** Wait until the dialog is open, and cancel it. */
async function cancelled(what: Promise<unknown>): Promise<void> {
  const failed = assert.rejects(what, isNotSignedIn);
  while (!signInWanted.value) await new Promise((resolve) => setTimeout(resolve, 1));
  closeSignIn(false);
  await failed;
}

test("a sign-in that was cancelled is asked for again by what somebody does alone", async () => {
  service.inside = false;
  await cancelled(request("GET", "/api/v1/reactors"));
  for (let poll = 0; poll < 3; poll += 1) await assert.rejects(request("GET", "/api/v1/reactors"), isNotSignedIn);
  await refreshSession(); // the stream was lost
  assert.equal(signInWanted.value, false, "what the page asks by itself is quiet");
  assert.equal(sessionEnded.value, true);
  await cancelled(request("POST", "/api/v1/alarms/a/acknowledge"));
  await assert.rejects(request("GET", "/api/v1/reactors"), isNotSignedIn);
  const acknowledged = request("POST", "/api/v1/alarms/a/acknowledge");
  while (!signInWanted.value) await new Promise((resolve) => setTimeout(resolve, 1));
  await signIn("otto", "password");
  await acknowledged;
  service.inside = false;
  await cancelled(request("GET", "/api/v1/reactors")); // a session that ends anew is told anew
});

test("of two equal doses of two people one is refused, and one person may give two", async () => {
  const shown = { value: 5, time: Date.parse(FIRST) / 1_000 };
  const mine = await expectationOf(DOSE, shown);
  const others = await expectationOf(DOSE, shown);
  assert.equal((await writePoint(DOSE, 5, others)).state, "confirmed");
  service.time = SECOND;
  const refused = await writePoint(DOSE, 5, mine).then(() => null, changedPoint);
  assert.ok(refused);
  await writePoint(DOSE, 5, expectationAfter(refused));
  await writePoint(DOSE, 5, await expectationOf(DOSE, shown)); // the stream never told the new time
  assert.deepEqual(service.bodies.at(-1), { value: 5, expected: 5, expected_timestamp: SECOND });
});

test("where the time cannot be asked for, the one that was shown must hold", async () => {
  service.inside = false;
  const known = expectationOf(DOSE, { value: 5, time: 1773132600.12 });
  while (!signInWanted.value) await new Promise((resolve) => setTimeout(resolve, 1));
  closeSignIn(false);
  assert.deepEqual(await known, { expected: 5, expected_timestamp: FIRST });
  assert.deepEqual(await expectationOf(DOSE, undefined), { expected: null, expected_timestamp: null });
});

test("what is read again and again may have another time", async () => {
  const reading = { name: "T1:Gain", value: 2, timestamp: FIRST } as Point;
  assert.deepEqual(await expectationOf("T1:Gain", { value: 2, time: 5 }), { expected: 2 });
  assert.deepEqual(expectationAfter(reading), { expected: 2 });
});
