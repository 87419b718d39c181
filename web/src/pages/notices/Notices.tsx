import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { usePaged } from "../../api/paged.ts";
import { may } from "../../api/session.ts";
import type { Notice } from "../../api/types.ts";
import { query, setQuery } from "../../app/router.ts";
import { t } from "../../i18n/index.ts";
import { live, useLive } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Chips } from "../../ui/Chips.tsx";
import { ConfirmDialog } from "../../ui/Dialog.tsx";
import { Note } from "../../ui/Note.tsx";
import { Older } from "../../ui/Older.tsx";
import { Moment, Since } from "../../ui/Since.tsx";
import { Fact, Panel, Split } from "../../ui/Split.tsx";
import { visible } from "../../ui/text.ts";
import { EmptyState } from "../../ui/Tile.tsx";
import { toast } from "../../ui/Toast.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import { VirtualList } from "../../ui/VirtualList.tsx";
import { Channels, useChannels } from "./Channels.tsx";

const ROW = 54;
const HEAD = 35;
const AT_ONCE = 200;
type State = Notice["state"];
type Kind = Notice["kind"];
const STATES: readonly State[] = ["waiting", "failed", "sent"];
const KINDS: readonly Kind[] = ["raised", "cleared", "heartbeat", "report", "service"];

/** What people were told, what waits to be told, and why it could not be. */
export default function Notices(): JSX.Element {
  useLive({ watch: ["notices"] });
  const fields = query.value;
  const state = STATES.find((one) => one === fields.get("state")) ?? "";
  const kind = KINDS.find((one) => one === fields.get("kind")) ?? "";
  const channel = fields.get("channel") ?? "";
  const area = fields.get("area") ?? "";
  const alarm = fields.get("alarm") ?? "";
  const counts = live.notices.value;
  const list = usePaged(
    ({ limit, next, signal }) =>
      api.get("/api/v1/outbox", {
        query: {
          limit,
          ...(next ? { next } : {}),
          ...(state ? { state } : {}),
          ...(kind ? { kind } : {}),
          ...(channel ? { channel } : {}),
          ...(area ? { area } : {}),
          ...(alarm ? { alarm } : {}),
        },
        signal,
      }),
    AT_ONCE,
    [state, kind, channel, area, alarm],
  );
  const version = counts ? `${counts.waiting} ${counts.failed} ${counts.newest}` : "";
  const channels = useChannels(version);
  useEffect(() => {
    if (version) list.again();
  }, [version]);
  const opened = list.items.find(({ id }) => String(id) === fields.get("notice"));
  const [resending, setResending] = useState<Notice | null>(null);
  const open = (id: number | null) => setQuery({ notice: id === null ? null : String(id) }, { push: true });
  return (
    <div class="page fill notices">
      <header class="page-head">
        <h1>{t("Notices")}</h1>
      </header>
      <Channels channels={channels} />
      <div class="filter-bar">
        <Chips
          label={t("State")}
          value={state}
          onChange={(next) => setQuery({ state: next })}
          chips={[
            { value: "" as State | "", label: t("All") },
            { value: "waiting", label: t("Waiting"), ...count(counts?.waiting) },
            { value: "failed", label: t("Failed"), ...count(counts?.failed) },
            { value: "sent", label: t("Sent") },
          ]}
        />
        <select class="input" aria-label={t("Kind")} value={kind} onChange={(event) => setQuery({ kind: event.currentTarget.value })}>
          <option value="">{t("All kinds")}</option>
          {KINDS.map((one) => (
            <option key={one} value={one}>
              {kindWord(one)}
            </option>
          ))}
        </select>
        {(channels.length > 1 || channel) && (
          <select class="input" aria-label={t("Channel")} value={channel} onChange={(event) => setQuery({ channel: event.currentTarget.value })}>
            <option value="">{t("All channels")}</option>
            {[...new Set([...channels.map(({ name }) => name), channel])].filter(Boolean).map((name) => (
              <option key={name} value={name}>
                {visible(name)}
              </option>
            ))}
          </select>
        )}
        <input
          class="input search"
          type="search"
          placeholder={t("Area")}
          aria-label={t("Area")}
          maxLength={200}
          value={area}
          onInput={(event) => setQuery({ area: event.currentTarget.value })}
        />
        {alarm && (
          <Button icon="close" class="cut" onClick={() => setQuery({ alarm: null })}>
            {t("Only of {alarm}", { alarm: visible(alarm) })}
          </Button>
        )}
      </div>
      <Split
        listHeight={list.items.length * ROW + HEAD}
        detail={
          opened && <NoticeDetail key={opened.id} notice={opened} onClose={() => open(null)} onResend={() => setResending(opened)} onOpen={open} />
        }
      >
        {list.known && list.items.length === 0 ? (
          <Nothing filtered={Boolean(state || kind || channel || area || alarm)} />
        ) : (
          <NoticeList notices={list.items} opened={opened?.id} onOpen={open} />
        )}
        <Older list={list} />
      </Split>
      {resending && (
        <ConfirmDialog
          title={t("Send once more")}
          action={t("Send once more")}
          onConfirm={async () => {
            const fresh = await api.post("/api/v1/outbox/{notice}/resend", { path: { notice: resending.id } });
            toast("good", t("Queued as notice {id} for {channel}", { id: fresh.id, channel: visible(fresh.channel) }));
            list.again();
            open(fresh.id);
          }}
          onClose={() => setResending(null)}
        >
          <p>
            <strong>
              <DeviceText text={titleOf(resending)} />
            </strong>
          </p>
          <p>
            {t("It goes to {channel} as a new card, which says that it is a repetition and who asked for it.", {
              channel: visible(resending.channel),
            })}
          </p>
        </ConfirmDialog>
      )}
    </div>
  );
}

