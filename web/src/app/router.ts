// Where we are: the path picks the page, the query holds what of it is shared by its link.
import { computed, signal } from "@preact/signals";

const place = signal(new URL(location.href));

/** The path of the page that is shown. */
export const path = computed(() => place.value.pathname);

/** The query of the page that is shown. */
export const query = computed(() => place.value.searchParams);

/** Go to a page of ours; `replace` leaves no step to come back to. */
export function go(to: string, { replace = false } = {}): void {
  const next = new URL(to, location.href);
  if (next.href === location.href) return;
  const other = next.pathname !== location.pathname;
  if (replace) history.replaceState(null, "", next);
  else history.pushState(null, "", next);
  place.value = next;
  if (other) window.scrollTo(0, 0);
}

/** Change the query of this page: null or "" takes a field out, a list gives it more than once. */
export function setQuery(changes: Readonly<Record<string, string | readonly string[] | null>>, { push = false } = {}): void {
  const next = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    next.searchParams.delete(name);
    for (const one of typeof value === "string" ? [value] : (value ?? [])) {
      if (one) next.searchParams.append(name, one);
    }
  }
  go(next.href, { replace: !push });
}

/** Follow links to our own pages without loading the document again, and the browser's steps back and forth. */
export function startRouter(): void {
  addEventListener("popstate", () => (place.value = new URL(location.href)));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const to = new URL(link.href, location.href);
    if (link.target || link.hasAttribute("download") || to.origin !== location.origin) return;
    if (to.pathname.startsWith("/api/") || (to.hash && to.pathname === location.pathname)) return;
    event.preventDefault();
    go(to.href);
  });
}
