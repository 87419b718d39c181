// What somebody chose in this browser, where the browser lets us keep it.

const PREFIX = "vigilia.";

/** Return what was chosen under `key`; null where nothing was, or the browser keeps nothing. */
export function readChoice(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null; // storage is switched off: every visit starts with the defaults
  }
}

/** Keep a choice, or forget it where `value` is null. */
export function keepChoice(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, value);
  } catch {
    // storage is switched off or full: the choice holds until the page is left
  }
}