function count(n: number | undefined): { count?: number } {
  return n === undefined ? {} : { count: n };
}

export function kindWord(kind: Kind): string {
  switch (kind) {
    case "raised":
      return t("Raised");
    case "cleared":
      return t("Back to normal");
    case "heartbeat":
      return t("Heartbeat");
    case "report":
      return t("Weekly report");
    case "service":
      return t("Of the service");
  }
}

function titleOf({ title, area }: Notice): string {
  return area ? `${title} – ${area}` : title;
}

/** Whether it was tried at all, and how that went. */
function StateTag({ notice }: { readonly notice: Notice }): JSX.Element {
  switch (notice.state) {
    case "sent":
      return <span class="tag ok">{t("sent")}</span>;
    case "failed":
      return <span class="tag urgent">{t("failed")}</span>;
    case "waiting":
      return <span class="tag warn">{t("waiting")}</span>;
  }
}

interface ListProps {
  readonly notices: readonly Notice[];
  readonly opened: number | undefined;
  readonly onOpen: (id: number) => void;
}

function NoticeList({ notices, opened, onOpen }: ListProps): JSX.Element {
  return (
    <VirtualList
      label={t("Notices")}
      rows={notices}
      rowKey={({ id }) => String(id)}
      rowHeight={ROW}
      rowClass={({ id }) => (id === opened ? "selected" : "")}
      onOpen={({ id }) => onOpen(id)}
      header={
        <div class="record notice-record" role="row">
          <span role="columnheader">{t("State")}</span>
          <span role="columnheader">{t("Notice")}</span>
          <span role="columnheader" class="channel">
            {t("Channel")}
          </span>
          <span role="columnheader" class="card number">
            {t("Card")}
          </span>
          <span role="columnheader" class="kind">
            {t("Kind")}
          </span>
          <span role="columnheader">{t("Queued")}</span>
        </div>
      }
      render={(notice) => (
        <div class="record notice-record" role="presentation">
          <span role="gridcell">
            <StateTag notice={notice} />
          </span>
          <span role="gridcell" class="two">
            <span class="title">
              <DeviceText text={titleOf(notice)} />
            </span>
            <span class={`second ${notice.state === "failed" ? "why" : ""}`}>
              <DeviceText text={notice.state === "failed" ? notice.error : notice.line} />
            </span>
          </span>
          <span role="gridcell" class="channel cut">
            <DeviceText text={notice.channel} />
          </span>
          <span role="gridcell" class="card number">
            {notice.card ?? "–"}
          </span>
          <span role="gridcell" class="kind cut">
            {kindWord(notice.kind)}
          </span>
          <span role="gridcell" class="cut">
            <Since time={notice.created_at} />
          </span>
        </div>
      )}
    />
  );
}

