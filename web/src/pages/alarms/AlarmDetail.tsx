import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import { sentenceOf } from "../../api/failure.ts";
import { may } from "../../api/session.ts";
import type { Alarm, Point } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { serviceNow } from "../../live/clock.ts";
import { live } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Chart, type Span } from "../../ui/Chart.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Note } from "../../ui/Note.tsx";
import { SeverityBadge, SeverityMark } from "../../ui/Severity.tsx";
import { Moment, Since } from "../../ui/Since.tsx";
import { Fact, Panel } from "../../ui/Split.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText, Value } from "../../ui/Value.tsx";
import { actsOn, actWord, type Act } from "./acts.ts";
import { wrongSince } from "./arrange.ts";
import { Journal } from "./Journal.tsx";
import { StateTag } from "./StateTag.tsx";

const HOUR = 3_600_000;
const LOOK_MS = 3_000; // between two looks at the point: the page's stream has the alarms
const REDRAW_MS = 20_000;

interface Props {
  readonly id: string;
  /** Undefined: it is normal, or there is none of that id. */
  readonly alarm: Alarm | undefined;
  readonly onClose: () => void;
  readonly onOpen: (id: string) => void;
  readonly onAct: (act: Act, alarm: Alarm) => void;
}

/** Everything about one alarm: how it stands, why, who was told, what can be done, its point, its journal. */
export function AlarmDetail({ id, alarm: listed, onClose, onOpen, onAct }: Props): JSX.Element {
  const last = useLast(id, listed);
  const normal = useNormal(id, listed);
  const alarm = listed ?? normal.alarm ?? (last && { ...last, state: "normal" as const });
  const point = alarm?.point ?? id.slice(id.indexOf("@") + 1);
  if (!alarm && normal.busy) {
    return <Panel title={t("Loading")} onClose={onClose} />;
  }
  const acts = alarm && may("operator") ? actsOn(alarm) : [];
  return (
    <Panel
      title={<DeviceText text={alarm?.name ?? id} />}
      mark={alarm && alarm.state !== "normal" && <SeverityMark severity={alarm.severity} />}
      onClose={onClose}
      actions={
        alarm &&
        acts.length > 0 &&
        acts.map((act, index) => (
          <Button key={act} kind={index === 0 && alarm.state !== "acknowledged" && alarm.state !== "normal" ? "primary" : "normal"} onClick={() => onAct(act, alarm)}>
            {act === "out-of-service" ? t("Out of service") : actWord(act)}
          </Button>
        ))
      }
    >
      {alarm ? (
        <Standing alarm={alarm} onOpen={onOpen} />
      ) : normal.wrong !== null ? (
        <Note kind="major">{sentenceOf(normal.wrong)}</Note>
      ) : (
        <Note kind="info">{t("No alarm of this name is known any more. What happened to it is below.")}</Note>
      )}
      <PointView key={point} name={point} began={alarm && alarm.state !== "normal" ? Date.parse(wrongSince(alarm)) : null} />
      <Journal alarm={id} version={alarm ? `${alarm.state} ${alarm.since} ${alarm.told.length}` : ""} />
    </Panel>
  );
}

/** Keep what was last known of the alarm: it is shown on when it has become normal. */
function useLast(id: string, alarm: Alarm | undefined): Alarm | undefined {
  const [kept, setKept] = useState(alarm);
  useEffect(() => {
    if (alarm) setKept(alarm);
  }, [alarm]);
  return kept?.id === id ? kept : undefined;
}

interface Found {
  readonly alarm: Alarm | undefined;
  /** Why it is not known whether there is one; null: it is known, or not yet. */
  readonly wrong: unknown;
  readonly busy: boolean;
}

/**
 * Find an alarm that is normal, and so not in the stream: a link on a card may lead to it. Where the stream does not
 * begin, any alarm.
 */
function useNormal(id: string, listed: Alarm | undefined): Found {
  const wanted = listed === undefined && (live.alarmsComplete.value || live.old.value);
  const { answer, wrong } = useAsk(
    async (signal) => {
      if (!wanted) return null;
      const { items } = await api.get("/api/v1/alarms", { query: { id }, signal });
      return { alarm: items.find((alarm) => alarm.id === id) };
    },
    [id, wanted],
  );
  return { alarm: answer?.alarm, wrong, busy: !answer && wrong === null };
}

