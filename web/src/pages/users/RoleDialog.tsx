import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import type { Role } from "../../api/types.ts";
import { roleWord } from "../../app/roles.ts";
import { t } from "../../i18n/index.ts";
import { FormDialog } from "./FormDialog.tsx";
import { RoleField } from "./RoleField.tsx";
import type { User } from "./UserList.tsx";

interface Props {
  readonly user: User;
  readonly onDone: (text: string) => void;
  readonly onClose: () => void;
}

/** Gives a user another role. */
export function RoleDialog({ user, onDone, onClose }: Props): JSX.Element {
  const [role, setRole] = useState<Role>(user.role);
  return (
    <FormDialog
      title={t("The role of {name}", { name: user.name })}
      action={t("Change the role")}
      onDo={async () => {
        await api.put("/api/v1/users/{name}/role", { path: { name: user.name }, body: { role } });
        onDone(t("{name} is {role} now.", { name: user.name, role: roleWord(role) }));
      }}
      onClose={onClose}
    >
      <p class="muted">{t("It holds at once, in every browser where they are signed in.")}</p>
      <RoleField role={role} onRole={setRole} />
    </FormDialog>
  );
}
