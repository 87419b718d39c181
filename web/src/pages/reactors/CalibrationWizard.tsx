// Leads through a calibration: the reading and whether it has settled, then step by step. It can be left at any time.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, sentenceOf } from "../../api/client.ts";
import { mayHaveBeenDone } from "../../api/failure.ts";
import { writePoint } from "../../api/write.ts";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { parseValue, ValueField } from "../../ui/Field.tsx";
import { formatDuration, formatNumber } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Note } from "../../ui/Note.tsx";
import { Sparkline } from "../../ui/Sparkline.tsx";
import { SeverityBadge } from "../../ui/Severity.tsx";
import { visible } from "../../ui/text.ts";
import { toast } from "../../ui/Toast.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import { standingOf, type Calibration, type Part, type Reactor } from "./model.ts";
import { stepWord } from "./words.ts";

const POLL_MS = 1_000;
const LONGEST_MS = 5_000; // for one answer: what is shown is that old at most

interface Props {
  readonly reactor: Reactor;
  readonly part: Part;
  readonly onClose: () => void;
}

/** What became of a step in this dialog. */
interface Answer {
  readonly good: boolean;
  readonly text: string;
}

/** The dialog. */
export function CalibrationWizard({ reactor, part, onClose }: Props): JSX.Element {
  const { calibration, wrong, look } = useCalibration(reactor.id, part.name);
  const begun = useRef(false); // here: another's calibration is not ours to end
  const calibrating = calibration?.calibrating ?? false;
  useEffect(() => {
    if (!calibrating) begun.current = false; // it is over, however it ended: the next one may be another's
  }, [calibrating]);
  const [busy, setBusy] = useState("");
  const [override, setOverride] = useState(false);
  const [answers, setAnswers] = useState<ReadonlyMap<string, Answer>>(new Map());
  const [clearing, setClearing] = useState(false);
  const away = standingOf(reactor).state !== "connected";
  const old = wrong !== "";

  const write = async (key: string, text: string, done: string) => {
    if (!calibration || busy) return false;
    setBusy(key);
    const before = begun.current;
    begun.current = true; // also while it is under way: a step, or to clear it, begins it by itself
    let answer: Answer;
    try {
      await writePoint(calibration.command, text);
      answer = { good: true, text: done };
      begun.current = key !== "end";
    } catch (error) {
      answer = { good: false, text: sentenceOf(error) };
      if (!mayHaveBeenDone(error)) begun.current = before;
    }
    setAnswers((before) => new Map(before).set(key, answer));
    setOverride(false);
    setBusy("");
    look();
    return answer.good;
  };
  const close = () => {
    onClose();
    // What was begun is ended, so that loops go on.
    if (calibration?.end && begun.current) void end(calibration, visible(part.title));
  };

  return (
    <Dialog
      wide
      title={t("Calibrate {part}", { part: visible(part.title) })}
      onClose={close}
      actions={
        <>
          {calibration && (
            <Button kind="quiet" busy={busy === "clear"} onClick={() => (clearing ? void write("clear", calibration.clear, t("Cleared")).then(() => setClearing(false)) : setClearing(true))}>
              {clearing ? t("Clear it: yes, all points") : t("Clear the calibration …")}
            </Button>
          )}
          <Button class="end" kind="primary" onClick={close}>
            {t("Finish")}
          </Button>
        </>
      }
    >
      {wrong && (
        <Note kind="major">
          {wrong} {calibration && t("What is shown is what was known last; no step can be made until it is known anew.")}
        </Note>
      )}
      {away && <Note kind="minor">{t("{reactor} is away: commands are refused, and not kept for its return.", { reactor: visible(reactor.id) })}</Note>}
      {!calibration && !wrong && <p class="muted">{t("Loading")}</p>}
      {calibration && (
        <div class="wizard">
          <div class="stack">
            <State calibration={calibration} />
            {calibration.reading !== null && <Steadiness calibration={calibration} old={old} />}
            {calibration.begin && !calibration.calibrating && (
              <div class="stack">
                <p class="muted">{t("Before the probe leaves the vessel, begin: loops that dose or heat by it hold until you finish.")}</p>
                <Button kind="primary" busy={busy === "begin"} onClick={() => void write("begin", calibration.begin ?? "begin", t("Loops that depend on it hold."))}>
                  {t("Begin")}
                </Button>
              </div>
            )}
            {calibration.calibrating && (
              <Note kind="info">
                {t("In calibration: loops that depend on it hold.")}
                {!begun.current && calibration.end && (
                  <p class="stack">
                    {t("It was not begun here, and is not ended when you leave: somebody else may be at it.")}
                    <Button busy={busy === "end"} onClick={() => void write("end", calibration.end ?? "end", t("Loops go on."))}>
                      {t("End it for everybody")}
                    </Button>
                  </p>
                )}
              </Note>
            )}
            <AnswerNote answer={answers.get("end")} />
            <AnswerNote answer={answers.get("clear")} />
            {answers.get("begin")?.good === false && <AnswerNote answer={answers.get("begin")} />}
          </div>
          <Steps calibration={calibration} old={old} answers={answers} busy={busy} override={override} onOverride={setOverride} onWrite={write} />
        </div>
      )}
    </Dialog>
  );
}

