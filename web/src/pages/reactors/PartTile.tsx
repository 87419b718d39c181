// A part of a reactor as a tile: what it says, how it is set, what can be asked of it.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { may } from "../../api/session.ts";
import { t } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { SeverityBadge } from "../../ui/Severity.tsx";
import { Sparkline } from "../../ui/Sparkline.tsx";
import { Tile } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText, Value } from "../../ui/Value.tsx";
import { CalibrationWizard } from "./CalibrationWizard.tsx";
import { CommandDialog, Commands } from "./Commands.tsx";
import {
  agree,
  commandsOf,
  declarationOf,
  isCurve,
  isResume,
  isSafe,
  mainReadings,
  openSetting,
  otherReadings,
  RANKS,
  reading,
  settingsOf,
  standingOf,
  type Parameter,
  type Part,
  type Reactor,
} from "./model.ts";
import { SettingRow } from "./SettingRow.tsx";
import { SettingsDialog } from "./SettingsDialog.tsx";
import { TREND_MS, useTrend, type TrendPoint, type Trends } from "./trends.ts";
import { parameterWord } from "./words.ts";

interface Props {
  readonly reactor: Reactor;
  readonly part: Part;
  readonly trends: Trends;
}

/** The tile. */
export function PartTile({ reactor, part, trends }: Props): JSX.Element {
  const [open, setOpen] = useState<"settings" | "calibration" | null>(null);
  const settings = settingsOf(part);
  const operator = may("operator");
  const severity = severityOf(part);
  return (
    <Tile
      level={3}
      class={`part-tile ${isSafe(part) ? "safe" : ""}`}
      title={<DeviceText text={part.title} />}
      aside={<span class="muted part-kind">{visible(part.model)}</span>}
      {...(severity === "NO_ALARM" ? {} : { severity })}
    >
      <SafeNote reactor={reactor} part={part} />
      <Contact part={part} />
      {part.kind === "sensor" ? <SensorReadings part={part} trends={trends} /> : <PlainReadings part={part} />}
      {part.calibration?.state && <CalibrationState part={part} />}
      <Settings reactor={reactor} part={part} settings={part.kind === "sensor" ? settings.filter((one) => isOpen(reactor, one)) : settings} />
      {operator && (
        <div class="row part-buttons">
          <Commands reactor={reactor} part={part} />
          {settings.length > 0 && (
            <Button icon="edit" onClick={() => setOpen("settings")}>
              {t("Settings …")}
            </Button>
          )}
          {part.calibration && <Button onClick={() => setOpen("calibration")}>{t("Calibrate …")}</Button>}
        </div>
      )}
      <Others reactor={reactor} part={part} />
      {open === "settings" && <SettingsDialog reactor={reactor} part={part} onClose={() => setOpen(null)} />}
      {open === "calibration" && <CalibrationWizard reactor={reactor} part={part} onClose={() => setOpen(null)} />}
    </Tile>
  );
}

/** Whether something is to be said of a setting: of a sensor's, which are seldom touched, only those are in sight. */
function isOpen(reactor: Reactor, parameter: Parameter): boolean {
  return openSetting(standingOf(reactor), parameter) !== undefined || agree(parameter) === false;
}

interface SettingsProps {
  readonly reactor: Reactor;
  readonly part: Part;
  readonly settings: readonly Parameter[];
}

/** What was asked for, beside what holds. */
function Settings({ reactor, part, settings }: SettingsProps): JSX.Element | null {
  if (settings.length === 0) return null;
  return (
    <table class="settings-table">
      <caption class="sr-only">{t("Settings of {part}", { part: visible(part.title) })}</caption>
      <thead>
        <tr>
          <th scope="col">{t("Setting")}</th>
          <th scope="col">{t("Desired")}</th>
          <th scope="col">{t("Reported")}</th>
        </tr>
      </thead>
      <tbody>
        {settings.map((parameter) => (
          <SettingRow key={parameter.name} reactor={reactor} parameter={parameter} />
        ))}
      </tbody>
    </table>
  );
}

/** The worst of what the part says itself. */
function severityOf(part: Part): keyof typeof RANKS {
  let worst: keyof typeof RANKS = isSafe(part) ? "MAJOR" : "NO_ALARM";
  const names = [part.contact, ...part.parameters.filter(({ role }) => role !== "command").map(({ reported }) => reported)];
  for (const name of names) {
    const severity = reading(name)?.status === "UDF" ? undefined : reading(name)?.severity;
    if (severity && RANKS[severity] > RANKS[worst]) worst = severity;
  }
  return worst;
}

/** That it fell to safe, and the way back. */
function SafeNote({ reactor, part }: { readonly reactor: Reactor; readonly part: Part }): JSX.Element | null {
  const [asked, setAsked] = useState(false);
  if (!isSafe(part)) return null;
  const resume = commandsOf(part).find(isResume);
  return (
    <div class="fell-safe" role="alert">
      <p>
        <strong>{t("Fell to safe, and stays there")}</strong> {t("The output is off, or as its configuration says is safe. A newer setting or Resume ends that.")}
      </p>
      {resume && may("operator") && (
        <Button icon="refresh" onClick={() => setAsked(true)}>
          {t("Resume …")}
        </Button>
      )}
      {asked && resume && <CommandDialog reactor={reactor} part={part} parameter={resume} onClose={() => setAsked(false)} />}
    </div>
  );
}

