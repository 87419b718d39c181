"""Every action of the page of reactors, as `test_every_action` has those of the others."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import Look, check
from tests.browser.conftest import Open
from tests.browser.hands import HANDS, Hands, begin
from tests.browser.people import GuardedSite, last_write
from tests.browser.site import Service, wait_for
from tests.browser.test_reactors import DUTY, POWER, Bench, duty, part, truth
from tests.system.conftest import free_port

pytestmark = [pytest.mark.system, pytest.mark.parametrize("look", HANDS, ids=str)]

SLOW_MS = 75_000


def test_set_a_part_of_a_reactor(visit: Open, guarded: GuardedSite, look: Look) -> None:
    for point, value in ((POWER, "Off"), (DUTY, 0)):
        assert guarded.put(point, value)[0] == 200
    hands = begin(visit, guarded, look, "/reactors")
    hands.press(hands.button("Settings …", part(hands.page, "heater")))
    dialog = hands.dialog("Settings of {part}", part="heater")
    value = "37,5" if look.language == "pt-BR" else "37.5"
    hands.write(dialog.get_by_label(hands.word("Duty")).first, value)
    hands.tick(dialog.get_by_role("radio", name=hands.word("On"), exact=True))
    check(hands.page)
    hands.press(hands.button("Look over …", dialog))
    expect(dialog.get_by_role("list", name=hands.word("What will change"))).to_contain_text(f"{value} %")
    check(hands.page)
    assert guarded.point(DUTY)["value"] == 0, "nothing is written before it is confirmed"
    hands.press(hands.button("Set {n} values", dialog, n=2))
    try:
        hands.says("{name}: {value}, confirmed by the equipment", name=hands.word("Duty"), value=f"{value} %")
        expect(dialog).to_have_count(0)
        wait_for(lambda: duty(guarded.reactors) == 37.5, "the heater heats")
        assert last_write(guarded, DUTY) == ("otto", "127.0.0.1", "web", 37.5, 0, "confirmed")
    finally:
        guarded.put(POWER, "Off")
        guarded.put(DUTY, 0)


def test_dose_and_stop(visit: Open, guarded: GuardedSite, look: Look) -> None:
    hands = begin(visit, guarded, look, "/reactors")
    before = len(truth(guarded.reactors)["pumps"]["acid"]["runs"])
    acid = part(hands.page, "acid")
    hands.press(hands.button("{what} …", acid, what=hands.word("Dose")))
    dialog = hands.dialog("{part}: {what}", part="acid", what=hands.word("Dose"))
    value = "1,5" if look.language == "pt-BR" else "1.5"
    hands.write(dialog.get_by_role("textbox"), value)
    check(hands.page)
    hands.press(hands.button("{what} …", dialog, what=hands.word("Dose")))
    does = hands.button("{what} {value}", dialog, what=hands.word("Dose"), value=f"{value} ml")
    check(hands.page)
    assert len(truth(guarded.reactors)["pumps"]["acid"]["runs"]) == before, "nothing is dosed before it is confirmed"
    hands.press(does)
    expect(dialog).to_have_count(0)
    runs = truth(guarded.reactors)["pumps"]["acid"]["runs"]
    assert (len(runs), runs[-1]["moved_ml"]) == (before + 1, 1.5)
    expect(hands.page.locator(".ledger").get_by_role("row").nth(1)).to_contain_text("otto")

    over = hands.word("Dose over a time")
    hands.press(hands.button("{what} …", acid, what=over))
    dialog = hands.dialog("{part}: {what}", part="acid", what=over)
    hands.write(dialog.get_by_role("textbox"), "20,5")
    hands.press(hands.button("{what} …", dialog, what=over))
    hands.press(hands.button("{what} {value}", dialog, what=over, value="20,5"))
    wait_for(lambda: truth(guarded.reactors)["pumps"]["acid"]["running"], "the pump runs")
    hands.press(hands.button("Close", dialog))
    hands.press(hands.button("Stop {part}", part="acid"))
    hands.says("{n} output stopped: {names}", names="acid")
    wait_for(lambda: not truth(guarded.reactors)["pumps"]["acid"]["running"], "the pump stands")
    assert truth(guarded.reactors)["pumps"]["acid"]["runs"][-1]["by"] == "stopped"


@pytest.fixture
def uncalibrated(guarded: GuardedSite) -> Iterator[None]:
    """Take back what a test has calibrated."""
    yield
    for name in ("ph", "rtd"):
        for word in ("clear", "end"):
            guarded.put(f"R1:{name}:Calibrate-Cmd", word)


def calibrations(site: GuardedSite, name: str) -> list[Any]:
    """What was written to calibrate a probe, the newest first."""
    return [one["value"] for one in site.get(f"/api/v1/audit?point=R1:{name}:Calibrate-Cmd")["items"]]


def test_calibrate(visit: Open, guarded: GuardedSite, uncalibrated: None, look: Look) -> None:
    guarded.reactors("PATCH", "/reactors/R1/vessel", {"ph": 7.2})  # what was dosed before still spreads
    hands = begin(visit, guarded, look, "/reactors")
    hands.press(hands.button("Calibrate …", part(hands.page, "ph")))
    dialog = hands.dialog("Calibrate {part}", part="ph")
    hands.press(hands.button("Begin", dialog))
    expect(dialog.get_by_text(hands.word("In calibration: loops that depend on it hold."))).to_be_visible()
    expect(dialog.get_by_text(hands.word("Stable"), exact=True)).to_be_visible(timeout=SLOW_MS)
    step = dialog.get_by_role("form", name=hands.word("Middle point"))
    value = "7,1" if look.language == "pt-BR" else "7.1"
    hands.write(step.get_by_label(hands.word("Value of the solution")), value)
    check(hands.page)
    hands.press(step.get_by_role("button"))
    expect(step.get_by_text(hands.word("{step}: done", step=hands.word("Middle point")))).to_be_visible()
    hands.press(hands.button("Finish", dialog))
    hands.says("{part} is out of calibration: loops go on", part="ph")
    assert calibrations(guarded, "ph")[:3] == ["end", "mid,7.1", "begin"]
    assert guarded.point("R1:ph:Calibrating-Sts")["value"] == 0


def test_calibrate_all_the_same(visit: Open, guarded: GuardedSite, uncalibrated: None, look: Look) -> None:
    hands = begin(visit, guarded, look, "/reactors")
    hands.press(hands.button("Calibrate …", part(hands.page, "rtd")))
    dialog = hands.dialog("Calibrate {part}", part="rtd")
    step = dialog.get_by_role("form", name=hands.word("Single point"))
    expect(step.get_by_role("button")).to_be_disabled()
    hands.write(step.get_by_label(hands.word("Value of the solution")), "25")
    hands.tick(dialog.get_by_role("checkbox", name=hands.word("The reading is not stable: calibrate all the same")))
    check(hands.page)
    hands.press(step.get_by_role("button"))
    expect(step.get_by_text(hands.word("{step}: done", step=hands.word("Single point")))).to_be_visible()
    assert calibrations(guarded, "rtd")[0] == "single,25"
    hands.press(hands.button("Finish", dialog))
    expect(dialog).to_have_count(0)


@pytest.fixture
def bench(serve: Callable[..., Service], tmp_path: Path) -> Iterator[Bench]:
    """A reactor of the test's own, which calls."""
    made = Bench(serve, tmp_path)
    made.call()
    yield made
    made.stop()


