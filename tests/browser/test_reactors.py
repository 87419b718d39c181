"""The page of reactors: settings, commands, calibration, doses, and who is let in.

What was truly done is told by the simulator.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import LOOKS, Look, check
from tests.browser.conftest import Open
from tests.browser.site import AGENT, Control, Process, Service, Site, wait_for
from tests.system.conftest import free_port

pytestmark = pytest.mark.system
expect.set_options(timeout=20_000)  # an agent, its buses and the service are real

DUTY, POWER = "R1:heater:Duty-SP", "R1:heater:Power-Sel"
SLOW_MS = 60_000
SWITCH = """
[[aruba.switches]]
name = "sw-1"
url = "http://127.0.0.1:9"
ports = [{ port = "1", device = "T:1" }]
"""
HOSTILE = "<img src=x onerror=alert(1)>\u202eR"


def part(page: Page, name: str) -> Locator:
    """The tile of a part."""
    return page.locator(".part-tile").filter(has=page.get_by_role("heading", name=name, exact=True))


def truth(control: Control, reactor: str = "R1") -> dict[str, Any]:
    """What the simulated reactor truly does."""
    return control("GET", f"/reactors/{reactor}/truth")


def duty(control: Control) -> float:
    """What the heater truly does, per cent."""
    return round(truth(control)["pwm"]["0"]["duty"] * 100, 2)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_in_every_look(visit: Open, site: Site, look: Look) -> None:
    known = "/api/v1/history?name=R1:ph:pH-Mon"  # a page asks for a trend once a minute
    site.until(known, lambda found: len(found["items"][0]["points"]) > 2)
    page = visit(look).open("/reactors")
    expect(page.locator(".part-tile")).to_have_count(5)
    expect(page.locator(".live-reading.first").first).to_contain_text("pH")
    expect(page.locator(".waiting-reactor")).to_contain_text("Reactor R2")
    expect(part(page, "ph").locator("svg.sparkline path").first).to_be_attached(timeout=SLOW_MS)
    check(page)
    page.locator(".part-tile .part-buttons button").last.scroll_into_view_if_needed()
    expect(page.locator(".reactor-bar button.danger")).to_be_in_viewport()  # to stop is one click from anywhere
    tile = part(page, "ph-control")
    tile.get_by_role("button").first.click()
    expect(page.get_by_role("dialog").get_by_role("textbox").first).to_be_visible()
    check(page)


def test_settings_are_looked_over_applied_and_reported(visit: Open, site: Site) -> None:
    for point, value in ((POWER, "Off"), (DUTY, 0)):
        assert site.put(point, value)[0] == 200
    page = visit().open("/reactors")
    heater = part(page, "heater")
    expect(heater.get_by_role("row", name="Duty")).to_contain_text("=0 %")
    heater.get_by_role("button", name="Settings …").click()
    dialog = page.get_by_role("dialog", name="Settings of heater")
    apply = dialog.get_by_role("button", name="Look over …")
    expect(apply).to_be_disabled()
    dialog.get_by_label("Duty").first.fill("140")
    expect(dialog.get_by_text("0 to 100 %")).to_be_visible()
    expect(apply).to_be_disabled()
    dialog.get_by_label("Duty").first.fill("37,5")
    dialog.get_by_role("radio", name="On").check()
    apply.click()
    expect(dialog.get_by_role("list", name="What will change")).to_contain_text("0 %→37.5 %")
    assert site.point(DUTY)["value"] == 0, "nothing is written before it is confirmed"
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    try:
        expect(page.get_by_text("Duty: 37.5 %, confirmed by the equipment")).to_be_visible()
        expect(heater.get_by_role("row", name="Duty")).to_contain_text("=37.5 %")
        wait_for(lambda: duty(site.reactors) == 37.5, "the heater heats")
        written = site.get(f"/api/v1/audit?point={DUTY}&limit=1")["items"][0]
        assert (written["value"], written["outcome"]) == (37.5, "confirmed")
    finally:
        site.put(POWER, "Off")
        site.put(DUTY, 0)
    expect(heater.get_by_role("row", name="Duty")).to_contain_text("=0 %")


def test_what_the_reactor_rejects_says_why_and_who_asked(visit: Open, site: Site) -> None:
    page = visit().open("/reactors")
    ph = part(page, "ph")
    ph.get_by_role("button", name="Settings …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Address").first.fill("103")  # the pump's
    dialog.get_by_role("button", name="Look over …").click()
    dialog.get_by_role("button", name="Set 1 value").click()
    try:
        expect(dialog.get_by_role("alert").filter(has_text="choose another address")).to_be_visible()
        expect(dialog.get_by_label("Address").first).to_have_value("103")  # nothing of what was typed is lost
        dialog.get_by_role("button", name="Cancel").click()
        row = ph.get_by_role("row").filter(has_text="Rejected").first
        expect(row).to_contain_text("address 103 is that of acid")
        expect(row).to_contain_text("asked by")
        expect(page.get_by_text("The reactor has rejected settings")).to_be_visible()
        check(page)
    finally:
        site.put("R1:ph:Address-SP", 99)
    expect(page.get_by_text("The reactor has rejected settings")).to_have_count(0)


def test_two_people_at_one_setting(visit: Open, site: Site) -> None:
    page = visit().open("/reactors")
    part(page, "ph-control").get_by_role("button", name="Settings …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Set point").first.fill("6.5")
    dialog.get_by_role("button", name="Look over …").click()
    site.put("R1:ph-control:Setpoint-SP", 8)
    try:
        dialog.get_by_role("button", name="Set 1 value").click()
        expect(dialog.get_by_text("Nothing was written: meanwhile it became 8 pH.")).to_be_visible()
        assert site.point("R1:ph-control:Setpoint-SP")["value"] == 8
        dialog.get_by_role("button", name="Look over …").click()
        expect(dialog.get_by_role("list", name="What will change")).to_contain_text("8 pH→6.5 pH")
        dialog.get_by_role("button", name="Set 1 value").click()
        expect(dialog).to_have_count(0)
        assert site.point("R1:ph-control:Setpoint-SP")["value"] == 6.5
    finally:
        site.put("R1:ph-control:Setpoint-SP", 7)


def test_a_dose_is_asked_for_twice_given_once_and_in_the_ledger(visit: Open, site: Site) -> None:
    page = visit().open("/reactors")
    before = len(truth(site.reactors)["pumps"]["acid"]["runs"])
    part(page, "acid").get_by_role("button", name="Dose …", exact=True).click()
    dialog = page.get_by_role("dialog", name="acid: Dose")
    expect(dialog.get_by_text("of 5,000 ml")).to_be_visible()
    dialog.get_by_role("textbox", name="Dose").fill("700")
    expect(dialog.get_by_text("0.5 to 500 ml")).to_be_visible()
    dialog.get_by_role("textbox", name="Dose").fill("1.5")
    dialog.get_by_role("button", name="Dose …").click()
    expect(dialog.get_by_text("acid: Dose: 1.5 ml?")).to_be_visible()
    assert len(truth(site.reactors)["pumps"]["acid"]["runs"]) == before
    check(page)
    dialog.get_by_role("button", name="Dose 1.5 ml").click()
    expect(page.get_by_text("acid: Dose 1.5 ml, done")).to_be_visible()
    runs = truth(site.reactors)["pumps"]["acid"]["runs"]
    assert (len(runs), runs[-1]["command"], runs[-1]["moved_ml"]) == (before + 1, "D,1.50", 1.5)
    ledger = page.locator(".ledger")
    row = ledger.get_by_role("row").nth(1)
    expect(row).to_contain_text("1.5 ml")
    expect(row).to_contain_text("127.0.0.1")
    expect(ledger.locator(".ledger-sum")).to_contain_text("asked for by people")
    check(page)


def test_stop_is_one_click(visit: Open, site: Site) -> None:
    page = visit().open("/reactors")
    acid = part(page, "acid")
    acid.get_by_role("button", name="Dose over a time …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("20,5")
    dialog.get_by_role("button", name="Dose over a time …").click()
    dialog.get_by_role("button", name="Dose over a time 20,5").click()
    wait_for(lambda: truth(site.reactors)["pumps"]["acid"]["running"], "the pump runs")
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Stop acid").click()
    expect(page.get_by_text("1 output stopped: acid")).to_be_visible()
    wait_for(lambda: not truth(site.reactors)["pumps"]["acid"]["running"], "the pump stands")
    assert truth(site.reactors)["pumps"]["acid"]["runs"][-1]["by"] == "stopped"


def test_a_calibration_waits_for_a_stable_reading_and_shows_the_slope(
    visit: Open, site: Site, picture: Callable[..., None]
) -> None:
    page = visit().open("/reactors")
    ph = part(page, "ph")
    ph.get_by_role("button", name="Calibrate …").click()
    dialog = page.get_by_role("dialog", name="Calibrate ph")
    dialog.get_by_role("button", name="Begin").click()
    expect(dialog.get_by_text("In calibration: loops that depend on it hold.")).to_be_visible()
    step = dialog.get_by_role("form", name="Middle point")
    do = step.get_by_role("button")
    expect(do).to_be_disabled()
    expect(dialog.get_by_text("readings so far")).to_be_visible()
    low = dialog.get_by_role("form", name="Low point")
    expect(low).to_contain_text("After: Middle point")
    expect(dialog.get_by_text("Stable", exact=True)).to_be_visible(timeout=SLOW_MS)
    check(page)
    step.get_by_label("Value of the solution").fill("7.1")
    expect(low.get_by_role("button")).to_be_disabled()
    do.click()
    try:
        expect(step.get_by_text("Middle point: done")).to_be_visible()
        expect(dialog.locator(".wizard-state")).to_contain_text("1 point")
        expect(dialog.locator(".wizard-state")).to_contain_text("slope")
        picture(page, "calibration")
        dialog.get_by_role("button", name="Finish").click()
        expect(page.get_by_text("ph is out of calibration: loops go on")).to_be_visible()
        expect(ph.locator(".calibration-state")).to_contain_text("1 point")
        steps = [item["value"] for item in site.get("/api/v1/audit?point=R1:ph:Calibrate-Cmd")["items"]][:3]
        assert steps == ["end", "mid,7.1", "begin"]
        assert site.point("R1:ph:Calibrating-Sts")["value"] == 0
    finally:
        site.put("R1:ph:Calibrate-Cmd", "clear")
        site.put("R1:ph:Calibrate-Cmd", "end")


def test_an_override_is_asked_for(visit: Open) -> None:
    page = visit().open("/reactors")
    part(page, "rtd").get_by_role("button", name="Calibrate …").click()
    dialog = page.get_by_role("dialog")
    do = dialog.get_by_role("form", name="Single point").get_by_role("button")
    expect(do).to_be_disabled()
    dialog.get_by_role("checkbox").check()
    expect(do).to_be_enabled()
    page.keyboard.press("Escape")  # left at any time
    expect(dialog).to_have_count(0)


def test_what_did_not_stop_is_not_said_to_have(visit: Open, site: Site) -> None:
    view = site.get("/api/v1/systems/reactor")
    parts = {one["name"]: one for one in view["reactors"][0]["parts"]}
    stop = next(one for one in parts["acid"]["parameters"] if one["name"] == "Stop")
    parts["heater"]["parameters"].append({**stop, "command": "R1:heater:Stop-Cmd"})
    opened = visit()
    opened.context.route("**/api/v1/systems/reactor", lambda route: route.fulfill(json=view))
    refusal = {"error": "refused", "detail": "the bus gives no answer"}
    opened.context.route("**/R1%3Aheater%3AStop-Cmd/value", lambda route: route.fulfill(status=502, json=refusal))
    page = opened.open("/reactors")
    page.get_by_role("button", name="Stop all 2 outputs").click()
    expect(page.get_by_text("heater was not stopped: the bus gives no answer")).to_be_visible()
    expect(page.get_by_text("1 output stopped: acid", exact=True)).to_be_visible()


def test_two_people_who_dose_the_same(visit: Open, site: Site) -> None:
    opened = visit()
    pages = [opened.open("/reactors") for _ in range(2)]
    before = len(truth(site.reactors)["pumps"]["acid"]["runs"])

    def ask(page: Page) -> Locator:
        with page.expect_response("**/api/v1/points/R1%3Aacid%3ADose-SP"):
            part(page, "acid").get_by_role("button", name="Dose …", exact=True).click()
        dialog = page.get_by_role("dialog", name="acid: Dose")
        dialog.get_by_role("textbox", name="Dose").fill("1.5")
        dialog.get_by_role("button", name="Dose …").click()
        return dialog.get_by_role("button", name="Dose 1.5 ml")

    def doses() -> int:
        return len(truth(site.reactors)["pumps"]["acid"]["runs"]) - before

    site.put("R1:acid:Dose-SP", 1.5)  # the last one, as it was a while ago
    first, second = (ask(page) for page in pages)
    first.click()
    expect(pages[0].get_by_text("acid: Dose 1.5 ml, done")).to_be_visible()
    second.click()
    refused = "Nothing was done: meanwhile somebody else asked for 1.5 ml. Ask again if it is still wanted."
    expect(pages[1].get_by_text(refused)).to_be_visible()
    assert doses() == 2
    second.click()
    expect(pages[1].get_by_text("acid: Dose 1.5 ml, done")).to_be_visible()
    ask(pages[0]).click()  # who doses twice is not in their own way
    expect(pages[0].get_by_role("dialog")).to_have_count(0)
    assert doses() == 4


def test_looking_into_a_calibration_does_not_end_it(visit: Open, site: Site) -> None:
    def written() -> list[Any]:
        return [item["value"] for item in site.get("/api/v1/audit?point=R1:rtd:Calibrate-Cmd")["items"]]

    shown = site.get("/api/v1/reactors/R1/calibration/rtd") | {"calibrating": True}  # somebody else is at it
    shown["steadiness"] |= {"stable": True, "reason": ""}
    away = False
    opened = visit()
    opened.context.route("**/calibration/rtd", lambda route: route.abort() if away else route.fulfill(json=shown))
    page = opened.open("/reactors")
    calibrate = part(page, "rtd").get_by_role("button", name="Calibrate …")
    calibrate.click()
    dialog = page.get_by_role("dialog")
    step = dialog.get_by_role("form", name="Single point").get_by_role("button")
    expect(dialog.get_by_text("somebody else may be at it")).to_be_visible()
    expect(step).to_be_enabled()
    check(page)
    before = written()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    calibrate.click()
    expect(dialog.get_by_text("Stable", exact=True)).to_be_visible()
    assert written() == before, "it goes on"
    away = True
    expect(dialog.get_by_text("What is shown is what was known last")).to_be_visible()
    expect(dialog.get_by_text("Not known now")).to_be_visible()
    expect(step).to_be_disabled()
    check(page)
    away = False
    expect(step).to_be_enabled()
    shown["calibrating"] = False
    dialog.get_by_role("button", name="End it for everybody").click()
    expect(dialog.get_by_text("Loops go on.")).to_be_visible()
    assert written() == ["end", *before]


def test_a_viewer_sees_nothing_that_would_be_refused(visit: Open) -> None:
    opened = visit()
    session = {"user": "eva", "role": "viewer", "signin_required": True, "csrf": "x", "first_admin": False}
    opened.context.route("**/api/v1/session", lambda route: route.fulfill(json=session))
    page = opened.open("/reactors")
    expect(page.locator(".part-tile")).to_have_count(5)
    expect(page.get_by_text("An administrator lets it in.")).to_be_visible()
    assert page.locator("main button").all_inner_texts() == ["Today", "7 days", "30 days", ""]


def test_texts_from_reactors_are_only_text(visit: Open, site: Site) -> None:
    view = site.get("/api/v1/systems/reactor")
    for one in view["reactors"][0]["parts"]:
        one |= {"title": HOSTILE, "place": HOSTILE, "model": HOSTILE}
        for parameter in one["parameters"]:
            parameter |= {"title": HOSTILE, "description": HOSTILE}
    opened = visit()
    opened.context.route("**/api/v1/systems/reactor", lambda route: route.fulfill(json=view))
    page = opened.open("/reactors")
    expect(page.get_by_role("heading", name="<img src=x onerror=alert(1)>⟨U+202E⟩R").first).to_be_visible()
    assert page.locator("main img").count() == 0


class Bench:
    """A service, and one simulated reactor with its agent, which a test may stop and start."""

    def __init__(self, serve: Callable[..., Service], folder: Path) -> None:
        self._folder = folder
        self._simulator = Process(
            *("sim", "reactor", "--reactors", "1", "--no-uart", "--pace", "0.1", "--folder", "reactors"),
            folder=folder,
            name="reactor",
        )
        self.control = Control(self._simulator.line("control "))
        self.coordinator = free_port()
        self.service = serve(
            f'[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:{self.coordinator}"\n'
            f'manager_ports = "{free_port()}"\nstatus_interval_s = 1\n'
        )
        self.agent: Process | None = None

    def call(self) -> None:
        """Have the agent call the service."""
        bus, equipment = self._simulator.line("R1 ").split(maxsplit=1)
        values = {
            "name": "R1",
            "title": "Tank 1",
            "coordinator": f"127.0.0.1:{self.coordinator}",
            "bus": bus,
            "chip": str(Path(equipment, "pwm", "pwmchip0")),
        }
        config = AGENT.format(**{key: json.dumps(value) for key, value in values.items()})
        (self._folder / "agent.toml").write_text(config.replace("[agent]", "[agent]\nfailsafe_after_s = 3", 1))
        self.agent = Process("agent", "agent.toml", folder=self._folder, name="agent")

    def pause(self, going_on: bool = False) -> None:
        """Have the agent stand still, all of its processes, or go on."""
        assert self.agent is not None
        os.killpg(self.agent.process.pid, signal.SIGCONT if going_on else signal.SIGSTOP)

    def stop(self) -> None:
        """End it all."""
        if self.agent is not None:
            self.pause(going_on=True)
            self.agent.stop()
        self._simulator.stop()


@pytest.fixture
def bench(serve: Callable[..., Service], tmp_path: Path) -> Iterator[Bench]:
    """A reactor of the test's own."""
    made = Bench(serve, tmp_path)
    yield made
    made.stop()


