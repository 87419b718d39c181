// Who is signed in, what they may do, and how to sign in again without losing what was typed.
import { computed, signal } from "@preact/signals";
import { ApiFailure } from "./failure.ts";
import { ROLES, type Role, type Session } from "./types.ts";

/** What a service without sign-in amounts to. */
const OPEN: Session = { user: null, role: "admin", signin_required: false, csrf: null };

/** The session; null until the service was asked. */
export const session = signal<Session | null>(null);

/** True while the sign-in dialog is open. */
export const signInWanted = signal(false);

/** Whether someone who may at least read is there: signed in, or where nobody has to be. */
export const mayRead = computed(() => session.value !== null && session.value.role !== null);

let waiting: ((signedIn: boolean) => void)[] = [];

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
  try {
    const answer = await fetch("/api/v1/session", { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.status === 404) session.value = OPEN; // a service that knows no sign-in
    else if (answer.ok) session.value = (await answer.json()) as Session;
    else return false;
    return true;
  } catch {
    return false; // out of touch: the banner says so
  }
}

/** Open the sign-in dialog, unless it is open; return whether somebody signed in. */
export function signInAgain(): Promise<boolean> {
  signInWanted.value = true;
  return new Promise((resolve) => waiting.push(resolve));
}

/** Sign in. Throws ApiFailure. */
export async function signIn(user: string, password: string): Promise<void> {
  await ask("POST", { user, password });
  await refreshSession();
  closeSignIn(true);
}

/** Sign out. Throws ApiFailure. */
export async function signOut(): Promise<void> {
  await ask("DELETE");
  await refreshSession();
}

/** Close the dialog, and let those who waited for it go on. */
export function closeSignIn(signedIn: boolean): void {
  signInWanted.value = false;
  const released = waiting;
  waiting = [];
  for (const resolve of released) resolve(signedIn);
}

async function ask(method: string, body?: object): Promise<void> {
  const { request } = await import("./client.ts"); // which needs this module
  try {
    await request(method, "/api/v1/session", { body, signIn: false });
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404 && method === "DELETE") return;
    throw error;
  }
}
