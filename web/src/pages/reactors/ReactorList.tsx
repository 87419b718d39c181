// The reactors, the worst first, where there is more than one.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { t, tn } from "../../i18n/index.ts";
import { SeverityMark } from "../../ui/Severity.tsx";
import { Since } from "../../ui/Since.tsx";
import { visible } from "../../ui/text.ts";
import { RANKS, severityOf, type Standing } from "./model.ts";
import { presenceWord } from "./words.ts";

const MANY = 12; // more than this are searched

/** A filled disc is there, an open one with a stroke is away. */
export function PresenceMark({ state }: { readonly state: Standing["state"] }): JSX.Element {
  return (
    <svg class={`presence-mark ${state}`} viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="4.5" />
      {state === "away" && <path d="M3 13 13 3" />}
    </svg>
  );
}

/** Return reactors as they are listed: the worst first, then by id. */
export function arrange(reactors: readonly Standing[]): Standing[] {
  const order = new Map(reactors.map((one) => [one.id, RANKS[severityOf(one)]]));
  return [...reactors].sort((a, b) => (order.get(b.id) ?? 0) - (order.get(a.id) ?? 0) || a.id.localeCompare(b.id, undefined, { numeric: true }));
}

/** The list; each is a link to its reactor. */
export function ReactorList({ reactors, selected }: { readonly reactors: readonly Standing[]; readonly selected: string }): JSX.Element {
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLocaleLowerCase();
  const shown = arrange(reactors).filter(({ id, name }) => `${id}\n${name}`.toLocaleLowerCase().includes(wanted));
  return (
    <nav class="reactor-list" aria-label={t("Reactors")}>
      {reactors.length > MANY && (
        <input class="input" type="search" aria-label={t("Search")} placeholder={t("Name or id")} value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
      )}
      <ul>
        {shown.map((one) => (
          <li key={one.id}>
            <a href={`/reactors?${new URLSearchParams({ reactor: one.id })}`} aria-current={one.id === selected ? "page" : undefined}>
              <Sign standing={one} />
              <span class="two">
                <strong class="cut">{visible(one.name || one.id)}</strong>
                <span class="muted cut">
                  {visible(one.id)} · {presenceWord(one.state)} · <Since time={one.since} bare />
                </span>
                <Settings standing={one} />
              </span>
            </a>
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p class="muted">{t("No reactor is called so.")}</p>}
    </nav>
  );
}

function Sign({ standing }: { readonly standing: Standing }): JSX.Element {
  const severity = severityOf(standing);
  return severity === "NO_ALARM" ? <PresenceMark state={standing.state} /> : <SeverityMark severity={severity} />;
}

function Settings({ standing }: { readonly standing: Standing }): JSX.Element | null {
  const pending = standing.settings.filter(({ state }) => state === "pending").length;
  const rejected = standing.settings.filter(({ state }) => state === "rejected").length;
  if (pending + rejected === 0) return null;
  const words = [
    pending > 0 && tn("{n} setting pending", "{n} settings pending", pending),
    rejected > 0 && tn("{n} setting rejected", "{n} settings rejected", rejected),
  ];
  return <span class="muted cut">{words.filter(Boolean).join(" · ")}</span>;
}
