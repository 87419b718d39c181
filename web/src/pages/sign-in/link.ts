// What the address of the page says: /sign-in?to=PLACE, and the first administrator's link, /sign-in#first=TOKEN.

/** Return the token in the address, which has none afterwards; empty where there is none. */
export function takeToken(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get("first") ?? "";
  if (token) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}

/** Return where to go after signing in: a page of ours at `origin`, whatever was asked for; "/" where it is none. */
export function placeOfOurs(to: string, origin: string): string {
  try {
    const found = new URL(to, origin);
    const place = found.pathname + found.search; // of "/.//host" that is "//host", which is another site's address
    const ours = found.origin === origin && new URL(place, origin).href === origin + place && !place.startsWith("//");
    return ours && found.pathname !== "/sign-in" ? place : "/";
  } catch {
    return "/";
  }
}
