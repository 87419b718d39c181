// Which alarms are listed, in which order, and what stands under what.
import { SEVERITIES, type Alarm, type AlarmState, type Severity } from "../../api/types.ts";

/** What of the alarms is wanted; "" takes everything. */
export interface Wanted {
  readonly text: string;
  readonly state: AlarmState | "";
  readonly severity: Severity | "";
  readonly system: string;
}

/** A row of the list. */
export interface Row {
  readonly alarm: Alarm;
  /** How far it stands under others that suppress it. */
  readonly depth: number;
  /** How many stand under it, whether shown or not. */
  readonly under: number;
}

export interface Arranged {
  readonly rows: readonly Row[];
  /** Every alarm that matches, those that are folded away included. */
  readonly matching: readonly Alarm[];
  /** How many there are in each state, whatever state is wanted; "" has all. */
  readonly counts: ReadonlyMap<AlarmState | "", number>;
}

/** States in the order in which they want somebody to do something. */
export const STATES: readonly AlarmState[] = [
  "unacknowledged",
  "returned",
  "acknowledged",
  "suppressed",
  "shelved",
  "out-of-service",
];

const RANK = new Map<string, number>(STATES.map((state, index) => [state, index]));
const DEEPEST = 8;

/** Arrange `alarms`: the most urgent first, suppressed ones under what suppresses them, which `open` has unfolded. */
export function arrange(alarms: ReadonlyMap<string, Alarm>, wanted: Wanted, open: ReadonlySet<string>): Arranged {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  const counts = new Map<AlarmState | "", number>();
  const matching: Alarm[] = [];
  for (const alarm of alarms.values()) {
    if (!matches(alarm, wanted, words)) continue;
    counts.set(alarm.state, (counts.get(alarm.state) ?? 0) + 1);
    counts.set("", (counts.get("") ?? 0) + 1);
    if (!wanted.state || alarm.state === wanted.state) matching.push(alarm);
  }
  matching.sort(byUrgency);
  return { rows: wanted.state ? matching.map(single) : nested(matching, open), matching, counts };
}

function matches(alarm: Alarm, { severity, system }: Wanted, words: readonly string[]): boolean {
  if (severity && alarm.severity !== severity) return false;
  if (system && alarm.system !== system) return false;
  if (words.length === 0) return true;
  const text = `${alarm.name} ${alarm.device} ${alarm.area} ${alarm.point} ${alarm.detail}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function byUrgency(left: Alarm, right: Alarm): number {
  return (
    (RANK.get(left.state) ?? 9) - (RANK.get(right.state) ?? 9) ||
    SEVERITIES.indexOf(right.severity) - SEVERITIES.indexOf(left.severity) ||
    later(left, right) ||
    (left.id < right.id ? -1 : 1)
  );
}

/**
 * Return since when it has been wrong, by the equipment's time, whatever people did about it since; where nothing is
 * wrong at present, since when the alarm stands as it does.
 */
export function wrongSince({ began, since }: Pick<Alarm, "began" | "since">): string {
  return began ?? since;
}

/** Order alarms by when it began to be wrong, the newest first. */
export function later(left: Alarm, right: Alarm): number {
  const [mine, theirs] = [wrongSince(left), wrongSince(right)];
  return mine < theirs ? 1 : mine > theirs ? -1 : 0;
}

function single(alarm: Alarm): Row {
  return { alarm, depth: 0, under: 0 };
}

/** Put those that are suppressed under what suppresses them, where that is in the list. */
function nested(alarms: readonly Alarm[], open: ReadonlySet<string>): Row[] {
  const listed = new Set(alarms.map(({ id }) => id));
  const under = new Map<string, Alarm[]>();
  const top: Alarm[] = [];
  for (const alarm of alarms) {
    const cause = alarm.suppressed_by;
    if (cause && cause !== alarm.id && listed.has(cause)) {
      const others = under.get(cause);
      if (others) others.push(alarm);
      else under.set(cause, [alarm]);
    } else top.push(alarm);
  }
  const rows: Row[] = [];
  const add = (alarm: Alarm, depth: number) => {
    const mine = under.get(alarm.id) ?? [];
    rows.push({ alarm, depth, under: mine.length });
    if (open.has(alarm.id) && depth < DEEPEST) for (const one of mine) add(one, depth + 1);
  };
  for (const alarm of top) add(alarm, 0);
  return rows;
}
