// What the stream of changes says: `GET /api/v1/events?compact=true`.
import type { components } from "../api/schema.d.ts";
import type { Alarm, Link, Reactor } from "../api/types.ts";

type Schemas = components["schemas"];

export type PointsEvent = Schemas["PointsEvent"];
export type CompactPoint = PointsEvent["points"][number];
export type Health = Schemas["HealthEvent"];
export type NoticesEvent = Schemas["NoticesEvent"];

/** Things of one kind: what the schema has under a name for each kind. */
export interface ListEvent<I> extends Omit<Schemas["ListEvent_AlarmAnswer_"], "items"> {
  readonly items: readonly I[];
}

/** What the data of an event of the compact stream is, by the event's name. */
export type Events = Omit<Schemas["StreamEvents"], "point" | "alarms" | "links" | "reactors"> & {
  alarms: ListEvent<Alarm>;
  links: ListEvent<Link>;
  reactors: ListEvent<Reactor>;
};

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
