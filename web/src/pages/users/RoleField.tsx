import type { JSX } from "preact";
import { ROLES, type Role } from "../../api/types.ts";
import { roleWord } from "../../app/roles.ts";
import { t } from "../../i18n/index.ts";
import { SelectField } from "../../ui/Field.tsx";

interface Props {
  readonly role: Role;
  readonly onRole: (role: Role) => void;
}

/** One of the roles, with what it lets one do. */
export function RoleField({ role, onRole }: Props): JSX.Element {
  return (
    <SelectField
      label={t("Role")}
      value={role}
      options={ROLES.map((value) => ({ value, label: roleWord(value) }))}
      onChange={(value) => onRole(value as Role)}
      hint={whatItMay(role)}
    />
  );
}

function whatItMay(role: Role): string {
  switch (role) {
    case "viewer":
      return t("May look at everything but this page.");
    case "operator":
      return t("May also write, and act on alarms.");
    case "admin":
      return t("May do everything.");
  }
}
