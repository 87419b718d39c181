// Writing to a point: choose, confirm, see the answer. Nothing that was entered is lost on the way.
import type { JSX } from "preact";
import { useId, useLayoutEffect, useState } from "preact/hooks";
import { sentenceOf } from "../api/failure.ts";
import type { Point, PointValue } from "../api/types.ts";
import { changedPoint, expectationAfter, expectationOf, writePoint } from "../api/write.ts";
import { t } from "../i18n/index.ts";
import { live, type LivePoint } from "../live/index.ts";
import { Button } from "./Button.tsx";
import { Dialog } from "./Dialog.tsx";
import { draftOf, parseValue, ValueField } from "./Field.tsx";
import { formatValue } from "./format.ts";
import { Note } from "./Note.tsx";
import { visible } from "./text.ts";
import { toast } from "./Toast.tsx";
import { DeviceText, Value } from "./Value.tsx";

interface Props {
  readonly point: Point;
  /** What to write, where that is decided already ("On"): the dialog begins with the question whether to. */
  readonly value?: PointValue;
  /** What stands above the form: more about the point. */
  readonly children?: JSX.Element;
  readonly onClose: () => void;
}

type Stage = "choosing" | "asking" | "writing";

/** Return the reading that the API gave with a point, as the stream would have told it. */
export function readingOf({ value, severity, status, timestamp }: Point): LivePoint {
  return { value, severity, status, time: timestamp === null ? null : Date.parse(timestamp) / 1_000 };
}

/** A dialog that writes to `point`: it shows what it is now, what it will be, and how that ended. */
export function WriteDialog({ point, value: given, children, onClose }: Props): JSX.Element {
  const form = useId();
  const reading = live.point(point.name).value ?? readingOf(point);
  const [expected, setExpected] = useState(() => expectationOf(point.name, reading));
  const [draft, setDraft] = useState(() => draftOf(point, given ?? reading.value));
  const [stage, setStage] = useState<Stage>(given === undefined ? "choosing" : "asking");
  const [wrong, setWrong] = useState("");
  const [changed, setChanged] = useState(false);
  const parsed = parseValue(point, draft);
  const shown = parsed.wrong === undefined ? withUnits(point, parsed.value) : "";

  useLayoutEffect(() => {
    // The field has gone, and with it the focus: Enter goes on to do it.
    if (stage === "asking") document.querySelector<HTMLElement>(`button[form="${form}"]`)?.focus();
  }, [stage]);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (parsed.wrong !== undefined) {
      setWrong(parsed.wrong);
      return;
    }
    setWrong("");
    if (stage === "choosing") {
      setStage("asking");
      return;
    }
    setStage("writing");
    const before = await expected;
    try {
      const { state, detail } = await writePoint(point.name, parsed.value, before);
      if (state === "confirmed") toast("good", t("{name}: {value}, confirmed by the equipment", { name: visible(point.name), value: shown }));
      else toast("minor", t("{name}: {value}. {detail}", { name: visible(point.name), value: shown, detail: visible(detail) }));
      onClose();
    } catch (error) {
      const now = changedPoint(error);
      setChanged(now !== null);
      if (now !== null) setExpected(Promise.resolve(expectationAfter(now)));
      setWrong(
        now === null
          ? sentenceOf(error)
          : now.value === before.expected
            ? t("Nothing was done: meanwhile somebody else asked for {value}. Ask again if it is still wanted.", { value: withUnits(point, now.value) })
            : t("Nothing was written: meanwhile it became {value}.", { value: withUnits(point, now.value) }),
      );
      setStage("asking");
    }
  };

  return (
    <Dialog
      title={<DeviceText text={point.name} />}
      onClose={onClose}
      actions={
        <>
          {stage === "asking" && given === undefined ? (
            <Button icon="left" onClick={() => setStage("choosing")}>
              {t("Back")}
            </Button>
          ) : (
            <Button onClick={onClose}>{t("Cancel")}</Button>
          )}
          <Button type="submit" form={form} kind="primary" busy={stage === "writing"} disabled={parsed.wrong !== undefined}>
            {stage === "choosing" ? t("Write …") : changed ? t("Write {value} all the same", { value: shown }) : t("Write {value}", { value: shown })}
          </Button>
        </>
      }
    >
      {children}
      <form id={form} class="stack" onSubmit={submit} noValidate>
        {stage === "choosing" ? (
          <ValueField label={t("New value")} declaration={point} draft={draft} onDraft={setDraft} autofocus />
        ) : (
          <dl class="change" aria-label={t("What will change")}>
            <div>
              <dt>{t("Now")}</dt>
              <dd>
                <Value declaration={point} reading={reading} />
              </dd>
            </div>
            <span aria-hidden="true">→</span>
            <div>
              <dt>{t("New")}</dt>
              <dd>
                <strong class="number">{shown}</strong>
              </dd>
            </div>
          </dl>
        )}
        {wrong && <Note kind={changed ? "minor" : "major"}>{wrong}</Note>}
      </form>
    </Dialog>
  );
}

function withUnits(point: Point, value: PointValue | null): string {
  return `${formatValue(point, value)}${point.units && value !== null ? ` ${visible(point.units)}` : ""}`;
}
