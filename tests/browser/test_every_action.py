"""Every action of the pages, by keyboard alone in English at a desk, and by touch in Portuguese on a phone.

What an action did is told by the API, by a simulator, or by a file; each dialog on the way is looked at by axe.
What a page answers where something is wrong is with the page's own tests; to switch a port, and to acknowledge on
the overview, too: `test_poe`, `test_overview`. Those of reactors are in `test_every_reactor_action`.
"""

import io
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import Look, check
from tests.browser.conftest import Open
from tests.browser.hands import HANDS, Hands, begin
from tests.browser.people import PEOPLE, GuardedSite, add, last_write, password_of
from tests.browser.site import FAILED, RELAY, wait_for

pytestmark = [pytest.mark.system, pytest.mark.parametrize("look", HANDS, ids=str)]

FAULTS = {number: f"poe-fault@SIM-02:Cam-{number:02d}:PwrState-Raw" for number in (5, 6)}
NOTICES = {
    "desktop": f"relay-overvoltage@19479:Relay-{RELAY}:Overvoltage-Sts",
    "phone": f"inverter-failure@19478:Inverter-{FAILED}:Pac-Mon",
}
"""Each is sent once more by one of the tests: that goes once in a minute."""
SEL = "SIM-02:Cam-03:PwrState-Sel"


def rows(page: Page, text: str) -> Locator:
    """The rows of a list that say this."""
    return page.get_by_role("row").filter(has_text=text).filter(has=page.get_by_role("gridcell"))


def alarm(site: GuardedSite, number: int = 5) -> dict[str, Any]:
    """An alarm as the service has it, whatever its state."""
    (found,) = site.get(f"/api/v1/alarms?id={quote(FAULTS[number], safe='')}")["items"]
    return found


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


def test_choose_the_colours_and_the_language(visit: Open, guarded: GuardedSite, look: Look) -> None:
    hands = begin(visit, guarded, look, "/points")
    to_the_menu(hands)
    background = "getComputedStyle(document.body).backgroundColor"
    before = hands.page.evaluate(background)
    other = hands.word("Dark" if look.theme == "light" else "Light")
    hands.choose(hands.page.get_by_label(hands.word("Colours")), other)
    assert hands.page.evaluate(background) != before
    check(hands.page)
    language, title = ("Português", "Pontos") if look.language == "en" else ("English", "Points")
    expect(hands.page.get_by_label(hands.word("Language"))).to_be_visible()
    menu = hands.page.locator("select").filter(has=hands.page.locator("option[lang]"))  # its name changes, too
    hands.choose(menu, language)
    expect(hands.page.get_by_role("heading", level=1, include_hidden=True)).to_have_text(title)
