// The sentence at the top: what is wrong in one line, or that nothing is, and why one may believe it.
import type { JSX } from "preact";
import { SEVERITIES, type Severity } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { now } from "../../live/clock.ts";
import { live } from "../../live/index.ts";
import { formatWhen } from "../../ui/format.ts";
import { SeverityMark } from "../../ui/Severity.tsx";
import { Since } from "../../ui/Since.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import { wantsAcknowledgement, type Causes } from "./causes.ts";
import { doubtsOf, situationOf, type Doubt, type Known, type Situation } from "./situation.ts";
import { systemWord } from "./words.ts";

const MOST_DOUBTS = 6;

/** The line, its mark, and what stands behind it. */
export function Verdict({ known }: { readonly known: Known }): JSX.Element {
  const situation = situationOf(known);
  const severity = severityOf(situation, known.causes);
  return (
    <section class={`situation ${situation} ${severity}`} aria-live="polite" aria-busy={situation === "looking"}>
      <Mark situation={situation} severity={severity} />
      <div class="grow">
        <p class="verdict-title">{titleOf(situation, known)}</p>
        <Behind situation={situation} known={known} />
      </div>
    </section>
  );
}

function severityOf(situation: Situation, { active }: Causes): Severity {
  if (situation === "watch") return "MAJOR";
  if (situation === "doubt") return "INVALID";
  if (situation !== "alarms") return "NO_ALARM";
  const worst = active.reduce((most, { alarm }) => Math.max(most, SEVERITIES.indexOf(alarm.severity)), 0);
  return SEVERITIES[worst] ?? "MAJOR";
}

function Mark({ situation, severity }: { readonly situation: Situation; readonly severity: Severity }): JSX.Element {
  if (situation === "well" || situation === "returned") {
    return (
      <svg class="verdict-mark" viewBox="0 0 32 32" aria-hidden="true">
        <path d="M6 17l7 7L27 9" />
      </svg>
    );
  }
  if (severity !== "NO_ALARM") return <SeverityMark severity={severity} />;
  return (
    <svg class="verdict-mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M3 16c4-6 9-9 13-9s9 3 13 9c-4 6-9 9-13 9s-9-3-13-9zM16 12a4 4 0 1 0 0 8 4 4 0 0 0 0-8z" />
    </svg>
  );
}

function titleOf(situation: Situation, { causes, health }: Known): string {
  switch (situation) {
    case "lost":
      return t("Out of touch: how things are now is not known");
    case "looking":
      return t("Looking …");
    case "watch":
      return tn("The watch itself lacks something", "The watch itself lacks {n} things", health?.missing.length ?? 0);
    case "doubt":
      return t("No alarm, but not everything is known");
    case "returned":
      return t("Nothing is wrong any more");
    case "empty":
      return t("Nothing is watched yet");
    case "well":
      return t("All is well");
    case "alarms":
      return tn("{n} alarm", "{n} alarms", causes.active.length);
  }
}

function Behind({ situation, known }: { readonly situation: Situation; readonly known: Known }): JSX.Element | null {
  const { causes, health } = known;
  switch (situation) {
    case "lost": {
      const heard = live.lastHeard.value; // by this machine's clock, which may be wrong
      if (heard === null) return <p class="muted">{t("What follows may be old.")}</p>;
      return <p class="muted">{t("What follows is from {time}.", { time: formatWhen(heard + live.clockOffset.value, now.value) })}</p>;
    }
    case "alarms": {
      const unknown = causes.active.filter(({ alarm }) => wantsAcknowledgement(alarm)).length;
      return (
        <p class="muted">
          {unknown > 0 ? tn("{n} is not acknowledged", "{n} are not acknowledged", unknown) : t("All are acknowledged")}
          {causes.over.length > 0 && <> · {tn("{n} is over and not acknowledged", "{n} are over and not acknowledged", causes.over.length)}</>}
          {causes.suppressed > 0 && <> · {tn("{n} more is explained by these", "{n} more are explained by these", causes.suppressed)}</>}
        </p>
      );
    }
    case "watch":
      return (
        <ul class="missing">
          {health?.missing.map((sentence) => (
            <li key={sentence}>
              <DeviceText text={sentence} />
            </li>
          ))}
        </ul>
      );
    case "doubt":
      return <Doubts doubts={doubtsOf(known)} />;
    case "returned":
      return <p class="muted">{tn("{n} alarm is over, and nobody has acknowledged it", "{n} alarms are over, and nobody has acknowledged them", causes.over.length)}</p>;
    case "well":
      return (
        <p class="muted">
          {t("Every system has spoken, every link is in contact, and the watch has all its evidence.")}
          {causes.quiet.length > 0 && <> {tn("{n} alarm is kept quiet on purpose.", "{n} alarms are kept quiet on purpose.", causes.quiet.length)}</>}
        </p>
      );
    default:
      return null;
  }
}

function Doubts({ doubts }: { readonly doubts: readonly Doubt[] }): JSX.Element {
  return (
    <ul class="missing">
      {doubts.slice(0, MOST_DOUBTS).map((doubt) => (
        <li key={doubt.kind === "contact" ? doubt.link.name : `${doubt.kind} ${doubt.system.name}`}>
          <DoubtText doubt={doubt} />
        </li>
      ))}
      {doubts.length > MOST_DOUBTS && <li>{tn("and {n} more", "and {n} more", doubts.length - MOST_DOUBTS)}</li>}
    </ul>
  );
}

function DoubtText({ doubt }: { readonly doubt: Doubt }): JSX.Element {
  if (doubt.kind === "silent") return <>{t("{system} has not spoken yet", { system: systemWord(doubt.system) })}</>;
  if (doubt.kind === "unknown") {
    const values = { system: systemWord(doubt.system) };
    return <>{tn("{system}: {n} point is not known at present", "{system}: {n} points are not known at present", doubt.points, values)}</>;
  }
  const { name, error, since } = doubt.link;
  return (
    <>
      {t("{link} has no contact", { link: visible(name) })} (<Since time={since} bare />){error && <>: {visible(error)}</>}
    </>
  );
}
