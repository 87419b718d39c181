import type { JSX } from "preact";
import { api } from "../../api/client.ts";
import { useNewPassword } from "../../app/PasswordDialog.tsx";
import { t } from "../../i18n/index.ts";
import { FormDialog } from "./FormDialog.tsx";
import type { User } from "./UserList.tsx";

interface Props {
  readonly user: User;
  readonly onDone: (text: string) => void;
  readonly onClose: () => void;
}

/** Gives somebody else another password. */
export function NewPasswordDialog({ user, onDone, onClose }: Props): JSX.Element {
  const chosen = useNewPassword();
  return (
    <FormDialog
      title={t("New password for {name}", { name: user.name })}
      action={t("Set the password")}
      mayDo={chosen.ask}
      onDo={async () => {
        await api.put("/api/v1/users/{name}/password", { path: { name: user.name }, body: { password: chosen.password, current: "" } });
        onDone(t("{name} has a new password.", { name: user.name }));
      }}
      onClose={onClose}
    >
      <p class="muted">{t("All their sessions end at once, and what locked them out.")}</p>
      {chosen.fields}
    </FormDialog>
  );
}
