// Which pages there are for whoever is there.
import { may, session } from "../api/session.ts";
import { PAGES, type Page } from "../pages.ts";

export const SIGN_IN = "/sign-in";

/** Return the pages that one goes to, in their order. Rendered again when that changes. */
export function listedPages(): Page[] {
  const signsIn = session.value?.signin_required === true;
  return PAGES.filter(({ role, listed = true, signIn = false }) => listed && may(role) && (signsIn || !signIn));
}

/** Return the page at `here`; "/" is the first one there is where nothing is there. */
export function pageAt(here: string): Page | undefined {
  return PAGES.find((page) => page.path === here) ?? (here === "/" ? PAGES[0] : undefined);
}

/** Return the address of the page for signing in, which leads back to where we are. */
export function signInHere(): string {
  return `${SIGN_IN}?${new URLSearchParams({ to: location.pathname + location.search })}`;
}
