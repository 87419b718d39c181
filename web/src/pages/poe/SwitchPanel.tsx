// A switch as its front panel: ports where they are, and how the conversation with it fares.
import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { Link, Severity } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { formatNumber } from "../../ui/format.ts";
import { Since } from "../../ui/Since.tsx";
import { Tile } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import { isAmiss, isWanted, powerOf, signsOf } from "./live.ts";
import { EmptySocket, PortSocket, StateMark } from "./PortSocket.tsx";
import { BAD_STATES, frontOf, type Choice, type Pair, type Port, type PortState, type Room, type Socket, type Switch } from "./ports.ts";
import { stateWord } from "./words.ts";

interface Props {
  readonly of: Switch;
  readonly room: Room;
  readonly search: string;
  readonly kind: string;
  /** The device whose port is open; "": none of them. */
  readonly open: string;
  readonly onPort: (port: Port) => void;
  readonly onSwitch: (name: string) => void;
}

const SMALL = 12; // ports of a panel that takes a column and not the whole row

/** Whether a switch's panel takes a column only. */
export function isSmall({ ports }: Switch): boolean {
  return placesOn(frontOf(ports)) <= SMALL;
}

function placesOn(front: readonly (readonly Pair[])[]): number {
  return front.reduce((sum, block) => sum + 2 * block.length, 0);
}

/** The front panel, its contact, and its figures. */
export function SwitchPanel({ of, room, search, kind, open, onPort, onSwitch }: Props): JSX.Element | null {
  const front = useMemo(() => frontOf(of.ports), [of]);
  const wanted = of.ports.filter((port) => isWanted({ port, of, room }, search, kind));
  if (wanted.length === 0) return null;
  return (
    <Tile
      level={3}
      class={`switch-panel ${placesOn(front) > SMALL ? "wide" : ""}`}
      title={
        <button type="button" class="plain" onClick={() => onSwitch(of.name)} aria-label={t("Switch {name}: show everything", { name: visible(of.name) })}>
          {visible(of.name)}
        </button>
      }
      aside={<Contact link={of.link} />}
      {...severityOf(of)}
    >
      <div class="panel-body">
        <Front front={front} wanted={new Set(wanted)} open={open} onPort={onPort} name={of.name} />
        <div class="panel-about">
          <Figures of={of} />
          <LastError link={of.link} />
          <Troubles ports={wanted} onPort={onPort} />
        </div>
      </div>
    </Tile>
  );
}

/** The worst of a switch: contact, then its ports. */
function severityOf(of: Switch): { severity?: Severity } {
  const link = live.links.value.get(of.link);
  if (link && link.contact !== "connected") return { severity: "INVALID" };
  return of.ports.some((port) => ["fault", "otherFault"].includes(signsOf(port).state.value)) ? { severity: "MAJOR" } : {};
}

interface FrontProps {
  readonly front: readonly (readonly Pair[])[];
  readonly wanted: ReadonlySet<Port>;
  readonly open: string;
  readonly onPort: (port: Port) => void;
  readonly name: string;
}

