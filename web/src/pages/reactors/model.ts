// Reactors as the page sees them: parts, what of them is shown first, and what can be asked of them.
import type { components } from "../../api/schema.d.ts";
import type { Severity } from "../../api/types.ts";
import { live, type LivePoint } from "../../live/index.ts";
import type { ValueDeclaration } from "../../ui/Field.tsx";
import type { Declaration } from "../../ui/format.ts";
import { labelWord } from "./words.ts";

type Schemas = components["schemas"];
export type Reactor = Schemas["ReactorModel"];
export type Part = Schemas["PartModel"];
export type Parameter = Schemas["ParameterModel"];
/** How it stands with a reactor, as the stream tells it. */
export type Standing = Schemas["ReactorAnswer"];
export type Setting = Schemas["SettingAnswer"];
export type Calibration = Schemas["CalibrationAnswer"];
export type Doses = Schemas["DosesAnswer"];

/** Return what a field and a value need to know of a parameter. */
export function declarationOf({ kind, labels, units, limits, step }: Parameter): Declaration & ValueDeclaration {
  const precision = step === null || step === 0 ? null : Math.max(0, Math.round(-Math.log10(step)));
  return { kind, labels: labels.map(labelWord), units, limits, step, precision };
}

/** Return a point's reading; undefined: there is none, or nothing is known yet. */
export function reading(name: string | null | undefined): LivePoint | undefined {
  return name == null ? undefined : live.point(name).value;
}

/** Return how it stands with a reactor now: as the stream says it, or else the view. */
export function standingOf(reactor: Reactor): Standing {
  return live.reactors.value.get(reactor.id) ?? reactor;
}

const DIAGNOSTIC = new Set(["Voltage", "Restart", "Raw", "Calibration", "Calibrating", "Export"]);

/** The readings of a part that one looks at: not those that say how its electronics fare. */
export function mainReadings(part: Part): Parameter[] {
  return part.parameters.filter(({ role, name }) => role === "reading" && !DIAGNOSTIC.has(name) && name !== "Safe");
}

/** The readings of a part that one looks at when something is wrong with it. */
export function otherReadings(part: Part): Parameter[] {
  return part.parameters.filter(({ role, name }) => role === "reading" && DIAGNOSTIC.has(name));
}

export const settingsOf = (part: Part): Parameter[] => part.parameters.filter(({ role }) => role === "setting");

/** What can be asked of a part, to stop first; calibrating has a way of its own. */
export function commandsOf(part: Part): Parameter[] {
  const all = part.parameters.filter(({ role, name }) => role === "command" && name !== "Calibrate");
  return [...all.filter(isStop), ...all.filter((one) => !isStop(one))];
}

export const isStop = ({ role, name, takes_value }: Parameter): boolean => role === "command" && name === "Stop" && !takes_value;
export const isResume = ({ role, name }: Parameter): boolean => role === "command" && name === "Resume";

/** What stops at once, of every part: part and point. */
export function stopsOf(reactor: Reactor): { part: Part; point: string }[] {
  return reactor.parts.flatMap((part) => part.parameters.flatMap((one) => (isStop(one) && one.command !== null ? [{ part, point: one.command }] : [])));
}

/** Whether a part fell to safe and stays there. */
export function isSafe(part: Part): boolean {
  const safe = part.parameters.find(({ role, name }) => role === "reading" && name === "Safe");
  return safe !== undefined && reading(safe.reported)?.value === 1;
}

/** Whether a parameter is a number that is worth a curve. */
export function isCurve({ kind, reported }: Parameter): boolean {
  return reported !== null && (kind === "number" || kind === "integer");
}

/** The names of the points whose last hour a reactor's tiles show. */
export function curveNames(reactor: Reactor): string[] {
  const parts = reactor.parts.filter(({ kind }) => kind === "sensor");
  return parts.flatMap((part) => mainReadings(part).filter(isCurve).flatMap(({ reported }) => reported ?? []));
}

/** Return what somebody asked for of a setting and that does not hold, or not yet. */
export function openSetting(standing: Standing, parameter: Parameter): Setting | undefined {
  return standing.settings.find(({ point }) => point === parameter.desired);
}

/** Whether what holds is what was asked for; undefined: one of them is not known. */
export function agree(parameter: Parameter): boolean | undefined {
  const desired = reading(parameter.desired)?.value;
  const reported = reading(parameter.reported)?.value;
  if (desired == null || reported == null) return undefined;
  if (typeof desired === "number" && typeof reported === "number") return Math.abs(desired - reported) <= (parameter.step ?? 0) / 2 + 1e-9;
  return Number(desired) === Number(reported) || desired === reported;
}

/** The worst of a reactor that can be told without its points: contact, what it refused, its alarms. */
export function severityOf(standing: Standing): Severity {
  if (standing.state === "away") return "INVALID";
  let worst: Severity = standing.settings.some(({ state }) => state === "rejected") ? "MINOR" : "NO_ALARM";
  for (const alarm of live.alarms.value.values()) {
    if (!alarm.point.startsWith(`${standing.id}:`) && !alarm.point.includes(`:${standing.id}:`)) continue;
    if (alarm.state !== "unacknowledged" && alarm.state !== "acknowledged") continue;
    if (RANKS[alarm.severity] > RANKS[worst]) worst = alarm.severity;
  }
  return worst;
}

export const RANKS: Readonly<Record<Severity, number>> = { NO_ALARM: 0, MINOR: 1, MAJOR: 2, INVALID: 3 };
