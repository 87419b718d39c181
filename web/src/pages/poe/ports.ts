// What a port is doing, told by its points; and where it sits on the front of its switch.
import type { components } from "../../api/schema.d.ts";
import type { LivePoint } from "../../live/index.ts";

type Schemas = components["schemas"];

/** A port of a switch, with the names of its points: Sel, Sts, Raw, Desc, Power, Voltage … */
export type Port = Schemas["PortModel"];
/** A switch and its ports. */
export type Switch = Schemas["SwitchModel"];
/** A room and its switches; its name is "" where none was given. */
export type Room = Schemas["RoomModel"];

/** A port with where it is. */
export interface Place {
  readonly port: Port;
  readonly of: Switch;
  readonly room: Room;
}

/** In the order of PwrState-Raw; then what Raw cannot say. */
export const STATES = ["searching", "delivering", "off", "fault", "otherFault", "test", "unknown", "lost", "unread", "waiting"] as const;
export type PortState = (typeof STATES)[number];

/** States in which somebody should look at a port. */
export const BAD_STATES: ReadonlySet<PortState> = new Set(["fault", "otherFault", "unknown", "lost", "unread"]);

/**
 * Return what a port is doing. "lost": what is known is from before contact was lost, or cannot be read; "unread":
 * nothing was ever read of it; "waiting": this page has not been told yet.
 */
export function stateOf(raw: LivePoint | undefined): PortState {
  if (raw === undefined) return "waiting";
  if (raw.value === null) return "unread";
  if (raw.severity === "INVALID") return "lost";
  return STATES[Number(raw.value)] ?? "unknown";
}

/** What was chosen for a port, beside what it does. */
export type Choice =
  | "same"
  | "differs" // it does not deliver though On was chosen, or delivers though Off was
  | "failed" // the switch did not confirm what was chosen last
  | "none"; // nothing was chosen yet, or nothing is known

/** Compare what was chosen with what is. */
export function choiceOf(sel: LivePoint | undefined, sts: LivePoint | undefined): Choice {
  if (sel === undefined || sel.value === null) return "none";
  if (sel.status === "WRITE") return "failed";
  if (sts === undefined || sts.value === null || sts.severity === "INVALID") return "none";
  return Number(sel.value) === Number(sts.value) ? "same" : "differs";
}

/** One place on a front: a port that is watched, or one that is not. */
export interface Socket {
  readonly label: string;
  readonly port: Port | null;
}

/** A row of ports as it is on the metal: an odd one above an even one. */
export type Pair = readonly [Socket, Socket | null];

const FRONTS = [8, 12, 16, 24, 28, 48, 52] as const; // ports that such switches and their modules have
const PAIRS_TOGETHER = 6;

/**
 * Return the front of a switch, in blocks of pairs: modules by the letters before their ports' numbers, places of
 * ports that are not watched left empty. Ports whose names do not end in a small number follow in their order.
 */
export function frontOf(ports: readonly Port[]): Pair[][] {
  const modules = new Map<string, Map<number, Port>>();
  const others: Socket[] = [];
  for (const port of ports) {
    const [, module = "", digits = ""] = /^(.*?)(\d+)$/.exec(port.id) ?? [];
    const number = Number(digits);
    const most = FRONTS.at(-1) ?? 0;
    if (digits === "" || number < 1 || number > most || String(number) !== digits || modules.get(module)?.has(number)) {
      others.push({ label: port.id, port });
      continue;
    }
    let numbered = modules.get(module);
    if (!numbered) modules.set(module, (numbered = new Map()));
    numbered.set(number, port);
  }
  const blocks: Pair[][] = [];
  for (const [module, numbered] of [...modules].sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true }))) {
    const last = Math.max(...numbered.keys());
    const size = FRONTS.find((count) => count >= last) ?? last;
    const sockets = Array.from({ length: size }, (_, index) => {
      const number = index + 1;
      return { label: `${module}${number}`, port: numbered.get(number) ?? null };
    });
    blocks.push(...inBlocks(sockets));
  }
  return [...blocks, ...inBlocks(others)];
}

function inBlocks(sockets: readonly Socket[]): Pair[][] {
  const blocks: Pair[][] = [];
  for (let index = 0; index < sockets.length; index += 2) {
    const pair: Pair = [sockets[index] as Socket, sockets[index + 1] ?? null];
    const block = blocks.at(-1);
    if (block && block.length < PAIRS_TOGETHER) block.push(pair);
    else blocks.push([pair]);
  }
  return blocks;
}

/** Whether a search means a port: every word of it is part of the device's, the port's, the switch's or the room's name. */
export function isMeant({ port, of, room }: Place, search: string): boolean {
  const texts = `${port.device}\n${port.id}\n${of.name}\n${of.host}\n${room.name}`.toLocaleLowerCase();
  return search
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => texts.includes(word));
}
