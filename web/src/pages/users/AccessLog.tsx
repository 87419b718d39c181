import type { JSX } from "preact";
import { api } from "../../api/client.ts";
import { usePaged } from "../../api/paged.ts";
import type { components } from "../../api/schema.d.ts";
import { roleWord } from "../../app/roles.ts";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { formatTime } from "../../ui/format.ts";
import { Older } from "../../ui/Older.tsx";
import { Split } from "../../ui/Split.tsx";
import { visible } from "../../ui/text.ts";
import { EmptyState } from "../../ui/Tile.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import { VirtualList } from "../../ui/VirtualList.tsx";

type Access = components["schemas"]["AccessAnswer"];

const ROW = 54;
const HEAD = 38;
const AT_ONCE = 200;

/** Who came in, who was refused, and who changed what others may; the newest first. */
export function AccessLog(): JSX.Element {
  const list = usePaged(
    ({ limit, next, signal }) => api.get("/api/v1/access", { query: { limit, ...(next ? { next } : {}) }, signal }),
    AT_ONCE,
    [],
  );
  return (
    <>
      <div class="row intro">
        <p class="muted grow">{t("Sign-ins, refusals, changes of users and tokens, and acceptances of reactors.")}</p>
        <Button kind="quiet" icon="refresh" busy={list.busy} onClick={list.again}>
          {t("Look again")}
        </Button>
      </div>
      <Split detail={null} listHeight={HEAD + list.items.length * ROW}>
        {list.known && list.items.length === 0 ? (
          <EmptyState title={t("Nobody came in yet")} />
        ) : (
          <VirtualList
            label={t("Access log")}
            rows={list.items}
            rowKey={({ id }) => String(id)}
            rowHeight={ROW}
            header={
              <div class="record access-record" role="row">
                <span role="columnheader">{t("When")}</span>
                <span role="columnheader">{t("What")}</span>
                <span role="columnheader" class="who-cell">
                  {t("Who")}
                </span>
              </div>
            }
            render={(entry) => <Entry entry={entry} />}
          />
        )}
        <Older list={list} />
      </Split>
    </>
  );
}

function Entry({ entry }: { readonly entry: Access }): JSX.Element {
  const where = [entry.via, entry.host].filter(Boolean).join(" · ");
  return (
    <div class="record access-record" role="presentation">
      <span role="gridcell" class="number when">
        {formatTime(entry.time, { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" })}
      </span>
      <span role="gridcell" class="two">
        <span class={entry.event === "refused" ? "refused" : ""}>{eventWord(entry)}</span>
        <span class="second">
          {entry.detail && <DeviceText text={detailWord(entry)} />}
          <span class="narrow-only">
            {" "}
            <DeviceText text={[entry.user, where].filter(Boolean).join(" · ")} />
          </span>
        </span>
      </span>
      <span role="gridcell" class="two who-cell">
        <span>{entry.user ? <DeviceText text={entry.user} /> : <span class="muted">{t("nobody signed in")}</span>}</span>
        <span class="second">
          <DeviceText text={where} />
        </span>
      </span>
    </div>
  );
}

/** What the log says in its own words: roles, and when a token ends. */
function detailWord({ event, detail }: Access): string {
  if (event !== "user-added" && event !== "role-changed" && event !== "token-made") return detail;
  return detail
    .replace(/\b(?:viewer|operator|admin)\b/g, (role) => roleWord(role))
    .replace("no end", t("never ends"))
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, (moment) => t("until {time}", { time: formatTime(moment) }));
}

function eventWord({ event, about }: Access): string {
  const name = visible(about);
  switch (event) {
    case "signed-in":
      return t("{name} signed in", { name });
    case "signed-out":
      return t("{name} signed out", { name });
    case "refused":
      return about === "?" ? t("Somebody was refused") : t("{name} was refused", { name });
    case "user-added":
      return t("The user {name} was added", { name });
    case "user-removed":
      return t("The user {name} was removed", { name });
    case "role-changed":
      return t("{name} has another role", { name });
    case "password-changed":
      return t("{name} has another password", { name });
    case "token-made":
      return t("The token {name} was made", { name });
    case "token-removed":
      return t("The token {name} was removed", { name });
    case "reactor-accepted":
      return t("The reactor {name} was accepted", { name });
    case "reactor-enrolled":
      return t("A token for the reactor {name} was made", { name });
  }
}
