import { useCallback, useEffect, useState } from "preact/hooks";
import { wasGivenUp } from "./failure.ts";

export interface Asked<A> {
  /** The last answer; it stays while the next one is on its way, and where that fails. */
  readonly answer: A | undefined;
  /** Why the last request failed; null: it did not. */
  readonly wrong: unknown;
  readonly busy: boolean;
  /** Ask again. */
  readonly again: () => void;
}

/**
 * Ask the service something while a component is shown, and again when `dependencies` change.
 * `ask` gets the signal to give up by: hand it on to the request.
 */
export function useAsk<A>(ask: (signal: AbortSignal) => Promise<A>, dependencies: readonly unknown[]): Asked<A> {
  const [state, setState] = useState<Omit<Asked<A>, "again">>({ answer: undefined, wrong: null, busy: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const giveUp = new AbortController();
    setState((before) => ({ ...before, busy: true }));
    ask(giveUp.signal).then(
      (answer) => !giveUp.signal.aborted && setState({ answer, wrong: null, busy: false }),
      (wrong: unknown) => {
        if (!giveUp.signal.aborted && !wasGivenUp(wrong)) setState((before) => ({ ...before, wrong, busy: false }));
      },
    );
    return () => giveUp.abort();
  }, [...dependencies, turn]);
  return { ...state, again: useCallback(() => setTurn((n) => n + 1), []) };
}
