// User and password: the same on the page for signing in and in the dialog.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiFailure, sentenceOf } from "../api/failure.ts";
import { signIn } from "../api/session.ts";
import { t } from "../i18n/index.ts";
import { formatDuration } from "../ui/format.ts";
import { TextField } from "../ui/Field.tsx";
import { Note } from "../ui/Note.tsx";

interface SigningIn {
  readonly form: JSX.Element;
  /** Under way. */
  readonly busy: boolean;
  /** No attempt is taken now: too many have failed. */
  readonly locked: boolean;
}

/** Return the form for signing in, and whether its button, `<Button type="submit" form={id}>`, may be pressed. */
export function useSigningIn(id: string, known = ""): SigningIn {
  const [user, setUser] = useState(known);
  const [password, setPassword] = useState("");
  const { wrong, busy, locked, attempt } = useAttempt(t("The user or the password is wrong."));
  const submit = (event: Event) => {
    event.preventDefault();
    if (!busy && !locked) void attempt(() => signIn(user.trim(), password));
  };
  const form = (
    <form id={id} class="stack" onSubmit={submit}>
      <TextField label={t("User")} value={user} onInput={setUser} autocomplete="username" autofocus={user === ""} maxLength={200} required />
      <TextField
        label={t("Password")}
        type="password"
        value={password}
        onInput={setPassword}
        autocomplete="current-password"
        autofocus={user !== ""}
        maxLength={1000}
        required
      />
      {wrong && <Note kind="major">{wrong}</Note>}
    </form>
  );
  return { form, busy, locked };
}

interface Attempt {
  readonly wrong: string;
  readonly busy: boolean;
  readonly locked: boolean;
  /** Do it; return whether it was done. */
  readonly attempt: (act: () => Promise<unknown>) => Promise<boolean>;
}

/**
 * What may be refused, and after too many refusals is locked for a time: the words for it, and its end. `refused` is
 * what a password, or a link, that does not do amounts to.
 */
export function useAttempt(refused = ""): Attempt {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [lockedUntil, setLockedUntil] = useState(0);
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (lockedUntil === 0) return undefined;
    const look = () => setLeft(Math.max(0, Math.ceil((lockedUntil - performance.now()) / 1_000)));
    look();
    const timer = setInterval(look, 250);
    return () => clearInterval(timer);
  }, [lockedUntil]);
  useEffect(() => {
    if (left === 0 && lockedUntil !== 0 && performance.now() >= lockedUntil) {
      setLockedUntil(0);
      setError(null);
    }
  }, [left, lockedUntil]);
  const attempt = async (act: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await act();
      return true;
    } catch (failed) {
      const waitS = failed instanceof ApiFailure && failed.status === 429 ? failed.waitS : 0;
      setLeft(waitS);
      setLockedUntil(waitS > 0 ? performance.now() + waitS * 1_000 : 0);
      setError(failed);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { wrong: error === null ? "" : refusal(error, left, refused), busy, locked: lockedUntil !== 0, attempt };
}

function refusal(error: unknown, left: number, refused: string): string {
  if (!(error instanceof ApiFailure)) return sentenceOf(error);
  switch (error.error) {
    case "too-many-attempts":
      return t("Too many attempts have failed. The next one is taken in {time}.", { time: formatDuration(Math.max(1, left)) });
    case "sign-in-refused":
      return refused || capitalised(error.detail);
    case "store-unavailable":
      return t("Nobody can sign in at this moment: the store does not answer. Whoever is signed in stays so.");
    default:
      return capitalised(error.detail);
  }
}

/** The service's sentences begin in lower case. */
export function capitalised(sentence: string): string {
  const whole = sentence.charAt(0).toLocaleUpperCase() + sentence.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
