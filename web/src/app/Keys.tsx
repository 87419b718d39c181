import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { listedPages } from "./places.ts";
import { keysShown } from "./shortcuts.ts";

/** The list of keys, while it is asked for. */
export function Keys(): JSX.Element | null {
  if (!keysShown.value) return null;
  const keys: readonly (readonly [string, string])[] = [
    ...listedPages().map(({ key, title }) => [`g ${key}`, t(title)] as const),
    ["/", t("Search on this page")],
    ["↑ ↓ Enter", t("Move in a list, and open what is there")],
    ["← → + −", t("Move in a chart, and zoom")],
    ["Esc", t("Close a dialog")],
    ["?", t("Show these keys")],
  ];
  return (
    <Dialog title={t("Keys")} onClose={() => (keysShown.value = false)}>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(" ").map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
