import type { JSX } from "preact";
import { language } from "../i18n/index.ts";

export interface Chip<V extends string> {
  readonly value: V;
  readonly label: string;
  readonly count?: number;
}

interface Props<V extends string> {
  /** What is chosen: read out. */
  readonly label: string;
  readonly chips: readonly Chip<V>[];
  readonly value: V;
  readonly onChange: (value: V) => void;
}

/** Kinds side by side, how many there are of each, and one of them chosen. On a phone they scroll sideways. */
export function Chips<V extends string>({ label, chips, value, onChange }: Props<V>): JSX.Element {
  return (
    <div class="chips" role="group" aria-label={label}>
      {chips.map((chip) => (
        <button key={chip.value} type="button" class="chip" aria-pressed={chip.value === value} onClick={() => onChange(chip.value)}>
          {chip.label}
          {chip.count !== undefined && <span class="number"> {chip.count.toLocaleString(language.value)}</span>}
        </button>
      ))}
    </div>
  );
}
