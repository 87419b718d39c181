import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import type { Role } from "../../api/types.ts";
import { useNewPassword } from "../../app/PasswordDialog.tsx";
import { t } from "../../i18n/index.ts";
import { TextField } from "../../ui/Field.tsx";
import { FormDialog } from "./FormDialog.tsx";
import { RoleField } from "./RoleField.tsx";

interface Props {
  readonly onDone: (text: string) => void;
  readonly onClose: () => void;
}

/** Adds a user. */
export function AddUser({ onDone, onClose }: Props): JSX.Element {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("operator");
  const chosen = useNewPassword();
  return (
    <FormDialog
      title={t("Add a user")}
      action={t("Add")}
      mayDo={() => name.trim() !== "" && chosen.ask()}
      onDo={async () => {
        const user = await api.post("/api/v1/users", { body: { name, role, password: chosen.password } });
        onDone(t("{name} is added.", { name: user.name }));
      }}
      onClose={onClose}
    >
      <TextField
        label={t("User")}
        value={name}
        onInput={setName}
        autocomplete="off"
        maxLength={60}
        hint={t("Small letters, digits and . _ @ -")}
        autofocus
        required
      />
      <RoleField role={role} onRole={setRole} />
      {chosen.fields}
    </FormDialog>
  );
}