/** Ask each second, while the dialog is open, what is calibrated and whether the reading has settled. */
function useCalibration(reactor: string, part: string): { calibration: Calibration | null; wrong: string; look: () => void } {
  const [calibration, setCalibration] = useState<Calibration | null>(null);
  const [wrong, setWrong] = useState("");
  const asking = useRef<() => void>(() => undefined);
  useEffect(() => {
    const giveUp = new AbortController();
    let timer = 0;
    const ask = async () => {
      clearTimeout(timer);
      const limit = AbortSignal.timeout(LONGEST_MS);
      try {
        const signal = AbortSignal.any([giveUp.signal, limit]);
        setCalibration(await api.get("/api/v1/reactors/{reactor}/calibration/{part}", { path: { reactor, part }, signal }));
        setWrong("");
      } catch (error) {
        if (giveUp.signal.aborted) return;
        setWrong(limit.aborted ? t("No answer within {time}.", { time: formatDuration(LONGEST_MS / 1_000) }) : sentenceOf(error));
      }
      clearTimeout(timer);
      if (!giveUp.signal.aborted) timer = window.setTimeout(ask, POLL_MS);
    };
    asking.current = () => void ask();
    void ask();
    return () => {
      clearTimeout(timer);
      giveUp.abort();
    };
  }, [reactor, part]);
  return { calibration, wrong, look: () => asking.current() };
}

async function end({ command: point, end: word }: Calibration, part: string): Promise<void> {
  try {
    await writePoint(point, word ?? "end");
    toast("good", t("{part} is out of calibration: loops go on", { part }));
  } catch (error) {
    toast("major", t("{part} is still in calibration, and loops hold: {why}", { part, why: sentenceOf(error) }));
  }
}

function AnswerNote({ answer }: { readonly answer: Answer | undefined }): JSX.Element | null {
  return answer ? <Note kind={answer.good ? "good" : "major"}>{answer.text}</Note> : null;
}

/** What is calibrated, and the slope, as the circuit tells it. */
function State({ calibration }: { readonly calibration: Calibration }): JSX.Element | null {
  const { state, state_severity: severity } = calibration;
  if (state === null) return null;
  return (
    <p class="wizard-state" aria-live="polite">
      <span class="muted">{t("Calibrated")}</span>
      <strong>
        <DeviceText text={state} />
      </strong>
      {severity && severity !== "NO_ALARM" && (
        <span>
          <SeverityBadge severity={severity} /> {t("The probe is worn or dirty.")}
        </span>
      )}
    </p>
  );
}

/** The reading in large, and whether it has settled. */
function Steadiness({ calibration, old }: { readonly calibration: Calibration; readonly old: boolean }): JSX.Element {
  const { steadiness, units, precision } = calibration;
  const stable = steadiness.stable && !old;
  const last = steadiness.readings.at(-1);
  const points = steadiness.readings.map(({ time, value }) => ({ time: Date.parse(time), value }));
  return (
    <section class={`steadiness ${old ? "old" : stable ? "stable" : ""}`} aria-label={t("Reading")}>
      <p class="wizard-reading number">
        {last ? formatNumber(last.value, precision ?? 2) : "–"} <small class="muted">{visible(units ?? "")}</small>
      </p>
      {points.length > 1 && <Sparkline points={points} label={t("The reading in the last minute")} />}
      <p class="row" role="status">
        <Icon name={stable ? "check" : "clock"} />
        <strong>{old ? t("Not known now") : stable ? t("Stable") : t("Not stable yet")}</strong>
        {!old && <span class="steadiness-why muted">{why(calibration)}</span>}
      </p>
    </section>
  );
}

