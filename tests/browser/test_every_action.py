"""Every action of the pages, by keyboard alone in English at a desk, and by touch in Portuguese on a phone.

What an action did is told by the API, by a simulator, or by a file; each dialog on the way is looked at by axe.
What a page answers where something is wrong is with the page's own tests; to switch a port, and to acknowledge on
the overview, too: `test_poe`, `test_overview`.
"""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import Look, check
from tests.browser.conftest import Open
from tests.browser.hands import HANDS, Hands
from tests.browser.people import PEOPLE, GuardedSite, add, come_in, password_of
from tests.browser.site import FAILED, RELAY, Service, wait_for
from tests.browser.test_reactors import Bench, duty
from tests.system.conftest import free_port

pytestmark = [pytest.mark.system, pytest.mark.parametrize("look", HANDS, ids=str)]

SLOW_MS = 75_000
FAULTS = {number: f"poe-fault@SIM-02:Cam-{number:02d}:PwrState-Raw" for number in (5, 6)}
NOTICES = {
    "desktop": f"relay-overvoltage@19479:Relay-{RELAY}:Overvoltage-Sts",
    "phone": f"inverter-failure@19478:Inverter-{FAILED}:Pac-Mon",
}
"""Each is sent once more by one of the tests: that goes once in a minute."""
SEL = "SIM-02:Cam-03:PwrState-Sel"
DUTY, POWER = "R1:heater:Duty-SP", "R1:heater:Power-Sel"


def begin(visit: Open, guarded: GuardedSite, look: Look, path: str, user: str = "otto") -> Hands:
    """Open a page as somebody."""
    opened = visit(look, to=guarded)
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    come_in(opened, user)
    return Hands(opened.open(path), look)


def rows(page: Page, text: str) -> Locator:
    """The rows of a list that say this."""
    return page.get_by_role("row").filter(has_text=text).filter(has=page.get_by_role("gridcell"))


def part(page: Page, name: str) -> Locator:
    """The tile of a part of a reactor."""
    return page.locator(".part-tile").filter(has=page.get_by_role("heading", name=name, exact=True))


def alarm(site: GuardedSite, number: int = 5) -> dict[str, Any]:
    """An alarm as the service has it, whatever its state."""
    (found,) = site.get(f"/api/v1/alarms?id={quote(FAULTS[number], safe='')}")["items"]
    return found


def last_write(site: GuardedSite, point: str) -> tuple[Any, ...]:
    """Who wrote last to a point, from where, what, in place of what, and how that ended."""
    (one,) = site.get(f"/api/v1/audit?point={quote(point)}&limit=1")["items"]
    return tuple(one[key] for key in ("user", "host", "via", "value", "previous", "outcome"))


@pytest.fixture
def faults(guarded: GuardedSite) -> Iterator[None]:
    """Two ports that fail, and their alarms; all of it is over afterwards."""
    for number in FAULTS:
        guarded.switches("PUT", f"/switches/sw-2/ports/{number}", {"state": "PPDS_FAULT"})
    for number in FAULTS:
        wait_for(lambda number=number: alarm(guarded, number)["state"] == "unacknowledged", "the alarm is there")
    yield
    for number, name in FAULTS.items():
        guarded.switches("PUT", f"/switches/sw-2/ports/{number}", {"state": None})
        for action in ("unshelve", "in-service", "acknowledge"):
            guarded.call("POST", f"/api/v1/alarms/{quote(name, safe='')}/{action}", {})
    for number in FAULTS:
        wait_for(lambda number=number: alarm(guarded, number)["state"] == "normal", "the alarm is over")


def act(hands: Hands, opens: str, does: str, comment: str) -> None:
    """Do something about the alarm that is open."""
    panel = hands.page.locator(".panel")
    hands.press(hands.button(opens, panel))
    dialog = hands.dialog(does)
    hands.write(dialog.get_by_label(hands.word("Comment")), comment)
    check(hands.page)
    hands.press(hands.button(does, dialog))
    expect(dialog).to_have_count(0)


