// What is open beside the switches: a port, or a switch. On a phone it lies over them.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";

interface Props {
  readonly title: ComponentChildren;
  readonly below?: ComponentChildren;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A part of the page that is there while something is open. Escape closes it, and focus goes back to where it was. */
export function Drawer({ title, below, onClose, children }: Props): JSX.Element {
  const element = useRef<HTMLElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected && before !== document.body) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <aside
      ref={element}
      class="drawer"
      aria-labelledby={heading}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <div class="grow">
          <h2 id={heading}>{title}</h2>
          {below !== undefined && <p class="muted">{below}</p>}
        </div>
        <Button kind="quiet" icon="close" label={t("Close")} onClick={onClose} />
      </header>
      <div class="stack">{children}</div>
    </aside>
  );
}
