import type { JSX } from "preact";
import { api } from "../../api/client.ts";
import { usePaged } from "../../api/paged.ts";
import type { components } from "../../api/schema.d.ts";
import { t } from "../../i18n/index.ts";
import { formatTime } from "../../ui/format.ts";
import { Older } from "../../ui/Older.tsx";
import { Moment } from "../../ui/Since.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";

type Entry = components["schemas"]["JournalAnswer"];

interface Props {
  readonly alarm: string;
  /** Changes with the alarm: what happened to it is fetched again then. */
  readonly version: string;
}

/** What happened to an alarm, the newest first: when, who, what they said. */
export function Journal({ alarm, version }: Props): JSX.Element {
  const list = usePaged(
    ({ limit, next, signal }) => api.get("/api/v1/journal", { query: { alarm, limit, ...(next ? { next } : {}) }, signal }),
    30,
    [alarm, version],
  );
  return (
    <section class="stack">
      <h3>{t("Journal")}</h3>
      {list.known && list.items.length === 0 && <p class="muted">{t("Nothing happened to it yet that was kept.")}</p>}
      <ol class="journal">
        {list.items.map((entry) => (
          <li key={entry.id} class={entry.event}>
            <p>
              <strong>{eventWord(entry)}</strong>
              {whoOf(entry) && <span class="muted"> · {whoOf(entry)}</span>}
            </p>
            {entry.comment && (
              <p class="said">
                <DeviceText text={entry.comment} />
              </p>
            )}
            {entry.detail && entry.event !== "told" && (
              <p class="muted">
                <DeviceText text={entry.detail} />
              </p>
            )}
            <p class="when muted">
              <Moment time={entry.time} />
            </p>
          </li>
        ))}
      </ol>
      {(list.more || list.wrong !== null) && <Older list={list} />}
    </section>
  );
}

function whoOf({ user, via, host }: Entry): string {
  if (!via) return "";
  return [user, via, host].filter(Boolean).map(visible).join(", ");
}

function eventWord(entry: Entry): string {
  switch (entry.event) {
    case "raised":
      return t("Raised");
    case "worse":
      return t("Became worse");
    case "cleared":
      return t("Back to normal");
    case "withdrawn":
      return t("Taken back before anybody was told");
    case "suppressed":
      return entry.cause ? t("Suppressed by {cause}", { cause: visible(entry.cause) }) : t("Suppressed");
    case "released":
      return t("Not suppressed any more");
    case "told":
      return entry.detail === "cleared"
        ? t("Told that it is over: {channel}, card {card}", cardOf(entry))
        : t("Told: {channel}, card {card}", cardOf(entry));
    case "acknowledged":
      return t("Acknowledged");
    case "shelved":
      return entry.until ? t("Shelved until {time}", { time: formatTime(entry.until) }) : t("Shelved");
    case "unshelved":
      return entry.via ? t("Unshelved") : t("Not shelved any more: its time was over");
    case "out-of-service":
      return t("Taken out of service");
    case "in-service":
      return t("Back in service");
    case "undone":
      return t("Undone: it could not be kept");
  }
}

function cardOf({ channel, card }: Entry): { channel: string; card: string } {
  return { channel: visible(channel ?? ""), card: card === null ? "–" : String(card) };
}
