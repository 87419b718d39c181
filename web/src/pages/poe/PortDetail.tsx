// One port: what it does, what was chosen, what it measures, who commanded it last; and On and Off.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import { may } from "../../api/session.ts";
import type { Point, Write } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { formatClock } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { Moment, Since } from "../../ui/Since.tsx";
import { Figure } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText, LiveValue } from "../../ui/Value.tsx";
import { Drawer } from "./Drawer.tsx";
import { readingOf, signsOf } from "./live.ts";
import { StateMark } from "./PortSocket.tsx";
import type { Place, Port } from "./ports.ts";
import { PortHistory } from "./PowerChart.tsx";
import { SwitchDialog, type Outcome } from "./SwitchDialog.tsx";
import { lostWord, powerWord, roomWord, stateWord } from "./words.ts";

const COMMANDS_SHOWN = 4;

interface Props {
  readonly place: Place;
  readonly onClose: () => void;
  readonly onSwitch: (name: string) => void;
}

/** The drawer of a port. */
export function PortDetail({ place, onClose, onSwitch }: Props): JSX.Element {
  const { port, of, room } = place;
  const [asked, setAsked] = useState<boolean | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  return (
    <Drawer
      title={<DeviceText text={port.device} />}
      below={
        <>
          {t("Port {port}", { port: visible(port.id) })} ·{" "}
          <button type="button" class="plain link" onClick={() => onSwitch(of.name)}>
            {visible(of.name)}
          </button>{" "}
          · {visible(roomWord(room.name))}
        </>
      }
      onClose={onClose}
    >
      <State port={port} />
      <Chosen port={port} />
      {may("operator") && (
        <div class="on-off" role="group" aria-label={t("Switch {device}", { device: visible(port.device) })}>
          <Button icon="power" onClick={() => setAsked(true)}>
            {t("Switch on …")}
          </Button>
          <Button icon="close" onClick={() => setAsked(false)}>
            {t("Switch off …")}
          </Button>
        </div>
      )}
      {outcome && (
        <Note kind={outcome.good ? "good" : "major"}>
          {formatClock(outcome.at)} · {outcome.text}
        </Note>
      )}
      <Measured port={port} />
      <PortHistory port={port} />
      <LastCommands port={port} />
      {asked !== null && <SwitchDialog place={place} on={asked} onOutcome={setOutcome} onClose={() => setAsked(null)} />}
    </Drawer>
  );
}

/** The state in large, with the sentence that explains it. */
function State({ port }: { readonly port: Port }): JSX.Element {
  const state = signsOf(port).state.value;
  const raw = readingOf(port, "Raw");
  const desc = readingOf(port, "Desc");
  const lost = state === "lost";
  return (
    <div class={`port-state ${state}`}>
      <StateMark state={state} />
      <div class="grow">
        <p class="what">{lost ? lostWord(raw?.status) : stateWord(state)}</p>
        {typeof desc?.value === "string" && desc.value !== "" && (
          <p class="muted">
            {lost && <>{t("Before that:")} </>}
            <DeviceText text={desc.value} />
          </p>
        )}
        {raw?.time != null && (
          <p class="muted small">
            {lost ? t("Not known for") : t("Unchanged for")} <Since time={raw.time * 1_000} bare />
          </p>
        )}
      </div>
    </div>
  );
}

/** What was chosen beside what is, and a sentence where they differ. */
function Chosen({ port }: { readonly port: Port }): JSX.Element {
  const sel = readingOf(port, "Sel");
  const sts = readingOf(port, "Sts");
  const choice = signsOf(port).choice.value;
  const word = (value: unknown) => (value === null || value === undefined ? t("never read") : powerWord(Boolean(value)));
  return (
    <>
      <dl class={`port-choice ${choice}`}>
        <Figure label={t("Chosen")}>{word(sel?.value)}</Figure>
        <span aria-hidden="true">{choice === "same" ? "=" : choice === "none" ? "" : "≠"}</span>
        <Figure label={t("Delivers")}>
          <span class={sts?.severity === "INVALID" ? "unsure" : ""}>{word(sts?.value)}</span>
        </Figure>
      </dl>
      {choice === "differs" && (
        <Note kind="minor">
          {Number(sel?.value) === 1 ? t("On was chosen, but the port does not deliver.") : t("Off was chosen, but the port delivers.")}
        </Note>
      )}
      {choice === "failed" && <Note kind="major">{t("The switch did not confirm the last command. The choice stays until one succeeds.")}</Note>}
    </>
  );
}

