import type { JSX } from "preact";
import { may } from "../../api/session.ts";
import type { Point } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { Dialog } from "../../ui/Dialog.tsx";
import { formatNumber } from "../../ui/format.ts";
import { SeverityBadge } from "../../ui/Severity.tsx";
import { Moment } from "../../ui/Since.tsx";
import { DeviceText, Value } from "../../ui/Value.tsx";
import { visible } from "../../ui/text.ts";
import { readingOf, WriteDialog } from "../../ui/WriteDialog.tsx";

interface Props {
  readonly point: Point;
  readonly onClose: () => void;
}

/** All there is to know of a point, and the form to write to it for those who may. */
export function PointDialog({ point, onClose }: Props): JSX.Element {
  if (point.access === "rw" && may("operator")) {
    return (
      <WriteDialog point={point} onClose={onClose}>
        <Facts point={point} />
      </WriteDialog>
    );
  }
  return (
    <Dialog title={<DeviceText text={point.name} />} onClose={onClose}>
      <Facts point={point} />
    </Dialog>
  );
}

function Facts({ point }: { readonly point: Point }): JSX.Element {
  const reading = live.point(point.name).value ?? readingOf(point);
  const [low, high] = point.limits ?? [];
  return (
    <>
      {point.description && (
        <p class="muted">
          <DeviceText text={point.description} />
        </p>
      )}
      <p class="present">
        <Value declaration={point} reading={reading} mark={false} />
      </p>
      <dl class="facts">
        <dt>{t("State")}</dt>
        <dd>
          <SeverityBadge severity={reading.severity} status={reading.status} />
        </dd>
        <dt>{t("Unchanged since")}</dt>
        <dd>{reading.time === null ? t("never read") : <Moment time={reading.time * 1_000} />}</dd>
        <dt>{t("Device")}</dt>
        <dd>
          <a href={`/points?${new URLSearchParams({ device: point.device })}`}>
            <DeviceText text={point.device} />
          </a>
        </dd>
        {point.link && (
          <>
            <dt>{t("Link")}</dt>
            <dd>
              <a href={`/points?${new URLSearchParams({ link: point.link })}`}>
                <DeviceText text={point.link} />
              </a>
            </dd>
          </>
        )}
        {low !== undefined && high !== undefined && (
          <>
            <dt>{t("Limits")}</dt>
            <dd class="number">
              {formatNumber(low)} … {formatNumber(high)} {point.units && visible(point.units)}
            </dd>
          </>
        )}
      </dl>
    </>
  );
}
