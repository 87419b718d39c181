import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { api } from "../../api/client.ts";
import { usePaged } from "../../api/paged.ts";
import type { Incident } from "../../api/types.ts";
import { query, setQuery } from "../../app/router.ts";
import { t } from "../../i18n/index.ts";
import { live, useLive } from "../../live/index.ts";
import { now } from "../../live/clock.ts";
import { formatDuration, formatTime } from "../../ui/format.ts";
import { Older } from "../../ui/Older.tsx";
import { SeverityBadge, SeverityMark } from "../../ui/Severity.tsx";
import { Moment } from "../../ui/Since.tsx";
import { Fact, Panel, Split } from "../../ui/Split.tsx";
import { systemWord } from "../../ui/systems.ts";
import { EmptyState } from "../../ui/Tile.tsx";
import { rangeFields, rangeKey, rangeQuery, readRange, TimeRange } from "../../ui/TimeRange.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import { VirtualList } from "../../ui/VirtualList.tsx";
import { Journal } from "../alarms/Journal.tsx";
import { WeeklyReport } from "./WeeklyReport.tsx";

const ROW = 54;
const HEAD = 35;
const AT_ONCE = 300;
const SYSTEMS = ["aruba", "pvoperation", "reactor", "vigilia"] as const;

/** Alarms from start to end, and the workbook of each week. */
export default function Incidents(): JSX.Element {
  useLive({ watch: ["alarms"] });
  const fields = query.value;
  const range = readRange(fields, "7d");
  const system = fields.get("system") ?? "";
  const area = fields.get("area") ?? "";
  const state = fields.get("state") === "open" ? "open" : fields.get("state") === "closed" ? "closed" : "";
  const list = usePaged(
    ({ limit, next, signal }) =>
      api.get("/api/v1/incidents", {
        query: { ...rangeQuery(range), limit, ...(next ? { next } : {}), ...(system ? { system } : {}), ...(area ? { area } : {}), ...(state ? { state } : {}) },
        signal,
      }),
    AT_ONCE,
    [rangeKey(range), system, area, state],
  );
  useNews(list.again);
  const opened = list.items.find(({ id }) => id === fields.get("incident"));
  const filtered = Boolean(system || area || state || fields.get("range") || fields.get("from"));
  return (
    <div class="page fill incidents">
      <header class="page-head">
        <h1>{t("Incidents")}</h1>
        <WeeklyReport />
      </header>
      <div class="filter-bar">
        <TimeRange range={range} onRange={(next) => setQuery(rangeFields(next))} all />
        <select class="input" aria-label={t("System")} value={system} onChange={(event) => setQuery({ system: event.currentTarget.value })}>
          <option value="">{t("All systems")}</option>
          {SYSTEMS.map((name) => (
            <option key={name} value={name}>
              {systemWord(name)}
            </option>
          ))}
        </select>
        <select
          class="input"
          aria-label={t("Open or closed")}
          value={state}
          onChange={(event) => setQuery({ state: event.currentTarget.value })}
        >
          <option value="">{t("Open and closed")}</option>
          <option value="open">{t("Only open ones")}</option>
          <option value="closed">{t("Only closed ones")}</option>
        </select>
        <input
          class="input search half"
          type="search"
          placeholder={t("Area or equipment")}
          aria-label={t("Area or equipment")}
          maxLength={200}
          value={area}
          onInput={(event) => setQuery({ area: event.currentTarget.value })}
        />
      </div>
      <Split
        listHeight={list.items.length * ROW + HEAD}
        detail={
          opened && (
            <IncidentDetail key={opened.id} incident={opened} onClose={() => setQuery({ incident: null }, { push: true })} />
          )
        }
      >
        {list.known && list.items.length === 0 ? (
          <EmptyState title={t("No incidents in this time")}>
            <p>
              {filtered
                ? t("Ask for a longer period, or for all systems.")
                : t("An incident is an alarm from its start to its end. There will be one as soon as something goes wrong.")}
            </p>
          </EmptyState>
        ) : (
          <IncidentList incidents={list.items} opened={opened?.id} />
        )}
        <Older list={list} />
      </Split>
    </div>
  );
}

/** Ask again when an alarm comes or goes: an incident has begun or ended then. */
function useNews(again: () => void): void {
  const incidents = [...live.alarms.value.values()]
    .map(({ incident, state }) => (incident ? `${incident} ${state === "returned"}` : ""))
    .join();
  useEffect(() => {
    if (!live.alarmsComplete.peek()) return undefined;
    const soon = setTimeout(again, 700); // the store is a moment behind the stream
    return () => clearTimeout(soon);
  }, [incidents, again]);
}

