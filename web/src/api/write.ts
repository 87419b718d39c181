// Writes to points, and what became of them.
import { request, ApiFailure } from "./client.ts";
import type { Point, PointValue } from "./types.ts";

export interface Written {
  /** confirmed: the equipment has it. pending: kept for a reactor that is away, or under way. */
  readonly state: "confirmed" | "pending";
  /** What there is to wait for, in the service's language; "" where it is confirmed. */
  readonly detail: string;
  readonly point: Point;
}

/** What must still hold of a point for a write to it to be done. */
export interface Expected {
  /** The value that was shown when somebody began to decide; null: never read. */
  readonly expected: PointValue | null;
  /** The time of that reading; left out: whatever it is by now. */
  readonly expected_timestamp?: string | null;
}

/** Names of points that hold what was asked for last: their time is that of the asking, and no scan moves it. */
const ASKED = /-(?:SP|Sel|Cmd)$/;

/** Return what a write that somebody begins to decide on may depend on: that nobody asks for anything meanwhile. */
export async function expectationOf(name: string, shown: { value: PointValue | null; time: number | null } | undefined): Promise<Expected> {
  const expected = shown?.value ?? null;
  if (!ASKED.test(name)) return { expected };
  // The stream tells of no reading in which only the time is new, and two equal doses differ in nothing else: ask for it.
  const known = shown?.time == null ? null : new Date(Math.round(shown.time * 1_000)).toISOString();
  const timestamp = await request<Point>("GET", `/api/v1/points/${encodeURIComponent(name)}`).then(
    (point) => point.timestamp,
    () => known, // a time that is too old is refused, and what it is by now comes with that
  );
  return { expected, expected_timestamp: timestamp };
}

/** Return what the next attempt may depend on, after a refusal that showed what the point is by now. */
export function expectationAfter({ name, value, timestamp }: Point): Expected {
  return ASKED.test(name) ? { expected: value, expected_timestamp: timestamp } : { expected: value };
}

/**
 * Write to a point, whatever it is by now, or only where it still is as `expected`. Where it is not as it was `expected` any more, the service refuses with 409 `changed` (see
 * `changedPoint`). Throws ApiFailure.
 */
export async function writePoint(name: string, value: PointValue, expected?: Expected): Promise<Written> {
  const path = `/api/v1/points/${encodeURIComponent(name)}/value`;
  const point = await request<Point & { pending?: boolean; detail?: string }>("PUT", path, { body: { value, ...expected } });
  return { state: point.pending === true ? "pending" : "confirmed", detail: point.detail ?? "", point };
}

/** Return the point as it is now, where a write was refused because it had changed meanwhile; otherwise null. */
export function changedPoint(error: unknown): Point | null {
  if (!(error instanceof ApiFailure) || error.error !== "changed") return null;
  const point = (error.answer as { point?: Point } | null)?.point;
  return point ?? null;
}
