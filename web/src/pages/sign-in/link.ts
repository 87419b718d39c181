// The first administrator's link: /sign-in#first=TOKEN.

/** Return the token in the address, which has none afterwards; empty where there is none. */
export function takeToken(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get("first") ?? "";
  if (token) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}
