// Who is signed in, what they may do, and how to sign in again without losing what was typed.
import { signal } from "@preact/signals";
import { ApiFailure } from "./failure.ts";
import { ROLES, type Role, type Session } from "./types.ts";

/** Another tab that signs in ends this one's session a moment before the browser has the new one. */
const AGAIN_MS = 500;

/**
 * The session; null until the service was asked. It stays as it was when it ends by itself: what was typed into a page
 * would be lost with its buttons.
 */
export const session = signal<Session | null>(null);

/** True from when the session has ended by itself until somebody signs in. */
export const sessionEnded = signal(false);

/** True while the sign-in dialog is open. */
export const signInWanted = signal(false);

let waiting: ((signedIn: boolean) => void)[] = [];

/** True from when somebody closed the dialog without signing in: what the page asks by itself does not open it again. */
let declined = false;

/** Whether whoever is there has `role`, or one above it. Rendered again when that changes. */
export function may(role: Role): boolean {
  const has = session.value?.role;
  return has != null && ROLES.indexOf(has) >= ROLES.indexOf(role);
}

/** Return what every request that changes something must show, null where none is needed. */
export function csrfToken(): string | null {
  return session.peek()?.csrf ?? null;
}

/** Ask the service who is there; return whether it answered. */
export async function refreshSession(): Promise<boolean> {
  let found = await whoIsThere();
  if (found !== null && hasEnded(found)) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    found = await whoIsThere();
  }
  if (found === null) return false;
  if (hasEnded(found)) {
    sessionEnded.value = true;
    if (!declined) signInWanted.value = true;
  } else take(found);
  return true;
}

/**
 * Open the sign-in dialog, unless it is open; return whether somebody signed in. Once it was cancelled, only what
 * somebody `acts` on opens it again.
 */
export async function signInAgain(acts = true): Promise<boolean> {
  if (session.peek()?.user != null) sessionEnded.value = true;
  if (declined && !acts) return false;
  signInWanted.value = true;
  return new Promise((resolve) => waiting.push(resolve));
}

/** Sign in. Throws ApiFailure. */
export async function signIn(user: string, password: string): Promise<void> {
  take(await ask("POST", "/api/v1/session", { user, password }));
  closeSignIn(true);
}

/** Make the first administrator, by the token of the link that was printed, and sign them in. Throws ApiFailure. */
export async function signInFirst(token: string, user: string, password: string): Promise<void> {
  take(await ask("POST", "/api/v1/session/first", { token, user, password }));
}

/** Give oneself another password. All other sessions of the user end. Throws ApiFailure. */
export async function changeOwnPassword(user: string, current: string, password: string): Promise<void> {
  const path = `/api/v1/users/${encodeURIComponent(user)}/password`;
  const { request } = await import("./client.ts");
  take(await request<Session>("PUT", path, { body: { current, password } }));
}

/** Sign out. Throws ApiFailure. */
export async function signOut(): Promise<void> {
  try {
    take(await ask("DELETE", "/api/v1/session"));
  } catch (error) {
    const found = error instanceof ApiFailure && [401, 403].includes(error.status) ? await whoIsThere() : null;
    if (found?.user !== null) throw error; // otherwise the session had ended before
    take(found);
  }
}

/** Close the dialog, and let those who waited for it go on. */
export function closeSignIn(signedIn: boolean): void {
  signInWanted.value = false;
  declined = !signedIn;
  const released = waiting;
  waiting = [];
  for (const resolve of released) resolve(signedIn);
}

/** Whether somebody was signed in here, and nobody is by what was found. */
function hasEnded(found: Session): boolean {
  return session.peek()?.user != null && found.user === null && found.signin_required;
}

function take(found: Session): void {
  session.value = found;
  sessionEnded.value = false;
  declined = false;
}

async function whoIsThere(): Promise<Session | null> {
  try {
    const answer = await fetch("/api/v1/session", { headers: { Accept: "application/json" }, cache: "no-store" });
    return answer.ok ? ((await answer.json()) as Session) : null;
  } catch {
    return null; // out of touch: the banner says so
  }
}

async function ask(method: string, path: string, body?: object): Promise<Session> {
  const { request } = await import("./client.ts"); // which needs this module
  return request<Session>(method, path, { body, signIn: false });
}
