// How each channel fares: what waits for it since when, and what it carried last.
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { useAsk } from "../../api/ask.ts";
import { api } from "../../api/client.ts";
import type { Notice } from "../../api/types.ts";
import { t, tn } from "../../i18n/index.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Since } from "../../ui/Since.tsx";
import { DeviceText } from "../../ui/Value.tsx";

const MOST = 1_000;

export interface Channel {
  readonly name: string;
  readonly waiting: number;
  /** The oldest notice that waits. */
  readonly oldest: Notice | undefined;
  /** The newest that failed, and waits for another attempt. */
  readonly failed: Notice | undefined;
  /** The newest that was sent. */
  readonly sent: Notice | undefined;
}

/** Ask how the channels fare, again when `version` changes. `seen` are notices that are known already. */
export function useChannels(version: string, seen: readonly Notice[]): Channel[] {
  const { answer } = useAsk(
    async (signal) => {
      const [waiting, failed, sent] = await Promise.all(
        (["waiting", "failed", "sent"] as const).map((state) => api.get("/api/v1/outbox", { query: { state, limit: MOST }, signal })),
      );
      return { waiting: waiting?.items ?? [], failed: failed?.items ?? [], sent: sent?.items ?? [] };
    },
    [version],
  );
  return useMemo(() => {
    const { waiting, failed, sent } = answer ?? { waiting: [], failed: [], sent: [] };
    const names = new Set([...waiting, ...failed, ...sent, ...seen].map(({ channel }) => channel));
    return [...names].sort().map((name) => {
      const mine = (notices: readonly Notice[]) => notices.filter(({ channel }) => channel === name);
      const open = [...mine(waiting), ...mine(failed)];
      return {
        name,
        waiting: open.length,
        oldest: open.reduce<Notice | undefined>((oldest, one) => (!oldest || one.created_at < oldest.created_at ? one : oldest), undefined),
        failed: mine(failed)[0],
        sent: mine(sent).reduce<Notice | undefined>(
          (newest, one) => (!newest || (one.delivered_at ?? "") > (newest.delivered_at ?? "") ? one : newest),
          undefined,
        ),
      };
    });
  }, [answer, seen]);
}

/** A line for each channel: whether people hear of what happens. */
export function Channels({ channels }: { readonly channels: readonly Channel[] }): JSX.Element | null {
  if (channels.length === 0) return null;
  return (
    <ul class="channels" aria-label={t("Channels")}>
      {channels.map(({ name, waiting, oldest, failed, sent }) => (
        <li key={name} class={failed ? "failed" : ""}>
          <Icon name="notices" />
          <strong>
            <DeviceText text={name} />
          </strong>
          {waiting > 0 && oldest ? (
            <span class={failed ? "bad" : ""}>
              {tn("{n} waits", "{n} wait", waiting)} · <Since time={oldest.created_at} bare />
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
