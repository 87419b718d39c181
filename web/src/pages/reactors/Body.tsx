// One reactor: whether it is there, what fell to safe, every part, its agent, and what its pumps gave.
import type { JSX } from "preact";
import { may } from "../../api/session.ts";
import { t } from "../../i18n/index.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Moment, Since } from "../../ui/Since.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import { StopButton } from "./Commands.tsx";
import { DoseLedger } from "./DoseLedger.tsx";
import { Health } from "./Health.tsx";
import { curveNames, isSafe, standingOf, type Part, type Reactor } from "./model.ts";
import { PartTile } from "./PartTile.tsx";
import { PresenceMark } from "./ReactorList.tsx";
import { useTrends } from "./trends.ts";
import { presenceWord } from "./words.ts";

const ORDER: readonly Part["kind"][] = ["sensor", "loop", "actuator"];

/** The body of the page. */
export function Body({ reactor, several }: { readonly reactor: Reactor; readonly several: boolean }): JSX.Element {
  const trends = useTrends(curveNames(reactor));
  const standing = standingOf(reactor);
  const of = (kind: Part["kind"]) => reactor.parts.filter((part) => part.kind === kind);
  return (
    <div class={`reactor-body stack ${standing.state === "connected" ? "" : "away"}`}>
      <header class="reactor-bar">
        {several && (
          <a class="reactor-back" href="/reactors" aria-label={t("All reactors")}>
            <Icon name="left" />
          </a>
        )}
        <div class="grow">
          <h2>
            <DeviceText text={standing.name || reactor.id} /> <small class="muted mono">{visible(reactor.id)}</small>
          </h2>
          <p class={`presence ${standing.state}`}>
            <PresenceMark state={standing.state} /> {presenceWord(standing.state)} · <Since time={standing.since} bare />
          </p>
        </div>
        {may("operator") && <StopButton reactor={reactor} />}
      </header>
      <Banners reactor={reactor} />
      <section class="part-tiles" aria-label={t("Parts")}>
        {ORDER.flatMap(of).map((part) => (
          <PartTile key={part.name} reactor={reactor} part={part} trends={trends} />
        ))}
        <DoseLedger reactor={reactor} />
        <Health reactor={reactor} />
      </section>
    </div>
  );
}

/** What must be seen before anything else. */
function Banners({ reactor }: { readonly reactor: Reactor }): JSX.Element {
  const standing = standingOf(reactor);
  const safe = reactor.parts.filter(isSafe);
  const rejected = standing.settings.filter(({ state }) => state === "rejected").length;
  return (
    <>
      {standing.state === "away" && (
        <div class="banner away" role="alert">
          <Icon name="out-of-touch" />
          <div>
            <p>
              <strong>{t("{reactor} is away", { reactor: visible(reactor.id) })}</strong>
              {standing.reported !== null && (
                <>
                  {" "}
                  · {t("last heard")} <Moment time={standing.reported} />
                </>
              )}
            </p>
            <p>{t("Values are the last known. Settings are kept and applied when it is back; commands are refused. Its own loops and limits go on without us.")}</p>
            {standing.trouble && (
              <p>
                <DeviceText text={standing.trouble} />
              </p>
            )}
          </div>
        </div>
      )}
      {safe.length > 0 && (
        <div class="banner safe" role="alert">
          <Icon name="power" />
          <p>
            <strong>{t("Fell to safe:")}</strong> {safe.map(({ title }) => visible(title)).join(", ")}. {t("What it drives is off until somebody resumes it.")}
          </p>
        </div>
      )}
      {standing.state === "connected" && standing.trouble && (
        <div class="banner trouble" role="alert">
          <DeviceText text={standing.trouble} />
        </div>
      )}
      {rejected > 0 && (
        <div class="banner trouble" role="status">
          {t("The reactor has rejected settings: see below which, and why.")}
        </div>
      )}
    </>
  );
}