function IncidentList({ incidents, opened }: { readonly incidents: readonly Incident[]; readonly opened: string | undefined }): JSX.Element {
  return (
    <VirtualList
      label={t("Incidents")}
      rows={incidents}
      rowKey={({ id }) => id}
      rowHeight={ROW}
      rowClass={({ id }) => (id === opened ? "selected" : "")}
      onOpen={({ id }) => setQuery({ incident: id }, { push: true })}
      header={
        <div class="record incident-record" role="row">
          <span role="columnheader">{t("Incident")}</span>
          <span role="columnheader" class="began">{t("Began")}</span>
          <span role="columnheader" class="ended">
            {t("Ended")}
          </span>
          <span role="columnheader" class="lasted">
            {t("Lasted")}
          </span>
          <span role="columnheader" class="flags">
            {t("Notes")}
          </span>
        </div>
      }
      render={(incident) => (
        <div class="record incident-record" role="presentation">
          <span role="gridcell" class="what">
            <SeverityMark severity={incident.severity} />
            <span class="two">
              <span class="title">
                <DeviceText text={incident.name} />
              </span>
              <span class="second">
                <DeviceText text={placeOf(incident)} />
              </span>
            </span>
          </span>
          <span role="gridcell" class="number began">
            {shortTime(incident.began_at)}
          </span>
          <span role="gridcell" class="number ended">
            {incident.ended_at ? shortTime(incident.ended_at) : <span class="tag warn">{t("open")}</span>}
          </span>
          <span role="gridcell" class="number lasted">
            <Lasted incident={incident} />
          </span>
          <span role="gridcell" class="flags">
            <Flags incident={incident} />
          </span>
        </div>
      )}
    />
  );
}

function placeOf({ equipment, device, area, detail }: Incident): string {
  return [equipment || device, area === equipment ? "" : area, detail].filter(Boolean).join(" · ");
}

function shortTime(time: string): string {
  return formatTime(time, { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

function Lasted({ incident: { began_at, ended_at, start_known } }: { readonly incident: Incident }): JSX.Element {
  const end = ended_at ? Date.parse(ended_at) : now.value;
  return (
    <span title={start_known ? undefined : t("Its start is not known: it was taken over from another monitor.")}>
      {start_known ? "" : "≥ "}
      {formatDuration((end - Date.parse(began_at)) / 1_000)}
    </span>
  );
}

function Flags({ incident }: { readonly incident: Incident }): JSX.Element {
  const { told, outage, suppressed_by, brief } = incident;
  return (
    <>
      {outage && <span class="tag">{t("Outage")}</span>}
      {suppressed_by ? (
        <span class="tag" title={visible(suppressed_by)}>
          {t("Suppressed")}
        </span>
      ) : (
        !told && <span class="tag">{brief ? t("Brief") : t("Not told")}</span>
      )}
    </>
  );
}

function IncidentDetail({ incident, onClose }: { readonly incident: Incident; readonly onClose: () => void }): JSX.Element {
  return (
    <Panel
      title={<DeviceText text={incident.name} />}
      mark={<SeverityMark severity={incident.severity} />}
      onClose={onClose}
      actions={
        <>
          <a class="button" href={`/alarms?${new URLSearchParams({ alarm: incident.alarm })}`}>
            {t("Open the alarm")}
          </a>
          <a class="button" href={`/points?${chartFields(incident)}`}>
            {t("Chart")}
          </a>
        </>
      }
    >
      <dl class="fact-list">
        <Fact label={t("Severity")}>
          <SeverityBadge severity={incident.severity} />
        </Fact>
        <Fact label={t("Where")}>
          <DeviceText text={placeOf({ ...incident, detail: "" })} />
        </Fact>
        <Fact label={t("System")}>{systemWord(incident.system)}</Fact>
        <Fact label={t("Point")}>
          <span class="mono">
            <DeviceText text={incident.point} />
          </span>
        </Fact>
        {incident.detail && (
          <Fact label={t("Detail")}>
            <DeviceText text={incident.detail} />
          </Fact>
        )}
        <Fact label={t("Began")}>
          <Moment time={incident.began_at} />
          {!incident.start_known && <p class="muted">{t("Its start is not known: it was taken over from another monitor.")}</p>}
        </Fact>
        <Fact label={t("Ended")}>{incident.ended_at ? <Moment time={incident.ended_at} /> : t("It lasts")}</Fact>
        <Fact label={t("Lasted")}>
          <Lasted incident={incident} />
        </Fact>
        <Fact label={t("Found")}>
          <Moment time={incident.found_at} />
        </Fact>
        {incident.suppressed_by && (
          <Fact label={t("Suppressed by")}>
            <a href={`/alarms?${new URLSearchParams({ alarm: incident.suppressed_by })}`}>{visible(incident.suppressed_by)}</a>
          </Fact>
        )}
        <Fact label={t("Who was told")}>
          {incident.told ? (
            <a href={`/notices?${new URLSearchParams({ alarm: incident.alarm })}`}>{t("See the notices")}</a>
          ) : incident.brief ? (
            t("nobody: it was over when it was found")
          ) : (
            t("nobody")
          )}
        </Fact>
        <Fact label={t("Outage")}>
          {incident.outage ? t("yes: the equipment counts as unavailable") : t("no: the equipment counts as available")}
        </Fact>
      </dl>
      <Journal alarm={incident.alarm} version={incident.ended_at ?? ""} />
    </Panel>
  );
}

/** From a while before it began until a while after it ended. */
function chartFields({ point, began_at, ended_at }: Incident): URLSearchParams {
  const began = Date.parse(began_at);
  const ended = ended_at ? Date.parse(ended_at) : now.peek();
  const around = Math.max(600_000, (ended - began) * 0.25);
  const iso = (time: number) => new Date(time).toISOString();
  return new URLSearchParams({ name: point, from: iso(began - around), ...(ended_at ? { to: iso(ended + around) } : {}) });
}