def test_shelve_and_unshelve(visit: Open, guarded: GuardedSite, faults: None, look: Look) -> None:
    hands = begin(visit, guarded, look, "/alarms?q=SIM-02:Cam-05")
    hands.open_row("Alarms", rows(hands.page, "SIM-02:Cam-05"))
    state = hands.page.locator(".panel .tag.state")
    hands.press(hands.button("Shelve", hands.page.locator(".panel")))
    dialog = hands.dialog("Shelve")
    hands.tick(dialog.get_by_role("radio", name=hands.word("{n} h", 4), exact=True))
    hands.write(dialog.get_by_label(hands.word("Comment")), "obra até quinta")
    check(hands.page)
    hands.press(hands.button("Shelve", dialog))
    expect(dialog).to_have_count(0)
    expect(state).to_have_text(hands.word("Shelved"))
    known = alarm(guarded)
    assert (known["state"], known["quieted"]["by"], known["quieted"]["comment"]) == (
        "shelved",
        "otto",
        "obra até quinta",
    )
    assert known["shelved_until"] is not None
    act(hands, "Unshelve", "Unshelve", "terminou antes")
    expect(state).to_have_text(hands.word("Unacknowledged"))
    assert alarm(guarded)["state"] == "unacknowledged"


def test_out_of_service_and_back(visit: Open, guarded: GuardedSite, faults: None, look: Look) -> None:
    hands = begin(visit, guarded, look, "/alarms?q=SIM-02:Cam-05")
    hands.open_row("Alarms", rows(hands.page, "SIM-02:Cam-05"))
    state = hands.page.locator(".panel .tag.state")
    act(hands, "Out of service", "Take out of service", "dismounted")
    expect(state).to_have_text(hands.word("Out of service"))
    known = alarm(guarded)
    assert (known["state"], known["quieted"]["comment"]) == ("out-of-service", "dismounted")
    act(hands, "Put back in service", "Put back in service", "mounted again")
    expect(state).to_have_text(hands.word("Unacknowledged"))
    assert alarm(guarded)["state"] == "unacknowledged"


def test_acknowledge_many(visit: Open, guarded: GuardedSite, faults: None, look: Look) -> None:
    hands = begin(visit, guarded, look, "/alarms?q=SIM-02&state=unacknowledged")
    expect(rows(hands.page, "SIM-02")).to_have_count(2)
    for number in FAULTS:
        row = rows(hands.page, f"SIM-02:Cam-{number:02d}")
        hands.tick(row.get_by_role("checkbox"))
    chosen = hands.page.get_by_role("toolbar")
    expect(chosen).to_contain_text(hands.word("{n} chosen", 2))
    hands.press(hands.button("Acknowledge", chosen))
    dialog = hands.dialog("Acknowledge")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    hands.write(dialog.get_by_label(hands.word("Comment")), "both of them")
    check(hands.page)
    hands.press(hands.button("Acknowledge", dialog))
    hands.says("Done: {n} alarms", 2)
    for number in FAULTS:
        known = alarm(guarded, number)
        assert (known["state"], known["acknowledgement"]["comment"]) == ("acknowledged", "both of them")
        value = f"acknowledge {FAULTS[number].partition('@')[0]}: both of them"
        point = FAULTS[number].partition("@")[2]
        assert last_write(guarded, point) == ("otto", "127.0.0.1", "web", value, "unacknowledged", "confirmed")


def test_write_a_choice(visit: Open, guarded: GuardedSite, look: Look) -> None:
    assert guarded.put(SEL, "On")[0] == 200
    hands = begin(visit, guarded, look, f"/points?q={SEL}")
    hands.open_row("Points", rows(hands.page, SEL))
    dialog = hands.page.get_by_role("dialog", name=SEL)
    hands.tick(dialog.get_by_role("radio", name="Off"))
    check(hands.page)
    hands.press(hands.button("Write …", dialog))
    does = hands.button("Write {value}", dialog, value="Off")
    expect(does).to_be_focused()
    check(hands.page)
    assert guarded.point(SEL)["label"] == "On", "nothing is written before it is confirmed"
    try:
        hands.press(does)
        hands.says("{name}: {value}, confirmed by the equipment", name=SEL, value="Off")
        assert guarded.point(SEL)["label"] == "Off"
        assert last_write(guarded, SEL) == ("otto", "127.0.0.1", "web", 0, 1, "confirmed")
    finally:
        guarded.put(SEL, "On")


