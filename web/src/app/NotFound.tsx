import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { EmptyState } from "../ui/Tile.tsx";
import { visible } from "../ui/text.ts";

/** What stands at a path where no page is. */
export function NotFound({ path }: { readonly path: string }): JSX.Element {
  return (
    <div class="page stack">
      <h1>{t("There is no such page")}</h1>
      <EmptyState title={<code>{visible(path)}</code>}>
        <p>
          <a href="/">{t("Go to the first page")}</a>
        </p>
      </EmptyState>
    </div>
  );
}
