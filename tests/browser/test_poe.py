"""The page of switches: ports as on their fronts, what is wrong with them, and switching them on and off."""

import json
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.browsing import LOOKS, Look, check
from tests.browser.conftest import Open
from tests.browser.hands import HANDS, Hands
from tests.browser.site import Site

pytestmark = pytest.mark.system

WORDS = {
    "en": {
        "port": "Port {}, {}",
        "open off": "Switch off …",
        "open on": "Switch on …",
        "off?": "Switch {} off?",
        "off": "Switch off",
        "on": "Switch on",
        "is off": "{} is off: sw-1 confirmed it after",
        "is on": "{} is on: sw-1 confirmed it after",
        "disabled": "Disabled",
        "delivering": "Delivering",
        "room": "Room",
    },
    "pt-BR": {
        "port": "Porta {}, {}",
        "open off": "Desligar …",
        "open on": "Ligar …",
        "off?": "Desligar {}?",
        "off": "Desligar",
        "on": "Ligar",
        "is off": "{}: desligada. sw-1 confirmou depois de",
        "is on": "{}: ligada. sw-1 confirmou depois de",
        "disabled": "Desabilitada",
        "delivering": "Alimentando",
        "room": "Sala",
    },
}


def device(number: int, switch: int = 1) -> str:
    """The device at a port of a simulated switch."""
    return f"SIM-{switch:02d}:Cam-{number:02d}"


def port(page: Page, number: int, switch: int = 1, language: str = "en") -> Locator:
    """A port on the front of its switch."""
    return page.get_by_role("button", name=WORDS[language]["port"].format(number, device(number, switch)))


def drawer(page: Page) -> Locator:
    """What is open beside the switches."""
    return page.get_by_role("complementary")


def sel(number: int, switch: int = 1) -> str:
    """The point that is written to."""
    return f"{device(number, switch)}:PwrState-Sel"


def simulated(site: Site, number: int, switch: int = 1) -> dict[str, Any]:
    """What the simulated switch itself says of a port."""
    found = site.switches("GET", f"/switches/sw-{switch}")["ports"]
    return next(each for each in found if each["port"] == str(number))


@contextmanager
def fault(site: Site, switch: str, kind: str, **more: Any) -> Generator[None, None, None]:
    """Have a switch misbehave for a while."""
    site.switches("POST", f"/switches/{switch}/faults", {"fault": kind, **more})
    try:
        yield
    finally:
        site.switches("DELETE", f"/switches/{switch}/faults")
        site.until("/api/v1/links", lambda found: all(item["contact"] == "connected" for item in found["items"]))


@contextmanager
def state(site: Site, number: int, switch: int = 1, **what: Any) -> Generator[None, None, None]:
    """Change a simulated port for a while."""
    path = f"/switches/sw-{switch}/ports/{number}"
    site.switches("PUT", path, what)
    try:
        yield
    finally:
        site.switches("PUT", path, {"state": None, "attached": True, "enabled": True})


def chosen(site: Site, name: str, label: str) -> None:
    """Have a choice be so."""
    if site.point(name)["label"] != label:
        status, answer = site.put(name, label)
        assert status == 200, answer


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_in_every_look(visit: Open, site: Site, look: Look, picture: Callable[..., None]) -> None:
    language = look.language
    chosen(site, sel(5), "On")
    with state(site, 5, state="PPDS_FAULT"), state(site, 6, attached=False):
        site.until(f"/api/v1/points/{device(5)}:PwrState-Raw", lambda point: point["label"] == "Fault")
        site.until(f"/api/v1/points/{device(6)}:PwrState-Raw", lambda point: point["label"] == "Searching")
        page = visit(look).open("/poe")
        expect(port(page, 2, language=language)).to_have_class("socket delivering ")
        expect(port(page, 5, language=language)).to_have_class("socket fault amiss")
        check(page)
        picture(page, f"poe-{look}")
        port(page, 5, language=language).click()
        expect(drawer(page).get_by_text(device(5), exact=True)).to_be_visible()
        check(page)
        picture(page, f"poe-port-{look}")
        drawer(page).get_by_role("button", name="sw-1").click()
        expect(drawer(page).locator("canvas")).to_be_visible()
        expect(drawer(page)).to_contain_text("Aruba2930M-24G-PoE+")
        check(page)
        picture(page, f"poe-switch-{look}")