def test_chart_and_share(visit: Open, guarded: GuardedSite, look: Look) -> None:
    hands = begin(visit, guarded, look, "/points?q=R1:ph:pH-Mon")
    name = "R1:ph:pH-Mon"
    if look.device == "phone":
        hands.tick(hands.page.get_by_role("checkbox", name=hands.word("{name} in the chart", name=name)))
    else:
        hands.open_row("Points", rows(hands.page, name), key="Space")
    chart = hands.page.get_by_role("region", name=hands.word("Chart"))
    expect(chart.locator("canvas")).to_be_visible()
    hands.press(hands.button("{n} min", chart, n=15))
    check(hands.page)
    hands.press(hands.button("Share", chart))
    hands.says("The link is in the clipboard")
    query = parse_qs(urlsplit(hands.page.evaluate("navigator.clipboard.readText()")).query)
    assert query["name"] == [name]
    assert query["from"][0] < query["to"][0]
    hands.press(hands.button("Close the chart", chart))
    expect(chart).to_have_count(0)


def test_send_a_notice_once_more(visit: Open, guarded: GuardedSite, look: Look) -> None:
    name = NOTICES[look.device]
    notices = guarded.until(f"/api/v1/outbox?state=sent&alarm={quote(name)}", lambda found: found["items"])
    hands = begin(visit, guarded, look, f"/notices?alarm={quote(name)}")
    hands.open_row("Notices", rows(hands.page, notices[-1]["title"]).last)
    hands.press(hands.button("Send once more", hands.page.locator(".panel")))
    dialog = hands.dialog("Send once more")
    check(hands.page)
    hands.press(hands.button("Send once more", dialog))
    expect(dialog).to_have_count(0)
    repeats = hands.page.locator(".panel").get_by_role("button", name=hands.word("notice {id}", id=notices[-1]["id"]))
    expect(repeats).to_be_visible()
    told = guarded.get(f"/api/v1/outbox?alarm={quote(name)}")["items"]
    assert [one["repeats"] for one in told if one["repeats"]] == [notices[-1]["id"]]
    assert last_write(guarded, f"outbox:{notices[-1]['id']}")[0] == "otto"


def test_save_the_weekly_report(visit: Open, guarded: GuardedSite, look: Look) -> None:
    hands = begin(visit, guarded, look, "/incidents")
    with hands.page.expect_download() as saved:
        hands.press(hands.button("XLSX", hands.page.get_by_role("group", name=hands.word("Weekly report"))))
    week = guarded.get("/api/v1/reports")["items"][0]
    assert saved.value.suggested_filename == week["file"]
    assert load_workbook(io.BytesIO(saved.value.path().read_bytes()), read_only=True).sheetnames
    hands.says("Saved: {file}", file=week["file"])


def truth(site: GuardedSite) -> dict[str, Any]:
    """What the simulated reactor truly does."""
    return site.reactors("GET", "/reactors/R1/truth")


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
    hands.press(dialog.get_by_role("button", name=hands.word("Set {n} values", 2), exact=True))
    try:
        hands.says("{name}: {value}, confirmed by the equipment", name=hands.word("Duty"), value=f"{value} %")
        expect(dialog).to_have_count(0)
        wait_for(lambda: truth(guarded)["pwm"]["0"]["duty"] == 0.375, "the heater heats")
        assert last_write(guarded, DUTY) == ("otto", "127.0.0.1", "web", 37.5, 0, "confirmed")
    finally:
        guarded.put(POWER, "Off")
        guarded.put(DUTY, 0)


