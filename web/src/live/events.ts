// What the stream of changes says: `GET /api/v1/events?compact=true`.
import type { Alarm, Link, PointValue, Reactor } from "../api/types.ts";

/** [name, value, severity, status, seconds since 1970]; value and time are null where the point was never read. */
export type CompactPoint = [name: string, value: PointValue | null, severity: number, status: number, time: number | null];

export interface PointsEvent {
  readonly time: string;
  readonly points: readonly CompactPoint[];
  /** True in the last parcel of the first values. */
  readonly complete?: boolean;
}

export interface ListEvent<I> {
  readonly items: readonly I[];
  /** True in the last parcel of the first items. */
  readonly complete?: boolean;
  /** The keys of what is not there any more. */
  readonly gone?: readonly string[];
}

export interface Health {
  /** What is missing for the watch to be healthy, one sentence each. */
  readonly missing: readonly string[];
  readonly version: string;
  readonly time: string;
  readonly started: string;
  readonly memory_mb: number;
  readonly waiting_notices: number;
  readonly oldest_notice_s: number | null;
}

export interface NoticesEvent {
  readonly waiting: number;
  readonly failed: number;
  readonly newest: number | null;
}

export interface Events {
  points: PointsEvent;
  gone: readonly string[];
  defined: object;
  alarms: ListEvent<Alarm>;
  links: ListEvent<Link>;
  health: Health;
  reactors: ListEvent<Reactor>;
  notices: NoticesEvent;
  beat: { readonly time: string };
}

export const EVENTS = ["points", "gone", "defined", "alarms", "links", "health", "reactors", "notices", "beat"] as const;

export type Watched = "alarms" | "links" | "health" | "reactors" | "notices";

/** Which points a page follows. `false`: none. */
export interface PointSelection {
  readonly name?: readonly string[];
  readonly device?: string;
  readonly link?: string;
  readonly system?: string;
  readonly q?: string;
}

/** Return the stream's address for what is wanted; the same wish gives the same address. */
export function streamAddress(points: PointSelection | false, watch: Iterable<Watched>): string {
  const fields = new URLSearchParams({ compact: "true" });
  if (points === false) fields.append("points", "false");
  else {
    for (const name of points.name ?? []) fields.append("name", name);
    for (const field of ["device", "link", "system", "q"] as const) {
      if (points[field]) fields.append(field, points[field]);
    }
  }
  for (const what of [...new Set(watch)].sort()) fields.append("watch", what);
  return `/api/v1/events?${fields}`;
}
