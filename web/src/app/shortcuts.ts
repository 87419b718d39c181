// Keys that work everywhere: "g" and a page's letter goes there, "/" searches, "?" lists them.
import { signal } from "@preact/signals";
import { listedPages } from "./places.ts";
import { go } from "./router.ts";

const TOGETHER_MS = 1_500;

/** True while the list of keys is shown. */
export const keysShown = signal(false);

let after = "";
let at = 0;

/** Called once. */
export function startShortcuts(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const page = after === "g" && event.timeStamp - at < TOGETHER_MS ? listedPages().find(({ key }) => key === event.key) : undefined;
    after = event.key;
    at = event.timeStamp;
    if (page) go(page.path);
    else if (event.key === "?") keysShown.value = true;
    else if (event.key === "/") {
      const search = document.querySelector<HTMLInputElement>("main input[type=search]");
      if (!search) return;
      search.focus();
      search.select();
    } else return;
    event.preventDefault();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, select, textarea"));
}
