// Overview: what is wrong now, and whether one may believe that nothing else is.
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import type { Alarm } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { useLive } from "../../live/index.ts";
import { useTime } from "../../live/pace.ts";
import { Note } from "../../ui/Note.tsx";
import { ActDialog } from "../alarms/ActDialog.tsx";
import type { Act } from "../alarms/acts.ts";
import { causesOf } from "./causes.ts";
import { CauseList, type Ask } from "./CauseList.tsx";
import { Over } from "./Over.tsx";
import { situationOf, type Known } from "./situation.ts";
import { Systems, WatchTile } from "./Systems.tsx";
import { Verdict } from "./Verdict.tsx";
import { Welcome } from "./Welcome.tsx";

const PACE_MS = 5_000; // so often what the stream does not tell is asked

/** Whether what is wrong stands before the systems: a phone shows little at once. */
const narrowly = matchMedia("(max-width: 60rem)");
const narrow = signal(narrowly.matches);
narrowly.addEventListener("change", () => (narrow.value = narrowly.matches));

/** The page. */
export default function Overview(): JSX.Element {
  const live = useLive({ watch: ["alarms", "links", "health", "notices"] });
  const time = useTime(PACE_MS);
  const alarms = live.alarms.value;
  const causes = useMemo(() => causesOf(alarms.values()), [alarms]);
  const { answer, wrong } = useAsk(askSystems, [time, alarms.size]);
  const known: Known = {
    touch: live.touch.value,
    causes,
    health: live.health.value,
    links: [...live.links.value.values()],
    systems: answer?.systems ?? [],
    evidence: answer?.evidence ?? [],
    complete: answer !== undefined && live.alarmsComplete.value && live.linksComplete.value,
  };
  const situation = situationOf(known);
  const [asked, setAsked] = useState<{ readonly act: Act; readonly alarms: readonly Alarm[] } | null>(null);
  const onAct: Ask = (act, alarms) => setAsked({ act, alarms });
  const systems = (
    <section key="systems" class="system-tiles" aria-label={t("What is watched")}>
      <Systems systems={known.systems} evidence={known.evidence} active={causes.active} />
      <WatchTile systems={known.systems} />
    </section>
  );
  const wrongNow = causes.active.length > 0 && (
    <section key="wrong" class="stack">
      <h2>{t("Wrong now")}</h2>
      <CauseList causes={causes.active} label={t("Wrong now")} onAct={onAct} />
    </section>
  );
  return (
    <div class={`page stack overview ${live.old.value ? "out" : ""}`}>
      <h1 class="sr-only">{t("Overview")}</h1>
      <Verdict known={known} />
      {wrong !== null && situation !== "lost" && <Note kind="major">{sentenceOf(wrong)}</Note>}
      {situation === "empty" && <Welcome />}
      {narrow.value ? [wrongNow, systems] : [systems, wrongNow]}
      {causes.over.length > 0 && <Over causes={causes.over} onAct={onAct} />}
      {causes.quiet.length > 0 && (
        <details class="aside-list">
          <summary>{tn("{n} alarm is kept quiet on purpose", "{n} alarms are kept quiet on purpose", causes.quiet.length)}</summary>
          <CauseList causes={causes.quiet} label={t("Kept quiet on purpose")} onAct={onAct} />
        </details>
      )}
      {asked && <ActDialog {...asked} onClose={() => setAsked(null)} />}
    </div>
  );
}

async function askSystems(signal: AbortSignal): Promise<Pick<Known, "systems" | "evidence">> {
  const [systems, evidence] = await Promise.all([api.get("/api/v1/systems", { signal }), api.get("/api/v1/evidence", { signal })]);
  return { systems: systems.items, evidence: evidence.items };
}
