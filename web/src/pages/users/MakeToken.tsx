import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import type { Role } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { serviceNow } from "../../live/clock.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { SelectField, TextField } from "../../ui/Field.tsx";
import { Note } from "../../ui/Note.tsx";
import { toast } from "../../ui/Toast.tsx";
import { FormDialog } from "./FormDialog.tsx";
import { RoleField } from "./RoleField.tsx";

const DAY_MS = 86_400_000;
const DAYS = [30, 90, 365] as const;

interface Props {
  readonly onMade: () => void;
  readonly onClose: () => void;
}

/** Makes a token, and shows it this once. */
export function MakeToken({ onMade, onClose }: Props): JSX.Element {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [days, setDays] = useState("90");
  const [made, setMade] = useState("");
  if (made) return <Made name={name} token={made} onClose={onClose} />;
  return (
    <FormDialog
      title={t("Make a token")}
      action={t("Make")}
      mayDo={() => name.trim() !== ""}
      onDo={async () => {
        const ends_at = days === "" ? null : new Date(serviceNow() + Number(days) * DAY_MS).toISOString();
        const answer = await api.post("/api/v1/tokens", { body: { name, role, ends_at } });
        setMade(answer.token);
        onMade();
      }}
      onClose={() => undefined}
      onCancel={onClose}
    >
      <TextField
        label={t("Program")}
        value={name}
        onInput={setName}
        autocomplete="off"
        maxLength={60}
        hint={t("Small letters, digits and . _ @ -")}
        autofocus
        required
      />
      <RoleField role={role} onRole={setRole} />
      <SelectField
        label={t("Ends")}
        value={days}
        options={[...DAYS.map((n) => ({ value: String(n), label: tn("in {n} day", "in {n} days", n) })), { value: "", label: t("never") }]}
        onChange={setDays}
      />
    </FormDialog>
  );
}

function Made({ name, token, onClose }: { readonly name: string; readonly token: string; readonly onClose: () => void }): JSX.Element {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(token);
      toast("good", t("The token is in the clipboard"));
    } catch {
      // Browsers keep the clipboard from pages that come without TLS: it is marked, to be copied by hand.
      const field = document.querySelector<HTMLInputElement>(".token-made input");
      field?.focus();
      field?.select();
    }
  };
  return (
    <Dialog
      title={t("The token of {name}", { name })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("Close")}</Button>
          <Button kind="primary" icon="copy" onClick={copy} autofocus>
            {t("Copy")}
          </Button>
        </>
      }
    >
      <Note kind="minor">{t("It is shown this once: nobody can be told it again.")}</Note>
      <div class="token-made mono">
        <TextField label={t("Token")} value={token} onInput={() => undefined} autocomplete="off" />
      </div>
      <p class="muted">
        {t("A program shows it as:")} <code>Authorization: Bearer …</code>
      </p>
    </Dialog>
  );
}
