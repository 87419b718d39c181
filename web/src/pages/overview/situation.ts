// The whole in one sentence: is anything wrong, and is it known that nothing is?
import type { components } from "../../api/schema.d.ts";
import type { Link } from "../../api/types.ts";
import type { Health, Touch } from "../../live/index.ts";
import type { Causes } from "./causes.ts";

type Schemas = components["schemas"];

/** A system at a glance. */
export type System = Schemas["SystemAnswer"];
/** What is known of a system, and since when. */
export type Evidence = Schemas["EvidenceAnswer"];

/** The system of what the service says of itself. */
export const OWN = "vigilia";

export interface Known {
  readonly touch: Touch;
  readonly causes: Causes;
  readonly health: Health | null;
  readonly links: readonly Link[];
  readonly systems: readonly System[];
  readonly evidence: readonly Evidence[];
  /** False while some of it has not come yet. */
  readonly complete: boolean;
}

export type Situation =
  | "lost" // what is shown is old
  | "looking" // it is not known yet
  | "alarms" // something is wrong
  | "watch" // no alarm, but the watch itself is not whole
  | "doubt" // no alarm, but not everything is known
  | "returned" // nothing is wrong any more, but nobody has said that they know
  | "empty" // nothing is watched
  | "well";

/** Judge. "well" only where everything that is watched has spoken, and nothing is missing: no news is not good news. */
export function situationOf(known: Known): Situation {
  const { touch, causes, health, systems, complete } = known;
  if (touch === "lost") return "lost";
  if (touch === "connecting" || !complete || health === null) return "looking";
  if (causes.active.length > 0) return "alarms";
  if (health.missing.length > 0) return "watch";
  if (systems.every(({ name, points }) => name === OWN || points === 0)) return "empty";
  if (doubtsOf(known).length > 0) return "doubt";
  return causes.over.length > 0 ? "returned" : "well";
}

/** Something that is not known, of a system or of a link. */
export type Doubt =
  | { readonly kind: "silent"; readonly system: System }
  | { readonly kind: "unknown"; readonly system: System; readonly points: number }
  | { readonly kind: "contact"; readonly link: Link };

/** Return what is not known, although no alarm says so. */
export function doubtsOf({ links, systems, evidence }: Known): Doubt[] {
  const doubts: Doubt[] = [];
  for (const system of systems) {
    if (system.name === OWN) continue;
    const found = evidence.find((each) => each.system === system.name);
    if (found === undefined || (found.newest === null && system.points > 0)) doubts.push({ kind: "silent", system });
    else if (found.unknown > 0) doubts.push({ kind: "unknown", system, points: found.unknown });
  }
  for (const link of links) if (link.contact !== "connected") doubts.push({ kind: "contact", link });
  return doubts;
}
