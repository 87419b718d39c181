// The API's shapes under short names. schema.d.ts is made by scripts/api-types.
import type { components } from "./schema.d.ts";

type Schemas = components["schemas"];

export type Point = Schemas["PointAnswer"];
export type PointValue = boolean | number | string;
export type Alarm = Schemas["AlarmAnswer"];
export type AlarmState = Alarm["state"];
export type Link = Schemas["LinkAnswer"];
export type Reactor = Schemas["ReactorAnswer"];
export type Series = Schemas["HistoryAnswer"];
export type Incident = Schemas["IncidentAnswer"];
export type Notice = Schemas["NoticeAnswer"];
export type Write = Schemas["AuditAnswer"];

/** EPICS severities, in the order of their numbers. */
export const SEVERITIES = ["NO_ALARM", "MINOR", "MAJOR", "INVALID"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Who is there: `GET /api/v1/session`. */
export type Session = Schemas["SessionAnswer"];

export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];
