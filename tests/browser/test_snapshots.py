"""How pages look, against how they looked when somebody was content with them.

`VIGILIA_PICTURES=1 pytest tests/browser/test_snapshots.py` keeps new snapshots; look at the pages before.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import PICTURES_WANTED, BrowserThread, Look
from tests.browser.conftest import Open
from tests.browser.people import GuardedSite, come_in
from tests.browser.site import FAILED, RELAY
from tests.browser.snapshots import Afar, keep, kept
from tests.browser.test_every_page import PLACES, SIGN_IN, Place, settle

pytestmark = pytest.mark.system

LOOKS = (Look(), Look("phone", "pt-BR", "dark"))
_DEADLINE_S = 20.0
_HIDE = "(element) => { element.style.visibility = 'hidden'; }"
_HIDE_LARGEST = """() => {
    const seen = (element) => {
        const {left, right, top, bottom} = element.getBoundingClientRect();
        return Math.max(0, Math.min(innerWidth, right) - left) * Math.max(0, Math.min(innerHeight, bottom) - top);
    };
    const all = [...document.querySelectorAll("main :is(.tile, table, [role=grid], .empty)")];
    const [largest] = all.sort((a, b) => seen(b) - seen(a));
    largest.style.visibility = "hidden";
}"""
_UNSTYLED = "() => { for (const sheet of document.styleSheets) sheet.disabled = true; }"


@dataclass(frozen=True)
class Detail:
    """Something of a page that is opened beside or over what the page lists."""

    name: str
    path: str
    opener: Callable[[Page], Locator]
    """What is clicked."""
    panel: str
    """What opens, in CSS."""

    def __str__(self) -> str:
        return self.name

    def open(self, page: Page) -> Locator:
        """Open it; return it once it shows what it has."""
        self.opener(page).first.click()
        panel = page.locator(self.panel)
        expect(panel).to_be_visible()
        expect(panel.locator("[aria-busy=true]")).to_have_count(0)
        page.mouse.move(0, 0)
        return panel


DETAILS = (
    Detail("poe-port", "/poe", lambda page: page.get_by_role("button", name="Port 2, SIM-01:Cam-02"), "aside.drawer"),
    Detail("alarm", "/alarms", lambda page: page.get_by_role("gridcell").filter(has_text=FAILED), "main .panel"),
    Detail("plant", "/plants", lambda page: page.locator(".plant-name", has_text="UFV Alvorada"), ".plant-detail"),
    Detail("part-settings", "/reactors", lambda page: page.get_by_role("button", name="Settings …"), "dialog[open]"),
    Detail("incident", "/incidents", lambda page: page.get_by_role("gridcell").filter(has_text=FAILED), "main .panel"),
)


@pytest.fixture
def afar(browser_thread: BrowserThread) -> Iterator[Afar]:
    made = browser_thread.run(lambda: Afar(browser_thread.browser()))
    yield made
    browser_thread.run(made.close)


@pytest.fixture(scope="module")
def untouched(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedSite]:
    """A site on which no test acts, once all that is wrong there has been told."""
    with GuardedSite(tmp_path_factory.mktemp("untouched")) as made:
        for name in (FAILED, RELAY):
            made.until(
                "/api/v1/outbox?state=sent", lambda sent, name=name: any(name in one["alarm"] for one in sent["items"])
            )
        made.until("/api/v1/outbox?state=waiting", lambda waiting: not waiting["items"])
        yield made


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_page_looks_as_it_did(
    visit: Open, untouched: GuardedSite, afar: Afar, place: Place, look: Look, tmp_path: Path
) -> None:
    name = f"{place.path.strip('/') or 'overview'}-{look}"
    opened = visit(look, to=untouched)
    if place.path != SIGN_IN:
        come_in(opened, "ana")
    page = opened.open(place.path)
    settle(page)
    compare(page, afar, name, tmp_path)


@pytest.mark.parametrize("detail", DETAILS, ids=str)
def test_what_is_opened_looks_as_it_did_and_is_missed(
    visit: Open, untouched: GuardedSite, afar: Afar, detail: Detail, tmp_path: Path
) -> None:
    opened = visit(to=untouched)
    come_in(opened, "ana")
    page = opened.open(detail.path)
    settle(page)
    panel = detail.open(page)
    compare(page, afar, f"{detail}-open-{LOOKS[0]}", tmp_path)
    if afar.same_fonts:
        panel.evaluate(_HIDE)
        assert afar.difference(afar.shrunk(page), kept(f"{detail}-open-{LOOKS[0]}")) > afar.limit.part, (
            "nothing is open"
        )


@pytest.mark.parametrize("place", [place for place in PLACES if place.path != SIGN_IN], ids=str)
def test_it_is_seen_where_a_page_looks_otherwise(visit: Open, untouched: GuardedSite, afar: Afar, place: Place) -> None:
    opened = visit(to=untouched)
    come_in(opened, "ana")
    page = opened.open(place.path)
    settle(page)
    name = f"{place.path.strip('/') or 'overview'}-{LOOKS[0]}"
    if afar.same_fonts:
        nearest(page, afar, name)
        page.evaluate(_HIDE_LARGEST)
        assert afar.difference(afar.shrunk(page), kept(name)) > afar.limit.part, "a tile or list is missing"
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert afar.difference(afar.shrunk(page), kept(name)) > afar.limit.part, "another theme"
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.evaluate(_UNSTYLED)
    assert afar.difference(afar.shrunk(page), kept(name)) > afar.limit.part, "no style"


def compare(page: Page, afar: Afar, name: str, folder: Path) -> None:
    """See that a page looks as it did; keep how it looks now, where that was asked for."""
    if PICTURES_WANTED:
        page.wait_for_timeout(3_000)
        keep(name, afar.shrunk(page), afar.fonts())
        return
    difference = nearest(page, afar, name)
    page.screenshot(path=folder / f"{name}.png")
    assert difference <= afar.limit.part, f"{difference:.0%} of the page is not as it was: see {folder / name}.png"


def nearest(page: Page, afar: Afar, name: str) -> float:
    """Return how far a page is from its snapshot, once it has come as near as it must."""
    deadline = time.monotonic() + _DEADLINE_S
    while (found := afar.difference(afar.shrunk(page), kept(name))) > afar.limit.part and time.monotonic() < deadline:
        page.wait_for_timeout(500)
    return found
