import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Alarm } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { serviceNow } from "../../live/clock.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/Field.tsx";
import { formatTime, zone } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { SeverityMark } from "../../ui/Severity.tsx";
import { visible } from "../../ui/text.ts";
import { fromField, toField } from "../../ui/TimeRange.tsx";
import { toast } from "../../ui/Toast.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import { actDone, actMeaning, actsOn, actWord, perform, stateWord, type Act } from "./acts.ts";
import { actOnEach, type Refusal } from "./many.ts";

const HOUR = 3_600_000;
const LONGEST_MS = 30 * 24 * HOUR; // vigilia.interfaces.api.alarms.LONGEST_SHELVING_S
const USUAL_HOURS = [1, 4, 8, 24, 168] as const;
const MOST_NAMED = 6;

interface Props {
  readonly act: Act;
  /** One or many. */
  readonly alarms: readonly Alarm[];
  readonly onClose: () => void;
  /** Called with each alarm it was done to. */
  readonly onDone?: (alarm: Alarm) => void;
}

/** Asks for a comment, and for an end where there must be one; does it to all, and says which refused and why. */
export function ActDialog({ act, alarms: asked, onClose, onDone }: Props): JSX.Element {
  const [alarms, setAlarms] = useState(asked);
  const [comment, setComment] = useState("");
  const [hours, setHours] = useState<number | "own">(8);
  const [own, setOwn] = useState(() => toField(serviceNow() + 8 * HOUR));
  const [done, setDone] = useState<number | null>(null);
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);
  const [late, setLate] = useState("");
  const stopped = useRef(false);
  const form = useId();
  useEffect(() => () => void (stopped.current = true), []);
  const busy = done !== null;
  const [only] = alarms;
  const meanwhile = only && alarms.length === 1 && !busy && refusals.length === 0 ? changeOf(only, act) : "";

  const onSubmit = async (event: Event) => {
    event.preventDefault();
    if (busy || meanwhile) return;
    const until = act === "shelve" ? (hours === "own" ? fromField(own) : serviceNow() + hours * HOUR) : null;
    const wrong = act === "shelve" ? endWrong(until) : "";
    setLate(wrong);
    if (wrong) return;
    setRefusals([]);
    const one = async (alarm: Alarm, index: number) => {
      setDone(index);
      const after = await perform(act, alarm, comment.trim(), until); // on a line of its own: ?.() skips its arguments
      onDone?.(after);
    };
    const { done: those, refused, left } = await actOnEach(alarms, one, () => stopped.current);
    setDone(null);
    const [first] = those;
    if (first) toast("good", those.length === 1 ? actDone(act, visible(first.name)) : tn("Done: {n} alarm", "Done: {n} alarms", those.length));
    if (left.length > 0) toast("minor", tn("Stopped: {n} alarm is as it was", "Stopped: {n} alarms are as they were", left.length));
    if (stopped.current && refused[0]) {
      const { why } = refused[0]; // the dialog, which would name them, is gone
      toast("major", tn("{n} alarm refused: {why}", "{n} alarms refused, the first one: {why}", refused.length, { why: visible(why) }));
    }
    if (refused.length === 0 || stopped.current) return onClose();
    setRefusals(refused);
    setAlarms(refused.map(({ alarm }) => alarm));
  };

  return (
    <Dialog
      title={actWord(act)}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{busy && alarms.length > 1 ? t("Stop") : t("Cancel")}</Button>
          <Button type="submit" form={form} kind="primary" busy={busy} disabled={meanwhile !== ""}>
            {busy && alarms.length > 1 ? t("{done} of {all}", { done: (done ?? 0) + 1, all: alarms.length }) : actWord(act)}
          </Button>
        </>
      }
    >
      <form
        id={form}
        class="stack"
        noValidate
        onSubmit={onSubmit}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          event.currentTarget.requestSubmit();
        }}
      >
        <Subjects alarms={alarms} />
        <p class="muted">{actMeaning(act)}</p>
        {act === "shelve" && <EndField hours={hours} onHours={setHours} own={own} onOwn={setOwn} wrong={late} />}
        <TextField
          label={t("Comment")}
          value={comment}
          onInput={setComment}
          lines={2}
          maxLength={1000}
          autofocus
          hint={t("Kept in the alarm's journal and in the audit. Ctrl+Enter sends it.")}
        />
        {meanwhile && <Note kind="minor">{meanwhile}</Note>}
        {refusals.length > 0 && (
          <Note kind="major">
            {asked.length === 1 ? (
              refusals[0]?.why
            ) : (
              <>
                <p>{tn("{n} alarm refused:", "{n} alarms refused:", refusals.length)}</p>
                <ul class="refusals">
                  {refusals.slice(0, MOST_NAMED).map(({ alarm, why }) => (
                    <li key={alarm.id}>
                      <DeviceText text={`${alarm.name} · ${alarm.device}: ${why}`} />
                    </li>
                  ))}
                </ul>
              </>
            )}
          </Note>
        )}
      </form>
    </Dialog>
  );
}

