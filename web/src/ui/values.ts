// What was entered for a value, read and checked by its declaration.
import type { PointValue } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { formatNumber } from "./format.ts";
import { visible } from "./text.ts";

/** What a value must be: the part of a point's, or a parameter's, declaration that a form is made from. */
export interface ValueDeclaration {
  readonly kind: "enum" | "number" | "integer" | "text" | "boolean";
  readonly labels?: readonly string[] | null;
  readonly limits?: readonly number[] | null;
  readonly units?: string | null;
  readonly step?: number | null;
}

const LONGEST_TEXT = 1024; // vigilia.points.LONGEST_TEXT

/** What was entered: the value, or the sentence that says what is wrong with it. */
export type Parsed = { readonly value: PointValue; readonly wrong?: never } | { readonly value?: never; readonly wrong: string };

/** Return the text that a field of this kind starts with. */
export function draftOf(declaration: ValueDeclaration, value: PointValue | null): string {
  if (value === null) return "";
  if (declaration.kind === "enum" || declaration.kind === "boolean") return String(Number(value));
  return String(value);
}

/** Read what was entered, by the rules that the service has too. Both "7.5" and "7,5" are numbers. */
export function parseValue(declaration: ValueDeclaration, draft: string): Parsed {
  const { kind, limits, units } = declaration;
  if (kind === "text") {
    return draft.length > LONGEST_TEXT ? { wrong: t("At most {n} characters", { n: LONGEST_TEXT }) } : { value: draft };
  }
  if (draft.trim() === "") return { wrong: kind === "number" || kind === "integer" ? t("Write a number") : t("Choose one") };
  if (kind === "enum") return { value: Number(draft) };
  if (kind === "boolean") return { value: draft !== "0" };
  const number = numberOf(draft);
  if (!Number.isFinite(number)) return { wrong: t("Write a number") };
  if (kind === "integer" && !Number.isInteger(number)) return { wrong: t("Write a whole number") };
  const [low, high] = limits ?? [];
  if (low !== undefined && high !== undefined && (number < low || number > high)) {
    return { wrong: rangeText(low, high, units) };
  }
  return { value: number };
}

/** Return what a number may be, as a text. */
export function rangeText(low: number, high: number, units: string | null | undefined): string {
  const unit = units ? ` ${visible(units)}` : "";
  return t("{low} to {high}{unit}", { low: formatNumber(low, 6), high: formatNumber(high, 6), unit });
}

/** Return the number in a text, with a point or a comma before its decimals; NaN where it is none. */
export function numberOf(draft: string): number {
  const text = draft.trim().replace(",", ".");
  return text === "" ? NaN : Number(text);
}
