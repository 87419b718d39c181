import type { JSX } from "preact";
import { SEVERITIES, type Point } from "../../api/types.ts";
import { setQuery } from "../../app/router.ts";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { Search } from "../../ui/Search.tsx";
import { severityWord } from "../../ui/Severity.tsx";
import { visible } from "../../ui/text.ts";
import { choices, leavesOut, OWN, type Filter } from "./filter.ts";

interface Props {
  readonly points: readonly Point[];
  readonly filter: Filter;
}

/** The search and the choices that narrow the list. */
export function Filters({ points, filter }: Props): JSX.Element {
  const all = { value: "", label: t("All") };
  const named = (field: "device" | "link") => [all, ...choices(points, field).map((value) => ({ value, label: visible(value) }))];
  const systems = [all, ...choices(points, "system").map((value) => ({ value, label: systemWord(value) }))];
  const severities = [
    all,
    { value: "wrong", label: t("Not normal") },
    ...SEVERITIES.map((value) => ({ value: value as string, label: severityWord(value) })),
  ];
  const accesses = [all, { value: "rw", label: t("Can be written") }, { value: "r", label: t("Only read") }];
  return (
    <div class="filters" role="search" aria-label={t("Points")}>
      <Search text={filter.q} placeholder={t("Name, description or device")} class="search" />
      {systems.length > 2 && <Choice name="system" label={t("System")} value={filter.system} options={systems} />}
      <Choice name="device" label={t("Device")} value={filter.device} options={named("device")} />
      <Choice name="link" label={t("Link")} value={filter.link} options={named("link")} />
      <Choice name="severity" label={t("Severity")} value={filter.severity} options={severities} />
      <Choice name="access" label={t("Access")} value={filter.access} options={accesses} />
      {leavesOut(filter) && (
        <Button kind="quiet" icon="close" onClick={clearFilter}>
          {t("Show all")}
        </Button>
      )}
    </div>
  );
}

/** Show every point again. */
export function clearFilter(): void {
  setQuery({ q: null, system: null, device: null, link: null, severity: null, access: null });
}

/** Return what a system is called. */
export function systemWord(system: string): string {
  return system === OWN ? "Vigilia" : visible(system);
}

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

function Choice({ name, label, value, options }: ChoiceProps): JSX.Element {
  const known = options.some((option) => option.value === value);
  return (
    <label class={`choice ${value ? "chosen" : ""}`}>
      <span>{label}</span>
      <select value={value} onChange={(event) => setQuery({ [name]: event.currentTarget.value || null })}>
        {!known && <option value={value}>{visible(value)}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}
