// EPICS alarm statuses that Vigilia uses, by their numbers (epics-base alarm.h).

const STATUSES: Readonly<Record<number, string>> = {
  0: "NO_ALARM",
  1: "READ",
  2: "WRITE",
  3: "HIHI",
  4: "HIGH",
  5: "LOLO",
  6: "LOW",
  7: "STATE",
  9: "COMM",
  10: "TIMEOUT",
  17: "UDF",
};

/** Return a status's name; its number where it has none here. */
export function statusName(status: number): string {
  return STATUSES[status] ?? String(status);
}