function Standing({ alarm, onOpen }: { readonly alarm: Alarm; readonly onOpen: (id: string) => void }): JSX.Element {
  const suppressed = useMemo(
    () => [...live.alarms.value.values()].filter(({ suppressed_by }) => suppressed_by === alarm.id).length,
    [alarm.id, live.alarms.value],
  );
  const cause = alarm.suppressed_by;
  return (
    <dl class="fact-list">
      {alarm.began && alarm.state !== "normal" && (
        <Fact label={t("Began")}>
          <Moment time={alarm.began} /> (<Since time={alarm.began} />)
        </Fact>
      )}
      <Fact label={t("State")}>
        <span class="row">
          <StateTag alarm={alarm} /> <Since time={alarm.since} />
        </span>
      </Fact>
      {alarm.state !== "normal" && (
        <Fact label={t("Severity")}>
          <SeverityBadge severity={alarm.severity} />
        </Fact>
      )}
      <Fact label={t("Where")}>
        <DeviceText text={[alarm.device, alarm.area].filter(Boolean).join(" · ")} />
      </Fact>
      {alarm.detail && (
        <Fact label={t("Detail")}>
          <DeviceText text={alarm.detail} />
        </Fact>
      )}
      {cause && (
        <Fact label={t("Suppressed by")}>
          <button type="button" class="link" onClick={() => onOpen(cause)}>
            <DeviceText text={causeName(cause)} />
          </button>
        </Fact>
      )}
      {suppressed > 0 && (
        <Fact label={t("Suppresses")}>
          <Icon name="down" /> {tn("{n} alarm", "{n} alarms", suppressed)}
        </Fact>
      )}
      {alarm.acknowledgement && (
        <Fact label={t("Acknowledged")}>
          <By {...alarm.acknowledgement} />
        </Fact>
      )}
      {alarm.quieted && (
        <Fact label={alarm.state === "shelved" ? t("Shelved") : t("Out of service")}>
          <By {...alarm.quieted} />
        </Fact>
      )}
      {alarm.shelved_until && (
        <Fact label={t("Shelved until")}>
          <Moment time={alarm.shelved_until} /> (<Since time={alarm.shelved_until} />)
        </Fact>
      )}
      <Fact label={t("Who was told")}>
        {alarm.told.length > 0 ? (
          <ul>
            {alarm.told.map(({ channel, card, at }) => (
              <li key={`${channel} ${card}`}>
                <a href={`/notices?alarm=${encodeURIComponent(alarm.id)}`}>
                  {t("{channel}, card {card}", { channel: visible(channel), card })}
                </a>{" "}
                · <Moment time={at} />
              </li>
            ))}
          </ul>
        ) : (
          <span class="muted">{alarm.waiting.length > 0 ? t("nobody yet: the notice waits") : t("nobody")}</span>
        )}
      </Fact>
    </dl>
  );
}

/** Return what an alarm that suppresses another is called: it may be normal by now, and then only its id is known. */
export function causeName(id: string): string {
  const cause = live.alarms.value.get(id);
  return cause ? `${cause.name} · ${cause.device}` : id;
}

function By({ by, at, comment }: { readonly by: string; readonly at: string; readonly comment: string }): JSX.Element {
  return (
    <>
      <DeviceText text={by} /> · <Moment time={at} />
      {comment && (
        <p class="said">
          <DeviceText text={comment} />
        </p>
      )}
    </>
  );
}

/** The alarm's point: its present value, and what it did lately. */
function PointView({ name, began }: { readonly name: string; readonly began: number | null }): JSX.Element {
  const [span, setSpan] = useState<Span>(() => firstSpan(began));
  const [follows, setFollows] = useState(true);
  const point = useAsk((signal) => api.get("/api/v1/points/{name}", { path: { name }, signal }), [name]);
  const history = useAsk(
    (signal) =>
      api.get("/api/v1/history", {
        query: { name: [name], from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString(), max_points: 600 },
        signal,
      }),
    [name, span.from, span.to],
  );
  useEffect(() => {
    const looks = setInterval(() => document.visibilityState === "visible" && point.again(), LOOK_MS);
    return () => clearInterval(looks);
  }, [name]);
  useEffect(() => {
    if (!follows) return undefined;
    const moves = setInterval(() => {
      const now = serviceNow();
      setSpan(({ from, to }) => ({ from: from + now - to, to: now }));
    }, REDRAW_MS);
    return () => clearInterval(moves);
  }, [follows]);
  const known = point.answer;
  const series = history.answer?.items[0];
  const curves = useMemo(
    () => (known && series ? [{ name, kind: known.kind, labels: known.labels, units: known.units, series }] : []),
    [known?.kind, known?.units, series, name],
  );
  if (point.wrong !== null && !known) return <p class="muted">{sentenceOf(point.wrong)}</p>;
  return (
    <section class="stack point-view">
      <div class="row">
        <h3 class="sr-only">{t("Point")}</h3>
        <a class="mono cut grow" href={`/points?${new URLSearchParams({ name })}`}>
          {visible(name)}
        </a>
        {known && <Value declaration={known} reading={readingOf(known)} />}
      </div>
      {known && known.kind !== "text" && (
        <Chart
          label={t("What {name} said", { name: visible(name) })}
          curves={curves}
          span={span}
          onSpan={(next) => {
            setFollows(false);
            setSpan(next);
          }}
          height={170}
          busy={history.busy && curves.length === 0}
        />
      )}
      {history.wrong !== null && <p class="muted">{sentenceOf(history.wrong)}</p>}
    </section>
  );
}

/** From a while before the alarm began until now, and at least two hours. */
function firstSpan(began: number | null): Span {
  const to = serviceNow();
  const lasted = began === null ? 0 : to - began;
  return { from: to - Math.max(2 * HOUR, lasted * 1.4), to };
}

function readingOf({ value, severity, status, timestamp }: Point): Parameters<typeof Value>[0]["reading"] {
  return { value, severity, status, time: timestamp ? Date.parse(timestamp) / 1_000 : null };
}

