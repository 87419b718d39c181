import type { JSX } from "preact";
import type { Point } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Since } from "../../ui/Since.tsx";
import { SeverityBadge } from "../../ui/Severity.tsx";
import { DeviceText, Value } from "../../ui/Value.tsx";
import { visible } from "../../ui/text.ts";
import { isNeverRead } from "./filter.ts";
import { readingOf } from "../../ui/WriteDialog.tsx";

interface Props {
  readonly point: Point;
  readonly charted: boolean;
  readonly onChart: (point: Point) => void;
}

/** The column headers of the list. */
export function PointHeader(): JSX.Element {
  return (
    <div class="point-row head" role="row">
      <span role="columnheader" class="pick">
        <Icon name="chart" label={t("In the chart")} />
      </span>
      <span role="columnheader" class="name">
        {t("Name")}
      </span>
      <span role="columnheader" class="value-cell">
        {t("Value")}
      </span>
      <span role="columnheader" class="state">
        {t("State")}
      </span>
      <span role="columnheader" class="device">
        {t("Device")}
      </span>
      <span role="columnheader" class="time" title={t("How long its value and state are the same; it may have been read a moment ago")}>
        {t("Unchanged")}
      </span>
    </div>
  );
}

/** One point in the list. Only its value's cells are rendered again when it changes. */
export function PointRow({ point, charted, onChart }: Props): JSX.Element {
  return (
    <div class="point-row" role="presentation">
      <span class="pick" role="gridcell">
        <input
          type="checkbox"
          tabIndex={-1}
          checked={charted}
          aria-label={t("{name} in the chart", { name: visible(point.name) })}
          onChange={() => onChart(point)}
        />
      </span>
      <span class="name" role="gridcell">
        <span class="mono cut" title={visible(point.name)}>
          <bdi>{visible(point.name)}</bdi>
        </span>
        <span class="description cut">
          <DeviceText text={point.description} />
        </span>
      </span>
      <Reading point={point} />
      <span class="device cut" role="gridcell">
        <DeviceText text={point.device} />
      </span>
      <ReadAt point={point} />
    </div>
  );
}

function Reading({ point }: { readonly point: Point }): JSX.Element {
  const reading = live.point(point.name).value ?? readingOf(point);
  return (
    <>
      <span class="value-cell" role="gridcell">
        <Value declaration={point} reading={reading} mark={false} />
        {point.access === "rw" && (
          <span class="writable" title={t("Can be written")}>
            <Icon name="edit" label={t("Can be written")} />
          </span>
        )}
      </span>
      <span class="state" role="gridcell">
        {/* "Never read" is said already, and for a command that nobody gave yet nothing is wrong with that. */}
        {isNeverRead(reading) ? <span class="muted">–</span> : <SeverityBadge severity={reading.severity} status={reading.status} />}
      </span>
    </>
  );
}

function ReadAt({ point }: { readonly point: Point }): JSX.Element {
  const time = (live.point(point.name).value ?? readingOf(point)).time;
  return (
    <span class="time muted" role="gridcell">
      {time === null ? "–" : <Since time={time * 1_000} bare />}
    </span>
  );
}
