"""How pages look, against how they looked when somebody was content with them.

`VIGILIA_PICTURES=1 pytest tests/browser/test_snapshots.py` keeps new snapshots; look at the pages before.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.browsing import PICTURES_WANTED, BrowserThread, Look
from tests.browser.conftest import Open
from tests.browser.people import GuardedSite, come_in
from tests.browser.snapshots import Afar, keep, kept
from tests.browser.test_every_page import PLACES, SIGN_IN, Place, settle

pytestmark = pytest.mark.system

LOOKS = (Look(), Look("phone", "pt-BR", "dark"))
LIMIT = 0.12
"""The part of the tiles that may differ: times, curves and the machine's fonts."""
_DEADLINE_S = 20.0
_UNSTYLED = "() => { for (const sheet of document.styleSheets) sheet.disabled = true; }"


@pytest.fixture
def afar(browser_thread: BrowserThread) -> Iterator[Afar]:
    made = browser_thread.run(lambda: Afar(browser_thread.browser()))
    yield made
    browser_thread.run(made.close)


@pytest.fixture(scope="module")
def untouched(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedSite]:
    """A site on which no test acts."""
    with GuardedSite(tmp_path_factory.mktemp("untouched")) as made:
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
    if PICTURES_WANTED:
        page.wait_for_timeout(3_000)
        keep(name, afar.shrunk(page))
        return
    difference = nearest(page, afar, name)
    page.screenshot(path=tmp_path / f"{name}.png")
    assert difference <= LIMIT, f"{difference:.0%} of the page is not as it was: see {tmp_path / name}.png"


@pytest.mark.parametrize("place", [place for place in PLACES if place.path != SIGN_IN], ids=str)
def test_it_is_seen_where_a_page_looks_otherwise(visit: Open, untouched: GuardedSite, afar: Afar, place: Place) -> None:
    opened = visit(to=untouched)
    come_in(opened, "ana")
    page = opened.open(place.path)
    settle(page)
    name = f"{place.path.strip('/') or 'overview'}-{LOOKS[0]}"
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert afar.difference(afar.shrunk(page), kept(name)) > LIMIT, "another theme"
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.evaluate(_UNSTYLED)
    assert afar.difference(afar.shrunk(page), kept(name)) > LIMIT, "no style"


def nearest(page: Page, afar: Afar, name: str) -> float:
    """Return how far a page is from its snapshot, once it has come as near as it must."""
    deadline = time.monotonic() + _DEADLINE_S
    while (found := afar.difference(afar.shrunk(page), kept(name))) > LIMIT and time.monotonic() < deadline:
        page.wait_for_timeout(500)
    return found
