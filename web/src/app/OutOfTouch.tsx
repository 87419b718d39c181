import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { now } from "../live/clock.ts";
import { live } from "../live/index.ts";
import { formatWhen } from "../ui/format.ts";
import { Icon } from "../ui/Icon.tsx";

/** Says that what is shown is old, and since when. Values are greyed meanwhile. */
export function OutOfTouch(): JSX.Element {
  const lost = live.touch.value === "lost";
  const since = live.lastHeard.value;
  return (
    <div class="out-of-touch" role="alert" hidden={!lost}>
      {lost && (
        <>
          <Icon name="out-of-touch" />
          <span>
            {since === null
              ? t("No live data: the service does not say how things are. Trying again …")
              : t("Out of touch since {time}: what is shown is from then. Trying again …", { time: formatWhen(since + live.clockOffset.value, now.value) })}
          </span>
        </>
      )}
    </div>
  );
}