interface DetailProps {
  readonly notice: Notice;
  readonly onClose: () => void;
  readonly onResend: () => void;
  readonly onOpen: (id: number) => void;
}

function NoticeDetail({ notice, onClose, onResend, onOpen }: DetailProps): JSX.Element {
  const first = notice.repeats;
  return (
    <Panel
      title={<DeviceText text={titleOf(notice)} />}
      onClose={onClose}
      actions={
        (notice.alarm !== "" || (notice.state === "sent" && may("operator"))) && (
          <>
            {notice.state === "sent" && may("operator") && (
              <Button icon="refresh" onClick={onResend}>
                {t("Send once more")}
              </Button>
            )}
            {notice.alarm && (
              <a class="button" href={`/alarms?${new URLSearchParams({ alarm: notice.alarm })}`}>
                {t("Open the alarm")}
              </a>
            )}
          </>
        )
      }
    >
      {notice.state === "failed" && (
        <Note kind="major">
          {t("The last attempt failed. It is tried again by itself until it succeeds.")}
          <p class="mono">
            <DeviceText text={notice.error} />
          </p>
        </Note>
      )}
      {notice.state === "waiting" && <Note kind="info">{t("It waits for its first attempt: for others of the same scan, or for its channel.")}</Note>}
      {notice.line && (
        <p>
          <DeviceText text={notice.line} />
        </p>
      )}
      <dl class="fact-list">
        <Fact label={t("State")}>
          <StateTag notice={notice} />
        </Fact>
        <Fact label={t("Channel")}>
          <DeviceText text={notice.channel} />
        </Fact>
        <Fact label={t("Card")}>{notice.card ?? t("none yet")}</Fact>
        <Fact label={t("Notice")}>{notice.id}</Fact>
        <Fact label={t("Kind")}>{kindWord(notice.kind)}</Fact>
        <Fact label={t("It happened")}>
          <Moment time={notice.at} />
        </Fact>
        <Fact label={t("Queued")}>
          <Moment time={notice.created_at} />
        </Fact>
        <Fact label={t("Sent at")}>{notice.delivered_at ? <Moment time={notice.delivered_at} /> : t("not yet")}</Fact>
        <Fact label={t("Attempts")}>{notice.attempts}</Fact>
        {notice.error && notice.state !== "failed" && (
          <Fact label={t("Last failure")}>
            <DeviceText text={notice.error} />
          </Fact>
        )}
        {first !== null && (
          <Fact label={t("Repeats")}>
            <button type="button" class="link" onClick={() => onOpen(first)}>
              {t("notice {id}", { id: first })}
            </button>
          </Fact>
        )}
        {notice.alarm && (
          <Fact label={t("Alarm")}>
            <span class="mono">
              <DeviceText text={notice.alarm} />
            </span>
          </Fact>
        )}
      </dl>
    </Panel>
  );
}

function Nothing({ filtered }: { readonly filtered: boolean }): JSX.Element {
  if (filtered) {
    return (
      <EmptyState title={t("No notice is like that")}>
        <Button onClick={() => setQuery({ state: null, kind: null, channel: null, area: null, alarm: null })}>{t("Show all notices")}</Button>
      </EmptyState>
    );
  }
  return (
    <EmptyState title={t("Nothing was told yet")}>
      <p>{t("Notices of alarms go to the channels of the configuration. For a Teams channel:")}</p>
      <pre>{'[notify.teams]\nwebhook_url = "https://…"'}</pre>
      <p>{t("vigilia check --online sends a test card.")}</p>
    </EmptyState>
  );
}
