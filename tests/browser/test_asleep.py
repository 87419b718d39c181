"""A phone that slept: what it shows when it is looked at again is what is."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.browsing import Look, Visit, check
from tests.browser.conftest import Open
from tests.browser.site import CLOCK, PLANTS, Service, Site, wait_for
from tests.browser.test_plants import own_plants, tile

pytestmark = pytest.mark.system

DEVICE = "SIM-01:Cam-05"
NAME = f"{DEVICE}:PwrState-Sel"
STREAM = "**/api/v1/events?**"
OLD = ".overview.out, .alarm-row.old"
"""What is greyed."""
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
    expect(page.locator("time").filter(has_text=re.compile(r"\b1 h\b.*ago")).filter(visible=True)).to_have_count(0)


def hold(opened: Visit) -> list[Route]:
    """Have the network take every stream that begins from now on, and say nothing; return them as they come."""
    held: list[Route] = []
    opened.context.route(STREAM, lambda route: held.append(route))  # noqa: PLW0108
    return held


AWAKE = "document.dispatchEvent(new Event('visibilitychange'));"
LATER = "const later = Date.now() + 3_600_000; Date.now = () => later;"


@pytest.mark.parametrize("path", ["/", "/alarms"])
def test_what_wakes_says_that_it_is_old_before_anything_else(visit: Open, path: str) -> None:
    opened = visit(Look("phone"))
    page = opened.open(path)
    hold(opened)
    banner = page.get_by_role("alert").filter(has_text="Out of touch since")
    expect(page.locator(".cause, .alarm-row").first).to_be_visible()
    expect(page.locator(OLD)).to_have_count(0)
    # The clock has gone on for an hour, no timer has run, and the network swallows what is asked.
    with page.expect_request(STREAM):
        page.evaluate(LATER + AWAKE)
    expect(banner).to_be_visible()
    expect(page.locator(OLD).first).to_be_attached()
    if path == "/":  # by one clock, the service's
        (time,) = re.findall(r"since (.*?): ", banner.inner_text())
        expect(page.locator(".situation")).to_contain_text(time)
    for _ in range(3):  # to touch it makes nothing younger
        page.evaluate("window.dispatchEvent(new Event('focus'))")
        expect(banner).to_be_visible()


HIDDEN = "Object.defineProperty(document, 'visibilityState', { value: '%s', configurable: true });" + AWAKE


def test_a_page_that_nobody_looks_at_gives_its_stream_back(visit: Open, serve: Callable[..., Service]) -> None:
    service = serve('[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n')

    def streams() -> int:
        with urlopen(f"{service.url}/metrics", timeout=10) as answer:
            (count,) = re.findall(r"^vigilia_event_streams (\d+)", answer.read().decode(), re.MULTILINE)
        return int(count)

    opened = visit(to=service)
    page = opened.context.new_page()
    page.clock.install()
    page.goto(service.url + "/")
    expect(page.locator(".verdict-title")).to_have_text("Nothing is watched yet")
    wait_for(lambda: streams() == 1, "its stream")
    page.evaluate(HIDDEN % "hidden")
    page.clock.fast_forward(10_000)
    page.evaluate(HIDDEN % "visible")
    page.clock.fast_forward(10_000)
    assert streams() == 1, "a moment in another window costs nothing"
    page.evaluate(HIDDEN % "hidden")
    page.clock.fast_forward(16_000)
    wait_for(lambda: streams() == 0, "its stream given back")
    held = hold(opened)
    with page.expect_request(STREAM):
        page.evaluate(HIDDEN % "visible")
    expect(page.locator(".verdict-title")).to_have_text("Looking …")
    expect(page.locator(OLD).first).to_be_attached()
    held[-1].continue_()
    expect(page.locator(".verdict-title")).to_have_text("Nothing is watched yet")
    expect(page.locator(OLD)).to_have_count(0)


@pytest.mark.parametrize(
    ("path", "never"), [("/reactors", "No reactor has called yet"), ("/alarms", "everything that is judged is normal")]
)
def test_a_stream_that_says_nothing_is_no_live_data(
    visit: Open, serve: Callable[..., Service], path: str, never: str
) -> None:
    service = serve('[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n')
    opened = visit(to=service)
    held = hold(opened)
    page = opened.open(path)
    expect(page.get_by_role("alert").filter(has_text="No live data")).to_be_visible(timeout=15_000)
    expect(page.get_by_text(never)).to_have_count(0)
    check(page)
    held[-1].continue_()
    expect(page.get_by_text(never)).to_be_visible(timeout=30_000)
    expect(page.get_by_role("alert").filter(has_text="No live data")).to_be_hidden()


def test_a_link_to_an_alarm_shows_it_where_no_stream_begins(visit: Open, site: Site) -> None:
    opened = visit()
    hold(opened)
    page = opened.open(f"/alarms?alarm={quote(ALARM, safe='')}")
    expect(page.locator(".panel")).to_contain_text(DEVICE, timeout=15_000)


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
