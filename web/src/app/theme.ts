// Light, dark, or as the machine has it.
import { signal } from "@preact/signals";
import { keepChoice, readChoice } from "./choices.ts";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const chosen = readChoice("theme");

/** The scheme that was chosen. */
export const theme = signal<Theme>(chosen === "light" || chosen === "dark" ? chosen : "auto");

/** Use a scheme from now on. */
export function chooseTheme(wanted: Theme): void {
  theme.value = wanted;
  keepChoice("theme", wanted === "auto" ? null : wanted);
  if (wanted === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = wanted;
}
