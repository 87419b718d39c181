// Long lists, the newest first, of which more is fetched when it is asked for.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { wasGivenUp } from "./failure.ts";

const LONGEST_PAGE = 10_000; // vigilia.interfaces.api.models.LONGEST_PAGE

/** Which part of a list is asked for. */
export interface Part {
  readonly limit: number;
  /** Where the part before ended; undefined: the beginning. */
  readonly next: string | undefined;
  readonly signal: AbortSignal;
}

export interface Paged<I> {
  readonly items: readonly I[];
  /** True once the first answer came. */
  readonly known: boolean;
  /** Whether there are older ones than those in `items`. */
  readonly more: boolean;
  /** Why the last request failed; null: it did not. */
  readonly wrong: unknown;
  readonly busy: boolean;
  /** Fetch older ones as well. */
  readonly older: () => void;
  /** Fetch what is shown again. */
  readonly again: () => void;
}

interface State<I> {
  readonly items: readonly I[];
  readonly known: boolean;
  readonly next: string | undefined;
  readonly wrong: unknown;
  readonly busy: boolean;
}

/** Ask for a list, `size` items at a time, and anew when `dependencies` change. What was shown stays until the answer is there. */
export function usePaged<I>(
  ask: (part: Part) => Promise<{ items: I[]; next?: string | null | undefined }>,
  size: number,
  dependencies: readonly unknown[],
): Paged<I> {
  const [state, setState] = useState<State<I>>({ items: [], known: false, next: undefined, wrong: null, busy: true });
  const latest = useRef({ ask, state });
  latest.current = { ask, state };
  const running = useRef<AbortController | null>(null);

  const load = useCallback((keep: boolean, limit: number) => {
    running.current?.abort();
    const mine = (running.current = new AbortController());
    const before = latest.current.state;
    setState({ ...before, busy: true });
    latest.current.ask({ limit, next: keep ? before.next : undefined, signal: mine.signal }).then(
      ({ items, next }) => {
        if (mine.signal.aborted) return;
        const all = keep ? [...before.items, ...items] : items;
        setState({ items: all, known: true, next: next ?? undefined, wrong: null, busy: false });
      },
      (wrong: unknown) => {
        if (!mine.signal.aborted && !wasGivenUp(wrong)) setState((old) => ({ ...old, wrong, busy: false }));
      },
    );
  }, []);

  useEffect(() => {
    load(false, size);
    return () => running.current?.abort();
  }, dependencies);

  return {
    items: state.items,
    known: state.known,
    more: state.next !== undefined,
    wrong: state.wrong,
    busy: state.busy,
    older: useCallback(() => load(true, size), [size]),
    again: useCallback(() => load(false, Math.min(LONGEST_PAGE, Math.max(size, latest.current.state.items.length))), [size]),
  };
}
