import type { JSX } from "preact";
import { t } from "../../i18n/index.ts";
import { EmptyState } from "../../ui/Tile.tsx";

const EXAMPLE = `[[aruba.switches]]
name = "sw-1"
url = "http://192.0.2.10:80"
ports = [ { port = "3", device = "TB-01:CamMF-01" } ]

[pvoperation]
email = "…"
password_file = "…"

[reactor]
listen = "127.0.0.1:50051"`;

/** Says how to add equipment, where there is none. */
export function NoEquipment(): JSX.Element {
  return (
    <EmptyState title={t("No equipment is watched yet")}>
      <p>{t("Add a switch, plants or reactors to vigilia.toml, then start Vigilia again. Reactors that call appear by themselves once they are accepted.")}</p>
      <pre>{EXAMPLE}</pre>
    </EmptyState>
  );
}
