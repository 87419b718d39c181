// The settings of a part as one form, made from their declarations: change, look over, apply, see each answer.
import type { JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { isNotSignedIn, sentenceOf } from "../../api/failure.ts";
import type { PointValue } from "../../api/types.ts";
import { changedPoint, writePoint } from "../../api/write.ts";
import { t, tn } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { draftOf, parseValue, ValueField } from "../../ui/Field.tsx";
import { formatValue } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { visible } from "../../ui/text.ts";
import { toast } from "../../ui/Toast.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import { declarationOf, reading, settingsOf, standingOf, type Parameter, type Part, type Reactor } from "./model.ts";
import { Asked } from "./SettingRow.tsx";
import { parameterWord } from "./words.ts";

interface Props {
  readonly reactor: Reactor;
  readonly part: Part;
  readonly onClose: () => void;
}

type Stage = "form" | "asking" | "writing";

interface Change {
  readonly parameter: Parameter;
  readonly value: PointValue;
}

/** The dialog. What was typed stays until it is written or thrown away, whatever the answers are. */
export function SettingsDialog({ reactor, part, onClose }: Props): JSX.Element {
  const form = useId();
  const settings = settingsOf(part);
  const [expected, setExpected] = useState(() => new Map(settings.map((one) => [one.name, reading(one.desired)?.value ?? null])));
  const [drafts, setDrafts] = useState(() => new Map(settings.map((one) => [one.name, draftOf(one, reading(one.desired)?.value ?? null)])));
  const [wrong, setWrong] = useState<ReadonlyMap<string, string>>(new Map());
  const [stage, setStage] = useState<Stage>("form");
  const away = standingOf(reactor).state !== "connected";
  const { changes, bad } = changesOf(settings, drafts, expected);

  useEffect(() => {
    if (stage === "asking") document.querySelector<HTMLElement>(`button[form="${form}"]`)?.focus();
  }, [stage]);

  const edit = (name: string, draft: string) => {
    setDrafts(new Map(drafts).set(name, draft));
    setWrong(without(wrong, name));
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (bad || changes.length === 0 || stage === "writing") return;
    if (stage === "form") {
      setStage("asking");
      return;
    }
    setStage("writing");
    const refused = new Map<string, string>();
    const known = new Map(expected);
    for (const { parameter, value } of changes) {
      try {
        const why = await apply(parameter, value, known);
        if (why) refused.set(parameter.name, why);
      } catch (error) {
        refused.set(parameter.name, sentenceOf(error)); // nor would the others be taken
        break;
      }
    }
    setExpected(known);
    if (refused.size === 0) {
      onClose();
      return;
    }
    setWrong(refused);
    setStage("form");
  };

  return (
    <Dialog
      title={t("Settings of {part}", { part: visible(part.title) })}
      onClose={onClose}
      actions={
        <>
          {stage === "form" ? (
            <Button onClick={onClose}>{t("Cancel")}</Button>
          ) : (
            <Button icon="left" disabled={stage === "writing"} onClick={() => setStage("form")}>
              {t("Back")}
            </Button>
          )}
          <Button type="submit" form={form} kind="primary" busy={stage === "writing"} disabled={bad || changes.length === 0}>
            {stage === "form" ? t("Look over …") : tn("Set {n} value", "Set {n} values", changes.length)}
          </Button>
        </>
      }
    >
      {away && <Note kind="minor">{t("{reactor} is away: what you set is kept, and applied when it is back.", { reactor: visible(reactor.id) })}</Note>}
      <form id={form} class="stack settings-form" onSubmit={submit} noValidate>
        {stage === "form" ? (
          settings.map((one) => (
            <ValueField
              key={one.name}
              label={parameterWord(one)}
              declaration={declarationOf(one)}
              draft={drafts.get(one.name) ?? ""}
              onDraft={(draft) => edit(one.name, draft)}
              hint={<Hint parameter={one} reactor={reactor} wrong={wrong.get(one.name)} />}
            />
          ))
        ) : (
          <ChangeList changes={changes} expected={expected} />
        )}
      </form>
    </Dialog>
  );
}

function without(wrong: ReadonlyMap<string, string>, name: string): ReadonlyMap<string, string> {
  const next = new Map(wrong);
  next.delete(name);
  return next;
}

/** Return what differs from what was there when the dialog was opened, and whether something cannot be sent. */
function changesOf(
  settings: readonly Parameter[],
  drafts: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, PointValue | null>,
): { changes: Change[]; bad: boolean } {
  const changes: Change[] = [];
  let bad = false;
  for (const parameter of settings) {
    const draft = drafts.get(parameter.name) ?? "";
    const before = expected.get(parameter.name) ?? null;
    if (draft === draftOf(parameter, before)) continue;
    const parsed = parseValue(parameter, draft);
    if (parsed.wrong !== undefined) bad = true;
    else if (parsed.value !== before) changes.push({ parameter, value: parsed.value });
  }
  return { changes, bad };
}

/**
 * Write one; say how that ended; return why not, "" where it was taken. What it is by now goes into `known`. Throws
 * where one would have to sign in first.
 */
async function apply(parameter: Parameter, value: PointValue, known: Map<string, PointValue | null>): Promise<string> {
  const shown = shownValue(parameter, value);
  try {
    const { state, detail } = await writePoint(parameter.desired ?? "", value, { expected: known.get(parameter.name) ?? null });
    known.set(parameter.name, value);
    if (state === "confirmed") toast("good", t("{name}: {value}, confirmed by the equipment", { name: parameterWord(parameter), value: shown }));
    else toast("minor", t("{name}: {value}. {detail}", { name: parameterWord(parameter), value: shown, detail: visible(detail) }));
    return "";
  } catch (error) {
    if (isNotSignedIn(error)) throw error;
    const now = changedPoint(error);
    if (now === null) return sentenceOf(error);
    known.set(parameter.name, now.value);
    return t("Nothing was written: meanwhile it became {value}.", { value: shownValue(parameter, now.value) });
  }
}

function shownValue(parameter: Parameter, value: PointValue | null): string {
  return `${formatValue(declarationOf(parameter), value)}${parameter.units && value !== null ? ` ${visible(parameter.units)}` : ""}`;
}

function ChangeList({ changes, expected }: { readonly changes: readonly Change[]; readonly expected: ReadonlyMap<string, PointValue | null> }): JSX.Element {
  return (
    <ul class="change-list" aria-label={t("What will change")}>
      {changes.map(({ parameter, value }) => (
        <li key={parameter.name}>
          <span class="muted">{parameterWord(parameter)}</span>
          <span class="number">{shownValue(parameter, expected.get(parameter.name) ?? null)}</span>
          <span aria-hidden="true">→</span>
          <strong class="number">{shownValue(parameter, value)}</strong>
        </li>
      ))}
    </ul>
  );
}

interface HintProps {
  readonly parameter: Parameter;
  readonly reactor: Reactor;
  readonly wrong: string | undefined;
}

/** What holds now, the limits, what it is, and how it stands with the last wish. */
function Hint({ parameter, reactor, wrong }: HintProps): JSX.Element {
  const [low, high] = parameter.limits ?? [];
  return (
    <>
      <span class="setting-hint">
        <span>
          {t("Reported")}: <strong class="number">{shownValue(parameter, reading(parameter.reported)?.value ?? null)}</strong>
        </span>
        {low !== undefined && high !== undefined && (
          <span class="number">
            {shownValue({ ...parameter, units: null }, low)} … {shownValue(parameter, high)}
          </span>
        )}
        {parameter.description && <DeviceText text={parameter.description} />}
      </span>
      <Asked reactor={reactor} parameter={parameter} />
      {wrong && (
        <span class="setting-wrong" role="alert">
          {wrong}
        </span>
      )}
    </>
  );
}
