import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { session, sessionEnded, signInAgain, signOut } from "../api/session.ts";
import { sentenceOf } from "../api/failure.ts";
import { language, LANGUAGES, speak, t, tn, type Language } from "../i18n/index.ts";
import { live } from "../live/index.ts";
import type { Page } from "../pages.ts";
import { Button } from "../ui/Button.tsx";
import { Icon, type IconName } from "../ui/Icon.tsx";
import { toast } from "../ui/Toast.tsx";
import { visible } from "../ui/text.ts";
import { PasswordDialog } from "./PasswordDialog.tsx";
import { listedPages, SIGN_IN, signInHere } from "./places.ts";
import { go, path } from "./router.ts";
import { roleWord } from "./roles.ts";
import { keysShown } from "./shortcuts.ts";
import { chooseTheme, theme, THEMES, type Theme } from "./theme.ts";

const ON_THE_BAR = 4; // pages in the bottom bar of a phone; the others are in its menu

/** Beside the page on a wide window; a bar below it, with a menu, on a phone. */
export function Navigation(): JSX.Element {
  const [open, setOpen] = useState(false);
  const here = path.value;
  useEffect(() => setOpen(false), [here]);
  useEffect(() => {
    if (!open) return undefined;
    const close = (event: KeyboardEvent) => event.key === "Escape" && setOpen(false);
    document.addEventListener("keydown", close);
    return () => document.removeEventListener("keydown", close);
  }, [open]);
  return (
    <nav class={`navigation ${open ? "open" : ""}`} aria-label={t("Pages")}>
      <a class="brand" href="/">
        <Eye />
        <span>
          <strong>Vigilia</strong>
          {session.value?.site && session.value.site !== "Vigilia" && <small class="cut">{visible(session.value.site)}</small>}
        </span>
      </a>
      <ul class="pages">
        {listedPages().map((page, index) => (
          <li key={page.path} class={index < ON_THE_BAR ? "" : "in-menu"}>
            <PageLink page={page} here={here} />
          </li>
        ))}
      </ul>
      <div class="preferences">
        <Who />
        <Preferences />
      </div>
      <button type="button" class="menu-button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? "close" : "menu"} />
        <span>{t("Menu")}</span>
      </button>
    </nav>
  );
}

function PageLink({ page, here }: { readonly page: Page; readonly here: string }): JSX.Element {
  const count = page.path === "/alarms" ? unacknowledged() : 0;
  return (
    <a href={page.path} aria-current={here === page.path ? "page" : undefined}>
      <Icon name={page.icon} />
      <span class="cut">{t(page.title)}</span>
      {count > 0 && (
        <span class="count number" aria-label={tn("{n} unacknowledged", "{n} unacknowledged", count)}>
          {count > 999 ? "999+" : count}
        </span>
      )}
    </a>
  );
}

function unacknowledged(): number {
  let count = 0;
  for (const { state } of live.alarms.value.values()) if (state === "unacknowledged" || state === "returned") count += 1;
  return count;
}

function Who(): JSX.Element | null {
  const [changing, setChanging] = useState(false);
  const who = session.value;
  if (!who?.signin_required) return null;
  if (who.user === null || sessionEnded.value) {
    if (path.value === SIGN_IN) return null;
    return (
      <Button kind="quiet" icon="sign-in" onClick={() => (sessionEnded.value ? void signInAgain() : go(signInHere()))}>
        {t("Sign in")}
      </Button>
    );
  }
  const leave = () => signOut().catch((error: unknown) => toast("major", sentenceOf(error)));
  return (
    <div class="who">
      <span class="name">
        <strong class="cut">{visible(who.user)}</strong>
        <span class="muted">{roleWord(who.role)}</span>
      </span>
      <Button kind="quiet" icon="key" label={t("Change password")} onClick={() => setChanging(true)} />
      <Button kind="quiet" icon="sign-out" label={t("Sign out")} onClick={leave} />
      {changing && <PasswordDialog user={who.user} onClose={() => setChanging(false)} />}
    </div>
  );
}

const THEME_ICONS: Readonly<Record<Theme, IconName>> = { auto: "auto", light: "sun", dark: "moon" };

function Preferences(): JSX.Element {
  const words: Readonly<Record<Theme, string>> = { auto: t("As the system"), light: t("Light"), dark: t("Dark") };
  return (
    <div class="switches">
      <label class="switch" title={t("Language")}>
        <Icon name="language" />
        <span class="sr-only">{t("Language")}</span>
        <select value={language.value} onChange={(event) => void speak(event.currentTarget.value as Language, true)}>
          {LANGUAGES.map(({ code, name }) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="switch" title={t("Colours")}>
        <Icon name={THEME_ICONS[theme.value]} />
        <span class="sr-only">{t("Colours")}</span>
        <select value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
          {THEMES.map((name) => (
            <option key={name} value={name}>
              {words[name]}
            </option>
          ))}
        </select>
      </label>
      <Button kind="quiet" icon="help" class="keys-button" onClick={() => (keysShown.value = true)}>
        {t("Keys")}
      </Button>
    </div>
  );
}

function Eye(): JSX.Element {
  return (
    <svg class="eye" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M2.5 16c4.5-6.8 9-9.5 13.500-9.500S25 9.200 29.500 16c-4.500 6.800-9 9.500-13.500 9.500S7 22.800 2.500 16z" />
      <circle cx="16" cy="16" r="4.500" />
    </svg>
  );
}
