// The time as the service has it, told once a second to whatever shows how long ago something was.
import { signal } from "@preact/signals";
import { live } from "./index.ts";

/** Milliseconds since 1970 by the service's clock; changes once a second while the page is seen. */
export const now = signal(Date.now());

/** Return the service's present time, milliseconds since 1970, without rendering again for it. */
export function serviceNow(): number {
  return Date.now() + live.clockOffset.peek();
}

/** Called once. */
export function startClock(): void {
  const tick = () => {
    if (document.visibilityState === "visible") now.value = serviceNow();
  };
  setInterval(tick, 1_000);
  document.addEventListener("visibilitychange", tick);
  live.clockOffset.subscribe(tick);
}
