// What one does about an alarm: acknowledge it, or have it be quiet for a time; with a comment, in two clicks.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, ApiFailure } from "../../api/client.ts";
import { t, tn } from "../../i18n/index.ts";
import { serviceNow } from "../../live/clock.ts";
import { live } from "../../live/index.ts";
import { ConfirmDialog } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/Field.tsx";
import { formatDuration, formatTime } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { Since } from "../../ui/Since.tsx";
import { toast } from "../../ui/Toast.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import type { Wrong } from "./causes.ts";

const LONGEST_COMMENT = 1_000;
const SHELVINGS_S = [1_800, 7_200, 28_800, 86_400] as const;
const SHELVING_S = 7_200; // the one that is chosen at first

interface Props {
  readonly alarm: Wrong;
  readonly onClose: () => void;
}

/** Says that somebody knows. */
export function AcknowledgeDialog({ alarm, onClose }: Props): JSX.Element {
  const [comment, setComment] = useState("");
  const acknowledge = async () => {
    await act(alarm, "acknowledge", { comment });
    toast("good", t("{device}: acknowledged", { device: visible(alarm.device) }));
  };
  return (
    <ConfirmDialog title={t("Acknowledge the alarm")} action={t("Acknowledge")} onConfirm={acknowledge} onClose={onClose}>
      <About alarm={alarm} />
      <Comment comment={comment} onComment={setComment} />
    </ConfirmDialog>
  );
}

const AT_ONCE = 4;

/** Says of several, with one comment, that somebody knows. */
export function AcknowledgeAllDialog({ alarms, onClose }: { readonly alarms: readonly Wrong[]; readonly onClose: () => void }): JSX.Element {
  const [comment, setComment] = useState("");
  const [left, setLeft] = useState(alarms);
  const acknowledge = async () => {
    let rest = left;
    while (rest.length > 0) {
      const now = rest.slice(0, AT_ONCE);
      await Promise.all(now.map((alarm) => act(alarm, "acknowledge", { comment }).catch(unlessDone)));
      rest = rest.slice(now.length);
      setLeft(rest); // what is done stays done, should the next one fail
    }
    toast("good", tn("{n} alarm acknowledged", "{n} alarms acknowledged", alarms.length));
  };
  return (
    <ConfirmDialog title={t("Acknowledge all that are over")} action={t("Acknowledge all {n}", { n: left.length })} onConfirm={acknowledge} onClose={onClose}>
      <p>{tn("{n} alarm is over, and nobody has acknowledged it", "{n} alarms are over, and nobody has acknowledged them", left.length)}</p>
      <Comment comment={comment} onComment={setComment} />
    </ConfirmDialog>
  );
}

/** Somebody else was faster: that is as good. */
function unlessDone(error: unknown): void {
  if (!(error instanceof ApiFailure) || error.error !== "alarm-refused") throw error;
}

/** Keeps an alarm quiet until a time. */
export function ShelveDialog({ alarm, onClose }: Props): JSX.Element {
  const [comment, setComment] = useState("");
  const [length, setLength] = useState<number>(SHELVING_S);
  const until = serviceNow() + length * 1_000;
  const shelve = async () => {
    await act(alarm, "shelve", { comment, until: new Date(serviceNow() + length * 1_000).toISOString() });
    toast("good", t("{device}: shelved until {time}", { device: visible(alarm.device), time: formatTime(until) }));
  };
  return (
    <ConfirmDialog title={t("Shelve the alarm")} action={t("Shelve")} onConfirm={shelve} onClose={onClose}>
      <About alarm={alarm} />
      <fieldset class="field choices">
        <legend>{t("For how long")}</legend>
        <div class="segments">
          {SHELVINGS_S.map((seconds) => (
            <label key={seconds}>
              <input type="radio" name="shelve-for" value={seconds} checked={length === seconds} onChange={() => setLength(seconds)} />
              <span>{formatDuration(seconds)}</span>
            </label>
          ))}
        </div>
        <p class="hint">{t("Nobody is told of it until {time}; then it counts again.", { time: formatTime(until) })}</p>
      </fieldset>
      <Comment comment={comment} onComment={setComment} />
    </ConfirmDialog>
  );
}

async function act(alarm: Wrong, action: "acknowledge" | "shelve", body: { comment: string; until?: string }): Promise<void> {
  await api.post("/api/v1/alarms/{alarm}/{action}", { path: { alarm: alarm.id, action }, body });
}

/** The alarm that is meant, and what has become of it since the dialog was opened. */
function About({ alarm }: { readonly alarm: Wrong }): JSX.Element {
  const [before] = useState(alarm);
  const now: Wrong | undefined = live.alarms.value.get(alarm.id);
  return (
    <>
      <div>
        <p>
          <strong>
            <DeviceText text={before.device} />
          </strong>{" "}
          · <DeviceText text={before.name} />
        </p>
        <p class="muted">
          {before.detail && (
            <>
              <DeviceText text={before.detail} /> ·{" "}
            </>
          )}
          <Since time={before.since} />
        </p>
      </div>
      {live.alarmsComplete.value && (now === undefined || now.state !== before.state) && <Note kind="minor">{changeSentence(now)}</Note>}
    </>
  );
}

function changeSentence(now: Wrong | undefined): string {
  switch (now?.state) {
    case undefined:
      return t("It is over by now.");
    case "acknowledged":
      return t("{who} has acknowledged it meanwhile.", { who: visible(now?.acknowledged_by || t("Somebody")) });
    case "shelved":
      return t("It has been shelved meanwhile.");
    case "returned":
      return t("What was wrong is over by now; nobody has acknowledged it.");
    case "suppressed":
      return t("Another alarm keeps it quiet by now.");
    case "out-of-service":
      return t("It has been taken out of service meanwhile.");
    default:
      return t("It has been raised again meanwhile.");
  }
}

function Comment({ comment, onComment }: { readonly comment: string; readonly onComment: (text: string) => void }): JSX.Element {
  return (
    <TextField
      label={t("Comment")}
      hint={t("What is being done, for those who come after you")}
      value={comment}
      onInput={onComment}
      lines={2}
      maxLength={LONGEST_COMMENT}
      autofocus
    />
  );
}
