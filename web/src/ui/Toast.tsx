// Short words about what was just done, at the edge of the page; read out, and gone by themselves.
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { Button } from "./Button.tsx";

interface Message {
  readonly id: number;
  readonly kind: "good" | "minor" | "major";
  readonly text: string;
}

const GOOD_MS = 6_000;
const BAD_MS = 20_000; // long enough to read why
const MOST = 4;

const messages = signal<readonly Message[]>([]);
let last = 0;

/** Show `text`: good for what was done, minor for what waits, major for what was not. */
export function toast(kind: Message["kind"], text: string): void {
  const id = ++last;
  messages.value = [...messages.value.slice(1 - MOST), { id, kind, text }];
  setTimeout(() => drop(id), kind === "good" ? GOOD_MS : BAD_MS);
}

function drop(id: number): void {
  messages.value = messages.value.filter((message) => message.id !== id);
}

/** Where they appear. Rendered once, by the shell. */
export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="log" aria-live="polite" aria-label={t("Messages")}>
      {messages.value.map(({ id, kind, text }) => (
        <div key={id} class={`toast note ${kind}`}>
          <span>{text}</span>
          <Button kind="quiet" icon="close" label={t("Close")} onClick={() => drop(id)} />
        </div>
      ))}
    </div>
  );
}
