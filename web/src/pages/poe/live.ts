// What the stream says of ports, worked out once for each and shared by all who show it.
import { computed, type ReadonlySignal } from "@preact/signals";
import { live, type LivePoint } from "../../live/index.ts";
import { choiceOf, isMeant, stateOf, type Choice, type Place, type Port, type PortState, type Room } from "./ports.ts";
import { sumOf } from "./power.ts";

/** A port's reading of one kind, to be read while rendering. */
export function readingOf(port: Port, kind: string): LivePoint | undefined {
  const name = port.points[kind];
  return name === undefined ? undefined : live.point(name).value;
}

/** What of a port shows without opening it. They change far more seldom than its points are read. */
export interface PortSigns {
  readonly state: ReadonlySignal<PortState>;
  readonly choice: ReadonlySignal<Choice>;
  /** Rounded to a tenth; null: it does not tell. */
  readonly watts: ReadonlySignal<number | null>;
}

const known = new WeakMap<Port, PortSigns>();

/** Return a port's signs. */
export function signsOf(port: Port): PortSigns {
  let signs = known.get(port);
  if (!signs) {
    signs = {
      state: computed(() => stateOf(readingOf(port, "Raw"))),
      choice: computed(() => choiceOf(readingOf(port, "Sel"), readingOf(port, "Sts"))),
      watts: computed(() => {
        const value = readingOf(port, "Power")?.value;
        return typeof value === "number" ? Math.round(value * 10) / 10 : null;
      }),
    };
    known.set(port, signs);
  }
  return signs;
}

/** What the page can be narrowed to: a state, or what needs somebody. */
export type Kind = PortState | "differs";

/** Return how many ports there are of each kind. A port may be of two. */
export function countKinds(places: readonly Place[]): Map<Kind, number> {
  const counts = new Map<Kind, number>();
  const count = (kind: Kind) => counts.set(kind, (counts.get(kind) ?? 0) + 1);
  for (const { port } of places) {
    count(kindOf(signsOf(port).state.value));
    if (isAmiss(signsOf(port).choice.value)) count("differs");
  }
  return counts;
}

/** Both kinds of fault count as one. */
function kindOf(state: PortState): PortState {
  return state === "otherFault" ? "fault" : state;
}

/** Whether what was chosen is not what is. */
export function isAmiss(choice: Choice): boolean {
  return choice === "differs" || choice === "failed";
}

/** Whether a port is one of those that a search and a kind ask for; "": any. */
export function isWanted(place: Place, search: string, kind: string): boolean {
  if (search && !isMeant(place, search)) return false;
  if (!kind) return true;
  const { state, choice } = signsOf(place.port);
  return kind === "differs" ? isAmiss(choice.value) : kindOf(state.value) === kind;
}

/** The sum of what ports deliver, to be read while rendering. */
export function powerOf(ports: readonly Port[]): ReturnType<typeof sumOf> {
  return sumOf(ports.map((port) => readingOf(port, "Power")));
}

/** Return every port with where it is. */
export function placesOf(rooms: readonly Room[]): Place[] {
  return rooms.flatMap((room) => room.switches.flatMap((of) => of.ports.map((port) => ({ port, of, room }))));
}
