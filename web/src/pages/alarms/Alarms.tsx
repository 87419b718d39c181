import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { Alarm, AlarmState, Severity } from "../../api/types.ts";
import { query, setQuery } from "../../app/router.ts";
import { t, tn } from "../../i18n/index.ts";
import { live, useLive } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Chips } from "../../ui/Chips.tsx";
import { severityWord } from "../../ui/Severity.tsx";
import { Split } from "../../ui/Split.tsx";
import { systemWord } from "../../ui/systems.ts";
import { EmptyState } from "../../ui/Tile.tsx";
import { ActDialog } from "./ActDialog.tsx";
import { AlarmDetail } from "./AlarmDetail.tsx";
import { AlarmList } from "./AlarmList.tsx";
import { actsOn, actWord, stateWord, type Act } from "./acts.ts";
import { arrange, STATES, type Wanted } from "./arrange.ts";
import { Figures } from "./Figures.tsx";

const ROW = 54;
const NARROW_ROW = 84; // the state has a line of its own
const HEAD = 38;
const ACTS: readonly Act[] = ["acknowledge", "shelve", "unshelve", "out-of-service", "in-service"];

/** Alarms: those that are not normal now, and how the alarm system fares. */
export default function Alarms(): JSX.Element {
  const figures = query.value.get("view") === "figures";
  return (
    <div class={`page alarms ${figures ? "stack" : "fill"}`}>
      <header class="page-head">
        <h1>{t("Alarms")}</h1>
        <nav class="tabs end" aria-label={t("Views")}>
          <a href="/alarms" aria-current={figures ? undefined : "page"}>
            {t("Now")}
          </a>
          <a href="/alarms?view=figures" aria-current={figures ? "page" : undefined}>
            {t("Figures")}
          </a>
        </nav>
      </header>
      {figures ? <Figures /> : <Present />}
    </div>
  );
}

