// What states and classes of alarms are called.
import { t } from "../../i18n/index.ts";
import { visible } from "../../ui/text.ts";
import type { InverterState, Trouble } from "./model.ts";

/** Return the word for what an inverter is at. */
export function stateWord(state: InverterState): string {
  switch (state) {
    case "producing":
      return t("Producing");
    case "stopped":
      return t("No power");
    case "failed":
      return t("Failed");
    case "suppressed":
      return t("Suppressed");
    case "nodata":
      return t("No data");
    case "night":
      return t("Night");
    case "lost":
      return t("No contact");
    case "unread":
      return t("Never read");
    case "waiting":
      return "…";
  }
}

/** Return the word for what matters most at a plant. */
export function troubleWord(trouble: Trouble): string {
  switch (trouble) {
    case "relay":
      return t("Relay tripped");
    case "failed":
      return t("Inverter failed");
    case "nodata":
      return t("No data");
    case "lost":
      return t("No contact");
    case "stopped":
      return t("No power");
    case "waiting":
      return "…";
    case "ok":
      return t("Producing");
    case "night":
      return t("Night");
  }
}

/** Return the word for a class of a relay's alarms. */
export function flagWord(flag: string): string {
  switch (flag) {
    case "Overvoltage":
      return t("Overvoltage");
    case "Undervoltage":
      return t("Undervoltage");
    case "Frequency":
      return t("Frequency");
    case "Thermal":
      return t("Thermal");
    case "Lockout":
      return t("Lockout");
    case "Other":
      return t("Others");
    default:
      return visible(flag);
  }
}
