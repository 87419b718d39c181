"""What holds for every page of web/src/pages.ts, and for whoever looks at it.

That nothing is asked of another host, that no error is in the console, and that the Content-Security-Policy was not
violated, each visit sees to: `tests.browser.browsing`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, Request, Response, expect

from tests.browser.browsing import Look, Visit, check
from tests.browser.conftest import Open
from tests.browser.hands import in_portuguese
from tests.browser.people import GuardedSite, come_in
from tests.pages import ROOT

pytestmark = pytest.mark.system

SIGN_IN = "/sign-in"
LANGUAGES: tuple[Literal["en", "pt-BR"], ...] = ("en", "pt-BR")
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@dataclass(frozen=True)
class Place:
    """A page, as pages.ts has it."""

    path: str
    title: str
    role: str

    def __str__(self) -> str:
        return self.path


def places() -> list[Place]:
    """Return every page."""
    text = (ROOT / "web/src/pages.ts").read_text(encoding="utf-8")
    entry = re.compile(r'path: "([^"]+)",\s+title: "([^"]+)",.*?role: "(\w+)"', re.DOTALL)
    return [Place(*found) for found in entry.findall(text)]


PLACES = places()


def test_the_pages_are_read() -> None:
    """None is left out of what follows."""
    assert len(PLACES) == (ROOT / "web/src/pages.ts").read_text(encoding="utf-8").count("load: () => import(") > 5


@pytest.mark.parametrize("device", ["desktop", "phone"])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_in_both_languages_and_colours(
    visit: Open, guarded: GuardedSite, place: Place, device: Literal["desktop", "phone"]
) -> None:
    for language in LANGUAGES:
        opened = visit(Look(device, language), to=guarded)
        if place.path != SIGN_IN:
            come_in(opened, "ana")
        page = opened.open(place.path)
        settle(page)
        title = place.title if language == "en" else in_portuguese(place.title)
        expect(page).to_have_title(f"{title} · Site")
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("h1")).to_have_count(1)
        assert page.evaluate(_TWICE) == []
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            check(page)
    follow_focus(page)


def settle(page: Page) -> None:
    """Wait until a page shows what it has."""
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    expect(page.locator("main")).to_have_text(re.compile(r".{20}", re.DOTALL))


_TWICE = """() => {
    const ids = [...document.querySelectorAll("[id]")].map(({id}) => id);
    return ids.filter((id, index) => ids.indexOf(id) !== index);
}"""
_NEXT = """() => {
    const now = document.activeElement;
    if (!now || now === document.body) return null;
    const seen = now.getBoundingClientRect();
    return {
        what: now.outerHTML.slice(0, 160),
        after: Boolean(window.before.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING),
        visible: seen.width > 0 && seen.height > 0 && seen.right > 0 && seen.left < innerWidth,
        tabindex: now.tabIndex,
        shown: (window.before = now, true),
    };
}"""
MOST_STOPS = 150


def follow_focus(page: Page) -> None:
    """See that Tab goes through a page in its order, first to the link that skips the navigation, and shows where."""
    first = page.locator("a[href], button, input, select, textarea, summary, [tabindex='0']").first
    expect(first).to_have_class("skip")
    first.focus()
    page.evaluate("window.before = document.activeElement")
    stops = 0
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_NEXT)
        if stop is None or 'class="skip"' in stop["what"]:
            break  # round once
        stops += 1
        assert stop["visible"], f"focus is where nobody sees it: {stop['what']}"
        assert stop["after"], f"focus goes back to {stop['what']}"
        assert stop["tabindex"] <= 0, stop["what"]
    assert stops >= 3


_BUTTONS = "main button, main [role=row].opens, main tbody tr, main summary, main [role=tab]"


@pytest.mark.parametrize("place", [place for place in PLACES if place.path != SIGN_IN], ids=str)
def test_a_viewer_sees_no_button_that_would_be_refused(visit: Open, guarded: GuardedSite, place: Place) -> None:
    """Whatever there is on a page for a viewer is clicked, and whatever that opens: nothing is refused, or changed."""
    opened: Visit = visit(to=guarded)
    come_in(opened, "vera")
    wrong: list[str] = []
    opened.context.on("response", lambda answer: wrong.append(_refused(answer)))
    opened.context.on("request", lambda request: wrong.append(_changing(request)))
    page = opened.open(place.path)
    settle(page)
    clicked = 0
    for target in kinds_of(page.locator(_BUTTONS)):
        if not press(target):
            continue
        clicked += 1
        for inside in kinds_of(page.locator("dialog[open] button, .panel button, .drawer button")):
            press(inside)
        for _ in range(3):
            page.keyboard.press("Escape")
        if page.url != guarded.url + place.path:
            page.goto(guarded.url + place.path)
            settle(page)
    found = [what for what in wrong if what]
    assert found == []
    assert clicked >= 1 or place.path in ("/", "/users"), "nothing there could be clicked"


def _refused(answer: Response) -> str:
    return f"{answer.status} {answer.url}" if answer.status in (401, 403) else ""


def _changing(request: Request) -> str:
    return "" if request.method in ("GET", "HEAD") else f"{request.method} {request.url}"


def kinds_of(targets: Locator) -> Iterator[Locator]:
    """Give one of each kind, as it stands now: a hundred rows of a list are one, and so are the ports of a switch."""
    names = targets.evaluate_all(
        """elements => elements.map((element) => element.tagName + (element.getAttribute("aria-label")
            ?? element.innerText).replace(/[\\d\\s.,:-]+/g, " ").slice(0, 30) + element.className)"""
    )
    seen: set[str] = set()
    for index, name in enumerate(names):
        kind = name if name.startswith(("BUTTON", "SUMMARY")) else re.sub(r"^(\w+).*?( ?list-row.*|)$", r"\1", name)
        if kind not in seen:
            seen.add(kind)
            yield targets.nth(index)


def press(target: Locator) -> bool:
    """Click something, if it is still there and can be clicked."""
    try:
        if not target.is_visible() or not target.is_enabled():
            return False
        target.click(timeout=1_500)
    except PlaywrightError:  # what was there a moment ago is gone, or something lies over it
        return False
    return True


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_cannot_be_had_says_so(visit: Open, guarded: GuardedSite, language: Literal["en", "pt-BR"]) -> None:
    """A page of a version before: what it would load is not there any more."""
    opened: Visit = visit(Look(language=language), to=guarded)
    come_in(opened, "ana")
    page = opened.open("/points")
    opened.context.route("**/assets/*.js", lambda route: route.abort())
    page.get_by_role("navigation", name=re.compile("Pages|Páginas")).get_by_role("link").filter(
        has_text=re.compile("Incidents|Ocorrências")
    ).click()
    failed = {"en": "This page has failed", "pt-BR": "Esta página falhou"}[language]
    expect(page.get_by_role("heading", level=1)).to_have_text(failed)
    expect(page.get_by_role("navigation").first).to_be_visible()
    opened.wrong = [line for line in opened.wrong if not re.search("could not be loaded|não pôde ser carregada", line)]
