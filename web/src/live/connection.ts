// One stream of changes that comes back by itself. Knows nothing of what the events mean.

export type Touch = "live" | "connecting" | "lost";

export interface Timing {
  /** Without any event for so long, contact counts as lost; the service says something each 10 s. */
  readonly silenceMs: number;
  /** The first wait before another try; each next one is twice as long. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** How often it is looked whether there is silence. */
  readonly lookMs: number;
}

export const TIMING: Timing = { silenceMs: 40_000, firstWaitMs: 500, longestWaitMs: 15_000, lookMs: 1_000 };

export interface Listener {
  /** A new stream begins: what comes now is the state as it is, not a change of what came before. */
  opened(): void;
  heard(event: string, data: unknown): void;
  touched(touch: Touch, lastHeard: number | null): void;
}

/** Keeps one stream open: `open(address)` until `close()`. */
export class Connection {
  readonly #listener: Listener;
  readonly #events: readonly string[];
  readonly #timing: Timing;
  #address = "";
  #source: EventSource | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #look: ReturnType<typeof setInterval> | undefined;
  #wait: number;
  #heardAt: number | null = null;
  #begunAt = 0;

  constructor(listener: Listener, events: readonly string[], timing: Timing = TIMING) {
    this.#listener = listener;
    this.#events = events;
    this.#timing = timing;
    this.#wait = timing.firstWaitMs;
  }

  /** Follow the stream at `address`, instead of another one where one is open. */
  open(address: string): void {
    this.#address = address;
    this.#wait = this.#timing.firstWaitMs;
    this.#look ??= setInterval(() => this.#lookAround(), this.#timing.lookMs);
    this.#begin();
  }

  /** Follow nothing. */
  close(): void {
    clearInterval(this.#look);
    this.#look = undefined;
    this.#drop();
  }

  /** Look at once whether the stream still lives: after the machine was asleep, or the network came back. */
  wake(): void {
    if (this.#look === undefined) return;
    this.#wait = this.#timing.firstWaitMs;
    if (this.#source === null || this.#silentMs() > this.#timing.silenceMs / 2) this.#begin();
  }

  #begin(): void {
    this.#drop();
    this.#begunAt = Date.now();
    const source = new EventSource(this.#address);
    this.#source = source;
    let opened = false;
    for (const event of this.#events) {
      source.addEventListener(event, (message: MessageEvent<string>) => {
        if (this.#source !== source) return;
        if (!opened) {
          opened = true;
          this.#wait = this.#timing.firstWaitMs;
          this.#listener.opened();
        }
        this.#heardAt = Date.now();
        this.#listener.touched("live", this.#heardAt);
        this.#listener.heard(event, JSON.parse(message.data));
      });
    }
    source.onerror = () => {
      if (this.#source === source) this.#again();
    };
  }

  /** Silence is a stream that has died without a word: a phone that slept, a cable that was pulled. */
  #lookAround(): void {
    if (this.#source !== null && this.#silentMs() > this.#timing.silenceMs) this.#again();
  }

  #silentMs(): number {
    return Date.now() - Math.max(this.#heardAt ?? 0, this.#begunAt);
  }

  #again(): void {
    this.#drop();
    this.#listener.touched(this.#heardAt === null ? "connecting" : "lost", this.#heardAt);
    const wait = this.#wait * (0.75 + Math.random() / 2); // so that pages do not all come back at once
    this.#wait = Math.min(this.#wait * 2, this.#timing.longestWaitMs);
    this.#retry = setTimeout(() => this.#begin(), wait);
  }

  #drop(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }
}
