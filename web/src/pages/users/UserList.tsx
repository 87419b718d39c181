import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import { refreshSession, session } from "../../api/session.ts";
import type { components } from "../../api/schema.d.ts";
import { PasswordDialog } from "../../app/PasswordDialog.tsx";
import { roleWord } from "../../app/roles.ts";
import { t, tn } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { ConfirmDialog } from "../../ui/Dialog.tsx";
import { Note } from "../../ui/Note.tsx";
import { Since } from "../../ui/Since.tsx";
import { Table, type Column } from "../../ui/Table.tsx";
import { visible } from "../../ui/text.ts";
import { toast } from "../../ui/Toast.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import { AddUser } from "./AddUser.tsx";
import { NewPasswordDialog } from "./NewPasswordDialog.tsx";
import { RoleDialog } from "./RoleDialog.tsx";

export type User = components["schemas"]["UserAnswer"];
type Act = "role" | "password" | "remove";

/** The users, and what an administrator may do with them. */
export function UserList(): JSX.Element {
  const { answer, wrong, again } = useAsk((signal) => api.get("/api/v1/users", { signal }), []);
  const [adding, setAdding] = useState(false);
  const [acting, setActing] = useState<{ act: Act; user: User } | null>(null);
  const me = session.value?.user ?? "";
  const done = (text: string) => {
    toast("good", text);
    again();
  };
  const columns: readonly Column<User>[] = [
    {
      key: "name",
      title: t("User"),
      cell: ({ name, created_at, created_by }) => (
        <div class="member">
          <strong>
            <DeviceText text={name} />
          </strong>{" "}
          {name === me && <span class="tag">{t("you")}</span>}
          <span class="second wide-only">
            {t("added by {user}", { user: visible(created_by || "vigilia users") })} · <Since time={created_at} />
          </span>
        </div>
      ),
    },
    { key: "role", title: t("Role"), cell: ({ role }) => <span class="role">{roleWord(role)}</span> },
    { key: "sessions", title: t("Signed in"), wide: true, cell: ({ sessions }) => browsers(sessions) },
    { key: "password", title: t("Password from"), wide: true, cell: ({ password_at }) => <Since time={password_at} /> },
    {
      key: "acts",
      title: <span class="sr-only">{t("Actions")}</span>,
      cell: (user) => (
        <div class="acts">
          <Button kind="quiet" icon="edit" label={t("Change the role of {name}", { name: user.name })} onClick={() => setActing({ act: "role", user })} />
          <Button kind="quiet" icon="key" label={t("New password for {name}", { name: user.name })} onClick={() => setActing({ act: "password", user })} />
          <Button kind="quiet" icon="remove" label={t("Remove {name}", { name: user.name })} onClick={() => setActing({ act: "remove", user })} />
        </div>
      ),
    },
  ];
  const close = () => setActing(null);
  return (
    <>
      <div class="row intro">
        <p class="muted grow">{t("Viewers look. Operators also write, and act on alarms. Administrators also accept reactors, and decide here.")}</p>
        <Button kind="primary" icon="plus" onClick={() => setAdding(true)}>
          {t("Add a user")}
        </Button>
      </div>
      {wrong !== null && <Note kind="major">{sentenceOf(wrong)}</Note>}
      {answer && <Table caption={t("Users")} columns={columns} rows={answer.items} rowKey={({ name }) => name} />}
      {adding && <AddUser onDone={done} onClose={() => setAdding(false)} />}
      {acting?.act === "role" && (
        <RoleDialog
          user={acting.user}
          onDone={(text) => {
            done(text);
            if (acting.user.name === me) void refreshSession();
          }}
          onClose={close}
        />
      )}
      {acting?.act === "password" &&
        (acting.user.name === me ? <PasswordDialog user={me} onClose={close} /> : <NewPasswordDialog user={acting.user} onDone={done} onClose={close} />)}
      {acting?.act === "remove" && (
        <ConfirmDialog
          title={t("Remove {name}?", { name: acting.user.name })}
          action={t("Remove")}
          danger
          onConfirm={async () => {
            await api.delete("/api/v1/users/{name}", { path: { name: acting.user.name } });
            done(t("{name} is removed.", { name: acting.user.name }));
            if (acting.user.name === me) void refreshSession();
          }}
          onClose={close}
        >
          <p>{t("All their sessions end at once. Tokens that they made go on, and what they did stays in the audit.")}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function browsers(count: number): JSX.Element {
  return count === 0 ? <span class="muted">{t("no")}</span> : <>{tn("in {n} browser", "in {n} browsers", count)}</>;
}
