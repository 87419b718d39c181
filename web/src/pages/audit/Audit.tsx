import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { usePaged } from "../../api/paged.ts";
import type { Write } from "../../api/types.ts";
import { query, setQuery } from "../../app/router.ts";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { formatDuration, formatTime } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Older } from "../../ui/Older.tsx";
import { Moment } from "../../ui/Since.tsx";
import { Fact, Panel, Split } from "../../ui/Split.tsx";
import { visible } from "../../ui/text.ts";
import { EmptyState } from "../../ui/Tile.tsx";
import { rangeFields, rangeKey, rangeQuery, readRange, TimeRange } from "../../ui/TimeRange.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import { VirtualList } from "../../ui/VirtualList.tsx";
import { AuditValue } from "./AuditValue.tsx";

const ROW = 54;
const HEAD = 35;
const AT_ONCE = 200;
const OUTCOMES = ["confirmed", "pending", "failed", "open"] as const;

/** Who wrote what, from where, and how it ended. */
export default function Audit(): JSX.Element {
  const fields = query.value;
  const range = readRange(fields, "7d");
  const point = fields.get("point") ?? "";
  const user = fields.get("user") ?? "";
  const outcome = OUTCOMES.find((one) => one === fields.get("outcome")) ?? "";
  const list = usePaged(
    ({ limit, next, signal }) =>
      api.get("/api/v1/audit", {
        query: {
          ...rangeQuery(range),
          limit,
          ...(next ? { next } : {}),
          ...(point ? { point } : {}),
          ...(user ? { user } : {}),
          ...(outcome ? { outcome } : {}),
        },
        signal,
      }),
    AT_ONCE,
    [rangeKey(range), point, user, outcome],
  );
  const opened = list.items.find(({ id }) => String(id) === fields.get("entry"));
  return (
    <div class="page fill audit">
      <header class="page-head">
        <h1>{t("Audit")}</h1>
        <Button kind="quiet" icon="refresh" class="end" busy={list.busy} onClick={list.again}>
          {t("Look again")}
        </Button>
      </header>
      <div class="filter-bar">
        <TimeRange range={range} onRange={(next) => setQuery(rangeFields(next))} all />
        <select
          class="input"
          aria-label={t("Outcome")}
          value={outcome}
          onChange={(event) => setQuery({ outcome: event.currentTarget.value })}
        >
          <option value="">{t("All outcomes")}</option>
          {OUTCOMES.map((one) => (
            <option key={one} value={one}>
              {outcomeWord(one === "open" ? null : one)}
            </option>
          ))}
        </select>
        <Committed label={t("Point (R1:* for all that begin so)")} value={point} onCommit={(text) => setQuery({ point: text })} />
        <Committed label={t("User")} value={user} onCommit={(text) => setQuery({ user: text })} />
      </div>
      <Split
        listHeight={list.items.length * ROW + HEAD}
        detail={opened && <Entry key={opened.id} write={opened} onClose={() => setQuery({ entry: null }, { push: true })} />}
      >
        {list.known && list.items.length === 0 ? (
          <EmptyState title={t("Nothing was written in this time")}>
            <p>{t("Every write to a point, every act on an alarm and every notice sent once more is kept here, whether it succeeded or not.")}</p>
          </EmptyState>
        ) : (
          <AuditList writes={list.items} opened={opened?.id} />
        )}
        <Older list={list} />
      </Split>
    </div>
  );
}

/** A filter that is exact, and so waits for Enter or for being left. */
function Committed({ label, value, onCommit }: { readonly label: string; readonly value: string; readonly onCommit: (text: string) => void }): JSX.Element {
  const [draft, setDraft] = useState<string | null>(null);
  const commit = () => {
    if (draft !== null && draft.trim() !== value) onCommit(draft.trim());
    setDraft(null);
  };
  return (
    <input
      class="input search half"
      type="search"
      placeholder={label}
      aria-label={label}
      maxLength={200}
      value={draft ?? value}
      onInput={(event) => {
        const text = event.currentTarget.value;
        setDraft(text);
        if (text === "") onCommit("");
      }}
      onKeyDown={(event) => event.key === "Enter" && commit()}
      onBlur={commit}
    />
  );
}

