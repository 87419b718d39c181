// Asks whether a port is to be switched, does it, and shows the answer.
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { api, ApiFailure, sentenceOf } from "../../api/client.ts";
import { changedPoint, writePoint } from "../../api/write.ts";
import type { PointValue, Write } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { serviceNow } from "../../live/clock.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { formatClock, formatNumber } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { toast } from "../../ui/Toast.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import { readingOf, signsOf } from "./live.ts";
import type { Place } from "./ports.ts";
import { powerWord, roomWord, stateWord } from "./words.ts";

/** How a command ended. */
export interface Outcome {
  readonly good: boolean;
  readonly text: string;
  /** By the service's clock, milliseconds since 1970. */
  readonly at: number;
}

interface Props {
  readonly place: Place;
  readonly on: boolean;
  readonly onOutcome: (outcome: Outcome) => void;
  readonly onClose: () => void;
}

interface Changed {
  readonly value: PointValue | null;
  readonly by: Write | null;
}

/** The question. It goes on being asked until the switch has confirmed, or somebody gives up. */
export function SwitchDialog({ place, on, onOutcome, onClose }: Props): JSX.Element {
  const { port, of, room } = place;
  const form = useId();
  const name = port.points["Sel"] ?? "";
  const present = readingOf(port, "Sel")?.value ?? null;
  const [seen, setSeen] = useState(present); // on this page, which may be stale
  const [expected, setExpected] = useState(present); // of the service
  const [changed, setChanged] = useState<Changed | null>(null);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const device = visible(port.device);
  const link = live.links.value.get(of.link);
  const watts = signsOf(port).watts.value;

  /** Show what somebody else did meanwhile; the next click is for how it is now. */
  const showChange = async (value: PointValue | null) => {
    setExpected(value);
    setWrong("");
    setChanged({ value, by: await lastWrite(name) });
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setWrong("");
    const begun = performance.now();
    try {
      if (present !== seen && present !== expected) {
        setSeen(present);
        await showChange(present);
        return;
      }
      await writePoint(name, on ? 1 : 0, { expected });
      const took = t("{n} ms", { n: formatNumber(performance.now() - begun, 0) });
      const text = on
        ? t("{device} is on: {name} confirmed it after {time}.", { device, name: visible(of.name), time: took })
        : t("{device} is off: {name} confirmed it after {time}.", { device, name: visible(of.name), time: took });
      onOutcome({ good: true, text, at: serviceNow() });
      toast("good", text);
      onClose();
    } catch (error) {
      const now = changedPoint(error);
      if (now !== null) await showChange(now.value);
      else {
        setChanged(null);
        setWrong(failureSentence(error, of.name));
        setExpected(live.point(name).peek()?.value ?? null);
        onOutcome({ good: false, text: failureSentence(error, of.name), at: serviceNow() });
      }
    } finally {
      setBusy(false);
    }
  };

  const action = on ? t("Switch on") : t("Switch off");
  return (
    <Dialog
      title={on ? t("Switch {device} on?", { device }) : t("Switch {device} off?", { device })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("Cancel")}</Button>
          <Button type="submit" form={form} kind={on ? "primary" : "danger"} busy={busy} autofocus>
            {changed ? t("{action} all the same", { action }) : action}
          </Button>
        </>
      }
    >
      <form id={form} class="stack" onSubmit={submit}>
        <dl class="port-facts">
          <dt>{t("Device")}</dt>
          <dd>
            <strong>
              <DeviceText text={port.device} />
            </strong>
          </dd>
          <dt>{t("Room")}</dt>
          <dd>
            <strong>{visible(roomWord(room.name))}</strong>
          </dd>
          <dt>{t("Where")}</dt>
          <dd>
            {t("Port {port}", { port: visible(port.id) })} · {visible(of.name)}
          </dd>
          <dt>{t("Now")}</dt>
          <dd>
            {stateWord(signsOf(port).state.value)}
            {watts !== null && <> · {t("{n} W", { n: formatNumber(watts, 1) })}</>}
            {present !== null && <> · {t("chosen: {value}", { value: powerWord(Boolean(present)) })}</>}
          </dd>
        </dl>
        {!on && <p>{t("What hangs on this port loses its power.")}</p>}
        {link && link.contact !== "connected" && (
          <Note kind="minor">{t("There is no contact with {name}: it will be refused, and not done later.", { name: visible(of.name) })}</Note>
        )}
        {changed && <ChangedNote changed={changed} />}
        {wrong && <Note kind="major">{wrong}</Note>}
      </form>
    </Dialog>
  );
}

/** Nothing was done, because the choice is not what was seen any more: by whom, and what it is. */
function ChangedNote({ changed: { value, by } }: { readonly changed: Changed }): JSX.Element {
  return (
    <Note kind="minor">
      {t("Nothing was done: meanwhile the choice became {value}.", { value: value === null ? t("never read") : powerWord(Boolean(value)) })}
      {by && (
        <>
          {" "}
          {t("{who}, {time}", { who: visible([by.user, by.via, by.host].filter(Boolean).join(" · ")), time: formatClock(by.time) })}
        </>
      )}
    </Note>
  );
}

async function lastWrite(point: string): Promise<Write | null> {
  try {
    const { items } = await api.get("/api/v1/audit", { query: { point, limit: 5 } });
    return items.find(({ value }) => value !== null) ?? null; // what was refused out of hand, this one too, has no value
  } catch {
    return null; // who it was is of help, and not what matters
  }
}

/** Say how a command ended that was not confirmed. What the switch or the service said stands behind it. */
function failureSentence(error: unknown, name: string): string {
  const said = visible(sentenceOf(error));
  if (!(error instanceof ApiFailure)) return said;
  switch (error.error) {
    case "not-writable":
      return t("Refused, and not done later: {said}", { said });
    case "refused":
      return t("{name} refused: {said}", { name: visible(name), said });
    case "write-timeout":
      return t("{name} did not answer in time, so it may or may not have been done: {said}", { name: visible(name), said });
    case "not-allowed":
      return t("You may not switch ports: {said}", { said });
    default:
      return said;
  }
}
