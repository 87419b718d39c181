// Severity: a shape, a colour and a word, so that none of them has to be enough.
import type { JSX } from "preact";
import type { Severity } from "../api/types.ts";
import { t } from "../i18n/index.ts";

/** ● normal (quiet), ▲ minor, ◆ major, ⬡ with a cross: invalid. */
const SHAPES: Readonly<Record<Severity, JSX.Element>> = {
  NO_ALARM: <circle cx="8" cy="8" r="3.5" />,
  MINOR: <path d="M8 1.5 15 14H1z" />,
  MAJOR: <path d="M8 .5 15.5 8 8 15.5.5 8z" />,
  INVALID: <path class="open" d="M4.5 2h7L15 8l-3.5 6h-7L1 8zM5.5 5.5l5 5M10.5 5.5l-5 5" />,
};

/** Return the word for a severity. */
export function severityWord(severity: Severity): string {
  switch (severity) {
    case "NO_ALARM":
      return t("Normal");
    case "MINOR":
      return t("Minor");
    case "MAJOR":
      return t("Major");
    case "INVALID":
      return t("Invalid");
  }
}

/** Return the sentence for an alarm status, in EPICS terms; "" for none. */
export function statusWord(status: string): string {
  switch (status) {
    case "NO_ALARM":
      return "";
    case "READ":
      return t("bad answer");
    case "WRITE":
      return t("write failed");
    case "HIHI":
      return t("far too high");
    case "HIGH":
      return t("too high");
    case "LOLO":
      return t("far too low");
    case "LOW":
      return t("too low");
    case "STATE":
      return t("state");
    case "COMM":
      return t("bus error");
    case "TIMEOUT":
      return t("no contact");
    case "UDF":
      return t("never read");
    default:
      return status;
  }
}

/** Only the shape, in its colour; the word is read out. */
export function SeverityMark({ severity }: { readonly severity: Severity }): JSX.Element {
  return (
    <svg class={`severity-mark ${severity}`} viewBox="0 0 16 16" role="img" aria-label={severityWord(severity)}>
      {SHAPES[severity]}
    </svg>
  );
}

interface BadgeProps {
  readonly severity: Severity;
  /** Why, in EPICS terms: "TIMEOUT". */
  readonly status?: string;
}

/** Shape, colour and word. */
export function SeverityBadge({ severity, status = "NO_ALARM" }: BadgeProps): JSX.Element {
  const why = statusWord(status);
  return (
    <span class={`severity ${severity}`}>
      <svg class={`severity-mark ${severity}`} viewBox="0 0 16 16" aria-hidden="true">
        {SHAPES[severity]}
      </svg>
      <span>
        {severityWord(severity)}
        {why && <span class="why"> · {why}</span>}
      </span>
    </span>
  );
}