def test_let_in_lost_fallen_to_safe_and_resumed(visit: Open, bench: Bench, picture: Callable[..., None]) -> None:
    page = visit(to=bench.service).open("/reactors")
    expect(page.get_by_text("No reactor has called yet")).to_be_visible()
    check(page)
    bench.call()
    waiting = page.locator(".waiting-reactor")
    expect(waiting).to_contain_text("R1 waits to be accepted", timeout=SLOW_MS)
    expect(waiting).to_contain_text("Tank 1")
    waiting.get_by_role("button", name="Accept …").click()
    dialog = page.get_by_role("dialog", name="Accept R1?")
    check(page)
    assert bench.service.get("/api/v1/reactors")["items"][0]["state"] == "waiting"
    dialog.get_by_role("button", name="Accept R1").click()
    heater = part(page, "heater")
    expect(heater.get_by_role("row", name="Duty")).to_contain_text("0 %", timeout=SLOW_MS)
    expect(page.locator(".reactor-bar .presence")).to_contain_text("Connected", timeout=SLOW_MS)
    assert bench.service.put(POWER, "On")[0] == 200
    assert bench.service.put(DUTY, 40)[0] == 200
    wait_for(lambda: duty(bench.control) == 40, "the heater heats")

    bench.service.kill()
    expect(page.get_by_text("Out of touch since")).to_be_visible(timeout=SLOW_MS)
    wait_for(lambda: duty(bench.control) == 0, "the heater falls to safe")
    bench.service.start_again()
    expect(page.locator(".banner.safe")).to_contain_text("Fell to safe: heater", timeout=SLOW_MS)
    expect(heater.get_by_role("alert")).to_contain_text("Fell to safe, and stays there")
    check(page)
    picture(page, "reactor-safe")
    heater.get_by_role("button", name="Resume …").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.get_by_text("heater: Resume, done")).to_be_visible()
    expect(page.locator(".banner.safe")).to_have_count(0)
    wait_for(lambda: duty(bench.control) == 40, "the heater heats again")

    bench.pause()
    expect(page.locator(".banner.away")).to_contain_text("R1 is away", timeout=SLOW_MS)
    page.get_by_role("button", name="Stop acid").click()
    expect(page.get_by_text("acid was not stopped: ")).to_contain_text("away")
    heater.get_by_role("button", name="Settings …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("R1 is away: what you set is kept")).to_be_visible()
    dialog.get_by_label("Duty").first.fill("25")
    dialog.get_by_role("button", name="Look over …").click()
    dialog.get_by_role("button", name="Set 1 value").click()
    expect(page.get_by_text("Duty: 25 %. R1 is away: the setting is kept, and applied when it is back")).to_be_visible()
    expect(heater.get_by_role("row").filter(has_text="Pending")).to_contain_text("asked by")
    expect(heater.get_by_role("row", name="Duty")).to_contain_text("25 %≠40 %")
    check(page)
    bench.pause(going_on=True)
    expect(page.locator(".banner.away")).to_have_count(0, timeout=SLOW_MS)
    expect(heater.get_by_role("row", name="Duty")).to_contain_text("=25 %", timeout=SLOW_MS)


def test_a_token_is_shown_this_once(visit: Open, serve: Callable[..., Service]) -> None:
    service = serve(f'[reactor]\nlisten = "127.0.0.1:{free_port()}"\nmanager_ports = "{free_port()}"\n')
    page = visit(to=service).open("/reactors")
    page.get_by_role("button", name="Enrol a reactor …").click()
    dialog = page.get_by_role("dialog", name="Enrol a reactor")
    expect(dialog.get_by_role("button", name="Make a token")).to_be_disabled()
    dialog.get_by_label("Id of the reactor").fill("R9")
    dialog.get_by_role("button", name="Make a token").click()
    shown = page.get_by_role("dialog", name="The token of R9")
    token = shown.locator(".token").inner_text()
    assert len(token) >= 20
    check(page)
    shown.get_by_role("button", name="I have it").click()
    expect(shown).to_have_count(0)
    assert [(item["id"], item["enrolled"]) for item in service.get("/api/v1/reactors")["items"]] == [("R9", True)]
    assert token not in page.content()
    expect(page.locator(".banner.away")).to_contain_text("R9 is away")


def test_no_reactors_says_how_to_add_some(visit: Open, serve: Callable[..., Service]) -> None:
    page = visit(to=serve(SWITCH)).open("/reactors")
    expect(page.get_by_text("Reactors are not listened to yet")).to_be_visible()
    check(page)