function Present(): JSX.Element {
  useLive({ watch: ["alarms"] });
  const narrow = useNarrow();
  const alarms = live.alarms.value;
  const fields = query.value;
  const wanted: Wanted = {
    text: fields.get("q") ?? "",
    state: stateIn(fields.get("state")),
    severity: (fields.get("severity") ?? "") as Severity | "",
    system: fields.get("system") ?? "",
  };
  const opened = fields.get("alarm");
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [acting, setActing] = useState<{ act: Act; alarms: readonly Alarm[] } | null>(null);
  const arranged = useMemo(
    () => arrange(alarms, wanted, unfolded),
    [alarms, wanted.text, wanted.state, wanted.severity, wanted.system, unfolded],
  );
  const chosen = useMemo(() => arranged.matching.filter(({ id }) => marked.has(id)), [arranged, marked]);
  const chosenIds = useMemo(() => new Set(chosen.map(({ id }) => id)), [chosen]);
  const open = useCallback((id: string | null) => setQuery({ alarm: id }, { push: true }), []);
  const choose = useCallback(
    (ids: readonly string[], on: boolean) =>
      setMarked((before) => {
        const next = new Set(before);
        for (const id of ids) {
          if (on) next.add(id);
          else next.delete(id);
        }
        return next;
      }),
    [],
  );
  const fold = useCallback(
    (id: string) =>
      setUnfolded((before) => {
        const next = new Set(before);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [],
  );
  const filtered = Boolean(wanted.text || wanted.severity || wanted.system || wanted.state);
  return (
    <>
      <Filters wanted={wanted} counts={arranged.counts} alarms={alarms} />
      {chosen.length > 0 && (
        <div class="chosen row" role="toolbar" aria-label={t("What is chosen")}>
          <strong class="number">{tn("{n} chosen", "{n} chosen", chosen.length)}</strong>
          {ACTS.map((act) => {
            const fit = chosen.filter((alarm) => actsOn(alarm).includes(act));
            return (
              fit.length > 0 && (
                <Button key={act} kind={act === "acknowledge" ? "primary" : "normal"} onClick={() => setActing({ act, alarms: fit })}>
                  {fit.length === chosen.length ? actWord(act) : t("{act} ({n})", { act: actWord(act), n: fit.length })}
                </Button>
              )
            );
          })}
          <Button kind="quiet" class="end" onClick={() => setMarked(new Set())}>
            {t("Choose none")}
          </Button>
        </div>
      )}
      <Split
        listHeight={arranged.rows.length * (narrow ? NARROW_ROW : ROW) + HEAD}
        detail={
          opened && (
            <AlarmDetail
              key={opened}
              id={opened}
              alarm={alarms.get(opened)}
              onClose={() => open(null)}
              onOpen={open}
              onAct={(act, alarm) => setActing({ act, alarms: [alarm] })}
            />
          )
        }
      >
        {arranged.rows.length > 0 ? (
          <AlarmList
            arranged={arranged}
            rowHeight={narrow ? NARROW_ROW : ROW}
            opened={opened}
            unfolded={unfolded}
            chosen={chosenIds}
            onOpen={open}
            onFold={fold}
            onChoose={choose}
            onAct={(act, alarm) => setActing({ act, alarms: [alarm] })}
          />
        ) : (
          <Nothing filtered={filtered && alarms.size > 0} />
        )}
      </Split>
      {acting && (
        <ActDialog
          act={acting.act}
          alarms={acting.alarms}
          onClose={() => setActing(null)}
          onDone={({ id }) => choose([id], false)}
        />
      )}
    </>
  );
}

interface FiltersProps {
  readonly wanted: Wanted;
  readonly counts: ReadonlyMap<AlarmState | "", number>;
  readonly alarms: ReadonlyMap<string, Alarm>;
}

function Filters({ wanted, counts, alarms }: FiltersProps): JSX.Element {
  const systems = useMemo(
    () => [...new Set([...alarms.values()].map(({ system }) => system).concat(wanted.system))].filter(Boolean).sort(),
    [alarms, wanted.system],
  );
  const states = STATES.filter((state) => counts.has(state) || state === wanted.state || state === "unacknowledged");
  return (
    <>
      <div class="filter-bar">
        <input
          class="input search"
          type="search"
          placeholder={t("Search alarms")}
          aria-label={t("Search alarms")}
          value={wanted.text}
          onInput={(event) => setQuery({ q: event.currentTarget.value })}
        />
        <select
          class="input"
          aria-label={t("Severity")}
          value={wanted.severity}
          onChange={(event) => setQuery({ severity: event.currentTarget.value })}
        >
          <option value="">{t("Any severity")}</option>
          {(["MINOR", "MAJOR", "INVALID"] as const).map((severity) => (
            <option key={severity} value={severity}>
              {severityWord(severity)}
            </option>
          ))}
        </select>
        {(systems.length > 1 || wanted.system) && (
          <select
            class="input"
            aria-label={t("System")}
            value={wanted.system}
            onChange={(event) => setQuery({ system: event.currentTarget.value })}
          >
            <option value="">{t("All systems")}</option>
            {systems.map((system) => (
              <option key={system} value={system}>
                {systemWord(system)}
              </option>
            ))}
          </select>
        )}
      </div>
      <Chips
        label={t("State")}
        value={wanted.state}
        onChange={(state) => setQuery({ state })}
        chips={[
          { value: "" as AlarmState | "", label: t("All"), count: counts.get("") ?? 0 },
          ...states.map((state) => ({ value: state, label: stateWord(state), count: counts.get(state) ?? 0 })),
        ]}
      />
    </>
  );
}

function Nothing({ filtered }: { readonly filtered: boolean }): JSX.Element {
  if (filtered) {
    return (
      <EmptyState title={t("No alarm is like that")}>
        <Button onClick={() => setQuery({ q: null, state: null, severity: null, system: null })}>{t("Show all alarms")}</Button>
      </EmptyState>
    );
  }
  if (!live.alarmsComplete.value) {
    if (live.old.value) return <EmptyState title={t("Which alarms there are is not known")} />;
    return <div class="empty" aria-busy="true">{t("Loading")}</div>;
  }
  return (
    <EmptyState title={t("No alarms: everything that is judged is normal")}>
      <p>{t("What is judged and how is said by rules: drivers bring theirs, and [[alarms.rules]] in the configuration adds others.")}</p>
    </EmptyState>
  );
}

function stateIn(text: string | null): AlarmState | "" {
  return STATES.find((state) => state === text) ?? "";
}

/** Whether the window is so narrow that a row needs its second line for the state. */
function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => matchMedia("(max-width: 60rem)").matches);
  useEffect(() => {
    const media = matchMedia("(max-width: 60rem)");
    const changed = () => setNarrow(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return narrow;
}
