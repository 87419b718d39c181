import type { JSX } from "preact";
import { t } from "../../i18n/index.ts";
import { EmptyState } from "../../ui/Tile.tsx";

const EXAMPLE = `[[aruba.switches]]
name = "sw-1"
url = "http://192.0.2.10:80"
ports = [ { port = "3", device = "TB-01:CamMF-01" } ]`;

/** How to have something watched, where nothing is. */
export function Welcome(): JSX.Element {
  return (
    <EmptyState title={t("Vigilia runs, and has nothing to watch")}>
      <p>{t("Add switches, plants or reactors to vigilia.toml, then start Vigilia again. A switch, for example:")}</p>
      <pre>{EXAMPLE}</pre>
    </EmptyState>
  );
}
