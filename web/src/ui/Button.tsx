import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./Icon.tsx";

interface Props extends Omit<JSX.IntrinsicElements["button"], "size" | "icon"> {
  /** primary: what one came for; danger: what cannot be taken back; quiet: without a frame. */
  readonly kind?: "normal" | "primary" | "danger" | "quiet";
  readonly icon?: IconName;
  /** True while what it started is under way: it says so, and takes no second click. */
  readonly busy?: boolean;
  /** Read out, and shown as a tip, where the button has only an icon. */
  readonly label?: string;
  readonly children?: ComponentChildren;
}

/** A button. Says `type="button"` of itself: only those that send a form need another. */
export function Button({ kind = "normal", icon, busy = false, label, children, ...others }: Props): JSX.Element {
  const { class: extra, disabled, ...rest } = others;
  return (
    <button
      type="button"
      {...rest}
      class={`button ${kind} ${children === undefined ? "only-icon" : ""} ${typeof extra === "string" ? extra : ""}`}
      aria-label={label}
      title={label}
      aria-busy={busy || undefined}
      disabled={disabled === true || busy}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}
