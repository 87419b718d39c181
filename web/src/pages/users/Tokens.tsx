import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import type { components } from "../../api/schema.d.ts";
import { roleWord } from "../../app/roles.ts";
import { t } from "../../i18n/index.ts";
import { now } from "../../live/clock.ts";
import { Button } from "../../ui/Button.tsx";
import { ConfirmDialog } from "../../ui/Dialog.tsx";
import { Note } from "../../ui/Note.tsx";
import { formatTime } from "../../ui/format.ts";
import { Since } from "../../ui/Since.tsx";
import { Table, type Column } from "../../ui/Table.tsx";
import { visible } from "../../ui/text.ts";
import { EmptyState } from "../../ui/Tile.tsx";
import { toast } from "../../ui/Toast.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import { MakeToken } from "./MakeToken.tsx";

type Token = components["schemas"]["ApiTokenAnswer"];

/** What programs show to be let in. */
export function Tokens(): JSX.Element {
  const { answer, wrong, again } = useAsk((signal) => api.get("/api/v1/tokens", { signal }), []);
  const [making, setMaking] = useState(false);
  const [removing, setRemoving] = useState<Token | null>(null);
  const columns: readonly Column<Token>[] = [
    {
      key: "name",
      title: t("Program"),
      cell: ({ name, created_at, created_by }) => (
        <div class="member">
          <strong>
            <DeviceText text={name} />
          </strong>
          <span class="second wide-only">
            {t("made by {user}", { user: visible(created_by || "vigilia users") })} · <Since time={created_at} />
          </span>
        </div>
      ),
    },
    { key: "role", title: t("Role"), cell: ({ role }) => <span class="role">{roleWord(role)}</span> },
    { key: "end", title: t("Ends"), cell: ({ ends_at }) => <End at={ends_at} /> },
    {
      key: "acts",
      title: <span class="sr-only">{t("Actions")}</span>,
      cell: (token) => (
        <div class="acts">
          <Button kind="quiet" icon="remove" label={t("Remove {name}", { name: token.name })} onClick={() => setRemoving(token)} />
        </div>
      ),
    },
  ];
  return (
    <>
      <div class="row intro">
        <p class="muted grow">{t("A program that uses the API shows a token instead of signing in.")}</p>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
          {t("Make a token")}
        </Button>
      </div>
      {wrong !== null && <Note kind="major">{sentenceOf(wrong)}</Note>}
      {answer?.items.length === 0 && (
        <EmptyState title={t("There is no token")}>
          <p>{t("Make one for each program, so that each can be removed by itself.")}</p>
        </EmptyState>
      )}
      {answer && answer.items.length > 0 && <Table caption={t("Tokens")} columns={columns} rows={answer.items} rowKey={({ name }) => name} />}
      {making && <MakeToken onMade={again} onClose={() => setMaking(false)} />}
      {removing && (
        <ConfirmDialog
          title={t("Remove {name}?", { name: removing.name })}
          action={t("Remove")}
          danger
          onConfirm={async () => {
            await api.delete("/api/v1/tokens/{name}", { path: { name: removing.name } });
            toast("good", t("{name} is removed.", { name: removing.name }));
            again();
          }}
          onClose={() => setRemoving(null)}
        >
          <p>{t("The program that shows it is refused at once.")}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function End({ at }: { readonly at: string | null }): JSX.Element {
  if (at === null) return <>{t("never")}</>;
  if (Date.parse(at) <= now.value) return <span class="tag">{t("has ended")}</span>;
  return (
    <time class="number" dateTime={at} title={formatTime(at)}>
      {formatTime(at, { day: "2-digit", month: "2-digit", year: "numeric" })}
    </time>
  );
}