/** The ports. One of them is reached by Tab; the arrows go from one to the next, wherever it stands. */
function Front({ front, wanted, open, onPort, name }: FrontProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState("");
  const first = [...wanted].some(({ id }) => id === at) ? at : ([...wanted][0]?.id ?? "");
  const socket = ({ label, port }: Socket) =>
    port && wanted.has(port) ? (
      <PortSocket key={label} port={port} label={label} selected={open === port.device} reachable={port.id === first} onOpen={onPort} />
    ) : (
      <EmptySocket key={label} label={label} />
    );
  return (
    <div
      ref={frame}
      class="front"
      role="group"
      aria-label={t("Ports of {name}", { name: visible(name) })}
      onFocusIn={(event) => event.target instanceof HTMLElement && setAt(event.target.dataset["port"] ?? "")}
      onKeyDown={(event) => frame.current && moveFocus(event, frame.current)}
    >
      {front.map((block, index) => (
        <div class="block" key={index}>
          {block.map(([above, below]) => (
            <div class="pair" key={above.label}>
              {socket(above)}
              {below && socket(below)}
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}

const WAYS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Go to the next port in the direction of an arrow, as one sees it. */
function moveFocus(event: KeyboardEvent, frame: HTMLElement): void {
  const way = WAYS[event.key];
  if (!way || event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof HTMLElement)) return;
  event.preventDefault();
  const here = event.target.getBoundingClientRect();
  let best: HTMLElement | null = null;
  let least = Infinity;
  for (const button of frame.querySelectorAll<HTMLElement>("button.socket")) {
    const there = button.getBoundingClientRect();
    const along = (there.x - here.x) * way[0] + (there.y - here.y) * way[1];
    const aside = Math.abs((there.x - here.x) * way[1]) + Math.abs((there.y - here.y) * way[0]);
    if (along > 1 && along + 4 * aside < least) {
      least = along + 4 * aside;
      best = button;
    }
  }
  best?.focus();
}

/** Whether there is contact, and since when. */
export function Contact({ link }: { readonly link: string }): JSX.Element {
  const found = live.links.value.get(link);
  if (!found) return <span class="muted">{live.linksComplete.value ? t("nothing known") : "…"}</span>;
  const since = <Since time={found.since} bare />;
  if (found.contact === "connected") {
    return (
      <span class="contact muted">
        {t("Connected")} · {since}
      </span>
    );
  }
  return (
    <span class="contact gone">
      <StateMark state="lost" />
      <span>{contactWord(found.contact)}</span> · {since}
    </span>
  );
}

function contactWord(contact: Link["contact"]): string {
  return contact === "connecting" ? t("Connecting") : t("No contact");
}

/** Power, ports, round trips and sessions, in a line. */
function Figures({ of }: { readonly of: Switch }): JSX.Element {
  const link = live.links.value.get(of.link);
  const delivering = of.ports.filter((port) => signsOf(port).state.value === "delivering").length;
  return (
    <dl class="panel-figures">
      <div>
        <dt class="sr-only">{t("Power")}</dt>
        <dd>
          <Power ports={of.ports} />
        </dd>
      </div>
      <div>
        <dt class="sr-only">{t("Ports")}</dt>
        <dd>{t("{n} of {all} delivering", { n: delivering, all: of.ports.length })}</dd>
      </div>
      {link && (
        <>
          <div>
            <dt>{t("Round trip")}</dt>
            <dd>{roundTrip(link.round_trip_ms, link.round_trip_p99_ms)}</dd>
          </div>
          <div>
            <dt>{t("Sessions")}</dt>
            <dd>{link.sessions}</dd>
          </div>
          <div>
            <dt>{t("Reconnections")}</dt>
            <dd>{link.reconnects}</dd>
          </div>
          {link.waiting_writes > 0 && (
            <div>
              <dd>{tn("{n} command waits", "{n} commands wait", link.waiting_writes)}</dd>
            </div>
          )}
        </>
      )}
    </dl>
  );
}

/** The median and the 99th percentile of round trips. */
function roundTrip(median: number | null, p99: number | null): string {
  return p99 === null ? milliseconds(median) : t("{median}, 99 %: {p99}", { median: milliseconds(median), p99: milliseconds(p99) });
}

/** A time of some milliseconds. */
export function milliseconds(time: number | null): string {
  return time === null ? "–" : t("{n} ms", { n: formatNumber(time, time < 10 ? 1 : 0) });
}

/** What ports deliver together. */
export function Power({ ports }: { readonly ports: readonly Port[] }): JSX.Element {
  const { watts, fresh } = powerOf(ports);
  if (watts === null) return <span class="muted">{t("no power told")}</span>;
  return (
    <strong class={`number sum ${fresh ? "" : "old"}`} title={fresh ? undefined : t("Some of it is from before contact was lost")}>
      {fresh ? "" : "≈ "}
      {t("{n} W", { n: formatNumber(watts, 1) })}
    </strong>
  );
}

/** Why contact was lost, or an answer discarded, last time. Loud only while there is no contact. */
function LastError({ link }: { readonly link: string }): JSX.Element | null {
  const found = live.links.value.get(link);
  if (!found?.error) return null;
  return (
    <p class={`last-error ${found.contact === "connected" ? "muted" : "gone"}`}>
      <span>{t("Last error:")}</span> <DeviceText text={found.error} cut />
    </p>
  );
}

const MOST_TROUBLES = 5;

/** The ports that somebody should look at, by name. Where all of them have no contact, that is said of the switch. */
function Troubles({ ports, onPort }: { readonly ports: readonly Port[]; readonly onPort: (port: Port) => void }): JSX.Element | null {
  const troubled = ports.filter((port) => {
    const { state, choice } = signsOf(port);
    return (BAD_STATES.has(state.value) && state.value !== "lost") || isAmiss(choice.value);
  });
  if (troubled.length === 0) return null;
  troubled.sort((left, right) => Number(!BAD_STATES.has(signsOf(left).state.peek())) - Number(!BAD_STATES.has(signsOf(right).state.peek())));
  return (
    <ul class="troubles">
      {troubled.slice(0, MOST_TROUBLES).map((port) => (
        <li key={port.id}>
          <Trouble port={port} onPort={onPort} />
        </li>
      ))}
      {troubled.length > MOST_TROUBLES && <li class="muted">{tn("and {n} more", "and {n} more", troubled.length - MOST_TROUBLES)}</li>}
    </ul>
  );
}

function Trouble({ port, onPort }: { readonly port: Port; readonly onPort: (port: Port) => void }): JSX.Element {
  const signs = signsOf(port);
  const state = signs.state.value;
  return (
    <button type="button" class="plain trouble" onClick={() => onPort(port)}>
      <StateMark state={state} />
      <span class="cut">{visible(port.device)}</span>
      <span class="muted">{BAD_STATES.has(state) ? stateWord(state) : choiceWord(signs.choice.value, state)}</span>
    </button>
  );
}

/** Return what is not as it was chosen. */
function choiceWord(choice: Choice, state: PortState): string {
  if (choice === "failed") return t("not confirmed");
  return state === "delivering" ? t("delivers, chosen: off") : t("chosen: on");
}
