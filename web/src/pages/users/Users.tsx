import type { JSX } from "preact";
import { session } from "../../api/session.ts";
import { query } from "../../app/router.ts";
import { t } from "../../i18n/index.ts";
import { EmptyState } from "../../ui/Tile.tsx";
import { AccessLog } from "./AccessLog.tsx";
import { Tokens } from "./Tokens.tsx";
import { UserList } from "./UserList.tsx";

const VIEWS = ["users", "tokens", "access"] as const;
type View = (typeof VIEWS)[number];
/** Where nobody signs in there is a log all the same: who accepted a reactor, and who made a token for one. */
const OPEN_VIEWS: readonly View[] = ["users", "access"];

const EXAMPLE = "[web.auth]";

/** Who may sign in, what programs may do, and who came in. For administrators. */
export default function Users(): JSX.Element {
  const signsIn = session.value?.signin_required !== false;
  const views = signsIn ? VIEWS : OPEN_VIEWS;
  const view = views.find((one) => one === query.value.get("view")) ?? "users";
  return (
    <div class={`page users ${view === "access" ? "fill" : "stack"}`}>
      <header class="page-head">
        <h1>{t("Users")}</h1>
        <nav class="tabs end" aria-label={t("Views")}>
          {views.map((one) => (
            <a key={one} href={one === "users" ? "/users" : `/users?view=${one}`} aria-current={one === view ? "page" : undefined}>
              {viewWord(one)}
            </a>
          ))}
        </nav>
      </header>
      {!signsIn && view === "users" ? <Open /> : <Shown view={view} />}
    </div>
  );
}

function Shown({ view }: { readonly view: View }): JSX.Element {
  switch (view) {
    case "users":
      return <UserList />;
    case "tokens":
      return <Tokens />;
    case "access":
      return <AccessLog />;
  }
}

function Open(): JSX.Element {
  return (
    <EmptyState title={t("Nobody has to sign in here")}>
      <p>{t("Vigilia listens on this machine only, and lets everybody on it do everything. To have people sign in, add this to vigilia.toml and start Vigilia again:")}</p>
      <pre>{EXAMPLE}</pre>
    </EmptyState>
  );
}

function viewWord(view: View): string {
  switch (view) {
    case "users":
      return t("People");
    case "tokens":
      return t("Programs");
    case "access":
      return t("Access log");
  }
}
