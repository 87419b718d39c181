// Files that the service makes: fetched, so that a refusal can be said, and then saved by the browser.
import { ApiFailure } from "../../api/failure.ts";
import { signInAgain } from "../../api/session.ts";
import { t } from "../../i18n/index.ts";

const LONGEST_MS = 90_000; // a week with many incidents takes its time

/** Fetch `path` and have the browser save it as `name`. Throws ApiFailure. */
export async function saveFile(path: string, name: string): Promise<void> {
  let answer = await fetchFile(path);
  if (answer.status === 401 && (await signInAgain())) answer = await fetchFile(path);
  if (!answer.ok) {
    const said = (await answer.json().catch(() => null)) as { error?: string; detail?: string } | null;
    throw new ApiFailure(answer.status, said?.error ?? "failed", said?.detail ?? t("Vigilia answered {status}", { status: answer.status }));
  }
  const address = URL.createObjectURL(await answer.blob());
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function fetchFile(path: string): Promise<Response> {
  try {
    return await fetch(path, { signal: AbortSignal.timeout(LONGEST_MS), credentials: "same-origin", cache: "no-store" });
  } catch {
    throw new ApiFailure(0, "out-of-touch", t("Vigilia does not answer: try again later."));
  }
}
