// Writes to points, and what became of them.
import { request, ApiFailure } from "./client.ts";
import type { Point, PointValue } from "./types.ts";

export interface Written {
  /** confirmed: the equipment has it. pending: kept for a reactor that is away, applied when it is back. */
  readonly state: "confirmed" | "pending";
  readonly point: Point;
}

/**
 * Write to a point. `expected` is the value that was shown when it was decided (null: never read): where the point has another by then, the
 * service refuses with 409 `changed` (see `changedPoint`). Throws ApiFailure.
 */
export async function writePoint(name: string, value: PointValue, expected: PointValue | null): Promise<Written> {
  const path = `/api/v1/points/${encodeURIComponent(name)}/value`;
  const point = await request<Point & { pending?: boolean }>("PUT", path, { body: { value, expected } });
  return { state: point.pending === true ? "pending" : "confirmed", point };
}

/** Return the point as it is now, where a write was refused because it had changed meanwhile; otherwise null. */
export function changedPoint(error: unknown): Point | null {
  if (!(error instanceof ApiFailure) || error.error !== "changed") return null;
  const point = (error.answer as { point?: Point } | null)?.point;
  return point ?? null;
}
