"""Playwright in a thread of its own, and what every page must pass.

Playwright's synchronous interface keeps an event loop running in its thread, which pytest-asyncio's tests do not bear
in theirs. So one thread of each worker has the browser, and tests of pages run there, as conftest.py has it.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests.pages import ROOT

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 15_000
_CHOOSE = """if (location.protocol === "http:") localStorage["vigilia.language"] ??= "%s";"""
_POLICY = """addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI, sourceFile}) =>
    console.error(`against the policy: ${violatedDirective} ${blockedURI} ${sourceFile}`));"""
_AXE_FINDS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
    ({id, impact, help, nodes}) => ({id, impact, help, nodes: nodes.map(({html, failureSummary}) =>
        `${html.slice(0, 200)} ${failureSummary}`)})
)"""
SERIOUS = {"serious", "critical"}
PICTURES_WANTED = os.environ.get("VIGILIA_PICTURES") == "1"  # read before tests get a clean environment
T = TypeVar("T")
expect.set_options(timeout=WAIT_MS)  # a busy machine is slow, and that is no fault of a page


@dataclass(frozen=True)
class Look:
    """How somebody looks at a page."""

    device: Literal["desktop", "phone"] = "desktop"
    language: Literal["en", "pt-BR", "site"] = "en"
    """"site": none was chosen in this browser."""
    theme: Literal["light", "dark"] = "light"

    def __str__(self) -> str:
        return f"{self.device}-{self.language}-{self.theme}"

    @property
    def context(self) -> dict[str, Any]:
        """What makes such a context."""
        phone = self.device == "phone"
        return {
            "viewport": {"width": 390, "height": 844} if phone else {"width": 1280, "height": 800},
            "has_touch": phone,
            "is_mobile": phone,
            "device_scale_factor": 1,
            "color_scheme": self.theme,
            "locale": "en-GB" if self.language == "en" else "pt-BR",
            "timezone_id": "America/Sao_Paulo",
            "reduced_motion": "reduce",
        }


LOOKS = (
    Look(),
    Look("desktop", "pt-BR", "dark"),
    Look("phone", "pt-BR", "light"),
    Look("phone", "en", "dark"),
)
"""Both of each; whoever needs more combinations makes them."""


class BrowserThread:
    """The thread that has the browser."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="browser")
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self.ident = self._executor.submit(threading.get_ident).result()

    def run(self, work: Callable[[], T]) -> T:
        """Do `work` in the thread; return what it returns, raise what it raises."""
        if threading.get_ident() == self.ident:
            return work()
        return self._executor.submit(work).result()

    def browser(self) -> Browser:
        """Return the browser, started when it is first asked for. Only in the thread."""
        if self._browser is None:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        return self._browser

    def close(self) -> None:
        """End everything."""

        def end() -> None:
            if self._browser and self._playwright:
                self._browser.close()
                self._playwright.stop()

        self.run(end)
        self._executor.shutdown()


class Visit:
    """One browser context, and what went wrong in its pages."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context = context
        self.base = base
        self.wrong: list[str] = []
        context.on("console", self._said)
        context.on("weberror", lambda error: self.wrong.append(f"uncaught: {error.error}"))
        context.on("request", self._asked)
        context.on("response", self._answered)

    def open(self, path: str) -> Page:
        """Open a page of the service, and wait until it shows something."""
        page = self.context.new_page()
        page.goto(self.base + path)
        page.locator("main h1").first.wait_for()
        return page

    def _said(self, message: ConsoleMessage) -> None:
        # That a request failed is said there too. It is the page's to show, and the test's to see: assets apart.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.wrong.append(f"console {message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.base + "/", "data:", "blob:")):
            self.wrong.append(f"asked another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and "/api/" not in response.url:
            self.wrong.append(f"{response.status} {response.url}")


@contextmanager
def visit(browser: Browser, base: str, look: Look) -> Iterator[Visit]:
    """Have a browser context that looks so; fail in the end where something went wrong in its pages."""
    context = browser.new_context(**look.context)
    context.set_default_timeout(WAIT_MS)
    if look.language != "site":
        context.add_init_script(_CHOOSE % look.language)
    context.add_init_script(_POLICY)
    made = Visit(context, base)
    try:
        yield made
    finally:
        # A stand-in for an answer that is at work while its page goes would fail whatever test comes next.
        context.unroute_all(behavior="ignoreErrors")
        context.close()
    assert not made.wrong, "\n".join(made.wrong)


def check(page: Page, *, ignore: tuple[str, ...] = ()) -> None:
    """Have axe look at a page as it stands, and see that it does not scroll sideways."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(_AXE_FINDS)
    serious = [item for item in found if item["impact"] in SERIOUS and item["id"] not in ignore]
    shown = "\n".join("\n  ".join((f"{item['id']}: {item['help']}", *item["nodes"][:3])) for item in serious)
    assert not serious, shown
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= seen, f"the page is {wide} px wide in a window of {seen} px"


def picture(page: Page, name: str) -> None:
    """Take a screenshot; keep it for the documentation where new ones were asked for."""
    page.mouse.move(0, 0)  # what was clicked last does not look as if it were about to be clicked
    taken = page.screenshot(animations="disabled", caret="hide")
    if PICTURES_WANTED:
        folder = ROOT / "docs/assets/screens"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.png").write_bytes(taken)