def test_dose_and_stop(visit: Open, guarded: GuardedSite, look: Look) -> None:
    hands = begin(visit, guarded, look, "/reactors")
    before = len(truth(guarded)["pumps"]["acid"]["runs"])
    acid = part(hands.page, "acid")
    hands.press(hands.button("{what} …", acid, what=hands.word("Dose")))
    dialog = hands.dialog("{part}: {what}", part="acid", what=hands.word("Dose"))
    value = "1,5" if look.language == "pt-BR" else "1.5"
    hands.write(dialog.get_by_role("textbox"), value)
    check(hands.page)
    hands.press(hands.button("{what} …", dialog, what=hands.word("Dose")))
    does = hands.button("{what} {value}", dialog, what=hands.word("Dose"), value=f"{value} ml")
    check(hands.page)
    assert len(truth(guarded)["pumps"]["acid"]["runs"]) == before, "nothing is dosed before it is confirmed"
    hands.press(does)
    expect(dialog).to_have_count(0)
    runs = truth(guarded)["pumps"]["acid"]["runs"]
    assert (len(runs), runs[-1]["moved_ml"]) == (before + 1, 1.5)
    expect(hands.page.locator(".ledger").get_by_role("row").nth(1)).to_contain_text("otto")

    over = hands.word("Dose over a time")
    hands.press(hands.button("{what} …", acid, what=over))
    dialog = hands.dialog("{part}: {what}", part="acid", what=over)
    hands.write(dialog.get_by_role("textbox"), "20,5")
    hands.press(hands.button("{what} …", dialog, what=over))
    hands.press(hands.button("{what} {value}", dialog, what=over, value="20,5"))
    wait_for(lambda: truth(guarded)["pumps"]["acid"]["running"], "the pump runs")
    hands.press(hands.button("Close", dialog))
    hands.press(hands.button("Stop {part}", part="acid"))
    hands.says("{n} output stopped: {names}", names="acid")
    wait_for(lambda: not truth(guarded)["pumps"]["acid"]["running"], "the pump stands")
    assert truth(guarded)["pumps"]["acid"]["runs"][-1]["by"] == "stopped"


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


@pytest.fixture
def maria(guarded: GuardedSite) -> Iterator[str]:
    """The name of a user whom a test adds; there is nobody but the usual people afterwards, and no token."""
    yield "maria"
    for user in guarded.get("/api/v1/users")["items"]:
        if user["name"] not in PEOPLE:
            guarded.call("DELETE", f"/api/v1/users/{user['name']}")
    for token in guarded.get("/api/v1/tokens")["items"]:
        guarded.call("DELETE", f"/api/v1/tokens/{token['name']}")


def role_of(site: GuardedSite, name: str) -> str | None:
    """Return a user's role; None where there is none."""
    return next((user["role"] for user in site.get("/api/v1/users")["items"] if user["name"] == name), None)


def lets_in(site: GuardedSite, user: str, password: str) -> bool:
    """Whether a user comes in with this password."""
    body = {"user": user, "password": password}
    return requests.post(f"{site.url}/api/v1/session", json=body, timeout=30).ok


def write_twice(hands: Hands, dialog: Locator, password: str) -> None:
    """Fill in a new password."""
    for field in ("New password", "New password, once more"):
        hands.write(dialog.get_by_label(hands.word(field), exact=True), password)


def test_a_user_from_added_to_removed(visit: Open, guarded: GuardedSite, maria: str, look: Look) -> None:
    hands = begin(visit, guarded, look, "/users", "ana")
    hands.press(hands.button("Add a user"))
    dialog = hands.dialog("Add a user")
    hands.write(dialog.get_by_label(hands.word("User"), exact=True), maria)
    hands.choose(dialog.get_by_label(hands.word("Role")), hands.word("viewer"))
    write_twice(hands, dialog, password_of(maria))
    check(hands.page)
    hands.press(hands.button("Add", dialog))
    hands.says("{name} is added.", name=maria)
    assert role_of(guarded, maria) == "viewer"
    assert lets_in(guarded, maria, password_of(maria))

    hands.press(hands.button("Change the role of {name}", name=maria))
    dialog = hands.dialog("The role of {name}", name=maria)
    hands.choose(dialog.get_by_label(hands.word("Role")), hands.word("operator"))
    check(hands.page)
    hands.press(hands.button("Change the role", dialog))
    hands.says("{name} is {role} now.", name=maria, role=hands.word("operator"))
    assert role_of(guarded, maria) == "operator"

    hands.press(hands.button("New password for {name}", name=maria))
    dialog = hands.dialog("New password for {name}", name=maria)
    write_twice(hands, dialog, "maria has other words")
    check(hands.page)
    hands.press(hands.button("Set the password", dialog))
    hands.says("{name} has a new password.", name=maria)
    assert lets_in(guarded, maria, "maria has other words")
    assert not lets_in(guarded, maria, password_of(maria))

    hands.press(hands.button("Remove {name}", name=maria))
    dialog = hands.dialog("Remove {name}?", name=maria)
    check(hands.page)
    hands.press(hands.button("Remove", dialog))
    hands.says("{name} is removed.", name=maria)
    assert role_of(guarded, maria) is None


