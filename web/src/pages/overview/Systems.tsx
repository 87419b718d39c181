// The systems at a glance, each with the evidence that it speaks; and the watch itself.
import type { JSX } from "preact";
import { t, tn } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { formatDuration, formatNumber } from "../../ui/format.ts";
import { SeverityBadge } from "../../ui/Severity.tsx";
import { Since } from "../../ui/Since.tsx";
import { Figure, Tile } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import type { Cause } from "./causes.ts";
import { OWN, type Evidence, type System } from "./situation.ts";
import { pageOf, systemWord } from "./words.ts";

interface Props {
  readonly systems: readonly System[];
  readonly evidence: readonly Evidence[];
  /** What is wrong, of all systems. */
  readonly active: readonly Cause[];
}

/** A tile for each system that is watched. */
export function Systems({ systems, evidence, active }: Props): JSX.Element {
  return (
    <>
      {systems
        .filter(({ name }) => name !== OWN)
        .map((system) => (
          <SystemTile
            key={system.name}
            system={system}
            evidence={evidence.find((each) => each.system === system.name)}
            alarms={active.filter(({ alarm }) => alarm.system === system.name).length}
          />
        ))}
    </>
  );
}

interface TileProps {
  readonly system: System;
  readonly evidence: Evidence | undefined;
  readonly alarms: number;
}

function SystemTile({ system, evidence, alarms }: TileProps): JSX.Element {
  const { links, points, worst } = system;
  return (
    <Tile title={systemWord(system)} href={pageOf(system.name)} severity={worst} class="system-tile" aside={<SeverityBadge severity={worst} />}>
      <dl class="system-figures">
        <Figure label={t("Alarms")}>{alarms}</Figure>
        <Figure label={t("In contact")}>
          <span class={links.connected < links.total ? "lacking" : ""}>{links.total === 0 ? "–" : t("{n} of {all}", { n: links.connected, all: links.total })}</span>
        </Figure>
        <Figure label={t("Points")}>{formatNumber(points, 0)}</Figure>
      </dl>
      <p class="spoke">
        {evidence?.newest ? (
          <>
            {t("Last spoke")}{" "}
            <strong>
              <Since time={evidence.newest} />
            </strong>
          </>
        ) : (
          <strong class="lacking">{t("Has not spoken yet")}</strong>
        )}
        {evidence !== undefined && evidence.unknown > 0 && (
          <span class="lacking"> · {tn("{n} point is not known", "{n} points are not known", evidence.unknown)}</span>
        )}
        {evidence !== undefined && evidence.never > 0 && <span class="muted"> · {tn("{n} never read", "{n} never read", evidence.never)}</span>}
      </p>
    </Tile>
  );
}

const LATE_S = 60; // a notice that waits for longer is worth a look

/** How the watch itself fares: what it lacks, what waits to be told, and for how long it has been running. */
export function WatchTile({ systems }: { readonly systems: readonly System[] }): JSX.Element {
  const health = live.health.value;
  const notices = live.notices.value;
  const own = systems.find(({ name }) => name === OWN);
  const missing = health?.missing ?? [];
  const late = health !== null && health.waiting_notices > 0 && (health.oldest_notice_s ?? 0) > LATE_S;
  return (
    <Tile
      title={t("The watch")}
      href={pageOf(OWN)}
      severity={missing.length > 0 ? "MAJOR" : (own?.worst ?? "NO_ALARM")}
      class="system-tile"
      aside={health === null ? <span class="muted">…</span> : <SeverityBadge severity={missing.length > 0 ? "MAJOR" : (own?.worst ?? "NO_ALARM")} />}
    >
      {missing.length > 0 && (
        <ul class="missing">
          {missing.map((sentence) => (
            <li key={sentence}>
              <DeviceText text={sentence} />
            </li>
          ))}
        </ul>
      )}
      <dl class="system-figures">
        <Figure label={t("Notices waiting")}>
          <span class={late ? "lacking" : ""}>{health?.waiting_notices ?? "…"}</span>
        </Figure>
        <Figure label={t("Memory")}>{health?.memory_mb == null ? "…" : `${formatNumber(health.memory_mb, 0)} MB`}</Figure>
        <Figure label={t("Running for")}>{health?.started == null ? "…" : <Since time={health.started} bare />}</Figure>
      </dl>
      <p class="spoke">
        {health !== null && health.waiting_notices > 0 && (
          <span class={late ? "lacking" : "muted"}>
            {t("The oldest notice has waited for {time}", { time: formatDuration(health.oldest_notice_s ?? 0) })}
            {notices !== null && notices.failed > 0 && <> · {tn("{n} could not be delivered so far", "{n} could not be delivered so far", notices.failed)}</>} ·{" "}
          </span>
        )}
        {health !== null && missing.length === 0 && <>{t("Has all its evidence")} · </>}
        {health !== null && <span class="muted">Vigilia {visible(health.version)} · </span>}
        <a href="/healthz" target="_blank" rel="noreferrer">
          {t("the same for programs")}
        </a>
      </p>
    </Tile>
  );
}