def test_accept_a_reactor_and_resume_a_part(visit: Open, bench: Bench, look: Look) -> None:
    hands = Hands(visit(look, to=bench.service).open("/reactors"), look)
    waiting = hands.page.locator(".waiting-reactor")
    expect(waiting).to_be_visible(timeout=SLOW_MS)
    hands.press(hands.button("Accept …", waiting))
    dialog = hands.dialog("Accept {reactor}?", reactor="R1")
    check(hands.page)
    hands.press(hands.button("Accept {reactor}", dialog, reactor="R1"))
    hands.says("{reactor} is accepted: it registers within seconds", reactor="R1")
    bench.service.until("/api/v1/reactors", lambda found: found["items"][0]["state"] == "connected")
    for point, value in ((POWER, "On"), (DUTY, 40)):
        wait_for(lambda point=point, value=value: bench.service.put(point, value)[0] == 200, f"{point} is taken")
    wait_for(lambda: duty(bench.control) == 40, "the heater heats")
    bench.service.kill()
    wait_for(lambda: duty(bench.control) == 0, "the heater falls to safe")
    bench.service.start_again()
    expect(hands.page.locator(".banner.safe")).to_contain_text("heater", timeout=SLOW_MS)
    hands.press(hands.button("Resume …", part(hands.page, "heater")))
    dialog = hands.dialog("{part}: {what}", part="heater", what=hands.word("Resume"))
    check(hands.page)
    hands.press(hands.button("Resume", dialog))
    expect(hands.page.locator(".banner.safe")).to_have_count(0)
    wait_for(lambda: duty(bench.control) == 40, "the heater heats again")


def test_enrol_a_reactor(visit: Open, serve: Callable[..., Service], look: Look) -> None:
    service = serve(f'[reactor]\nlisten = "127.0.0.1:{free_port()}"\nmanager_ports = "{free_port()}"\n')
    hands = Hands(visit(look, to=service).open("/reactors"), look)
    hands.press(hands.button("Enrol a reactor …"))
    dialog = hands.dialog("Enrol a reactor")
    hands.write(dialog.get_by_label(hands.word("Id of the reactor")), "R9")
    check(hands.page)
    hands.press(hands.button("Make a token", dialog))
    dialog = hands.dialog("The token of {reactor}", reactor="R9")
    assert len(dialog.locator(".token").inner_text()) >= 20
    check(hands.page)
    hands.press(hands.button("I have it", dialog))
    expect(dialog).to_have_count(0)
    assert [(item["id"], item["enrolled"]) for item in service.get("/api/v1/reactors")["items"]] == [("R9", True)]