/** Whether its agent can talk to it; said only where it cannot. */
function Contact({ part }: { readonly part: Part }): JSX.Element | null {
  const contact = reading(part.contact);
  if (!contact || contact.severity === "NO_ALARM") return null;
  return (
    <p>
      <SeverityBadge severity={contact.severity} status={contact.status} />
    </p>
  );
}

function SensorReadings({ part, trends }: { readonly part: Part; readonly trends: Trends }): JSX.Element {
  const shown = mainReadings(part);
  return (
    <div class="sensor-readings">
      {shown.map((parameter, index) => (
        <Live key={parameter.name} parameter={parameter} first={index === 0} only={shown.length === 1} history={trends.get(parameter.reported ?? "")} />
      ))}
    </div>
  );
}

interface LiveProps {
  readonly parameter: Parameter;
  readonly first: boolean;
  readonly only: boolean;
  readonly history: readonly TrendPoint[] | undefined;
}

/** A reading in large, with its last hour. */
function Live({ parameter, first, only, history }: LiveProps): JSX.Element {
  const name = parameter.reported ?? "";
  return (
    <div class={`live-reading ${first ? "first" : ""}`}>
      {!only && <span class="muted">{parameterWord(parameter)}</span>}
      <a class="plain-value" href={`/points?${new URLSearchParams({ name, last: "86400" })}`} title={t("Show in the chart")}>
        <Value declaration={declarationOf(parameter)} reading={reading(name)} />
      </a>
      {isCurve(parameter) && <Trend parameter={parameter} history={history} />}
    </div>
  );
}

function Trend({ parameter, history }: { readonly parameter: Parameter; readonly history: readonly TrendPoint[] | undefined }): JSX.Element {
  const points = useTrend(parameter.reported ?? "", history);
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  if (values.length < 2) return <span class="trend-none muted">{t("no curve yet")}</span>;
  const digits = declarationOf(parameter).precision ?? 2;
  const range = { low: formatNumber(Math.min(...values), digits), high: formatNumber(Math.max(...values), digits) };
  const end = points.at(-1)?.time ?? 0;
  const label = t("{what} in the last hour: {low} to {high}", { what: parameterWord(parameter), ...range });
  return (
    <span class={`trend ${live.old.value ? "old" : ""}`} title={label}>
      <Sparkline points={points} label={label} from={Math.max(points[0]?.time ?? 0, end - TREND_MS)} to={end} />
      <span class="muted number" aria-hidden="true">
        {range.low} – {range.high}
      </span>
    </span>
  );
}

const IN_BARS = new Set(["DoseHour", "DoseDay"]);

/** The readings of an actuator, a loop or the agent: names and values. */
export function PlainReadings({ part }: { readonly part: Part }): JSX.Element {
  return (
    <dl class="plain-readings">
      {mainReadings(part)
        .filter(({ name, reported }) => !IN_BARS.has(name) && !(name === "Reason" && reading(reported)?.value === ""))
        .map((parameter) => (
          <div key={parameter.name} title={visible(parameter.description)} class={parameter.kind === "text" ? "wide" : ""}>
            <dt>{parameterWord(parameter)}</dt>
            <dd>
              <Reading parameter={parameter} />
            </dd>
          </div>
        ))}
    </dl>
  );
}

function Reading({ parameter }: { readonly parameter: Parameter }): JSX.Element {
  const now = reading(parameter.reported);
  if (parameter.kind === "text" && now?.value === "") return <span class="muted">–</span>;
  return <Value declaration={declarationOf(parameter)} reading={now} />;
}

function CalibrationState({ part }: { readonly part: Part }): JSX.Element | null {
  const state = reading(part.calibration?.state);
  const calibrating = reading(part.calibration?.calibrating)?.value;
  if (typeof state?.value !== "string") return null;
  return (
    <p class={`calibration-state ${calibrating ? "under-way" : ""}`}>
      {calibrating ? <strong>{t("In calibration: loops hold.")} </strong> : <span class="muted">{t("Calibration")}: </span>}
      <DeviceText text={state.value} />
      {state.severity !== "NO_ALARM" && state.status !== "UDF" && (
        <>
          {" "}
          <SeverityBadge severity={state.severity} status={state.status} />
        </>
      )}
    </p>
  );
}

/** What one looks at when something is wrong. */
function Others({ reactor, part }: { readonly reactor: Reactor; readonly part: Part }): JSX.Element {
  const others = otherReadings(part);
  return (
    <details class="part-more">
      <summary>{t("More")}</summary>
      {part.kind === "sensor" && <Settings reactor={reactor} part={part} settings={settingsOf(part)} />}
      <dl class="plain-readings">
        {part.place && (
          <div class="wide">
            <dt>{t("Where")}</dt>
            <dd>
              <DeviceText text={part.place} />
            </dd>
          </div>
        )}
        {others.map((parameter) => (
          <div key={parameter.name} class={parameter.kind === "text" ? "wide" : ""} title={visible(parameter.description)}>
            <dt>{parameterWord(parameter)}</dt>
            <dd>
              <Reading parameter={parameter} />
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
