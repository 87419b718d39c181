// A list, and beside it what of it is open.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { Button } from "./Button.tsx";

interface SplitProps {
  readonly children: ComponentChildren;
  /** What is open; null: nothing, and the list has all the room. */
  readonly detail: ComponentChildren;
  /** How high the list would be if all of it were seen, in CSS pixels: it takes no more room than that. */
  readonly listHeight?: number;
}

/** The list, and what is open to its right; where the window is narrow, in its place. */
export function Split({ children, detail, listHeight }: SplitProps): JSX.Element {
  return (
    <div class={`split ${detail ? "open" : ""}`}>
      <div class="split-list" style={listHeight === undefined ? {} : { "--all-rows": `${listHeight}px` }}>
        {children}
      </div>
      {detail}
    </div>
  );
}

interface PanelProps {
  readonly title: ComponentChildren;
  /** What stands before the title. */
  readonly mark?: ComponentChildren;
  readonly onClose: () => void;
  /** What does not scroll away, below the title: the buttons. */
  readonly actions?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** What is open. It takes the focus, keeps it when the button that had it goes, and gives it back to the list; Escape closes it. */
export function Panel({ title, mark, onClose, actions, children }: PanelProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  const focused = useRef<EventTarget | null>(null);
  const id = useId();
  useEffect(() => {
    // What was done may take its own button away. Without a focus in here, Escape would not close it.
    const gone = focused.current instanceof Element && !focused.current.isConnected;
    if (gone && document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  });
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const inDialog = event.target instanceof Element && event.target.closest("dialog") !== null;
    if (event.key !== "Escape" || event.defaultPrevented || inDialog) return;
    event.preventDefault();
    onClose();
  };
  return (
    <section class="panel" aria-labelledby={id} onKeyDown={onKeyDown} onFocusIn={(event) => (focused.current = event.target)}>
      <header>
        <Button kind="quiet" icon="left" class="back" label={t("Back to the list")} onClick={onClose} />
        {mark}
        <h2 id={id} ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <Button kind="quiet" icon="close" class="shut" label={t("Close")} onClick={onClose} />
      </header>
      {actions && <div class="panel-actions">{actions}</div>}
      <div class="panel-content stack">{children}</div>
    </section>
  );
}

interface FactProps {
  readonly label: ComponentChildren;
  readonly children: ComponentChildren;
}

/** One line of what is known: its name and what it is. Wrap several in <dl class="fact-list">. */
export function Fact({ label, children }: FactProps): JSX.Element {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
