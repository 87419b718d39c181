import type { JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { session } from "../../api/session.ts";
import { go, query } from "../../app/router.ts";
import { useSigningIn } from "../../app/signingIn.tsx";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Note } from "../../ui/Note.tsx";
import { visible } from "../../ui/text.ts";
import { FirstAdmin } from "./FirstAdmin.tsx";
import { placeOfOurs, takeToken } from "./link.ts";

/** Where somebody comes in, and the first administrator with the link that was printed. Leads back to where one was. */
export default function SignIn(): JSX.Element {
  const token = useToken();
  const who = session.value;
  const inside = who !== null && (who.user !== null || !who.signin_required);
  useEffect(() => {
    if (inside) go(placeToReturnTo(), { replace: true });
  }, [inside]);
  if (who === null || inside) return <div class="page" aria-busy="true" />;
  const first = who.first_admin;
  return (
    <div class="page entrance">
      <section class="tile">
        <p class="site muted">{visible(who.site)}</p>
        {first && token ? <FirstAdmin token={token} /> : <Known first={first} worthless={token !== "" && !first} />}
      </section>
    </div>
  );
}

function Known({ first, worthless }: { readonly first: boolean; readonly worthless: boolean }): JSX.Element {
  const id = useId();
  const { form, busy, locked } = useSigningIn(id);
  const looks = session.value?.role === "viewer";
  return (
    <>
      <h1>{t("Sign in")}</h1>
      {first && (
        <Note kind="info">
          {t("Nobody can sign in yet. Open the link that Vigilia printed at its start: it makes the first administrator. This prints a new one, as the service's user:")}{" "}
          <code>vigilia users</code>
        </Note>
      )}
      {worthless && <Note kind="info">{t("The first administrator exists already: this link is worth nothing any more.")}</Note>}
      {form}
      <Button type="submit" form={id} kind="primary" class="whole" busy={busy} disabled={locked}>
        {t("Sign in")}
      </Button>
      {looks && (
        <p>
          <a href={placeToReturnTo()}>{t("Look without signing in")}</a>
        </p>
      )}
    </>
  );
}

/** The token of the link that was opened, taken out of the address: neither the history nor a picture shows it. */
function useToken(): string {
  const [token, setToken] = useState(takeToken);
  useEffect(() => {
    const look = () => setToken((before) => takeToken() || before);
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return token;
}

function placeToReturnTo(): string {
  return placeOfOurs(query.peek().get("to") ?? "/", location.origin);
}
