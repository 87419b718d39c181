// The legend, which counts, and narrows the page to what one of its entries means.
import type { JSX } from "preact";
import { query, setQuery } from "../../app/router.ts";
import { t } from "../../i18n/index.ts";
import { countKinds, type Kind } from "./live.ts";
import { StateMark } from "./PortSocket.tsx";
import { BAD_STATES, type Place } from "./ports.ts";
import { stateWord } from "./words.ts";

/** In the order in which they matter; those that are usual are there even where none is like that. */
const KINDS: readonly Kind[] = ["fault", "lost", "unread", "unknown", "differs", "delivering", "searching", "off", "test"];
const USUAL: ReadonlySet<Kind> = new Set<Kind>(["fault", "delivering", "searching", "off"]);

/** The legend. */
export function Legend({ places }: { readonly places: readonly Place[] }): JSX.Element {
  const counts = countKinds(places);
  const chosen = query.value.get("state") ?? "";
  return (
      <div class="legend-chips" role="group" aria-label={t("Show only")}>
        {KINDS.filter((kind) => USUAL.has(kind) || counts.has(kind) || kind === chosen).map((kind) => {
          const count = counts.get(kind) ?? 0;
          return (
            <button
              key={kind}
              type="button"
              class={`kind-chip ${isBad(kind) && count > 0 ? "bad" : ""}`}
              aria-pressed={kind === chosen}
              disabled={count === 0 && kind !== chosen}
              onClick={() => setQuery({ state: kind === chosen ? null : kind })}
            >
              {kind === "differs" ? <DiffersMark /> : <StateMark state={kind} />}
              <span>{kind === "differs" ? t("Not as chosen") : stateWord(kind)}</span>
              <span class="number">{count}</span>
            </button>
          );
        })}
      </div>
  );
}

function isBad(kind: Kind): boolean {
  return kind === "differs" || BAD_STATES.has(kind);
}

function DiffersMark(): JSX.Element {
  return (
    <svg class="port-mark differs" viewBox="0 0 16 16" aria-hidden="true">
      <path class="solid" d="M3 2h11v11z" />
    </svg>
  );
}
