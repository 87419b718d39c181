// A value as the audit has it, in the words of its point.
import { signal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { api } from "../../api/client.ts";
import type { Point, PointValue } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { formatValue } from "../../ui/format.ts";
import { visible } from "../../ui/text.ts";

const declarations = new Map<string, Signal<Point | null>>();

/** Return what a point is, once the service has said it; it is asked once for each point that is seen. */
function declarationOf(name: string): Signal<Point | null> {
  let found = declarations.get(name);
  if (!found) {
    const fresh = signal<Point | null>(null);
    found = fresh;
    declarations.set(name, fresh);
    if (!name.startsWith("outbox:")) {
      api.get("/api/v1/points/{name}", { path: { name } }).then(
        (point) => (fresh.value = point),
        () => undefined, // gone, or out of touch: its raw value is shown
      );
    }
  }
  return found;
}

/** A value with its label or its units. Texts, such as what was done to an alarm, stay as they are. */
export function AuditValue({ point, value }: { readonly point: string; readonly value: PointValue | null }): JSX.Element {
  if (value === null) return <span class="muted">{t("nothing")}</span>;
  if (typeof value === "string") return <span class="audit-text">{visible(value)}</span>;
  const declaration = declarationOf(point).value;
  if (!declaration) return <span class="number">{String(value)}</span>;
  return (
    <span class="number">
      {formatValue(declaration, value)}
      {declaration.units ? ` ${visible(declaration.units)}` : ""}
    </span>
  );
}
