import type { JSX } from "preact";
import { session } from "../api/session.ts";
import { t } from "../i18n/index.ts";
import type { Page } from "../pages.ts";
import { EmptyState } from "../ui/Tile.tsx";
import { roleWord } from "./roles.ts";

/** What stands in the place of a page that somebody may not see. */
export function NotForYou({ page }: { readonly page: Page }): JSX.Element {
  return (
    <div class="page stack">
      <h1>{t(page.title)}</h1>
      <EmptyState title={t("This page is for: {role}", { role: roleWord(page.role) })}>
        <p>{t("You are here as: {role}", { role: roleWord(session.value?.role ?? null) })}</p>
        <p>
          <a href="/">{t("Go to the first page")}</a>
        </p>
      </EmptyState>
    </div>
  );
}
