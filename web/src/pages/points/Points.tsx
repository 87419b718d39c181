// Every point: search it, see its value live, write to it, chart it.
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { useAsk } from "../../api/ask.ts";
import { api, every, sentenceOf } from "../../api/client.ts";
import type { Point } from "../../api/types.ts";
import { query, setQuery } from "../../app/router.ts";
import { t, tn } from "../../i18n/index.ts";
import { useLive } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { EmptyState } from "../../ui/Tile.tsx";
import { toast } from "../../ui/Toast.tsx";
import { VirtualList } from "../../ui/VirtualList.tsx";
import { filterOf, leavesOut, OWN, select } from "./filter.ts";
import { clearFilter, Filters } from "./Filters.tsx";
import { NoEquipment } from "./NoEquipment.tsx";
import { MOST_CURVES, PointChart } from "./PointChart.tsx";
import { PointDialog } from "./PointDialog.tsx";
import { PointHeader, PointRow } from "./PointRow.tsx";

const SEVERITIES_MS = 1_000; // how often a list that depends on severities is made anew

export default function Points(): JSX.Element {
  const live = useLive({ points: {} });
  const { answer, wrong, again } = useAsk(
    (signal) => every((next) => api.get("/api/v1/points", { query: next ? { next } : {}, signal })),
    [live.defined.value],
  );
  const [opened, setOpened] = useState<string | null>(null);
  const narrow = useNarrow();
  const points = useMemo(() => answer ?? [], [answer]);
  const byName = useMemo(() => new Map(points.map((point) => [point.name, point])), [points]);
  const filter = filterOf(query.value);
  const turn = useTurns(filter.severity ? SEVERITIES_MS : null);
  const rows = useMemo(
    () => select(points, filter, (point) => live.point(point.name).peek() ?? point),
    [points, JSON.stringify(filter), turn],
  );
  const names = query.value.getAll("name");
  const open = opened === null ? undefined : byName.get(opened);

  const chart = ({ name }: Point) => {
    if (names.includes(name)) setQuery({ name: names.filter((other) => other !== name) });
    else if (names.length < MOST_CURVES) setQuery({ name: [...names, name] });
    else toast("minor", t("A chart takes at most {n} points", { n: MOST_CURVES }));
  };

  return (
    <div class="page points-page">
      <header class="page-head">
        <h1>{t("Points")}</h1>
        <span class="muted number" aria-live="polite">
          {answer !== undefined &&
            (rows.length === points.length
              ? tn("{n} point", "{n} points", points.length)
              : t("{n} of {all}", { n: formatNumber(rows.length), all: formatNumber(points.length) }))}
        </span>
      </header>
      <Filters points={points} filter={filter} />
      {names.length > 0 && answer !== undefined && <PointChart names={names} points={byName} />}
      {wrong !== null && answer === undefined && (
        <Note kind="major">
          <p>{sentenceOf(wrong)}</p>
          <Button icon="refresh" onClick={again}>
            {t("Try again")}
          </Button>
        </Note>
      )}
      {answer !== undefined && points.every(({ system }) => system === OWN) && <NoEquipment />}
      {answer !== undefined && points.length > 0 && rows.length === 0 && (
        <EmptyState title={t("No point is like that")}>
          {leavesOut(filter) && <Button onClick={clearFilter}>{t("Show all")}</Button>}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <VirtualList
          label={t("Points")}
          rows={rows}
          rowKey={({ name }) => name}
          rowHeight={narrow ? 64 : 40}
          header={<PointHeader />}
          render={(point) => <PointRow point={point} charted={names.includes(point.name)} onChart={chart} />}
          onOpen={({ name }) => setOpened(name)}
          keys={{ " ": chart, c: chart }}
        />
      )}
      {open && <PointDialog key={open.name} point={open} onClose={() => setOpened(null)} />}
    </div>
  );
}

/** Render again each `ms`, while the page is seen; never for null. */
function useTurns(ms: number | null): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (ms === null) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && setTurn((n) => n + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return turn;
}

/** Whether the window is too narrow for a row to be one line. */
function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => NARROW.matches);
  useEffect(() => {
    const changed = () => setNarrow(NARROW.matches);
    NARROW.addEventListener("change", changed);
    return () => NARROW.removeEventListener("change", changed);
  }, []);
  return narrow;
}

const NARROW = matchMedia("(max-width: 48rem)");
