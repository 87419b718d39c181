// Texts for people: English is the key, a catalogue (src/locale/pt_BR.po) has the other language.
import { signal } from "@preact/signals";
import { keepChoice, readChoice } from "../app/choices.ts";

export type Language = "en" | "pt-BR";
export type Values = Readonly<Record<string, string | number>>;
type Catalogue = Readonly<Record<string, string | string[]>>;

export const LANGUAGES: readonly { code: Language; name: string }[] = [
  { code: "pt-BR", name: "Português" },
  { code: "en", name: "English" },
];

/** The language in use. Whatever calls t() while it renders is rendered again when this changes. */
export const language = signal<Language>("en");
const catalogue = signal<Catalogue>({});

/** Return `text`, which is English, in the language in use; `{name}` stands for a value. */
export function t(text: string, values?: Values): string {
  const found = catalogue.value[text];
  return fill((typeof found === "string" ? found : found?.[0]) ?? text, values); // a plural's first form is its singular
}

/** Return the form of a text that goes with `count`, which `{n}` stands for. */
export function tn(one: string, other: string, count: number, values?: Values): string {
  const form = new Intl.PluralRules(language.value).select(count) === "one" ? 0 : 1;
  const found = catalogue.value[one];
  const chosen = Array.isArray(found) ? found[form] : undefined;
  return fill(chosen ?? (form === 0 ? one : other), { n: count.toLocaleString(language.value), ...values });
}

/** Speak `code` from now on; `chosen` where somebody asked for it, so that it is kept. */
export async function speak(code: Language, chosen = false): Promise<void> {
  const texts: Catalogue = code === "pt-BR" ? (await import("../locale/pt_BR.po")).default : {};
  catalogue.value = texts;
  language.value = code;
  document.documentElement.lang = code;
  if (chosen) keepChoice("language", code);
}

/** Return the language to start with: the one chosen in this browser, or the site's, which the page came with. */
export function firstLanguage(): Language {
  const wanted = readChoice("language") ?? document.documentElement.lang;
  return LANGUAGES.find(({ code }) => code === wanted)?.code ?? "en";
}

function fill(text: string, values: Values | undefined): string {
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