def test_a_token_from_made_to_removed(visit: Open, guarded: GuardedSite, maria: str, look: Look) -> None:
    hands = begin(visit, guarded, look, "/users?view=tokens", "ana")
    hands.press(hands.button("Make a token"))
    dialog = hands.dialog("Make a token")
    hands.write(dialog.get_by_label(hands.word("Program")), "prometheus")
    hands.choose(dialog.get_by_label(hands.word("Ends")), hands.word("in {n} days", 30))
    check(hands.page)
    hands.press(hands.button("Make", dialog))
    dialog = hands.dialog("The token of {name}", name="prometheus")
    token = dialog.get_by_label(hands.word("Token"), exact=True).input_value()
    check(hands.page)
    hands.press(hands.button("Copy", dialog))
    hands.says("The token is in the clipboard")
    assert hands.page.evaluate("navigator.clipboard.readText()") == token
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{guarded.url}/metrics", headers=headers, timeout=30).status_code == 200
    hands.press(hands.button("Close", dialog).last)
    expect(dialog).to_have_count(0)

    hands.press(hands.button("Remove {name}", name="prometheus"))
    dialog = hands.dialog("Remove {name}?", name="prometheus")
    check(hands.page)
    hands.press(hands.button("Remove", dialog))
    hands.says("There is no token")
    assert requests.get(f"{guarded.url}/metrics", headers=headers, timeout=30).status_code == 401


def to_the_menu(hands: Hands) -> None:
    """Open what a phone has behind its menu."""
    if hands.look.device == "phone":
        hands.press(hands.button("Menu"))


def test_change_of_ones_own_password(visit: Open, guarded: GuardedSite, maria: str, look: Look) -> None:
    add(guarded, maria, "viewer")
    hands = begin(visit, guarded, look, "/points", maria)
    to_the_menu(hands)
    hands.press(hands.button("Change password", hands.page.get_by_role("navigation").first))
    dialog = hands.dialog("Change password")
    hands.write(dialog.get_by_label(hands.word("Present password")), password_of(maria))
    write_twice(hands, dialog, "other words of maria")
    check(hands.page)
    hands.press(hands.button("Change password", dialog))
    hands.says("Your password is changed. Other browsers have to sign in again.")
    expect(dialog).to_have_count(0)
    assert lets_in(guarded, maria, "other words of maria")
    assert not lets_in(guarded, maria, password_of(maria))


def test_sign_out_and_in(visit: Open, guarded: GuardedSite, look: Look) -> None:
    hands = begin(visit, guarded, look, "/points")
    to_the_menu(hands)
    check(hands.page)
    hands.press(hands.button("Sign out"))
    expect(hands.page).to_have_url(re.compile(r"/sign-in\?to=%2Fpoints$"))
    assert hands.page.request.get(f"{guarded.url}/api/v1/points").status == 401
    check(hands.page)
    hands.write(hands.page.get_by_label(hands.word("User")), "vera")
    hands.write(hands.page.get_by_label(hands.word("Password")), password_of("vera"))
    hands.press(hands.button("Sign in", hands.page.locator("main")))
    expect(hands.page).to_have_url(f"{guarded.url}/points")
    assert hands.page.request.get(f"{guarded.url}/api/v1/session").json()["user"] == "vera"
