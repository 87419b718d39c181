import { t } from "../i18n/index.ts";

/** Return the word for a role; empty for who has none. */
export function roleWord(role: string | null): string {
  switch (role) {
    case "admin":
      return t("administrator");
    case "operator":
      return t("operator");
    case "viewer":
      return t("viewer");
    default:
      return "";
  }
}