/** Every measurement of the port that was ever told; by the definitions of its points. */
function Measured({ port }: { readonly port: Port }): JSX.Element {
  const { answer } = useAsk((signal) => api.get("/api/v1/points", { query: { device: port.device }, signal }), [port.device, live.defined.value]);
  const choices = new Set(["Sel", "Sts", "Raw", "Desc"].map((kind) => port.points[kind]));
  const points = (answer?.items ?? []).filter(({ name }) => !choices.has(name));
  const untold = points.filter(({ name }) => live.point(name).value?.value === null);
  const told = points.filter((point) => !untold.includes(point));
  const names = Object.values(port.points);
  return (
    <section class="stack" aria-label={t("Measurements")}>
      <dl class="measured">
        {told.map((point) => (
          <Figure key={point.name} label={measurementWord(port, point)}>
            <LiveValue name={point.name} declaration={point} />
          </Figure>
        ))}
      </dl>
      {untold.length > 0 && (
        <p class="muted small">{t("The switch does not tell: {what}", { what: untold.map((point) => measurementWord(port, point)).join(", ") })}</p>
      )}
      <p class="small">
        <a href={`/points?${new URLSearchParams(names.map((name) => ["name", name]))}&device=${encodeURIComponent(port.device)}`}>{t("All points of this port")}</a>
      </p>
    </section>
  );
}

function measurementWord(port: Port, point: Point): string {
  const kind = Object.keys(port.points).find((key) => port.points[key] === point.name);
  switch (kind) {
    case "Power":
      return t("Power");
    case "Voltage":
      return t("Voltage");
    case "PowerClass":
      return t("Class");
    case "PowerDenied":
      return t("Power denied");
    case "OverCurrent":
      return t("Over-currents");
    case "Short":
      return t("Short circuits");
    case "MpsAbsent":
      return t("MPS absences");
    default:
      return visible(point.name);
  }
}

/** Who commanded this port last, and how that ended. Asked again when the choice changes. */
function LastCommands({ port }: { readonly port: Port }): JSX.Element | null {
  const name = port.points["Sel"] ?? "";
  const sel = live.point(name).value;
  const { answer } = useAsk((signal) => api.get("/api/v1/audit", { query: { point: name, limit: COMMANDS_SHOWN }, signal }), [name, `${sel?.time} ${sel?.status}`]);
  if (!answer) return null;
  return (
    <section class="stack" aria-label={t("Last commands")}>
      <h3>{t("Last commands")}</h3>
      {answer.items.length === 0 && <p class="muted">{t("Nobody has commanded this port.")}</p>}
      <ol class="commands">
        {answer.items.map((write) => (
          <li key={write.id}>
            <strong>{write.value === null ? "–" : powerWord(Boolean(write.value))}</strong> <OutcomeWord write={write} />
            <br />
            <span class="muted small">
              <Moment time={write.time} /> · {visible([write.user, write.via, write.host].filter(Boolean).join(" · "))}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function OutcomeWord({ write }: { readonly write: Write }): JSX.Element {
  if (write.outcome === "confirmed") return <span class="muted">{t("confirmed")}</span>;
  if (write.outcome === null) return <span class="muted">{t("no answer yet")}</span>;
  return (
    <span class="refused">
      {t("not done:")} <DeviceText text={write.detail ?? write.outcome} />
    </span>
  );
}
