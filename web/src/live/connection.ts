// One stream of changes that comes back by itself. Knows nothing of what the events mean.

/**
 * "live": what was heard is what is. "connecting": a first word is awaited, or the stream was given back for a while.
 * "lost": what was heard may be old, or nothing was heard although it should have been.
 */
export type Touch = "live" | "connecting" | "lost";

export interface Timing {
  /** Without any event for so long, contact counts as lost; the service says something each 10 s. */
  readonly silenceMs: number;
  /** Without a first word for so long, contact counts as lost, too. */
  readonly firstWordMs: number;
  /** The first wait before another try; each next one is twice as long. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** How often it is looked whether there is silence. */
  readonly lookMs: number;
}

export const TIMING: Timing = { silenceMs: 40_000, firstWordMs: 6_000, firstWaitMs: 500, longestWaitMs: 15_000, lookMs: 1_000 };

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
  #touch: Touch = "connecting";
  /** When the last word came, of whichever stream: no new try makes what is shown any younger. */
  #heardAt: number | null = null;
  /** Since when a first word has been awaited, through all tries; null: it came. */
  #awaitedSince: number | null = null;
  /** When the present try began. */
  #begunAt = 0;
  #resting = false;

  constructor(listener: Listener, events: readonly string[], timing: Timing = TIMING) {
    this.#listener = listener;
    this.#events = events;
    this.#timing = timing;
    this.#wait = timing.firstWaitMs;
  }

  /** Follow the stream at `address`, instead of another one where one is open. */
  open(address: string): void {
    this.#address = address;
    this.#look ??= setInterval(() => this.#lookAround(), this.#timing.lookMs);
    if (!this.#resting) this.#beginAnew();
  }

  /** Follow nothing. */
  close(): void {
    clearInterval(this.#look);
    this.#look = undefined;
    this.#drop();
    this.#tell("connecting");
  }

  /** Give the stream back until `wake()`: nobody looks, and a browser has only a few connections for all its windows. */
  rest(): void {
    this.#resting = true;
    this.#drop();
    this.#tell("connecting");
  }

  /**
   * Look at once whether the stream still lives: after the machine was asleep, the network came back, or somebody looks
   * again. What has grown old meanwhile is said to be so before anything else.
   */
  wake(): void {
    const rested = this.#resting;
    this.#resting = false;
    if (this.#look === undefined) return;
    if (rested) return this.#beginAnew();
    this.#tellAge();
    this.#wait = this.#timing.firstWaitMs;
    if (this.#source === null || this.#silentMs() > this.#timing.silenceMs / 2) this.#begin();
  }

  #beginAnew(): void {
    this.#wait = this.#timing.firstWaitMs;
    this.#awaitedSince = Date.now();
    this.#begin();
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
        this.#awaitedSince = null;
        this.#tell("live");
        this.#listener.heard(event, JSON.parse(message.data));
      });
    }
    source.onerror = () => {
      if (this.#source === source) this.#again();
    };
  }

  /** Silence is a stream that has died without a word: a phone that slept, a cable that was pulled. */
  #lookAround(): void {
    this.#tellAge();
    if (this.#source !== null && this.#silentMs() > this.#timing.silenceMs) this.#again();
  }

  /** Say that contact is lost where the last word is too old, or the first one does not come. */
  #tellAge(): void {
    if (this.#resting) return;
    const now = Date.now();
    const awaited = this.#awaitedSince !== null && now - this.#awaitedSince > this.#timing.firstWordMs;
    const old = this.#touch === "live" && now - (this.#heardAt ?? 0) > this.#timing.silenceMs;
    if (awaited || old) this.#tell("lost");
  }

  #tell(touch: Touch): void {
    this.#touch = touch;
    this.#listener.touched(touch, this.#heardAt);
  }

  /** How long the present try has been silent. */
  #silentMs(): number {
    return Date.now() - Math.max(this.#heardAt ?? 0, this.#begunAt);
  }

  #again(): void {
    this.#drop();
    this.#tell("lost");
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
