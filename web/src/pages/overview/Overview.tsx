// Overview: what is wrong now, and whether one may believe that nothing else is.
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import { t, tn } from "../../i18n/index.ts";
import { useLive } from "../../live/index.ts";
import { useTime } from "../../live/pace.ts";
import { Note } from "../../ui/Note.tsx";
import { causesOf } from "./causes.ts";
import { CauseList } from "./CauseList.tsx";
import { situationOf, type Known } from "./situation.ts";
import { Systems, WatchTile } from "./Systems.tsx";
import { Verdict } from "./Verdict.tsx";
import { Welcome } from "./Welcome.tsx";

const PACE_MS = 5_000; // so often what the stream does not tell is asked

/** The page. */
export default function Overview(): JSX.Element {
  const live = useLive({ watch: ["alarms", "links", "health", "notices"] });
  const time = useTime(PACE_MS);
  const alarms = live.alarms.value;
  const causes = useMemo(() => causesOf(alarms.values()), [alarms]);
  const { answer, wrong } = useAsk(askSystems, [time, live.links.value.size, alarms.size]);
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
  return (
    <div class={`page stack overview ${situation === "lost" ? "out" : ""}`}>
      <h1 class="sr-only">{t("Overview")}</h1>
      <Verdict known={known} />
      {wrong !== null && situation !== "lost" && <Note kind="major">{sentenceOf(wrong)}</Note>}
      {situation === "empty" && <Welcome />}
      {causes.standing.length > 0 && (
        <section class="stack wrong-now">
          <h2>{t("Wrong now")}</h2>
          <CauseList causes={causes.standing} label={t("Wrong now")} />
        </section>
      )}
      <section class="stack">
        <h2>{t("What is watched")}</h2>
        <div class="system-tiles">
          <Systems systems={known.systems} evidence={known.evidence} />
          <WatchTile systems={known.systems} />
        </div>
      </section>
      {causes.quiet.length > 0 && (
        <details class="quiet">
          <summary>{tn("{n} alarm is kept quiet on purpose", "{n} alarms are kept quiet on purpose", causes.quiet.length)}</summary>
          <CauseList causes={causes.quiet} label={t("Kept quiet on purpose")} />
        </details>
      )}
    </div>
  );
}

async function askSystems(signal: AbortSignal): Promise<Pick<Known, "systems" | "evidence">> {
  const [systems, evidence] = await Promise.all([api.get("/api/v1/systems", { signal }), api.get("/api/v1/evidence", { signal })]);
  return { systems: systems.items, evidence: evidence.items };
}