/** Return the sentence for what happened since the dialog was opened, where the act has no sense any more; or "". */
function changeOf(alarm: Alarm, act: Act): string {
  const present = live.alarms.value.get(alarm.id);
  if (!present) return alarm.state !== "normal" && live.alarmsComplete.value ? t("It is normal meanwhile: there is nothing to do.") : "";
  if (actsOn(present).includes(act)) return "";
  const by = present.acknowledgement ?? present.quieted;
  const state = stateWord(present.state);
  return by
    ? t("Meanwhile: {state}, by {who} at {time}.", { state, who: visible(by.by), time: formatTime(by.at) })
    : t("Meanwhile: {state}.", { state });
}

function endWrong(until: number | null): string {
  const now = serviceNow();
  if (until === null) return t("Give a date and a time");
  if (until <= now) return t("That is past: give a time to come");
  return until > now + LONGEST_MS ? t("At most 30 days ahead: what should be quiet for longer is taken out of service") : "";
}

function Subjects({ alarms }: { readonly alarms: readonly Alarm[] }): JSX.Element {
  return (
    <ul class="subjects">
      {alarms.slice(0, MOST_NAMED).map((alarm) => (
        <li key={alarm.id}>
          <SeverityMark severity={alarm.severity} />
          <span>
            <strong>
              <DeviceText text={alarm.name} />
            </strong>{" "}
            <span class="muted">
              <DeviceText text={[alarm.device, alarm.area].filter(Boolean).join(" · ")} />
            </span>
          </span>
        </li>
      ))}
      {alarms.length > MOST_NAMED && (
        <li class="muted">{tn("and {n} more", "and {n} more", alarms.length - MOST_NAMED)}</li>
      )}
    </ul>
  );
}

interface EndProps {
  readonly hours: number | "own";
  readonly onHours: (hours: number | "own") => void;
  readonly own: string;
  readonly onOwn: (text: string) => void;
  readonly wrong: string;
}

/** Until when: a usual length, or a date and a time. */
function EndField({ hours, onHours, own, onOwn, wrong }: EndProps): JSX.Element {
  const name = useId();
  const choice = (value: number | "own", label: string) => (
    <label key={value}>
      <input type="radio" name={name} checked={hours === value} onChange={() => onHours(value)} />
      <span>{label}</span>
    </label>
  );
  return (
    <>
      <fieldset class="field choices">
        <legend>{t("For how long")}</legend>
        <div class="segments ends">
          {USUAL_HOURS.map((count) =>
            choice(count, count < 48 ? t("{n} h", { n: count }) : tn("{n} day", "{n} days", count / 24)),
          )}
          {choice("own", t("Until …"))}
        </div>
        {hours !== "own" && (
          <p class="hint number">{t("Until {time} ({zone})", { time: formatTime(serviceNow() + hours * HOUR), zone: zone() })}</p>
        )}
      </fieldset>
      {hours === "own" && (
        <TextField label={t("Until (time zone {zone})", { zone: zone() })} type="datetime-local" value={own} onInput={onOwn} wrong={wrong} />
      )}
    </>
  );
}
