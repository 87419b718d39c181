import type { JSX } from "preact";
import { may } from "../../api/session.ts";
import type { Alarm } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { SeverityMark } from "../../ui/Severity.tsx";
import { Since } from "../../ui/Since.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import { VirtualList } from "../../ui/VirtualList.tsx";
import { causeName } from "./AlarmDetail.tsx";
import { actsOn, actWord, type Act } from "./acts.ts";
import { wrongSince, type Arranged, type Row } from "./arrange.ts";
import { StateTag } from "./StateTag.tsx";

interface Props {
  readonly arranged: Arranged;
  readonly rowHeight: number;
  readonly opened: string | null;
  readonly unfolded: ReadonlySet<string>;
  readonly chosen: ReadonlySet<string>;
  readonly onOpen: (id: string) => void;
  readonly onFold: (id: string) => void;
  readonly onChoose: (ids: readonly string[], chosen: boolean) => void;
  readonly onAct: (act: Act, alarm: Alarm) => void;
}

/** The alarms, one row each. */
export function AlarmList(props: Props): JSX.Element {
  const { arranged, rowHeight, opened, chosen, onOpen, onChoose } = props;
  const { rows, matching } = arranged;
  const all = matching.length > 0 && matching.every(({ id }) => chosen.has(id));
  const acting = may("operator");
  const old = live.old.value;
  return (
    <VirtualList
      label={t("Alarms")}
      rows={rows}
      rowKey={({ alarm }) => alarm.id}
      rowHeight={rowHeight}
      onOpen={({ alarm }) => onOpen(alarm.id)}
      rowClass={({ alarm }) => `alarm-row ${alarm.state} ${alarm.severity} ${alarm.id === opened ? "selected" : ""} ${old ? "old" : ""}`}
      header={
        <div class="record alarm-record head" role="row">
          <span role="columnheader" class="pick">
            {acting && (
              <label class="pick" title={t("Choose all {n}", { n: matching.length })}>
                <input
                  type="checkbox"
                  aria-label={t("Choose all {n}", { n: matching.length })}
                  checked={all}
                  ref={(box) => {
                    if (box) box.indeterminate = !all && chosen.size > 0;
                  }}
                  onChange={(event) => onChoose(matching.map(({ id }) => id), event.currentTarget.checked)}
                />
              </label>
            )}
          </span>
          <span role="columnheader" class="what">
            {t("Alarm")}
          </span>
          <span role="columnheader" class="how">
            {t("State")}
          </span>
          <span role="columnheader" class="since-cell">
            {t("Since")}
          </span>
          <span role="columnheader" class="told">
            {t("Told")}
          </span>
          <span role="columnheader" class="do">
            <span class="sr-only">{t("Action")}</span>
          </span>
        </div>
      }
      render={(row) => <AlarmCells {...props} row={row} acting={acting} />}
    />
  );
}

function AlarmCells({ row, acting, unfolded, chosen, onFold, onChoose, onAct }: Props & { readonly row: Row; readonly acting: boolean }): JSX.Element {
  const { alarm, depth, under } = row;
  const [first] = actsOn(alarm);
  const urgent = alarm.state === "unacknowledged" || alarm.state === "returned";
  const open = unfolded.has(alarm.id);
  return (
    <div class={`record alarm-record depth-${Math.min(depth, 4)}`} role="presentation">
      <span role="gridcell" class="pick">
        {acting && (
          <label class="pick">
            <input
              type="checkbox"
              aria-label={t("Choose {name}", { name: visible(`${alarm.name} ${alarm.device}`) })}
              checked={chosen.has(alarm.id)}
              onChange={(event) => onChoose([alarm.id], event.currentTarget.checked)}
            />
          </label>
        )}
      </span>
      <span role="gridcell" class="what">
        <SeverityMark severity={alarm.severity} />
        <span class="two">
          <span class="title">
            <DeviceText text={alarm.name} />
          </span>
          <span class="second">
            <DeviceText text={secondLine(alarm)} />
          </span>
        </span>
        {under > 0 && (
          <Button
            kind="quiet"
            class="under"
            icon={open ? "up" : "down"}
            aria-expanded={open}
            onClick={() => onFold(alarm.id)}
          >
            {tn("{n} suppressed", "{n} suppressed", under)}
          </Button>
        )}
      </span>
      <span role="gridcell" class="how">
        <StateTag alarm={alarm} />
        {alarm.acknowledged_by && alarm.state === "acknowledged" && (
          <span class="second cut">
            <DeviceText text={alarm.acknowledged_by} />
          </span>
        )}
        {alarm.shelved_until && (
          <span class="second cut">
            <Since time={alarm.shelved_until} />
          </span>
        )}
      </span>
      <span role="gridcell" class="since-cell">
        <Since time={wrongSince(alarm)} bare />
      </span>
      <span role="gridcell" class="told muted">
        {alarm.told[0] ? (
          <>
            <Icon name="notices" />{" "}
            <span class="number" title={t("{channel}, card {card}", { channel: visible(alarm.told[0].channel), card: alarm.told[0].card })}>
              {alarm.told[0].card}
            </span>
          </>
        ) : (
          <span title={t("nobody was told")}>–</span>
        )}
      </span>
      <span role="gridcell" class="do">
        {acting && urgent && first && <Button onClick={() => onAct(first, alarm)}>{actWord(first)}</Button>}
      </span>
    </div>
  );
}

function secondLine(alarm: Alarm): string {
  const place = [alarm.device, alarm.area === alarm.device ? "" : alarm.area];
  const why = alarm.suppressed_by ? t("Suppressed by {cause}", { cause: causeName(alarm.suppressed_by) }) : alarm.detail;
  return [...place, why].filter(Boolean).join(" · ");
}
