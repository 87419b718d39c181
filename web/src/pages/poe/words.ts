// What this page calls things, in the language in use.
import { t } from "../../i18n/index.ts";
import { statusWord } from "../../ui/Severity.tsx";
import type { PortState } from "./ports.ts";

/** Return the word for a state, as the legend has it. */
export function stateWord(state: PortState): string {
  switch (state) {
    case "searching":
      return t("Searching");
    case "delivering":
      return t("Delivering");
    case "off":
      return t("Disabled");
    case "fault":
      return t("Fault");
    case "otherFault":
      return t("Fault of the switch");
    case "test":
      return t("Test");
    case "unknown":
      return t("Unknown state");
    case "lost":
      return t("No contact");
    case "unread":
      return t("Never read");
    case "waiting":
      return "…";
  }
}

/** Return why nothing is known of a port: "no contact", "bad answer". */
export function lostWord(status: string | undefined): string {
  return status === undefined || status === "TIMEOUT" ? t("No contact") : statusWord(status);
}

/** Return On or Off, as operators say it. */
export function powerWord(on: boolean): string {
  return on ? t("On") : t("Off");
}

/** Return a room's name, or what stands for none. */
export function roomWord(name: string): string {
  return name || t("No room given");
}
