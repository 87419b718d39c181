// What the pumps gave, how much of what they may that was, and who asked for it.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import { t, tn } from "../../i18n/index.ts";
import { serviceNow } from "../../live/clock.ts";
import { live } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { Moment } from "../../ui/Since.tsx";
import { Table } from "../../ui/Table.tsx";
import { Tile } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import { Budgets } from "./Budgets.tsx";
import { reading, type Doses, type Part, type Reactor } from "./model.ts";
import { withUnit } from "./words.ts";

const DAY_MS = 86_400_000;
const LENGTHS = [0, 7, 30] as const; // days; 0: since midnight
const MOST_SHOWN = 200;
const AGAIN_MS = 10_000; // a dose is in the history a little after the total has told of it

type Dose = Doses["items"][number];

/** Count up each `every` milliseconds while the page is seen. */
function useTurn(every: number): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && setTurn((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [every]);
  return turn;
}

/** The pumps of a reactor: parts that say what they ever dosed. */
export function pumpsOf(reactor: Reactor): Part[] {
  return reactor.parts.filter((part) => part.parameters.some(({ role, name }) => role === "reading" && name === "Dosed"));
}

/** The ledger; nothing where there is no pump. */
export function DoseLedger({ reactor }: { readonly reactor: Reactor }): JSX.Element | null {
  const pumps = pumpsOf(reactor);
  const [days, setDays] = useState<number>(0);
  const turn = useTurn(AGAIN_MS);
  const totals = pumps.map((part) => reading(part.parameters.find(({ name }) => name === "Dosed")?.reported)?.value ?? "").join(" ");
  const { answer, wrong, busy, again } = useAsk(
    (signal) =>
      api.get("/api/v1/reactors/{reactor}/doses", { path: { reactor: reactor.id }, query: { from: startOf(days), to: new Date(serviceNow()).toISOString() }, signal }),
    [reactor.id, days, totals, turn, live.clockOffset.value],
  );
  if (pumps.length === 0) return null;
  return (
    <Tile
      class="ledger"
      title={t("Dose ledger")}
      aside={
        <div class="row ledger-lengths" role="group" aria-label={t("Period")}>
          {LENGTHS.map((length) => (
            <Button key={length} kind="quiet" aria-pressed={days === length} onClick={() => setDays(length)}>
              {length === 0 ? t("Today") : tn("{n} day", "{n} days", length)}
            </Button>
          ))}
          <Button kind="quiet" icon="refresh" label={t("Ask again")} busy={busy && answer === undefined} onClick={again} />
        </div>
      }
    >
      {wrong !== null && <Note kind="major">{sentenceOf(wrong)}</Note>}
      <ul class="ledger-pumps">
        {pumps.map((part) => (
          <li key={part.name}>
            <PumpSum part={part} doses={answer} days={days} />
            <Budgets part={part} />
          </li>
        ))}
      </ul>
      {answer && answer.items.length === 0 && <p class="muted">{t("Nothing was dosed in this time.")}</p>}
      {answer && answer.items.length > 0 && (
        <Table
          caption={t("Doses")}
          rows={answer.items.slice(0, MOST_SHOWN)}
          rowKey={({ point, time, total }) => `${point} ${time} ${total}`}
          columns={[
            { key: "time", title: t("Time"), cell: ({ time }) => <Moment time={time} /> },
            { key: "pump", title: t("Pump"), cell: ({ pump }) => <DeviceText text={pump} /> },
            { key: "ml", title: t("Dose"), number: true, cell: ({ ml }) => withUnit(ml, "ml") },
            { key: "who", title: t("Asked by"), cell: (dose) => <Who dose={dose} /> },
            { key: "total", title: t("Total after it"), number: true, wide: true, cell: ({ total }) => withUnit(total, "ml") },
          ]}
        />
      )}
      {answer && answer.items.length > MOST_SHOWN && <p class="muted">{t("The newest {n} of {all}", { n: MOST_SHOWN, all: formatNumber(answer.items.length) })}</p>}
    </Tile>
  );
}

function startOf(days: number): string {
  const now = new Date(serviceNow());
  return new Date(days === 0 ? now.setHours(0, 0, 0, 0) : now.getTime() - days * DAY_MS).toISOString();
}

function PumpSum({ part, doses, days }: { readonly part: Part; readonly doses: Doses | undefined; readonly days: number }): JSX.Element {
  const sum = doses?.pumps.find(({ pump }) => pump === part.name);
  return (
    <p class="ledger-sum">
      <span class="muted">
        {visible(part.title)} · {days === 0 ? t("today") : tn("last day", "last {n} days", days)}
      </span>
      <strong class="number">{sum ? withUnit(sum.ml, "ml") : "…"}</strong>
      {sum && sum.ml > 0 && <span class="muted number">{t("{ml} of it asked for by people", { ml: withUnit(sum.asked_ml, "ml") })}</span>}
    </p>
  );
}

function Who({ dose }: { readonly dose: Dose }): JSX.Element {
  if (dose.asked.length === 0) return <span class="muted">{t("a control loop")}</span>;
  const names = [...new Set(dose.asked.map(({ user, host, via }) => [user || host, via].filter(Boolean).join(" · ")))];
  return <DeviceText text={names.join(", ")} />;
}
