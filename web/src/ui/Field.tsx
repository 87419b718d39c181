// Form fields, plain ones and those made from a parameter's declaration. The page keeps the text; they only show it.
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { visible } from "./text.ts";
import { numberOf, parseValue, rangeText, type ValueDeclaration } from "./values.ts";

export { draftOf, parseValue, type Parsed, type ValueDeclaration } from "./values.ts";

interface FieldProps {
  readonly label: ComponentChildren;
  readonly hint?: ComponentChildren;
  /** What is wrong with what was entered; read out when it appears. */
  readonly wrong?: string;
  /** Makes the control; `ids` connect it with its texts. */
  readonly children: (ids: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean }) => JSX.Element;
}

/** A label, a control, a hint, and what is wrong. */
export function Field({ label, hint, wrong = "", children }: FieldProps): JSX.Element {
  const id = useId();
  const described = [hint !== undefined && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": wrong !== "" })}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {wrong && (
        <p class="wrong" id={`${id}-wrong`} role="alert">
          {wrong}
        </p>
      )}
    </div>
  );
}

interface TextFieldProps {
  readonly label: ComponentChildren;
  readonly value: string;
  readonly onInput: (text: string) => void;
  readonly hint?: ComponentChildren;
  readonly wrong?: string;
  readonly type?: "text" | "password" | "search" | "datetime-local";
  readonly autocomplete?: string;
  readonly autofocus?: boolean;
  readonly required?: boolean;
  readonly lines?: number;
  readonly maxLength?: number;
}

/** A text; of several lines where `lines` says so. */
export function TextField(props: TextFieldProps): JSX.Element {
  const { label, value, onInput, hint, wrong, type = "text", lines, ...others } = props;
  const kind = type as "text"; // what the other types take is the same
  const common = { ...others, value, onInput: (event: InputEvent) => onInput((event.currentTarget as HTMLInputElement).value) };
  return (
    <Field label={label} {...optional({ hint, wrong })}>
      {(ids) => (lines ? <textarea class="input" rows={lines} {...common} {...ids} /> : <input class="input" type={kind} {...common} {...ids} />)}
    </Field>
  );
}

interface SelectFieldProps {
  readonly label: ComponentChildren;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (value: string) => void;
  readonly hint?: ComponentChildren;
}

/** One of several. */
export function SelectField({ label, value, options, onChange, hint }: SelectFieldProps): JSX.Element {
  return (
    <Field label={label} {...optional({ hint })}>
      {(ids) => (
        <select class="input" value={value} onChange={(event) => onChange(event.currentTarget.value)} {...ids}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface ValueFieldProps {
  readonly label: ComponentChildren;
  readonly declaration: ValueDeclaration;
  readonly draft: string;
  readonly onDraft: (draft: string) => void;
  readonly hint?: ComponentChildren;
  /** Shown instead of what parseValue says: what the service answered. */
  readonly wrong?: string;
  readonly autofocus?: boolean;
}

const MOST_CHOICES = 4; // more labels than this go into a menu

/** The control for a value of any kind: choices side by side or a menu, a number with its limits, a text. */
export function ValueField(props: ValueFieldProps): JSX.Element {
  const { label, declaration, draft, onDraft, hint, wrong, autofocus = false } = props;
  const { kind, limits, units, step } = declaration;
  const labels = declaration.labels?.length ? declaration.labels : kind === "boolean" ? [t("false"), t("true")] : [];
  if (labels.length > MOST_CHOICES) {
    const options = labels.map((text, index) => ({ value: String(index), label: visible(text) }));
    const empty = draft === "" ? [{ value: "", label: "–" }] : [];
    return <SelectField label={label} value={draft} options={[...empty, ...options]} onChange={onDraft} {...optional({ hint })} />;
  }
  if (labels.length > 0) {
    return <Choices label={label} labels={labels} draft={draft} onDraft={onDraft} autofocus={autofocus} {...optional({ hint })} />;
  }
  if (kind === "text") {
    return <TextField label={label} value={draft} onInput={onDraft} autofocus={autofocus} {...optional({ hint, wrong })} />;
  }
  const range = limits ? rangeText(limits[0] ?? 0, limits[1] ?? 0, units) : undefined;
  const shownWrong = wrong ?? (draft === "" ? "" : (parseValue(declaration, draft).wrong ?? ""));
  return (
    <Field label={label} {...optional({ hint: hint ?? (shownWrong ? undefined : range) })} wrong={shownWrong}>
      {(ids) => (
        <span class="with-units">
          <input
            class="input number"
            inputMode="decimal"
            autocomplete="off"
            autofocus={autofocus}
            value={draft}
            onInput={(event) => onDraft(event.currentTarget.value)}
            onKeyDown={(event) => stepBy(event, declaration, draft, onDraft)}
            {...ids}
          />
          {units && <span class="units">{visible(units)}</span>}
          {step != null && limits && (
            <input
              class="slider"
              type="range"
              tabIndex={-1}
              aria-hidden="true"
              min={limits[0]}
              max={limits[1]}
              step={step}
              value={draft}
              onInput={(event) => onDraft(event.currentTarget.value)}
            />
          )}
        </span>
      )}
    </Field>
  );
}

/** Up and down change a number by its step, as they do in a number field; which itself knows no comma. */
function stepBy(event: KeyboardEvent, { limits, step }: ValueDeclaration, draft: string, onDraft: (draft: string) => void): void {
  const sign = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
  const present = numberOf(draft);
  if (sign === 0 || !Number.isFinite(present)) return;
  event.preventDefault();
  const by = step ?? 1;
  const next = Math.min(limits?.[1] ?? Infinity, Math.max(limits?.[0] ?? -Infinity, present + sign * by));
  onDraft(String(Number(next.toPrecision(12)))); // 0.1 + 0.2 is 0.3 to people
}

interface ChoicesProps {
  readonly label: ComponentChildren;
  readonly labels: readonly string[];
  readonly draft: string;
  readonly onDraft: (draft: string) => void;
  readonly hint?: ComponentChildren;
  readonly autofocus: boolean;
}

function Choices({ label, labels, draft, onDraft, hint, autofocus }: ChoicesProps): JSX.Element {
  const name = useId();
  return (
    <fieldset class="field choices">
      <legend>{label}</legend>
      <div class="segments">
        {labels.map((text, index) => (
          <label key={text}>
            <input
              type="radio"
              name={name}
              value={index}
              checked={draft === String(index)}
              autofocus={autofocus && (draft === String(index) || (draft === "" && index === 0))}
              onChange={() => onDraft(String(index))}
            />
            <span>{visible(text)}</span>
          </label>
        ))}
      </div>
      {hint !== undefined && <p class="hint">{hint}</p>}
    </fieldset>
  );
}

/** Leave out what is undefined: an optional property is there, or it is not. */
function optional<T extends object>(properties: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
