// Which points the page shows: what is in its address, and what of it a point must be.
import { SEVERITIES, type Point, type Severity } from "../../api/types.ts";

export interface Filter {
  readonly q: string;
  readonly system: string;
  readonly device: string;
  readonly link: string;
  /** "wrong": any that is not normal, but for points that were never read. */
  readonly severity: Severity | "wrong" | "";
  readonly access: "rw" | "r" | "";
}

/** The system that the service's own points belong to. */
export const OWN = "vigilia";

/** Read a filter from the page's address. */
export function filterOf(query: URLSearchParams): Filter {
  const severity = query.get("severity") ?? "";
  const access = query.get("access") ?? "";
  return {
    q: query.get("q") ?? "",
    system: query.get("system") ?? "",
    device: query.get("device") ?? "",
    link: query.get("link") ?? "",
    severity: severity === "wrong" || (SEVERITIES as readonly string[]).includes(severity) ? (severity as Filter["severity"]) : "",
    access: access === "rw" || access === "r" ? access : "",
  };
}

/** Whether a filter leaves anything out. */
export function leavesOut(filter: Filter): boolean {
  return Object.values(filter).some((value) => value !== "");
}

/** Whether nothing was ever read of a point. */
export function isNeverRead({ value, status }: { readonly value: unknown; readonly status: string }): boolean {
  return value === null && status === "UDF";
}

/** What the filter asks of a point's reading. */
export type Judged = { readonly value: unknown; readonly severity: Severity; readonly status: string };

/** Return those of `points` that are meant. Every word of the search must be in the name, description or device. */
export function select(points: readonly Point[], filter: Filter, readingOf: (point: Point) => Judged): Point[] {
  const words = filter.q.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return points.filter((point) => {
    if (filter.system && point.system !== filter.system) return false;
    if (filter.device && point.device !== filter.device) return false;
    if (filter.link && point.link !== filter.link) return false;
    if (filter.access && point.access !== filter.access) return false;
    if (words.length > 0) {
      const text = `${point.name}\n${point.description}\n${point.device}`.toLocaleLowerCase();
      if (!words.every((word) => text.includes(word))) return false;
    }
    if (!filter.severity) return true;
    const reading = readingOf(point);
    if (filter.severity === "wrong") return reading.severity !== "NO_ALARM" && !isNeverRead(reading);
    return reading.severity === filter.severity;
  });
}

/** Return what there is to choose from for one field, sorted. */
export function choices(points: readonly Point[], field: "system" | "device" | "link"): string[] {
  return [...new Set(points.map((point) => point[field]))].filter(Boolean).sort();
}
