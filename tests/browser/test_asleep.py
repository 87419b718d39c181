"""A phone that slept: what it shows when it is looked at again is what is."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import Look, Visit, check
from tests.browser.conftest import Open
from tests.browser.site import CLOCK, PLANTS, Service, Site, wait_for
from tests.browser.test_plants import own_plants, tile

pytestmark = pytest.mark.system

DEVICE = "SIM-01:Cam-05"
NAME = f"{DEVICE}:PwrState-Sel"
ALARM = f"poe-fault@{DEVICE}:PwrState-Raw"
DUTY = "R1:heater:Duty-SP"


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


@pytest.fixture
def quiet(site: Site) -> Iterator[None]:
    """What a test changed is as it was afterwards, and no alarm is left of it."""
    yield
    site.put(DUTY, 0)
    site.switches("PUT", "/switches/sw-1/ports/5", {"state": None})
    alarm_is(site, "normal", "returned")
    site.call("POST", f"/api/v1/alarms/{quote(ALARM, safe='')}/acknowledge", {})
    alarm_is(site, "normal")
    site.put(NAME, "On")


def alarm_is(site: Site, *states: str) -> None:
    """Wait until the alarm of the port is in one of these states."""
    site.until(f"/api/v1/alarms?id={quote(ALARM, safe='')}", lambda found: found["items"][0]["state"] in states)


def break_port(site: Site) -> None:
    """Have a port be in fault, its alarm be there, and a notice of it be written."""
    site.switches("PUT", "/switches/sw-1/ports/5", {"state": "PPDS_FAULT"})
    alarm_is(site, "unacknowledged")
    site.until("/api/v1/outbox", lambda found: any(DEVICE in json.dumps(item) for item in found["items"]))


def heat(site: Site) -> None:
    """Set the heater, and wait until it says so."""
    site.put(DUTY, 12.5)
    site.until(f"/api/v1/points/{quote('R1:heater:Duty-RB', safe='')}", lambda point: point["value"] == 12.5)


def row(page: Page, text: str) -> Locator:
    """The row of a table that says something."""
    return page.get_by_role("row").filter(has_text=text).first


CHANGES: dict[str, tuple[Callable[[Site], object], Callable[[Page], Locator], str]] = {
    "/": (break_port, lambda page: page.locator(".cause").filter(has_text=DEVICE), "PoE fault"),
    "/points?q=Cam-05": (lambda site: site.put(NAME, "Off"), lambda page: row(page, NAME).locator(".value"), "Off"),
    "/alarms": (break_port, lambda page: row(page, DEVICE), "PoE fault"),
    "/poe": (break_port, lambda page: page.get_by_role("button", name=f"Port 5, {DEVICE}, Fault"), "5"),
    "/reactors": (heat, lambda page: page.get_by_role("row", name="Duty").first, r"=12.5 %"),
    "/notices": (break_port, lambda page: row(page, DEVICE), DEVICE),
}
"""Of a page: what changes while it sleeps, where that is shown, and what is shown there then."""


@contextmanager
def asleep(opened: Visit, path: str) -> Iterator[Page]:
    """Open a page, whose clock goes on for an hour while nothing runs; the network is back later than the page."""
    page = opened.context.new_page()
    page.clock.install()
    with page.expect_response("**/api/v1/events?**"):
        page.goto(opened.base + path)
    page.locator("main h1").first.wait_for()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    banner = page.get_by_role("alert").filter(has_text="Out of touch since")
    expect(banner).to_be_hidden()
    opened.context.route("**/api/v1/events?**", lambda route: route.abort())
    page.clock.fast_forward("01:00:00")
    expect(banner).to_be_visible()
    check(page)
    yield page
    opened.context.unroute("**/api/v1/events?**")
    page.clock.fast_forward(20_000)
    expect(banner).to_be_hidden()
    expect(page.locator("main .value.old")).to_have_count(0)


@pytest.mark.parametrize("path", CHANGES)
def test_an_hour_of_sleep(visit: Open, site: Site, quiet: None, path: str) -> None:
    change, place, said = CHANGES[path]
    site.put(NAME, "On")
    with asleep(visit(Look("phone")), path) as page:
        change(site)
    expect(place(page)).to_contain_text(re.compile(said))
    expect(page.get_by_text(re.compile(r"\b1 h\b.*ago")).filter(visible=True)).to_have_count(0)


def test_plants_after_an_hour_of_sleep(visit: Open, serve: Callable[..., Service], tmp_path: Path) -> None:
    fast = CLOCK.replace("x1", "x60")
    with own_plants(serve, tmp_path, fast, PLANTS, "inverter_interval_s = 60\n") as (_, service):

        def newest() -> str:
            return str(service.get("/api/v1/systems/pvoperation")["plants"][0]["last_data"])

        with asleep(visit(Look("phone"), to=service), "/plants") as page:
            shown = tile(page, "UFV Alvorada").locator(".plant-foot time")
            before, old = shown.get_attribute("datetime"), newest()
            wait_for(lambda: newest() != old, "another record")
        expect(shown).not_to_have_attribute("datetime", before or "")
