"""A phone that slept: what it shows when it is looked at again is what is."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import Look, check
from tests.browser.conftest import Open
from tests.browser.site import Site

pytestmark = pytest.mark.system

NAME = "SIM-01:Cam-05:PwrState-Sel"


def test_a_page_that_was_frozen_shows_what_changed_meanwhile(visit: Open, site: Site) -> None:
    site.put(NAME, "On")
    opened = visit(Look("phone", "pt-BR"))
    page = opened.open(f"/points?q={NAME}")
    value = page.get_by_role("row").filter(has_text=NAME).locator(".value")
    expect(value).to_have_text("On")
    system = opened.context.new_cdp_session(page)
    system.send("Page.setWebLifecycleState", {"state": "frozen"})
    site.put(NAME, "Off")
    system.send("Page.setWebLifecycleState", {"state": "active"})
    expect(value).to_have_text("Off")
    expect(value).not_to_have_class(re.compile("old"))
    expect(page.get_by_role("alert").filter(has_text="Sem contato")).to_be_hidden()


@pytest.mark.parametrize("path", ["/", "/points?q=Cam-05", "/alarms", "/poe"])
def test_an_hour_of_sleep(visit: Open, site: Site, path: str) -> None:
    """The clock has gone on for an hour while nothing ran, and the network comes back later than the page."""
    site.put(NAME, "On")
    opened = visit(Look("phone"))
    page = opened.context.new_page()
    page.clock.install()
    page.goto(site.url + path)
    page.locator("main h1").first.wait_for()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    banner = page.get_by_role("alert").filter(has_text="Out of touch since")
    expect(banner).to_be_hidden()
    opened.context.route("**/api/v1/events?**", lambda route: route.abort())
    page.clock.fast_forward("01:00:00")
    expect(banner).to_be_visible()
    check(page)
    site.put(NAME, "Off")
    opened.context.unroute("**/api/v1/events?**")
    page.clock.fast_forward(20_000)
    expect(banner).to_be_hidden()
    expect(page.locator("main .value.old")).to_have_count(0)
    if path.startswith("/points"):
        expect(page.get_by_role("row").filter(has_text=NAME).locator(".value")).to_have_text("Off")
    expect(page.get_by_text(re.compile(r"\b1 h\b.*ago")).filter(visible=True)).to_have_count(0)
