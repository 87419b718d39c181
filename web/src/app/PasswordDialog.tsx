import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { changeOwnPassword } from "../api/session.ts";
import { t } from "../i18n/index.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { TextField } from "../ui/Field.tsx";
import { Note } from "../ui/Note.tsx";
import { toast } from "../ui/Toast.tsx";
import { useAttempt } from "./signingIn.tsx";

interface Props {
  readonly user: string;
  readonly onClose: () => void;
}

/** Changes one's own password, which takes the present one. */
export function PasswordDialog({ user, onClose }: Props): JSX.Element {
  const id = useId();
  const [current, setCurrent] = useState("");
  const chosen = useNewPassword();
  const { wrong, busy, locked, attempt } = useAttempt(t("The present password is wrong."));
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!chosen.ask() || busy || locked) return;
    if (!(await attempt(() => changeOwnPassword(user, current, chosen.password)))) return;
    toast("good", t("Your password is changed. Other browsers have to sign in again."));
    onClose();
  };
  return (
    <Dialog
      title={t("Change password")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("Cancel")}</Button>
          <Button type="submit" form={id} kind="primary" busy={busy} disabled={locked}>
            {t("Change password")}
          </Button>
        </>
      }
    >
      <form id={id} class="stack" onSubmit={submit} noValidate>
        <input class="sr-only" type="text" autocomplete="username" value={user} readOnly tabIndex={-1} aria-hidden="true" />
        <TextField
          label={t("Present password")}
          type="password"
          value={current}
          onInput={setCurrent}
          autocomplete="current-password"
          maxLength={1000}
          autofocus
        />
        {chosen.fields}
        {wrong && <Note kind="major">{wrong}</Note>}
      </form>
    </Dialog>
  );
}

const LEAST = 10; // vigilia.interfaces.auth.passwords.LEAST_PASSWORD

interface NewPassword {
  readonly password: string;
  readonly fields: JSX.Element;
  /** Return whether it may be sent; where not, the fields say why. */
  readonly ask: () => boolean;
}

/** Return two fields for a new password, typed twice, for nobody sees what is typed. */
export function useNewPassword(): NewPassword {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [asked, setAsked] = useState(false);
  const short = password.length < LEAST ? t("A password has at least {n} characters.", { n: LEAST }) : "";
  const differs = again !== password ? t("This is not the same as above.") : "";
  const fields = (
    <>
      <TextField
        label={t("New password")}
        type="password"
        value={password}
        onInput={setPassword}
        autocomplete="new-password"
        maxLength={256}
        hint={t("10 characters at least: some words that do not belong together.")}
        wrong={asked ? short : ""}
      />
      <TextField
        label={t("New password, once more")}
        type="password"
        value={again}
        onInput={setAgain}
        autocomplete="new-password"
        maxLength={256}
        wrong={asked && !short ? differs : ""}
      />
    </>
  );
  return {
    password,
    fields,
    ask: () => {
      setAsked(true);
      return !short && !differs;
    },
  };
}
