// What can be asked of a part: each from its declaration. A stop is one click; everything else is confirmed.
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { sentenceOf } from "../../api/failure.ts";
import { changedPoint, expectationAfter, expectationOf, writePoint, type Written } from "../../api/write.ts";
import { t, tn } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { ConfirmDialog, Dialog } from "../../ui/Dialog.tsx";
import { parseValue, ValueField } from "../../ui/Field.tsx";
import { formatValue } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { visible } from "../../ui/text.ts";
import { toast } from "../../ui/Toast.tsx";
import { Budgets } from "./Budgets.tsx";
import { commandsOf, declarationOf, isResume, isStop, reading, standingOf, stopsOf, type Parameter, type Part, type Reactor } from "./model.ts";
import { parameterWord } from "./words.ts";

const HARMLESS = new Set(["Find"]); // it blinks

interface Props {
  readonly reactor: Reactor;
  readonly part: Part;
}

/** The buttons of a part. */
export function Commands({ reactor, part }: Props): JSX.Element | null {
  const [asked, setAsked] = useState<Parameter | null>(null);
  const all = commandsOf(part).filter((one) => !isResume(one)); // to resume is offered where something fell to safe
  if (all.length === 0) return null;
  const choose = (one: Parameter) => {
    if (isStop(one) || HARMLESS.has(one.name)) void run(part, one);
    else setAsked(one);
  };
  return (
    <>
      {all.map((one) => (
        <Button key={one.name} kind={isStop(one) ? "danger" : "normal"} title={visible(one.description)} onClick={() => choose(one)}>
          {isStop(one) || HARMLESS.has(one.name) ? parameterWord(one) : t("{what} …", { what: parameterWord(one) })}
        </Button>
      ))}
      {asked && <CommandDialog reactor={reactor} part={part} parameter={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

/** Say that it is done; of what takes its time, that it has begun. */
function tell(what: string, { state, detail }: Written): void {
  if (state === "confirmed") toast("good", t("{what}, done", { what }));
  else toast("minor", `${what}: ${visible(detail)}`);
}

/** Ask for what takes no value, at once; say how that ended. */
async function run(part: Part, { command: point, ...one }: Parameter): Promise<void> {
  const what = t("{part}: {what}", { part: visible(part.title), what: parameterWord(one) });
  try {
    tell(what, await writePoint(point ?? "", true)); // what was there before does not matter: a stop is a stop
  } catch (error) {
    toast("major", `${what}: ${sentenceOf(error)}`);
  }
}

/** Stops everything of a reactor that can be stopped, in one click. */
export function StopButton({ reactor }: { readonly reactor: Reactor }): JSX.Element | null {
  const [busy, setBusy] = useState(false);
  const stops = stopsOf(reactor);
  if (stops.length === 0) return null;
  const names = stops.map(({ part }) => visible(part.title)).join(", ");
  const stop = async () => {
    setBusy(true);
    const answers = await Promise.allSettled(stops.map(({ point }) => writePoint(point, true)));
    setBusy(false);
    answers.forEach((answer, index) => {
      const name = visible(stops[index]?.part.title ?? "");
      if (answer.status === "fulfilled" && answer.value.state === "pending") toast("minor", `${name}: ${visible(answer.value.detail)}`);
      if (answer.status === "rejected") toast("major", t("{part} was not stopped: {why}", { part: name, why: sentenceOf(answer.reason) }));
    });
    const isDone = (answer?: PromiseSettledResult<Written>) => answer?.status === "fulfilled" && answer.value.state === "confirmed";
    const stopped = stops.filter((_, index) => isDone(answers[index])).map(({ part }) => visible(part.title));
    if (stopped.length > 0) toast("good", tn("{n} output stopped: {names}", "{n} outputs stopped: {names}", stopped.length, { names: stopped.join(", ") }));
  };
  return (
    <Button kind="danger" busy={busy} title={names} onClick={stop}>
      {stops.length === 1 ? t("Stop {part}", { part: names }) : tn("Stop {n} output", "Stop all {n} outputs", stops.length)}
    </Button>
  );
}

interface DialogProps extends Props {
  readonly parameter: Parameter;
  readonly onClose: () => void;
}

/** Asks for the value, where there is one, then whether to. */
export function CommandDialog(props: DialogProps): JSX.Element {
  return props.parameter.takes_value ? <ValueDialog {...props} /> : <PlainDialog {...props} />;
}

function PlainDialog({ reactor, part, parameter, onClose }: DialogProps): JSX.Element {
  const what = parameterWord(parameter);
  const point = parameter.command ?? "";
  const [expected, setExpected] = useState(() => expectationOf(point, reading(point)));
  return (
    <ConfirmDialog
      title={t("{part}: {what}", { part: visible(part.title), what })}
      action={what}
      danger={isResume(parameter)}
      onClose={onClose}
      onConfirm={async () => {
        try {
          tell(t("{part}: {what}", { part: visible(part.title), what }), await writePoint(point, true, await expected));
        } catch (error) {
          const now = changedPoint(error);
          if (now === null) throw error;
          setExpected(Promise.resolve(expectationAfter(now)));
          throw new Error(t("Nothing was done: meanwhile somebody else asked for it. Ask again if it is still wanted."));
        }
      }}
    >
      <p>{isResume(parameter) ? t("{part} goes on as its settings say: it may start at once. Is the cause gone?", { part: visible(part.title) }) : visible(parameter.description)}</p>
      <AwayNote reactor={reactor} />
    </ConfirmDialog>
  );
}

/** A command to a reactor that is away is refused; that is said before one tries. */
function AwayNote({ reactor }: { readonly reactor: Reactor }): JSX.Element | null {
  if (standingOf(reactor).state === "connected") return null;
  return <Note kind="minor">{t("{reactor} is away: commands are refused, and not kept for its return.", { reactor: visible(reactor.id) })}</Note>;
}

function ValueDialog({ reactor, part, parameter, onClose }: DialogProps): JSX.Element {
  const form = useId();
  const declaration = declarationOf(parameter);
  const [expected, setExpected] = useState(() => expectationOf(parameter.command ?? "", reading(parameter.command)));
  const [draft, setDraft] = useState("");
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const parsed = parseValue(declaration, draft);
  const usable = parsed.wrong === undefined && (parameter.kind !== "text" || draft.trim() !== "");
  const shown = parsed.wrong === undefined ? `${formatValue(declaration, parsed.value)}${parameter.units ? ` ${visible(parameter.units)}` : ""}` : "";
  const title = t("{part}: {what}", { part: visible(part.title), what: parameterWord(parameter) });
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!usable || parsed.wrong !== undefined || busy) return;
    setWrong("");
    if (!asking) {
      setAsking(true);
      return;
    }
    setBusy(true);
    try {
      tell(`${title} ${shown}`, await writePoint(parameter.command ?? "", parsed.value, await expected));
      onClose();
    } catch (error) {
      const now = changedPoint(error);
      if (now !== null) setExpected(Promise.resolve(expectationAfter(now)));
      setWrong(now === null ? sentenceOf(error) : t("Nothing was done: meanwhile somebody else asked for {value}. Ask again if it is still wanted.", { value: `${formatValue(declaration, now.value)} ${visible(parameter.units ?? "")}`.trim() }));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          {asking ? (
            <Button icon="left" disabled={busy} onClick={() => setAsking(false)}>
              {t("Back")}
            </Button>
          ) : (
            <Button onClick={onClose}>{t("Cancel")}</Button>
          )}
          <Button type="submit" form={form} kind="primary" busy={busy} disabled={!usable}>
            {asking ? t("{what} {value}", { what: parameterWord(parameter), value: shown }) : t("{what} …", { what: parameterWord(parameter) })}
          </Button>
        </>
      }
    >
      <form id={form} class="stack" onSubmit={submit} noValidate>
        <AwayNote reactor={reactor} />
        {asking ? (
          <p class="command-question">{t("{what}: {value}?", { what: title, value: shown })}</p>
        ) : (
          <ValueField
            label={parameterWord(parameter)}
            declaration={{ ...declaration, step: null }}
            draft={draft}
            onDraft={setDraft}
            autofocus
            {...(parameter.description ? { hint: <Description parameter={parameter} /> } : {})}
          />
        )}
        <Budgets part={part} />
        {wrong && <Note kind="major">{wrong}</Note>}
      </form>
    </Dialog>
  );
}

function Description({ parameter }: { readonly parameter: Parameter }): JSX.Element {
  return <bdi>{visible(parameter.description)}</bdi>;
}
