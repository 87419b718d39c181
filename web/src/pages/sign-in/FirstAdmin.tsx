import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { signInFirst } from "../../api/session.ts";
import { useNewPassword } from "../../app/PasswordDialog.tsx";
import { useAttempt } from "../../app/signingIn.tsx";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { TextField } from "../../ui/Field.tsx";
import { Note } from "../../ui/Note.tsx";

/** Makes the first administrator, who is signed in then. */
export function FirstAdmin({ token }: { readonly token: string }): JSX.Element {
  const [user, setUser] = useState("");
  const chosen = useNewPassword();
  const { wrong, busy, locked, attempt } = useAttempt(t("This link was used, has ended, or is not the newest: vigilia users prints another."));
  const submit = (event: Event) => {
    event.preventDefault();
    if (chosen.ask() && !busy && !locked) void attempt(() => signInFirst(token, user, chosen.password));
  };
  return (
    <>
      <h1>{t("The first administrator")}</h1>
      <p class="muted">{t("Choose a name and a password. You can add others afterwards.")}</p>
      <form class="stack" onSubmit={submit}>
        <TextField
          label={t("User")}
          value={user}
          onInput={setUser}
          autocomplete="username"
          maxLength={60}
          hint={t("Small letters, digits and . _ @ -")}
          autofocus
          required
        />
        {chosen.fields}
        {wrong && <Note kind="major">{wrong}</Note>}
        <Button type="submit" kind="primary" class="whole" busy={busy} disabled={locked}>
          {t("Begin")}
        </Button>
      </form>
    </>
  );
}
