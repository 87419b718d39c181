import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import { useAttempt } from "../../app/signingIn.tsx";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Note } from "../../ui/Note.tsx";

interface Props {
  readonly title: string;
  /** The word on the button. */
  readonly action: string;
  /** Whether the fields can be sent as they are. */
  readonly mayDo?: () => boolean;
  /** Does it; what it throws is shown, and the dialog stays. */
  readonly onDo: () => Promise<unknown>;
  /** Called after it was done, or where it was given up. */
  readonly onClose: () => void;
  /** Called instead where it was given up. */
  readonly onCancel?: () => void;
  readonly children: ComponentChildren;
}

/** A dialog with a form. */
export function FormDialog({ title, action, mayDo = () => true, onDo, onClose, onCancel = onClose, children }: Props): JSX.Element {
  const id = useId();
  const { wrong, busy, locked, attempt } = useAttempt();
  const submit = async (event: Event) => {
    event.preventDefault();
    if (mayDo() && !busy && !locked && (await attempt(onDo))) onClose();
  };
  return (
    <Dialog
      title={title}
      onClose={onCancel}
      actions={
        <>
          <Button onClick={onCancel}>{t("Cancel")}</Button>
          <Button type="submit" form={id} kind="primary" busy={busy} disabled={locked}>
            {action}
          </Button>
        </>
      }
    >
      <form id={id} class="stack" onSubmit={submit}>
        {children}
        {wrong && <Note kind="major">{wrong}</Note>}
      </form>
    </Dialog>
  );
}
