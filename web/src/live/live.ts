// What the service says, as it stands: filled by the stream, read by pages.
import { batch, computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { SEVERITIES, type Alarm, type Link, type PointValue, type Reactor, type Severity } from "../api/types.ts";
import type { Listener, Touch } from "./connection.ts";
import type { CompactPoint, Events, Health, ListEvent, NoticesEvent } from "./events.ts";
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

/** Things that the stream lists: all of them when it begins, then those that change. */
class KeyedList<I> {
  /** Stays as it was until a new stream has listed everything. */
  readonly items = signal<ReadonlyMap<string, I>>(new Map());
  /** True once everything has come. */
  readonly complete = signal(false);
  readonly #key: (item: I) => string;
  readonly #kept: (item: I) => boolean;
  #arriving: Map<string, I> | null = new Map();

  constructor(key: (item: I) => string, kept: (item: I) => boolean = () => true) {
    this.#key = key;
    this.#kept = kept;
  }

  begin(): void {
    this.#arriving = new Map();
  }

  take({ items, complete, gone = [] }: ListEvent<I>): void {
    const next = this.#arriving ?? new Map(this.items.peek());
    for (const item of items) {
      if (this.#kept(item)) next.set(this.#key(item), item);
      else next.delete(this.#key(item));
    }
    for (const key of gone) next.delete(key);
    if (this.#arriving && !complete) return;
    this.#arriving = null;
    this.items.value = next;
    this.complete.value = true;
  }
}

/** Everything the stream keeps up to date. One of it exists; `useLive` gives it to pages. */
export class Live implements Listener {
  /** Whether what is shown is what is. */
  readonly touch = signal<Touch>("connecting");
  /** Whether what is shown may be old: greyed. Before the first word there is nothing that could be. */
  readonly old = computed(() => this.touch.value !== "live" && (this.touch.value === "lost" || this.lastHeard.value !== null));
  /** When the service was last heard, milliseconds since 1970; null: not yet. */
  readonly lastHeard = signal<number | null>(null);
  /** True once every point that was asked for has had its first word. */
  readonly complete = signal(false);
  /** Counts up when points were declared, changed or taken away: fetch definitions again. */
  readonly defined = signal(0);
  readonly #alarms = new KeyedList<Alarm>(({ id }) => id, ({ state }) => state !== "normal");
  readonly #links = new KeyedList<Link>(({ name }) => name);
  readonly #reactors = new KeyedList<Reactor>(({ id }) => id);
  /** Alarms that are not normal, by id. */
  readonly alarms = this.#alarms.items;
  /** True once all alarms have come. */
  readonly alarmsComplete = this.#alarms.complete;
  /** Links by name. */
  readonly links = this.#links.items;
  readonly linksComplete = this.#links.complete;
  /** Reactors by id. */
  readonly reactors = this.#reactors.items;
  readonly reactorsComplete = this.#reactors.complete;
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
    for (const list of [this.#alarms, this.#links, this.#reactors]) list.begin();
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
    alarms: (event) => this.#alarms.take(event),
    links: (event) => this.#links.take(event),
    reactors: (event) => this.#reactors.take(event),
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
