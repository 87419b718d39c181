import { render } from "preact";
import { refreshSession, session } from "./api/session.ts";
import { startRouter } from "./app/router.ts";
import { Shell } from "./app/Shell.tsx";
import { startShortcuts } from "./app/shortcuts.ts";
import { firstLanguage, speak } from "./i18n/index.ts";
import { startClock } from "./live/clock.ts";
import { startLive } from "./live/index.ts";
import { watchScheme } from "./ui/palette.ts";

startRouter();
startShortcuts();
startLive();
startClock();
watchScheme();

const asked = refreshSession();
void speak(firstLanguage()).finally(() => {
  const app = document.getElementById("app");
  if (app) render(<Shell />, app);
});

// A service that did not answer is asked again until it does: the page may be older than its start.
void (async () => {
  for (let known = await asked; !known || session.value === null; known = await refreshSession()) {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
})();
