import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAsk } from "../../api/ask.ts";
import { api } from "../../api/client.ts";
import { sentenceOf } from "../../api/failure.ts";
import { t } from "../../i18n/index.ts";
import { query, setQuery } from "../../app/router.ts";
import { Button } from "../../ui/Button.tsx";
import { formatTime } from "../../ui/format.ts";
import { toast } from "../../ui/Toast.tsx";
import { saveFile } from "./download.ts";

const WEEKS = 520;

/** Chooses a week, and fetches its workbook. */
export function WeeklyReport(): JSX.Element {
  const { answer, wrong } = useAsk((signal) => api.get("/api/v1/reports", { query: { limit: WEEKS }, signal }), []);
  const [busy, setBusy] = useState(false);
  const weeks = answer?.items ?? [];
  const chosen = weeks.find(({ week }) => week === query.value.get("week")) ?? weeks.find(({ complete }) => complete) ?? weeks[0];
  const fetchIt = async () => {
    if (!chosen) return;
    setBusy(true);
    try {
      await saveFile(chosen.path, chosen.file);
      toast("good", t("Saved: {file}", { file: chosen.file }));
    } catch (error) {
      toast("major", sentenceOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="weekly row end" role="group" aria-label={t("Weekly report")}>
      <span class="muted label">{t("Weekly report")}</span>
      <select
        class="input"
        aria-label={t("Week")}
        disabled={weeks.length === 0}
        value={chosen?.week ?? ""}
        onChange={(event) => setQuery({ week: event.currentTarget.value })}
      >
        {weeks.length === 0 && <option value="">{wrong === null ? t("Loading") : t("not to be had")}</option>}
        {weeks.map(({ week, last, complete }) => (
          <option key={week} value={week}>
            {complete
              ? t("{from} to {to}", { from: day(week), to: day(last) })
              : t("{from} to today", { from: day(week) })}
          </option>
        ))}
      </select>
      <Button icon="download" busy={busy} disabled={!chosen} onClick={fetchIt}>
        {t("XLSX")}
      </Button>
    </div>
  );
}

/** Return a day of the site as people write it: it has no zone, and is the same everywhere. */
function day(iso: string): string {
  return new Date(`${iso}T12:00:00`).getTime() ? formatTime(new Date(`${iso}T12:00:00`).getTime(), { dateStyle: "short" }) : iso;
}
