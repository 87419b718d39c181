// Alarms that are over and that nobody has acknowledged: one by one, or all of them with one comment.
import type { JSX } from "preact";
import { may } from "../../api/session.ts";
import { t, tn } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { CauseList, type Ask } from "./CauseList.tsx";
import type { Cause } from "./causes.ts";

/** The list, folded: nothing of it is wrong any more. */
export function Over({ causes, onAct }: { readonly causes: readonly Cause[]; readonly onAct: Ask }): JSX.Element {
  return (
    <section class="over" aria-label={t("Over, not acknowledged")}>
      <details class="aside-list">
        <summary>{tn("{n} alarm is over, and nobody has acknowledged it", "{n} alarms are over, and nobody has acknowledged them", causes.length)}</summary>
        <CauseList causes={causes} label={t("Over, not acknowledged")} onAct={onAct} />
      </details>
      {may("operator") && causes.length > 1 && (
        <Button icon="check" onClick={() => onAct("acknowledge", causes.map(({ alarm }) => alarm))}>
          {t("Acknowledge all {n}", { n: causes.length })}
        </Button>
      )}
    </section>
  );
}
