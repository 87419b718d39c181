// A search whose words are in the page's address, as `q`, a moment after the last key.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { setQuery } from "../app/router.ts";
import { t } from "../i18n/index.ts";
import { Icon } from "./Icon.tsx";

const AFTER_MS = 120; // so that typing does not make a hundred steps

interface SearchProps {
  /** The words that the address has now. */
  readonly text: string;
  /** What is searched, in a few words. */
  readonly placeholder: string;
  readonly class: string;
}

/** The field. */
export function Search({ text, placeholder, class: kind }: SearchProps): JSX.Element {
  const [typed, setTyped] = useState(text);
  const sent = useRef(text);
  useEffect(() => {
    if (text !== sent.current) setTyped(text); // somebody else changed it; what was typed since it was sent stays
    sent.current = text;
  }, [text]);
  useEffect(() => {
    if (typed === text) return undefined;
    const timer = setTimeout(() => {
      sent.current = typed;
      setQuery({ q: typed || null });
    }, AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <label class={kind}>
      <Icon name="search" />
      <span class="sr-only">{t("Search")}</span>
      <input
        class="input"
        type="search"
        placeholder={placeholder}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
    </label>
  );
}