@pytest.mark.parametrize("look", HANDS, ids=str)
def test_off_and_on_with_the_answer_of_the_switch(visit: Open, site: Site, look: Look) -> None:
    words = WORDS[look.language]
    chosen(site, sel(3), "On")
    page = visit(look).open("/poe")
    hands = Hands(page, look)
    if look.device == "desktop":
        hands.reach(port(page, 1))
        page.keyboard.press("ArrowRight")  # the ports are one stop: arrows go from one to the next
    hands.press(port(page, 3, language=look.language))
    hands.press(drawer(page).get_by_role("button", name=words["open off"], exact=True))
    dialog = page.get_by_role("dialog", name=words["off?"].format(device(3)))
    expect(dialog).to_contain_text(device(3))
    expect(dialog).to_contain_text("Room 1")
    expect(dialog).to_contain_text(words["room"])
    check(page)
    assert simulated(site, 3)["enabled"], "nothing is done before it is confirmed"
    hands.press(dialog.get_by_role("button", name=words["off"], exact=True))
    expect(drawer(page).get_by_text(words["is off"].format(device(3)))).to_be_visible()
    expect(dialog).to_have_count(0)
    assert not simulated(site, 3)["enabled"]
    expect(drawer(page).get_by_text(words["disabled"], exact=True)).to_be_visible()
    (write,) = site.get(f"/api/v1/audit?point={sel(3)}&limit=1")["items"]
    assert (write["value"], write["outcome"]) == (0, "confirmed")
    hands.press(drawer(page).get_by_role("button", name=words["open on"], exact=True))
    expect(page.get_by_role("dialog").get_by_role("button", name=words["on"], exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(drawer(page).get_by_text(words["is on"].format(device(3)))).to_be_visible()
    assert simulated(site, 3)["enabled"]
    expect(drawer(page).get_by_text(words["delivering"], exact=True)).to_be_visible()


def test_two_operators_at_one_port(visit: Open, site: Site) -> None:
    chosen(site, sel(4), "On")
    first, second = visit().open("/poe"), visit(Look(theme="dark")).open("/poe")
    for page in (first, second):
        port(page, 4).click()
        drawer(page).get_by_role("button", name="Switch off …").click()
    first.get_by_role("dialog").get_by_role("button", name="Switch off").click()
    expect(drawer(first).get_by_text(f"{device(4)} is off")).to_be_visible()
    dialog = second.get_by_role("dialog")
    expect(dialog.get_by_text("chosen: Off")).to_be_visible()  # what the other did is seen at once
    dialog.get_by_role("button", name="Switch off").click()
    expect(dialog.get_by_text("Nothing was done: meanwhile the choice became Off.")).to_be_visible()
    check(second)
    assert len(site.get(f"/api/v1/audit?point={sel(4)}")["items"]) >= 1
    dialog.get_by_role("button", name="Cancel").click()
    chosen(site, sel(4), "On")
    expect(drawer(first).get_by_text("Delivering", exact=True)).to_be_visible()


def test_a_stale_page_is_refused_and_shows_what_changed(visit: Open, site: Site) -> None:
    chosen(site, sel(2), "On")
    opened = visit()
    points = [[sel(2), 1, 0, 0, 1.0], [f"{device(2)}:PwrState-Raw", 1, 0, 0, 1.0]]
    event = json.dumps({"time": "2026-03-10T14:20:00.000Z", "points": points, "complete": True})

    def old(route: Route) -> None:
        route.fulfill(content_type="text/event-stream", body=f"event: points\ndata: {event}\n\n")

    opened.context.route("**/api/v1/events*", old)
    page = opened.open("/poe")
    expect(page.get_by_text("Out of touch")).to_be_visible()
    port(page, 2).click()
    drawer(page).get_by_role("button", name="Switch off …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("chosen: On")
    site.put(sel(2), "Off")
    since = len(site.switches("GET", "/switches/sw-1/requests")["items"])
    dialog.get_by_role("button", name="Switch off").click()
    expect(dialog.get_by_text("Nothing was done: meanwhile the choice became Off.")).to_be_visible()
    asked = site.switches("GET", "/switches/sw-1/requests")["items"][since:]
    assert all(request["method"] == "GET" for request in asked)
    dialog.get_by_role("button", name="Switch off all the same").click()
    expect(drawer(page).get_by_text(f"{device(2)} is off: sw-1 confirmed")).to_be_visible()
    chosen(site, sel(2), "On")


def test_without_contact_it_is_refused_and_not_done_later(visit: Open, site: Site) -> None:
    chosen(site, sel(1, 2), "On")
    page = visit().open("/poe")
    port(page, 1, 2).click()
    panel = page.locator(".switch-panel").filter(has=page.get_by_role("heading", name="sw-2"))
    expect(panel.locator(".panel-figures")).to_contain_text(re.compile(r"Round trip\s*[\d.]+ ms"))
    with fault(site, "sw-2", "refuse"):
        expect(panel.locator(".last-error.gone")).to_contain_text(re.compile(r"Last error:\s*\S+"))
        expect(page.locator(".contact.gone").first).to_contain_text("No contact")
        expect(page.get_by_role("button", name=f"Port 2, {device(2, 2)}, No contact")).to_be_visible()
        check(page)
        drawer(page).get_by_role("button", name="Switch off …").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("There is no contact with sw-2: it will be refused")).to_be_visible()
        dialog.get_by_role("button", name="Switch off").click()
        expect(dialog.get_by_text("Refused, and not done later:")).to_be_visible()
        dialog.get_by_role("button", name="Cancel").click()
        expect(drawer(page).get_by_text("Refused, and not done later:")).to_be_visible()
    expect(page.get_by_role("button", name=f"Port 2, {device(2, 2)}, Delivering")).to_be_visible()
    expect(panel.locator(".last-error.muted")).to_contain_text(re.compile(r"Last error:\s*\S+"))
    assert simulated(site, 1, 2)["enabled"]
    (write,) = site.get(f"/api/v1/audit?point={sel(1, 2)}&limit=1")["items"]
    assert write["outcome"] not in (None, "confirmed")
    chosen(site, sel(1, 2), "On")


def test_what_the_switch_refuses_is_shown_and_stays(visit: Open, site: Site) -> None:
    chosen(site, sel(3, 2), "On")
    page = visit().open("/poe")
    port(page, 3, 2).click()
    with fault(site, "sw-2", "reject-put"):
        drawer(page).get_by_role("button", name="Switch off …").click()
        page.get_by_role("dialog").get_by_role("button", name="Switch off").click()
        expect(page.get_by_role("dialog").get_by_text("sw-2 refused:")).to_be_visible()
        page.keyboard.press("Escape")
        expect(drawer(page).get_by_text("The switch did not confirm the last command.")).to_be_visible()
        expect(page.get_by_role("button", name="the switch did not confirm what was chosen")).to_be_visible()
        expect(drawer(page).get_by_role("listitem").first).to_contain_text("not done:")
        check(page)
    site.put(sel(3, 2), "On")
    expect(drawer(page).get_by_text("The switch did not confirm the last command.")).to_have_count(0)


def test_what_is_not_as_chosen(visit: Open, site: Site) -> None:
    for switch in (1, 2):
        for number in range(1, 7):
            chosen(site, sel(number, switch), "On")
    page = visit().open("/poe")
    with state(site, 6, 2, attached=False):
        differs = page.get_by_role("button", name=f"Port 6, {device(6, 2)}, Searching, not as chosen")
        differs.click()
        expect(drawer(page).get_by_text("On was chosen, but the port does not deliver.")).to_be_visible()
        page.get_by_role("group", name="Show only").get_by_role("button", name="Not as chosen").click()
        assert parse_qs(urlsplit(page.url).query)["state"] == ["differs"]
        expect(differs).to_be_visible()
        expect(port(page, 5, 2)).to_have_count(0)
    page.get_by_role("button", name="Show all ports").click()
    expect(port(page, 5, 2)).to_be_visible()


def test_search_and_legend_are_in_the_address(visit: Open, site: Site) -> None:
    opened = visit()
    page = opened.open("/poe")
    page.get_by_role("searchbox").fill("sim-02 cam-04")
    expect(port(page, 4, 2)).to_be_visible()
    expect(port(page, 4, 1)).to_have_count(0)
    page.get_by_role("group", name="Show only").get_by_role("button", name="Delivering").click()
    page.wait_for_url("**/poe?*state=delivering*")
    again = opened.open(page.url.removeprefix(site.url))
    expect(port(again, 4, 2)).to_be_visible()
    expect(port(again, 3, 2)).to_have_count(0)
    again.get_by_role("searchbox").fill("no such port")
    expect(again.get_by_text("No port is like that")).to_be_visible()
    check(again)


def test_by_keyboard_alone(visit: Open) -> None:
    page = visit().open("/poe")
    expect(port(page, 1)).to_be_visible()
    page.get_by_role("searchbox").focus()
    page.get_by_role("button", name="Switch sw-1: show everything").focus()
    page.keyboard.press("Tab")
    expect(port(page, 1)).to_be_focused()
    for key, number in (("ArrowDown", 2), ("ArrowRight", 4), ("ArrowUp", 3), ("ArrowLeft", 1), ("ArrowRight", 3)):
        page.keyboard.press(key)
        expect(port(page, number)).to_be_focused()
    page.keyboard.press("Enter")
    expect(drawer(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    expect(port(page, 3)).to_be_focused()


def test_the_power_of_a_switch_is_the_sum_of_its_ports(visit: Open, site: Site) -> None:
    page = visit().open("/poe?switch=sw-1")
    expect(drawer(page).locator("canvas")).to_be_visible()
    names = [f"{device(number)}:Power-Mon" for number in range(1, 7)]
    total = sum(site.point(name)["value"] for name in names)
    expect(drawer(page).locator(".sum")).to_contain_text(f"{total:.1f}".removesuffix(".0"))
    site.until(f"/api/v1/history?name={names[0]}", lambda found: found["items"][0]["points"])
    drawer(page).get_by_role("button", name="6 h").click()
    drawer(page).get_by_text("As a table").click()
    expect(drawer(page).get_by_role("table").first.get_by_role("row").nth(1)).to_be_visible()
    drawer(page).get_by_role("region", name="Ports").get_by_role("button", name=device(6)).click()
    expect(drawer(page).get_by_role("heading", name=device(6))).to_be_visible()
    expect(drawer(page).get_by_text("Voltage")).to_be_visible()


def test_a_viewer_sees_no_button_that_would_be_refused(visit: Open) -> None:
    opened = visit()
    session = {"user": "ana", "role": "viewer", "signin_required": True, "csrf": "x", "language": "en"}
    opened.context.route("**/api/v1/session", lambda route: route.fulfill(json=session))
    page = opened.open("/poe")
    port(page, 2).click()
    expect(drawer(page).get_by_text("Delivering", exact=True)).to_be_visible()
    expect(drawer(page).get_by_role("button", name="Switch off …")).to_have_count(0)


def test_a_thousand_ports_without_contact(visit: Open, serve: Callable[..., Any]) -> None:
    def switch(number: int) -> str:
        ports = ", ".join(f'{{ port = "{port}", device = "D{number}:C{port}" }}' for port in range(1, 49))
        head = f'[[aruba.switches]]\nname = "sw-{number}"\nroom = "Room {number // 5}"\n'
        return f'{head}url = "http://127.0.0.1:{20 + number}"\nports = [{ports}]\n'

    switches = "".join(switch(number) for number in range(21))
    service = serve(f'[site]\nlanguage = "en"\n[history]\nenabled = false\n{switches}')
    page = visit(to=service).open("/poe")
    expect(page.locator("button.socket")).to_have_count(1008)
    expect(page.get_by_role("group", name="Show only").get_by_role("button", name="Never read")).to_contain_text("1008")
    page.get_by_role("searchbox").fill("D13: C48")
    expect(page.locator("button.socket")).to_have_count(1)
    page.get_by_role("button", name="Port 48, D13:C48, Never read").click()
    expect(drawer(page).get_by_text("Never read", exact=True)).to_be_visible()


def test_hostile_texts_are_only_texts(visit: Open, serve: Callable[..., Any]) -> None:
    name = "<img/src=x/onerror=alert(1)>"
    service = serve(
        '[site]\nlanguage = "en"\n[[aruba.switches]]\nname = "<b>1"\nurl = "http://127.0.0.1:9"\n'
        f'room = "<script>alert(2)</script>"\nports = [{{ port = "1", device = "{name}" }}]\n'
    )
    page = visit(to=service).open("/poe")
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    expect(page.get_by_role("heading", name="<script>alert(2)</script>")).to_be_visible()
    page.get_by_role("button", name=f"Port 1, {name}").click()
    drawer(page).get_by_role("button", name="Switch on …").click()
    expect(page.get_by_role("dialog", name=f"Switch {name} on?")).to_be_visible()
    assert page.locator("main img, main b, main script").count() == 0
    check(page)


def test_no_switches_says_how_to_add_one(visit: Open, serve: Callable[..., Any]) -> None:
    service = serve('[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n')
    page = visit(to=service).open("/poe")
    expect(page.get_by_text("No switch is watched yet")).to_be_visible()
    check(page)


def test_a_service_that_is_away_and_comes_back(visit: Open, serve: Callable[..., Any]) -> None:
    service = serve(
        '[site]\nlanguage = "en"\n[[aruba.switches]]\nname = "sw-9"\nurl = "http://127.0.0.1:9"\n'
        'ports = [{ port = "A12", device = "TB-01:CamMF-01" }]\n'
    )
    page = visit(to=service).open("/poe?device=TB-01:CamMF-01")
    expect(drawer(page).get_by_text("Never read", exact=True)).to_be_visible()
    service.kill()
    expect(page.get_by_role("alert").filter(has_text="Out of touch")).to_be_visible()
    expect(page.locator(".poe.out")).to_be_visible()
    check(page)
    service.start_again()
    expect(page.locator(".poe.out")).to_have_count(0)
    expect(page.get_by_role("button", name="Port A12, TB-01:CamMF-01, Never read")).to_be_visible()
