// What systems are called: by the section of their driver.
import { t } from "../i18n/index.ts";
import { visible } from "./text.ts";

/** Return the word for a system; its section's name where it has none here. */
export function systemWord(system: string): string {
  switch (system) {
    case "aruba":
      return t("PoE");
    case "pvoperation":
      return t("Plants");
    case "reactor":
      return t("Reactors");
    case "vigilia":
      return t("Vigilia itself");
    default:
      return visible(system);
  }
}
