// A setting as it stands: what was asked for beside what holds, and where they differ why, and who asked.
import type { JSX } from "preact";
import { t } from "../../i18n/index.ts";
import { Since } from "../../ui/Since.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText, Value } from "../../ui/Value.tsx";
import { agree, declarationOf, openSetting, reading, standingOf, type Parameter, type Reactor } from "./model.ts";
import { parameterWord } from "./words.ts";

interface Props {
  readonly reactor: Reactor;
  readonly parameter: Parameter;
}

/** A row of the settings' table. */
export function SettingRow({ reactor, parameter }: Props): JSX.Element {
  const declaration = declarationOf(parameter);
  const same = agree(parameter);
  const open = openSetting(standingOf(reactor), parameter);
  return (
    <>
      <tr class={`setting ${open ? open.state : same === false ? "differs" : ""}`}>
        <th scope="row" title={visible(parameter.description)}>
          {parameterWord(parameter)}
        </th>
        <td>
          <Value declaration={declaration} reading={reading(parameter.desired)} mark={false} />
        </td>
        <td>
          <span class="sign" aria-hidden="true">
            {same === undefined ? "" : same ? "=" : "≠"}
          </span>
          <Value declaration={declaration} reading={reading(parameter.reported)} />
        </td>
      </tr>
      {open && (
        <tr class="setting-why">
          <td colSpan={3}>
            <Asked reactor={reactor} parameter={parameter} />
          </td>
        </tr>
      )}
    </>
  );
}

/** Pending or rejected, why, since when and who asked; nothing where the setting holds. */
export function Asked({ reactor, parameter }: Props): JSX.Element | null {
  const open = openSetting(standingOf(reactor), parameter);
  if (!open) return null;
  const rejected = open.state === "rejected";
  return (
    <span class={`asked ${open.state}`}>
      <strong>{rejected ? t("Rejected") : t("Pending")}</strong>
      {rejected && open.reason && (
        <>
          : <DeviceText text={open.reason} />
        </>
      )}
      <span class="muted">
        {" "}
        · <Since time={open.time} /> · {t("asked by")} <DeviceText text={open.by} />
      </span>
    </span>
  );
}
