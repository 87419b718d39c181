// What a pump gave, against what it may.
import type { JSX } from "preact";
import { t } from "../../i18n/index.ts";
import { reading, type Part } from "./model.ts";
import { parameterWord, withUnit } from "./words.ts";

const NAMES = ["DoseHour", "DoseDay"];

/** A bar for each limit: by what the agent's ledger says counts against it. */
export function Budgets({ part }: { readonly part: Part }): JSX.Element | null {
  const found = part.parameters.filter(({ role, name }) => role === "reading" && NAMES.includes(name));
  if (found.length === 0) return null;
  return (
    <dl class="budgets">
      {found.map((one) => {
        const value = reading(one.reported)?.value;
        const most = one.limits?.[1];
        const part_ = typeof value === "number" && most ? Math.min(1, value / most) : 0;
        return (
          <div key={one.name} class={part_ >= 0.9 ? "nearly" : ""}>
            <dt>{parameterWord(one)}</dt>
            <dd>
              <span class="number">
                {typeof value === "number" ? withUnit(value, null) : "–"} {most ? t("of {most}", { most: withUnit(most, one.units) }) : `${one.units ?? ""} · ${t("no limit")}`}
              </span>
              {most !== undefined && (
                <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                  <rect class="all" width="100" height="4" />
                  <rect class="part" width={part_ * 100} height="4" />
                </svg>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
