// What the service says, as it stands: filled by the stream, read by pages.
import { batch, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { SEVERITIES, type Alarm, type Link, type PointValue, type Reactor, type Severity } from "../api/types.ts";
import type { Listener, Touch } from "./connection.ts";
import type { CompactPoint, Events, Health, NoticesEvent } from "./events.ts";
import { statusName } from "./status.ts";

/** A point's latest reading. */
export interface LivePoint {
  /** null: never read, or a number that is not finite. An enum's is its index. */
  readonly value: PointValue | null;
  readonly severity: Severity;
  readonly status: string;
  /** Seconds since 1970, by the equipment's clock; null: never read. */
  readonly time: number | null;
}

/** Everything the stream keeps up to date. One of it exists; `useLive` gives it to pages. */
export class Live implements Listener {
  /** Whether what is shown is what is. */
  readonly touch = signal<Touch>("connecting");
  /** When the service was last heard, milliseconds since 1970; null: not yet. */
  readonly lastHeard = signal<number | null>(null);
  /** True once every point that was asked for has had its first word. */
  readonly complete = signal(false);
  /** Counts up when points were declared, changed or taken away: fetch definitions again. */
  readonly defined = signal(0);
  /** Alarms that are not normal, by id. */
  readonly alarms = signal<ReadonlyMap<string, Alarm>>(new Map());
  /** True once all alarms have come. */
  readonly alarmsComplete = signal(false);
  readonly links = signal<ReadonlyMap<string, Link>>(new Map());
  readonly reactors = signal<ReadonlyMap<string, Reactor>>(new Map());
  readonly health = signal<Health | null>(null);
  readonly notices = signal<NoticesEvent | null>(null);
  /** The service's clock less this machine's, in milliseconds: it may stand elsewhere, in a drill even run faster. */
  readonly clockOffset = signal(0);

  readonly #points = new Map<string, Signal<LivePoint | undefined>>();
  #arriving = new Set<string>();

  /** Return a point's reading, to be read while rendering; undefined until the stream has said it. */
  point(name: string): ReadonlySignal<LivePoint | undefined> {
    return this.#slot(name);
  }

  /** Forget the points: other ones are asked for from now on. */
  forgetPoints(): void {
    batch(() => {
      for (const slot of this.#points.values()) slot.value = undefined;
      this.complete.value = false;
    });
  }

  opened(): void {
    this.#arriving = new Set();
    this.#first = { alarms: [], links: [], reactors: [] };
    batch(() => {
      this.complete.value = false;
      this.defined.value += 1; // while we were away, anything may have been declared
    });
  }

  touched(touch: Touch, lastHeard: number | null): void {
    this.touch.value = touch;
    if (touch !== "live" || this.lastHeard.peek() === null || lastHeard === null || lastHeard - (this.lastHeard.peek() ?? 0) > 900) {
      this.lastHeard.value = lastHeard;
    }
  }

  heard(event: string, data: unknown): void {
    const take = this.#take[event as keyof Events] as ((data: unknown) => void) | undefined;
    if (take) batch(() => take(data));
  }

  #first: { alarms: Alarm[] | null; links: Link[] | null; reactors: Reactor[] | null } = {
    alarms: null,
    links: null,
    reactors: null,
  };

  readonly #take: { [E in keyof Events]: (data: Events[E]) => void } = {
    points: ({ time, points, complete }) => {
      this.#tellTime(time);
      for (const point of points) this.#set(point);
      if (!this.complete.peek()) for (const [name] of points) this.#arriving.add(name);
      if (complete) {
        for (const [name, slot] of this.#points) if (!this.#arriving.has(name)) slot.value = undefined;
        this.complete.value = true;
      }
    },
    gone: (names) => {
      for (const name of names) {
        const slot = this.#points.get(name);
        if (slot) slot.value = undefined;
      }
      this.defined.value += 1;
    },
    defined: () => {
      this.defined.value += 1;
    },
    alarms: ({ items, complete }) => {
      if (this.#first.alarms) {
        this.#first.alarms.push(...items);
        if (complete === false) return;
        this.alarms.value = new Map(this.#first.alarms.filter(notNormal).map((item) => [item.id, item]));
        this.#first.alarms = null;
        this.alarmsComplete.value = true;
        return;
      }
      const alarms = new Map(this.alarms.peek());
      for (const item of items) {
        if (notNormal(item)) alarms.set(item.id, item);
        else alarms.delete(item.id);
      }
      this.alarms.value = alarms;
    },
    links: ({ items }) => {
      this.links.value = merged(this.#first.links ? new Map<string, Link>() : this.links.peek(), items, ({ name }) => name);
      this.#first.links = null;
    },
    reactors: ({ items }) => {
      const before = this.#first.reactors ? new Map<string, Reactor>() : this.reactors.peek();
      this.reactors.value = merged(before, items, ({ id }) => id);
      this.#first.reactors = null;
    },
    health: (health) => {
      this.#tellTime(health.time);
      this.health.value = health;
    },
    notices: (notices) => {
      this.notices.value = notices;
    },
    beat: ({ time }) => this.#tellTime(time),
  };

  #set([name, value, severity, status, time]: CompactPoint): void {
    this.#slot(name).value = {
      value,
      severity: SEVERITIES[severity] ?? "INVALID",
      status: statusName(status),
      time,
    };
  }

  #slot(name: string): Signal<LivePoint | undefined> {
    let slot = this.#points.get(name);
    if (!slot) {
      slot = signal<LivePoint | undefined>(undefined);
      this.#points.set(name, slot);
    }
    return slot;
  }

  #tellTime(time: string): void {
    const offset = Date.parse(time) - Date.now();
    if (Math.abs(offset - this.clockOffset.peek()) > 1_000) this.clockOffset.value = offset;
  }
}

function notNormal(alarm: Alarm): boolean {
  return alarm.state !== "normal";
}

function merged<I>(before: ReadonlyMap<string, I>, items: readonly I[], key: (item: I) => string): ReadonlyMap<string, I> {
  const after = new Map(before);
  for (const item of items) after.set(key(item), item);
  return after;
}
