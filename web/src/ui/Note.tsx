import type { ComponentChildren, JSX } from "preact";

interface Props {
  readonly kind: "info" | "good" | "minor" | "major";
  readonly children: ComponentChildren;
}

/** A sentence that must not be missed; told to screen readers at once where it is bad news. */
export function Note({ kind, children }: Props): JSX.Element {
  return (
    <div class={`note ${kind}`} role={kind === "major" || kind === "minor" ? "alert" : "status"}>
      {children}
    </div>
  );
}
