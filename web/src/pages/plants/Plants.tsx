// Plants: a tile for each, the worst first; one opens beside them.
import { computed } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiFailure, api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import { query, setQuery } from "../../app/router.ts";
import { t, tn } from "../../i18n/index.ts";
import { useLive } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { Search } from "../../ui/Search.tsx";
import { EmptyState } from "../../ui/Tile.tsx";
import { TroubleMark } from "./Marks.tsx";
import { arrange, countTroubles, signsOf, TROUBLES, type Plant } from "./model.ts";
import { PlantDetail } from "./PlantDetail.tsx";
import { PlantTile } from "./PlantTile.tsx";
import { useTurn } from "./power.ts";
import { troubleWord } from "./words.ts";

const SYSTEM = "pvoperation";
const AGAIN_MS = 60_000; // the sun, the hours and causes are told by asking
const EXAMPLE = `[pvoperation]
email = "…"
password_file = "…"

[pvoperation.plants."19478"]
latitude = -8.05
longitude = -34.9`;

/** The page. */
export default function Plants(): JSX.Element {
  const live = useLive({ points: { system: SYSTEM } });
  const turn = useTurn(AGAIN_MS);
  const [changes, setChanges] = useState("");
  const { answer, wrong, busy } = useAsk(askView, [live.defined.value, turn, changes]);
  const plants = useMemo(() => answer?.plants ?? [], [answer]);
  useEffect(() => watchSuppressed(plants, setChanges), [plants]);
  const open = query.value.get("plant") ?? "";
  const opened = plants.find(({ id }) => id === open);
  const close = () => setQuery({ plant: null });
  return (
    <div class={`page stack plants-page ${live.old.value ? "out" : ""}`}>
      <header class="page-head">
        <h1>{t("Plants")}</h1>
        {plants.length > 0 && <Total plants={plants} />}
        {plants.length > 0 && <Find />}
      </header>
      {plants.length > 0 && <Chips plants={plants} />}
      {wrong !== null && <Note kind="major">{sentenceOf(wrong)}</Note>}
      {answer && answer.left_out > 0 && (
        <Note kind="minor">{tn("{n} relay or inverter is not shown: there are too many.", "{n} relays and inverters are not shown: there are too many.", answer.left_out)}</Note>
      )}
      {!answer && busy && <div class="plants-loading" aria-busy="true" role="status" aria-label={t("Loading")} />}
      {answer && plants.length === 0 && <NoPlants known={answer.known} />}
      {open && answer && !opened && <Note kind="minor">{t("There is no plant {id} here any more.", { id: open })}</Note>}
      {plants.length > 0 && (
        <div class={`plants-split ${opened ? "open" : ""}`}>
          <Tiles plants={plants} open={open} />
          {opened && <PlantDetail key={opened.id} plant={opened} onClose={close} />}
        </div>
      )}
    </div>
  );
}

interface View {
  readonly plants: readonly Plant[];
  readonly left_out: number;
  /** Whether the plant monitor is configured at all. */
  readonly known: boolean;
}

/** Ask for the plants; a service that watches none answers that it knows no such system. */
async function askView(signal: AbortSignal): Promise<View> {
  try {
    const view = await api.get("/api/v1/systems/{name}", { path: { name: SYSTEM }, signal });
    return view.kind === "plants" ? { ...view, known: true } : { plants: [], left_out: 0, known: true };
  } catch (error) {
    if (error instanceof ApiFailure && error.error === "unknown-system") return { plants: [], left_out: 0, known: false };
    throw error;
  }
}

/** Tell when other inverters are suppressed: why is not in the stream, and must be asked for. */
function watchSuppressed(plants: readonly Plant[], tell: (changes: string) => void): () => void {
  return computed(() => plants.map((plant) => signsOf(plant).states.value.get("suppressed") ?? 0).join(" ")).subscribe(tell);
}

function NoPlants({ known }: { readonly known: boolean }): JSX.Element {
  if (known) {
    return (
      <EmptyState title={t("No plant has been listed yet")}>
        <p>{t("The account was not read yet, or it has no plants. The link says more:")}</p>
        <p>
          <a href="/points?system=vigilia&q=pvoperation">{t("What is known of the account")}</a>
        </p>
      </EmptyState>
    );
  }
  return (
    <EmptyState title={t("No plant is watched yet")}>
      <p>{t("Add the account of PVOperation to vigilia.toml, and where plants stand, then start Vigilia again:")}</p>
      <pre>{EXAMPLE}</pre>
    </EmptyState>
  );
}

function Total({ plants }: { readonly plants: readonly Plant[] }): JSX.Element {
  const known = plants.flatMap((plant) => signsOf(plant).power.value ?? []);
  const power = known.reduce((sum, kw) => sum + kw, 0);
  return (
    <span class="muted number">
      {tn("{n} plant", "{n} plants", plants.length)} · {known.length === 0 ? "–" : formatNumber(power, power < 1_000 ? 1 : 0)} kW
    </span>
  );
}

function Find(): JSX.Element {
  return (
    <div class="plants-find row end">
      <Search text={query.value.get("q") ?? ""} placeholder={t("Name or number")} class="plants-search" />
      <select class="input plants-sort" aria-label={t("Order")} value={query.value.get("sort") ?? "worst"} onChange={(event) => setQuery({ sort: event.currentTarget.value === "worst" ? null : event.currentTarget.value })}>
        <option value="worst">{t("The worst first")}</option>
        <option value="name">{t("By name")}</option>
        <option value="power">{t("By power")}</option>
      </select>
    </div>
  );
}

/** What plants are at, counted; each narrows the page to those. */
function Chips({ plants }: { readonly plants: readonly Plant[] }): JSX.Element {
  const counts = countTroubles(plants);
  const chosen = query.value.get("state") ?? "";
  return (
    <div class="plant-chips" role="group" aria-label={t("Show only")}>
      {TROUBLES.filter((trouble) => trouble !== "waiting" && (counts.has(trouble) || trouble === chosen)).map((trouble) => (
        <button
          key={trouble}
          type="button"
          class={`plant-chip ${trouble}`}
          aria-pressed={trouble === chosen}
          onClick={() => setQuery({ state: trouble === chosen ? null : trouble })}
        >
          <TroubleMark trouble={trouble} />
          <span>{troubleWord(trouble)}</span>
          <span class="number">{counts.get(trouble) ?? 0}</span>
        </button>
      ))}
    </div>
  );
}

function Tiles({ plants, open }: { readonly plants: readonly Plant[]; readonly open: string }): JSX.Element {
  const wish = { q: query.value.get("q") ?? "", trouble: query.value.get("state") ?? "", sort: query.value.get("sort") ?? "worst" };
  const shown = arrange(plants, wish);
  if (shown.length === 0) {
    return (
      <EmptyState title={t("No plant is like that")}>
        <Button onClick={() => setQuery({ q: null, state: null })}>{t("Show all plants")}</Button>
      </EmptyState>
    );
  }
  return (
    <ul class="plant-tiles" aria-label={t("Plants")}>
      {shown.map((plant) => (
        <PlantTile key={plant.id} plant={plant} open={plant.id === open} onOpen={(id) => setQuery({ plant: id === open ? null : id }, { push: true })} />
      ))}
    </ul>
  );
}
