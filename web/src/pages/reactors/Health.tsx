// How the agent itself fares: up since when, what waits on its disk, what was lost.
import type { JSX } from "preact";
import { t } from "../../i18n/index.ts";
import { formatDuration, formatNumber } from "../../ui/format.ts";
import { Since } from "../../ui/Since.tsx";
import { Figure, Tile } from "../../ui/Tile.tsx";
import { Value } from "../../ui/Value.tsx";
import { declarationOf, reading, standingOf, type Parameter, type Part, type Reactor } from "./model.ts";
import { parameterWord } from "./words.ts";

const LATE_S = 600; // a sample that waits so long is worth a look
const FIRST = ["Uptime", "Buffered", "OldestWaiting", "Dropped"];
const TIMES = new Set(["Uptime", "OldestWaiting"]);

/** The tile. */
export function Health({ reactor }: { readonly reactor: Reactor }): JSX.Element {
  const standing = standingOf(reactor);
  const agent = reactor.parts.find(({ kind }) => kind === "agent");
  const others = agent?.parameters.filter(({ role, name }) => role === "reading" && !FIRST.includes(name)) ?? [];
  const dropped = standing.samples_dropped ?? 0;
  const oldest = standing.oldest_waiting_s ?? 0;
  return (
    <Tile class="health" title={t("Agent")} aside={<span class="muted mono">{standing.version}</span>} {...(dropped > 0 || (oldest > LATE_S && clockRight(agent)) ? { severity: "MINOR" as const } : {})}>
      <dl class="figures">
        {agent?.parameters.find(({ name }) => name === "Uptime") && <Figure label={t("Up for")}>{duration(agent, "Uptime")}</Figure>}
        <Figure label={t("Last report")}>{standing.reported === null ? "–" : <Since time={standing.reported} />}</Figure>
        <Figure label={t("Samples waiting")}>{standing.samples_waiting === null ? "–" : formatNumber(standing.samples_waiting)}</Figure>
        <Figure label={t("Oldest waiting")}>{standing.samples_waiting === 0 || standing.oldest_waiting_s === null ? "–" : formatDuration(standing.oldest_waiting_s)}</Figure>
        <Figure label={t("Samples dropped")}>
          <span class={dropped > 0 ? "health-bad" : ""}>{standing.samples_dropped === null ? "–" : formatNumber(dropped)}</span>
        </Figure>
        {others.map((parameter) => (
          <Figure key={parameter.name} label={parameterWord(parameter)}>
            {TIMES.has(parameter.name) ? seconds(parameter) : <Value declaration={declarationOf(parameter)} reading={reading(parameter.reported)} />}
          </Figure>
        ))}
      </dl>
    </Tile>
  );
}

/** Whether the agent's clock is right: until it is, ages are not. */
function clockRight(agent: Part | undefined): boolean {
  const clock = agent?.parameters.find(({ name }) => name === "Clock");
  return clock === undefined || reading(clock.reported)?.value !== 0;
}

function duration(agent: Part, name: string): string {
  const parameter = agent.parameters.find((one) => one.name === name);
  return parameter ? seconds(parameter) : "–";
}

function seconds(parameter: Parameter): string {
  const value = reading(parameter.reported)?.value;
  return typeof value === "number" ? formatDuration(value) : "–";
}
