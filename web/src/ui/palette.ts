// Colours for canvases, which know nothing of CSS variables or of light-dark().
import { signal } from "@preact/signals";

/** Counts up when the colour scheme changes: what is drawn must be drawn again. */
export const schemeChanges = signal(0);

let probe: HTMLElement | null = null;

/** Return the colour that the custom property `name` has now, as a canvas takes it. */
export function colour(name: string): string {
  probe ??= document.body.appendChild(Object.assign(document.createElement("span"), { hidden: true }));
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

/** Return `shade` (rgb…) with an opacity from 0 to 1. */
export function faded(shade: string, opacity: number): string {
  const parts = /^rgba?\(([^)]+)\)$/.exec(shade)?.[1]?.split(/[,\s/]+/).slice(0, 3);
  return parts ? `rgba(${parts.join(",")},${opacity})` : shade;
}

/** The colour of the series at `index`; there are eight, then they come again. */
export function seriesColour(index: number): string {
  return colour(`--series-${(index % 8) + 1}`);
}

/** Called once. */
export function watchScheme(): void {
  const changed = () => (schemeChanges.value += 1);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
