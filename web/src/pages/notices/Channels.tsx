// How each channel fares: what waits for it since when, and what it carried last.
import type { JSX } from "preact";
import { useAsk } from "../../api/ask.ts";
import { api } from "../../api/client.ts";
import type { components } from "../../api/schema.d.ts";
import { t, tn } from "../../i18n/index.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Since } from "../../ui/Since.tsx";
import { DeviceText } from "../../ui/Value.tsx";

export type Channel = components["schemas"]["ChannelAnswer"];

/** Ask how the channels fare, again when `version` changes. */
export function useChannels(version: string): readonly Channel[] {
  const { answer } = useAsk((signal) => api.get("/api/v1/outbox/channels", { signal }), [version]);
  return answer?.items ?? [];
}

/** A line for each channel: whether people hear of what happens. */
export function Channels({ channels }: { readonly channels: readonly Channel[] }): JSX.Element | null {
  if (channels.length === 0) return null;
  return (
    <ul class="channels" aria-label={t("Channels")}>
      {channels.map(({ name, waiting, oldest, newest_failed: failed, newest_sent: sent }) => (
        <li key={name} class={failed ? "failed" : ""}>
          <Icon name="notices" />
          <strong>
            <DeviceText text={name} />
          </strong>
          {waiting > 0 && oldest !== null ? (
            <span class={failed ? "bad" : ""}>
              {tn("{n} waits", "{n} wait", waiting)} · <Since time={oldest} bare />
            </span>
          ) : (
            <span class="muted">{t("nothing waits")}</span>
          )}
          {failed ? (
            <span class="bad grow cut">
              <DeviceText text={failed.error} cut />
            </span>
          ) : (
            sent?.delivered_at && (
              <span class="muted">
                {t("last card {card}", { card: sent.card ?? "–" })} · <Since time={sent.delivered_at} />
              </span>
            )
          )}
        </li>
      ))}
    </ul>
  );
}
