// What stands around every page: navigation, what must be said at once, and the page itself.
import type { ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { may, session } from "../api/session.ts";
import { language, t } from "../i18n/index.ts";
import { useLive } from "../live/index.ts";
import type { Page } from "../pages.ts";
import { Toasts } from "../ui/Toast.tsx";
import { ErrorBoundary } from "./ErrorBoundary.tsx";
import { Keys } from "./Keys.tsx";
import { Navigation } from "./Navigation.tsx";
import { NotFound } from "./NotFound.tsx";
import { NotForYou } from "./NotForYou.tsx";
import { OutOfTouch } from "./OutOfTouch.tsx";
import { pageAt, SIGN_IN, signInHere } from "./places.ts";
import { go, path } from "./router.ts";
import { SignInDialog } from "./SignInDialog.tsx";

/** The whole window. */
export function Shell(): JSX.Element {
  const here = path.value;
  const page = pageAt(here);
  const main = useRef<HTMLElement>(null);
  useTitle(page);
  useSignIn(here);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t("Skip to the page")}
      </a>
      <Navigation />
      <div class="around">
        <OutOfTouch />
        <main id="main" ref={main} tabIndex={-1}>
          <ErrorBoundary place={here}>{page ? <Loaded key={page.path} page={page} /> : <NotFound path={here} />}</ErrorBoundary>
        </main>
      </div>
      <Toasts />
      <Keys />
      <SignInDialog />
    </>
  );
}

/**
 * What the shell itself follows: alarms for their count, health for what pages say of the watch. It comes with the page,
 * so that the stream is opened once, for both.
 */
function ShellStream(): null {
  useLive({ watch: ["alarms", "health"] });
  return null;
}

const loaded = new Map<string, ComponentType>();

/** A page's component, loaded when it is first gone to. */
function Loaded({ page }: { readonly page: Page }): JSX.Element {
  const [component, setComponent] = useState<{ is: ComponentType } | null>(() => {
    const known = loaded.get(page.path);
    return known ? { is: known } : null;
  });
  const [wrong, setWrong] = useState<{ is: unknown } | null>(null);
  useEffect(() => {
    let left = false;
    page.load().then(
      (module) => {
        loaded.set(page.path, module.default);
        if (!left) setComponent({ is: module.default });
      },
      (error: unknown) => !left && setWrong({ is: error }),
    );
    return () => {
      left = true;
    };
  }, [page]);
  if (wrong) throw new Error(t("The page could not be loaded. After an update of Vigilia, load it again."), { cause: wrong.is });
  // What a page asks for before it is known who is there would only be refused.
  const open = page.path === SIGN_IN;
  if (!component || !(open || session.value?.role)) return <div class="page loading" aria-busy="true" aria-label={t("Loading")} />;
  if (!open && !may(page.role)) return <NotForYou page={page} />;
  const Component = component.is;
  return (
    <>
      {session.value?.role && <ShellStream />}
      <Component />
    </>
  );
}

/** Where nobody may read without signing in, ask them to: on the page for it, which leads back here. */
function useSignIn(here: string): void {
  const stranger = session.value !== null && session.value.role === null;
  useEffect(() => {
    if (!stranger || here === SIGN_IN) return;
    go(signInHere(), { replace: true });
  }, [stranger, here]);
}

function useTitle(page: Page | undefined): void {
  const title = page ? t(page.title) : t("There is no such page");
  const site = session.value?.site ?? "Vigilia";
  useEffect(() => {
    document.title = `${title} · ${site}`;
  }, [title, site, language.value]);
}
