// One act on many alarms: which were done, which refused, and which nobody came to.
import { ApiFailure, isNotSignedIn, sentenceOf } from "../../api/failure.ts";
import type { Alarm } from "../../api/types.ts";

export interface Refusal {
  /** As it is by now, where the refusal says so. */
  readonly alarm: Alarm;
  readonly why: string;
}

export interface Outcome {
  readonly done: readonly Alarm[];
  readonly refused: readonly Refusal[];
  /** Those that are as they were, because it was stopped before. */
  readonly left: readonly Alarm[];
}

/** Do `act` to one alarm after the other, until `stopped`; what is under way then is still waited for. */
export async function actOnEach(
  alarms: readonly Alarm[],
  act: (alarm: Alarm, index: number) => Promise<unknown>,
  stopped: () => boolean,
): Promise<Outcome> {
  const done: Alarm[] = [];
  const refused: Refusal[] = [];
  for (const [index, alarm] of alarms.entries()) {
    if (stopped()) return { done, refused, left: alarms.slice(index) };
    try {
      await act(alarm, index);
      done.push(alarm);
    } catch (error) {
      refused.push({ alarm: presentOf(error) ?? alarm, why: sentenceOf(error) });
      if (isNotSignedIn(error)) {
        // Somebody would not sign in: the others are not asked for one by one.
        refused.push(...alarms.slice(index + 1).map((other) => ({ alarm: other, why: sentenceOf(error) })));
        break;
      }
    }
  }
  return { done, refused, left: [] };
}

/** Return the alarm as a refusal shows it, where it was raised anew since it was seen: with that one sees it. */
function presentOf(error: unknown): Alarm | undefined {
  if (!(error instanceof ApiFailure) || error.error !== "alarm-changed") return undefined;
  return (error.answer as { readonly alarm?: Alarm }).alarm;
}
