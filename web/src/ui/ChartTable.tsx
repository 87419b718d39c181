import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { t, tn } from "../i18n/index.ts";
import type { Curve } from "./chartdata.ts";
import { formatNumber, formatTime, formatValue } from "./format.ts";
import { severityWord } from "./Severity.tsx";
import { visible } from "./text.ts";

const MOST = 500; // rows of one curve: more is for a file, not for reading

/** What a chart draws, as figures: for those who do not see it, and for texts, which have no curve. */
export function ChartTable({ curves }: { readonly curves: readonly Curve[] }): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <details class="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("As a table")}</summary>
      {open && curves.map((curve) => <CurveTable key={curve.name} curve={curve} />)}
    </details>
  );
}

function CurveTable({ curve }: { readonly curve: Curve }): JSX.Element {
  const { points, resolution_s: resolution } = curve.series;
  const shown = points.slice(-MOST);
  const ranged = resolution > 0 && points.some(({ min }) => min !== null);
  const number = (value: number | null) => (value === null ? "–" : formatNumber(value, curve.precision ?? 3));
  return (
    <div class="table-frame" tabIndex={0} role="region" aria-label={visible(curve.name)}>
      <table class="table">
        <caption>
          <bdi>{visible(curve.name)}</bdi>
          {shown.length < points.length && ` · ${tn("the last row", "the last {n} rows", shown.length)}`}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("Time")}</th>
            <th scope="col" class="number">
              {t("Value")} {curve.units && visible(curve.units)}
            </th>
            {ranged && (
              <>
                <th scope="col" class="number">
                  {t("Smallest")}
                </th>
                <th scope="col" class="number">
                  {t("Largest")}
                </th>
              </>
            )}
            <th scope="col">{t("Severity")}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ time, value, min, max, severity }) => (
            <tr key={time}>
              <td class="number">{formatTime(time)}</td>
              <td class="number">{value === null ? t("nothing known") : formatValue(curve, value)}</td>
              {ranged && (
                <>
                  <td class="number">{number(min)}</td>
                  <td class="number">{number(max)}</td>
                </>
              )}
              <td>{severityWord(severity)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
