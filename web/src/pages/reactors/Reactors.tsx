// Reactors: those that wait to be let in on top, then each with its parts.
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiFailure, api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import { may } from "../../api/session.ts";
import { query } from "../../app/router.ts";
import { t, tn } from "../../i18n/index.ts";
import { live, useLive } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Note } from "../../ui/Note.tsx";
import { EmptyState } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { Body } from "./Body.tsx";
import type { Reactor } from "./model.ts";
import { arrange, ReactorList } from "./ReactorList.tsx";
import { EnrolDialog, WaitingTile } from "./Waiting.tsx";

const SYSTEM = "reactor";
const WIDE = matchMedia("(min-width: 60.01rem)");
const NO_LISTENER = `[reactor]
listen = "0.0.0.0:50051"`;
const AGENT = `[agent]
id = "R1"
name = "Reactor 1"
coordinator = "192.0.2.5:50051"`;

/** The page. */
export default function Reactors(): JSX.Element {
  const selected = useSelected();
  useLive({ watch: ["reactors"], ...(selected ? { points: { link: selected } } : {}) });
  const standings = [...live.reactors.value.values()];
  const waiting = standings.filter(({ state }) => state === "waiting");
  const accepted = standings.filter(({ state }) => state !== "waiting");
  const who = accepted.map(({ id, state, points }) => `${id} ${state} ${points}`).join("\n"); // one that registers tells its parts
  const { answer, wrong, busy } = useAsk(askView, [live.defined.value, who]);
  const [enrolling, setEnrolling] = useState(false);
  const reactor = useMemo(() => answer?.reactors.find(({ id }) => id === selected), [answer, selected]);
  const several = accepted.length > 1;
  return (
    <div class={`page stack reactors-page ${live.old.value ? "out" : ""}`}>
      <header class="page-head">
        <h1>{t("Reactors")}</h1>
        {accepted.length > 0 && <span class="muted">{tn("{n} reactor", "{n} reactors", accepted.length)}</span>}
        {answer?.known && may("admin") && (
          <Button kind="quiet" icon="plus" class="end" onClick={() => setEnrolling(true)}>
            {t("Enrol a reactor …")}
          </Button>
        )}
      </header>
      {waiting.map((one) => (
        <WaitingTile key={one.id} reactor={one} />
      ))}
      {wrong !== null && <Note kind="major">{sentenceOf(wrong)}</Note>}
      {answer && answer.left_out > 0 && <Note kind="minor">{tn("{n} parameter is not shown: there are too many.", "{n} parameters are not shown: there are too many.", answer.left_out)}</Note>}
      {((!answer && busy) || (answer?.known && !live.reactorsComplete.value && !live.old.value)) && <div class="reactors-loading" aria-busy="true" role="status" aria-label={t("Loading")} />}
      {answer && (live.reactorsComplete.value || !answer.known) && accepted.length === 0 && waiting.length === 0 && <NoReactors known={answer.known} />}
      {answer && accepted.length > 0 && (
        <div class={`reactors-split ${several ? "several" : ""} ${selected ? "selected" : ""}`}>
          {several && <ReactorList reactors={accepted} selected={selected} />}
          {reactor && reactor.state !== "waiting" && <Body key={reactor.id} reactor={reactor} several={several} />}
          {selected && live.reactorsComplete.value && !accepted.some(({ id }) => id === selected) && (
            <Note kind="minor">{t("No accepted reactor is called {id}.", { id: visible(selected) })}</Note>
          )}
        </div>
      )}
      {enrolling && <EnrolDialog onClose={() => setEnrolling(false)} />}
    </div>
  );
}

/** Which reactor is shown: the address says it; otherwise the only one, or on a wide window the worst. */
function useSelected(): string {
  const asked = query.value.get("reactor") ?? "";
  const [wide, setWide] = useState(WIDE.matches);
  useEffect(() => {
    const changed = () => setWide(WIDE.matches);
    WIDE.addEventListener("change", changed);
    return () => WIDE.removeEventListener("change", changed);
  }, []);
  const [first, setFirst] = useState("");
  const accepted = [...live.reactors.value.values()].filter(({ state }) => state !== "waiting");
  useEffect(() => {
    // Chosen once: a page that jumps to another reactor when that gets worse is no page to work on.
    if (!first && live.reactorsComplete.value) setFirst(arrange(accepted)[0]?.id ?? "");
  });
  if (asked) return asked;
  return wide || accepted.length === 1 ? first : "";
}

interface View {
  readonly reactors: readonly Reactor[];
  readonly left_out: number;
  /** Whether reactors are listened to at all. */
  readonly known: boolean;
}

/** Ask for the reactors' parts; a service that listens to none answers that it knows no such system. */
async function askView(signal: AbortSignal): Promise<View> {
  try {
    const view = await api.get("/api/v1/systems/{name}", { path: { name: SYSTEM }, signal });
    return view.kind === "reactors" ? { ...view, known: true } : { reactors: [], left_out: 0, known: true };
  } catch (error) {
    if (error instanceof ApiFailure && error.error === "unknown-system") return { reactors: [], left_out: 0, known: false };
    throw error;
  }
}

function NoReactors({ known }: { readonly known: boolean }): JSX.Element {
  if (!known) {
    return (
      <EmptyState title={t("Reactors are not listened to yet")}>
        <p>{t("Add this to vigilia.toml, then start Vigilia again:")}</p>
        <pre>{NO_LISTENER}</pre>
      </EmptyState>
    );
  }
  return (
    <EmptyState title={t("No reactor has called yet")}>
      <p>{t("Start vigilia agent on one, with our coordinator's address in its vigilia-agent.toml. It then waits here to be accepted:")}</p>
      <pre>{AGENT}</pre>
    </EmptyState>
  );
}