function AuditList({ writes, opened }: { readonly writes: readonly Write[]; readonly opened: number | undefined }): JSX.Element {
  return (
    <VirtualList
      label={t("Audit")}
      rows={writes}
      rowKey={({ id }) => String(id)}
      rowHeight={ROW}
      rowClass={({ id }) => (id === opened ? "selected" : "")}
      onOpen={({ id }) => setQuery({ entry: String(id) }, { push: true })}
      header={
        <div class="record audit-record" role="row">
          <span role="columnheader" class="when">
            {t("When")}
          </span>
          <span role="columnheader" class="who-cell">
            {t("Who")}
          </span>
          <span role="columnheader" class="wrote">
            {t("What")}
          </span>
          <span role="columnheader" class="outcome">
            {t("Outcome")}
          </span>
        </div>
      }
      render={(write) => (
        <div class="record audit-record" role="presentation">
          <span role="gridcell" class="number when">
            {formatTime(write.time, { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" })}
          </span>
          <span role="gridcell" class="two who-cell">
            <span>
              <DeviceText text={write.user || write.via} />
            </span>
            <span class="second">
              <DeviceText text={[write.user ? write.via : "", write.host].filter(Boolean).join(" · ")} />
            </span>
          </span>
          <span role="gridcell" class="two wrote">
            <span class="mono">
              <DeviceText text={write.point} />
            </span>
            <span class="second from-to">
              {write.user && (
                <span class="by">
                  <DeviceText text={write.user} />:{" "}
                </span>
              )}
              <AuditValue point={write.point} value={write.previous} /> <Icon name="right" label={t("to")} />{" "}
              <AuditValue point={write.point} value={write.value} />
            </span>
          </span>
          <span role="gridcell" class="two outcome">
            <span>
              <Outcome write={write} />
            </span>
          </span>
        </div>
      )}
    />
  );
}

function outcomeWord(outcome: string | null): string {
  switch (outcome) {
    case null:
      return t("no answer yet");
    case "confirmed":
      return t("confirmed");
    case "pending":
      return t("pending");
    case "failed":
      return t("failed");
    case "unknown":
      return t("not known");
    case "Refused":
      return t("refused by the equipment");
    case "WriteTimeout":
      return t("timed out");
    case "InvalidValue":
      return t("not a valid value");
    case "ReadOnly":
      return t("read-only");
    case "NotWritable":
      return t("refused by its state");
    case "AlarmRefused":
      return t("refused by its state");
    case "NoticeRefused":
      return t("refused by its state");
    case "Changed":
      return t("changed meanwhile");
    default:
      return visible(outcome);
  }
}

function Outcome({ write: { outcome } }: { readonly write: Write }): JSX.Element {
  const kind = outcome === "confirmed" ? "ok" : outcome === "pending" || outcome === null ? "warn" : "urgent";
  return <span class={`tag ${kind}`}>{outcomeWord(outcome)}</span>;
}

function Entry({ write, onClose }: { readonly write: Write; readonly onClose: () => void }): JSX.Element {
  const took = write.answered ? (Date.parse(write.answered) - Date.parse(write.time)) / 1_000 : null;
  return (
    <Panel
      title={<DeviceText text={write.point} />}
      onClose={onClose}
      actions={
        !write.point.startsWith("outbox:") && (
          <>
            <a class="button" href={`/points?${new URLSearchParams({ name: write.point })}`}>
              {t("Open the point")}
            </a>
            <Button onClick={() => setQuery({ point: write.point, entry: null })}>{t("Only this point")}</Button>
          </>
        )
      }
    >
      <dl class="fact-list">
        <Fact label={t("Outcome")}>
          <Outcome write={write} />
          {write.detail && (
            <p class="said">
              <DeviceText text={write.detail} />
            </p>
          )}
        </Fact>
        <Fact label={t("Before")}>
          <AuditValue point={write.point} value={write.previous} />
        </Fact>
        <Fact label={t("Asked for")}>
          <AuditValue point={write.point} value={write.value} />
        </Fact>
        <Fact label={t("When")}>
          <Moment time={write.time} />
        </Fact>
        <Fact label={t("Answered")}>
          {write.answered ? (
            <>
              <Moment time={write.answered} />
              {took !== null && ` (${took < 1 ? t("{n} ms", { n: Math.round(took * 1_000) }) : formatDuration(took)})`}
            </>
          ) : (
            t("not yet")
          )}
        </Fact>
        <Fact label={t("User")}>{write.user ? <DeviceText text={write.user} /> : t("nobody signed in")}</Fact>
        <Fact label={t("Through")}>
          <DeviceText text={write.via} />
        </Fact>
        <Fact label={t("From")}>{write.host ? <DeviceText text={write.host} /> : t("not known")}</Fact>
        <Fact label={t("Entry")}>{write.id}</Fact>
      </dl>
    </Panel>
  );
}
