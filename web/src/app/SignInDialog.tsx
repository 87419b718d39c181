import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { sentenceOf } from "../api/failure.ts";
import { closeSignIn, session, signIn, signInWanted } from "../api/session.ts";
import { t } from "../i18n/index.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { TextField } from "../ui/Field.tsx";
import { Note } from "../ui/Note.tsx";

/** Opens over whatever is being done when the session has ended, and lets it go on after signing in. */
export function SignInDialog(): JSX.Element | null {
  return signInWanted.value ? <OpenDialog /> : null;
}

function OpenDialog(): JSX.Element {
  const form = useId();
  const [user, setUser] = useState(session.peek()?.user ?? "");
  const [password, setPassword] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setWrong("");
    try {
      await signIn(user, password);
    } catch (error) {
      setWrong(sentenceOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("Sign in")}
      onClose={() => closeSignIn(false)}
      actions={
        <>
          <Button onClick={() => closeSignIn(false)}>{t("Cancel")}</Button>
          <Button type="submit" form={form} kind="primary" busy={busy}>
            {t("Sign in")}
          </Button>
        </>
      }
    >
      <form id={form} class="stack" onSubmit={submit}>
        <p class="muted">{t("Nothing of what you typed is lost: it goes on after signing in.")}</p>
        <TextField label={t("User")} value={user} onInput={setUser} autocomplete="username" autofocus={user === ""} required />
        <TextField
          label={t("Password")}
          type="password"
          value={password}
          onInput={setPassword}
          autocomplete="current-password"
          autofocus={user !== ""}
          required
        />
        {wrong && <Note kind="major">{wrong}</Note>}
      </form>
    </Dialog>
  );
}
