// What is wrong, by cause: an alarm, and below it those that it keeps quiet.
import { SEVERITIES, type Alarm } from "../../api/types.ts";
import { later } from "../alarms/arrange.ts";

/** An alarm and those that it suppresses, which may suppress others. */
export interface Cause {
  readonly alarm: Alarm;
  readonly suppresses: readonly Cause[];
  /** How many there are below it altogether. */
  readonly count: number;
}

export interface Causes {
  /** What is wrong, the most urgent first; with what it suppresses. */
  readonly active: readonly Cause[];
  /** What was wrong and is over, while nobody has acknowledged it; the newest first. */
  readonly over: readonly Cause[];
  /** Shelved and out of service, the newest first. */
  readonly quiet: readonly Cause[];
  /** All that are suppressed. */
  readonly suppressed: number;
}

const RANKS: Readonly<Record<string, number>> = { unacknowledged: 0, acknowledged: 1, returned: 2 };

/** Put alarms in order. */
export function causesOf(alarms: Iterable<Alarm>): Causes {
  const all = new Map<string, Alarm>();
  for (const alarm of alarms) all.set(alarm.id, alarm);
  const below = new Map<string, Alarm[]>();
  const roots: Alarm[] = [];
  let suppressed = 0;
  for (const alarm of all.values()) {
    if (alarm.state === "suppressed") suppressed += 1;
    const cause = alarm.state === "suppressed" ? alarm.suppressed_by : null;
    if (cause === null || cause === undefined || !all.has(cause) || cause === alarm.id) {
      roots.push(alarm);
      continue;
    }
    const siblings = below.get(cause);
    if (siblings) siblings.push(alarm);
    else below.set(cause, [alarm]);
  }
  const seen = new Set<string>(); // two that name each other must not go round and round
  const grow = (alarm: Alarm): Cause => {
    seen.add(alarm.id);
    const suppresses = (below.get(alarm.id) ?? [])
      .filter(({ id }) => !seen.has(id))
      .sort(byUrgency)
      .map(grow);
    return { alarm, suppresses, count: suppresses.reduce((sum, { count }) => sum + count + 1, 0) };
  };
  const trees = roots.sort(byUrgency).map(grow);
  for (const alarm of all.values()) if (!seen.has(alarm.id)) trees.push(grow(alarm));
  return {
    active: trees.filter(({ alarm }) => !isQuiet(alarm) && alarm.state !== "returned"),
    over: trees.filter(({ alarm }) => alarm.state === "returned"),
    quiet: trees.filter(({ alarm }) => isQuiet(alarm)),
    suppressed,
  };
}

/** Whether somebody has said that an alarm is not to be told for now. */
export function isQuiet({ state }: Alarm): boolean {
  return state === "shelved" || state === "out-of-service";
}

/** Whether somebody has yet to say that they know. */
export function wantsAcknowledgement({ state }: Alarm): boolean {
  return state === "unacknowledged" || state === "returned";
}

/** Not acknowledged before acknowledged, severe before slight, new before old. */
function byUrgency(left: Alarm, right: Alarm): number {
  return (
    (RANKS[left.state] ?? 3) - (RANKS[right.state] ?? 3) ||
    SEVERITIES.indexOf(right.severity) - SEVERITIES.indexOf(left.severity) ||
    later(left, right) ||
    (left.id < right.id ? -1 : 1)
  );
}

/** Return the page on which one deals with what an alarm is about: its port, its switch, or its point. */
export function placeOf({ id, point, device }: Alarm): string {
  const rule = id.slice(0, id.indexOf("@"));
  if (rule === "poe-fault") return `/poe?${new URLSearchParams({ device })}`;
  if (rule === "switch-lost") return `/poe?${new URLSearchParams({ switch: device })}`;
  return `/points?${new URLSearchParams({ name: point })}`;
}
