// A point's value: formatted, with its units, and honest about what it is worth.
import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { live, type LivePoint } from "../live/index.ts";
import { formatValue, type Declaration } from "./format.ts";
import { severityWord, SeverityMark, statusWord } from "./Severity.tsx";
import { visible } from "./text.ts";

interface ValueProps {
  readonly declaration: Declaration;
  readonly reading: LivePoint | undefined;
  /** False where severity is shown beside it already. */
  readonly mark?: boolean;
}

/**
 * A value with units and, where something is wrong, the mark and the reason: "never read", "no contact".
 * Greyed where the page is out of touch: it may be anything by now.
 */
export function Value({ declaration, reading, mark = true }: ValueProps): JSX.Element {
  const old = live.old.value;
  if (reading === undefined) return <span class="value waiting">…</span>;
  const { value, severity, status } = reading;
  const wrong = severity !== "NO_ALARM";
  const classes = `value ${declaration.kind} ${wrong && mark ? severity : ""} ${old ? "old" : ""}`;
  if (value === null && status === "UDF") {
    return <span class={`value never ${old ? "old" : ""}`}>{t("never read")}</span>;
  }
  const tip = wrong ? [severityWord(severity), statusWord(status)].filter(Boolean).join(" · ") : undefined;
  return (
    <span class={classes} title={tip}>
      {wrong && mark && <SeverityMark severity={severity} />}
      <span class="what">{formatValue(declaration, value)}</span>
      {declaration.units && value !== null && <span class="units"> {visible(declaration.units)}</span>}
    </span>
  );
}

/** The live value of the point named `name`, rendered again by itself. */
export function LiveValue({ name, declaration, mark = true }: Omit<ValueProps, "reading"> & { readonly name: string }): JSX.Element {
  return <Value declaration={declaration} reading={live.point(name).value} mark={mark} />;
}

/** A text from equipment: control characters made visible, shown as text whatever it says. */
export function DeviceText({ text, cut = false }: { readonly text: string; readonly cut?: boolean }): JSX.Element {
  const shown = visible(text);
  return (
    <bdi class={cut ? "cut" : undefined} title={cut ? shown : undefined}>
      {shown}
    </bdi>
  );
}
