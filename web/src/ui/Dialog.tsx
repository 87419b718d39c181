// Dialogs: the browser's own <dialog>, so that focus stays inside, Escape closes, and what is behind is out of reach.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { sentenceOf } from "../api/failure.ts";
import { t } from "../i18n/index.ts";
import { Button } from "./Button.tsx";
import { Note } from "./Note.tsx";

interface DialogProps {
  readonly title: ComponentChildren;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
  /** The buttons, the one that does it last. */
  readonly actions?: ComponentChildren;
  readonly wide?: boolean;
}

/** A dialog that is open while it is rendered. */
export function Dialog({ title, onClose, children, actions, wide = false }: DialogProps): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${wide ? "wide" : ""}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={heading}>{title}</h2>
        <Button kind="quiet" icon="close" label={t("Close")} onClick={onClose} />
      </header>
      <div class="content stack">{children}</div>
      {actions !== undefined && <footer>{actions}</footer>}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: ComponentChildren;
  /** What will happen, and to what. */
  readonly children?: ComponentChildren;
  /** The word on the button: what is done, not "OK". */
  readonly action: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  /** Does it. What it throws is shown, and the dialog stays open; what it returns is left to the caller. */
  readonly onConfirm: () => Promise<unknown> | unknown;
  readonly onClose: () => void;
}

/** Asks before something is done, does it, and says why where it could not be. Enter does it, Escape does not. */
export function ConfirmDialog(props: ConfirmProps): JSX.Element {
  const { title, children, action, danger = false, disabled = false, onConfirm, onClose } = props;
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const form = useId();
  const confirm = async (event: Event) => {
    event.preventDefault();
    if (busy || disabled) return;
    setBusy(true);
    setWrong("");
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setWrong(sentenceOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("Cancel")}</Button>
          <Button type="submit" form={form} kind={danger ? "danger" : "primary"} busy={busy} disabled={disabled} autofocus>
            {action}
          </Button>
        </>
      }
    >
      <form id={form} class="stack" onSubmit={confirm} noValidate>
        {children}
        {wrong && <Note kind="major">{wrong}</Note>}
      </form>
    </Dialog>
  );
}
