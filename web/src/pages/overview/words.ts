// What systems are called on pages, and where each is looked at.
import { PAGES } from "../../pages.ts";
import { t } from "../../i18n/index.ts";
import { visible } from "../../ui/text.ts";
import { OWN, type System } from "./situation.ts";

/** Return the name of a system, in the language in use. */
export function systemWord({ name, title }: Pick<System, "name" | "title">): string {
  switch (name) {
    case "aruba":
      return t("PoE");
    case "pvoperation":
      return t("Plants");
    case "reactor":
      return t("Reactors");
    case OWN:
      return t("The watch");
    default:
      return visible(title);
  }
}

/** Return where a system is looked at: on its own page, or among all points. */
export function pageOf(name: string): string {
  const own = { aruba: "/poe", pvoperation: "/plants", reactor: "/reactors" }[name];
  return own !== undefined && PAGES.some(({ path }) => path === own) ? own : `/points?${new URLSearchParams({ system: name })}`;
}
