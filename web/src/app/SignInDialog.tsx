import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { closeSignIn, session, signInWanted } from "../api/session.ts";
import { t } from "../i18n/index.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { useSigningIn } from "./signingIn.tsx";

/** Opens over whatever is being done when the session has ended, and lets it go on after signing in. */
export function SignInDialog(): JSX.Element | null {
  return signInWanted.value ? <OpenDialog /> : null;
}

function OpenDialog(): JSX.Element {
  const id = useId();
  const known = session.peek()?.user ?? "";
  const { form, busy, locked } = useSigningIn(id, known);
  return (
    <Dialog
      title={t("Sign in")}
      onClose={() => closeSignIn(false)}
      actions={
        <>
          <Button onClick={() => closeSignIn(false)}>{t("Cancel")}</Button>
          <Button type="submit" form={id} kind="primary" busy={busy} disabled={locked}>
            {t("Sign in")}
          </Button>
        </>
      }
    >
      <p>
        {known && <strong>{t("Your session has ended.")} </strong>}
        <span class="muted">{t("Nothing of what you typed is lost: it goes on after signing in.")}</span>
      </p>
      {form}
    </Dialog>
  );
}