/** Why the reading is stable or not, in a sentence. */
function why({ steadiness, precision, units }: Calibration): string {
  const { reason, readings, wanted, spread, drift_per_min: drift, allowed } = steadiness;
  const digits = Math.max(2, precision ?? 2);
  const unit = units ? ` ${visible(units)}` : "";
  const size = (value: number | null | undefined) => `${formatNumber(value ?? 0, digits)}${unit}`;
  switch (reason) {
    case "few":
      return t("{n} of {wanted} readings so far.", { n: Math.min(readings.length, wanted), wanted });
    case "late":
      return t("No reading has come lately.");
    case "bad":
      return t("The probe gives no valid reading.");
    case "spread":
      return t("Readings differ by {spread}, more than the {allowed} allowed.", { spread: size(spread), allowed: size(allowed) });
    case "drift":
      return t("It drifts by {drift} a minute, more than the {allowed} allowed.", { drift: size(drift), allowed: size(allowed) });
    default:
      return t("Readings differ by {spread}, within the {allowed} allowed.", { spread: size(spread), allowed: size(allowed) });
  }
}

interface StepsProps {
  readonly calibration: Calibration;
  /** Whether what is known of it is from before. */
  readonly old: boolean;
  readonly answers: ReadonlyMap<string, Answer>;
  readonly busy: string;
  readonly override: boolean;
  readonly onOverride: (override: boolean) => void;
  readonly onWrite: (key: string, text: string, done: string) => Promise<boolean>;
}

function Steps(props: StepsProps): JSX.Element {
  const { calibration, old, override, onOverride } = props;
  const gated = calibration.reading !== null && !calibration.steadiness.stable;
  if (calibration.steps.length === 0) {
    return <Note kind="info">{t("What this kind of part is calibrated with is not known here: write to {point}.", { point: visible(calibration.command) })}</Note>;
  }
  return (
    <div class="stack">
      <ol class="steps" aria-label={t("Steps")}>
        {calibration.steps.map((step, index) => (
          <Step key={step.name} {...props} step={step} number={index + 1} ready={!old && (!gated || override)} />
        ))}
      </ol>
      {gated && !old && (
        <label class="override">
          <input type="checkbox" checked={override} onChange={(event) => onOverride(event.currentTarget.checked)} />
          <span>{t("The reading is not stable: calibrate all the same")}</span>
        </label>
      )}
    </div>
  );
}

interface StepProps extends StepsProps {
  readonly step: Calibration["steps"][number];
  readonly number: number;
  readonly ready: boolean;
}

/** One step: what to do, the value of the solution, and the button; which needs a stable reading. */
function Step({ calibration, answers, busy, onWrite, step, number, ready }: StepProps): JSX.Element {
  const [draft, setDraft] = useState(step.usual === null ? "" : String(step.usual));
  const answer = answers.get(step.name);
  const parsed = step.limits ? parseValue({ kind: "number", limits: step.limits, units: calibration.units }, draft) : { value: 0 };
  const before = step.after === null || answers.get(step.after)?.good === true || !(calibration.state ?? "").startsWith("not calibrated");
  const value = parsed.wrong === undefined ? formatNumber(Number(parsed.value), 6) : "";
  const words = step.limits ? t("Calibrate at {value}", { value: `${value} ${visible(calibration.units ?? "")}`.trim() }) : t("Calibrate");
  const submit = (event: Event) => {
    event.preventDefault();
    if (!ready || !before || busy || parsed.wrong !== undefined) return;
    void onWrite(step.name, step.write.replace("{value}", String(parsed.value)), t("{step}: done", { step: stepWord(step.name) }));
  };
  return (
    <li class={answer?.good ? "done" : ""}>
      <span class="step-number" aria-hidden="true">
        {answer?.good ? <Icon name="check" /> : number}
      </span>
      <form class="stack" onSubmit={submit} noValidate aria-label={stepWord(step.name)}>
        <h3>{stepWord(step.name)}</h3>
        <p class="muted">{visible(step.instruction)}</p>
        {!before && <p>{t("After: {step}", { step: stepWord(step.after ?? "") })}</p>}
        <div class="step-fields">
          {step.limits && (
            <ValueField
              label={t("Value of the solution")}
              declaration={{ kind: "number", limits: step.limits, units: calibration.units ?? (calibration.kind === "ezo-pmp" ? "ml" : null) }}
              draft={draft}
              onDraft={setDraft}
            />
          )}
          <Button type="submit" kind={ready && before && !answer?.good ? "primary" : "normal"} busy={busy === step.name} disabled={!ready || !before || parsed.wrong !== undefined}>
            {words}
          </Button>
        </div>
        <AnswerNote answer={answer} />
      </form>
    </li>
  );
}
