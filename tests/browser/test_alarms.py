"""The page of alarms: what is wrong, what is done about it, and how the alarm system fares."""

import json
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.browsing import LOOKS, Look, Visit, check, picture
from tests.browser.conftest import Open
from tests.browser.site import FAILED, wait_for

pytestmark = pytest.mark.system

PORT = "SIM-02:Cam-05"
ALARM = f"poe-fault@{PORT}:PwrState-Raw"
INVERTER = f"inverter-failure@19478:Inverter-{FAILED}:Pac-Mon"


def row(page: Page, text: str) -> Locator:
    """The row of an alarm."""
    return page.get_by_role("row").filter(has_text=text).filter(has=page.get_by_role("gridcell"))


def alarm(site, name: str = ALARM) -> dict:
    """An alarm as the service has it, whatever its state."""
    (found,) = site.get(f"/api/v1/alarms?id={quote(name, safe='')}")["items"]
    return found


def act(site, action: str, name: str = ALARM, **body: str) -> None:
    """Do something about an alarm, as somebody else."""
    site.call("POST", f"/api/v1/alarms/{quote(name, safe='')}/{action}", body)


@pytest.fixture
def fault(site) -> Iterator[None]:
    """A port that fails, and its alarm; both are over afterwards."""
    site.switches("PUT", "/switches/sw-2/ports/5", {"state": "PPDS_FAULT"})
    wait_for(lambda: alarm(site)["state"] == "unacknowledged", "the alarm is there")
    yield
    site.switches("PUT", "/switches/sw-2/ports/5", {"state": None})
    for action in ("unshelve", "in-service", "acknowledge"):
        act(site, action)
    wait_for(lambda: alarm(site)["state"] in {"normal", "returned"}, "the port is well again")
    act(site, "acknowledge")
    wait_for(lambda: alarm(site)["state"] == "normal", "the alarm is over")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_in_every_look(visit: Open, site, fault, look: Look) -> None:
    page = visit(look).open("/alarms")
    expect(row(page, PORT)).to_be_visible()
    check(page)
    picture(page, f"alarms-{look}")
    row(page, FAILED).click()
    panel = page.get_by_role("region", name="Inverter failure")
    expect(panel.get_by_role("figure")).to_be_visible()
    expect(panel.get_by_role("list").filter(has_text="teams").first).to_be_visible()
    check(page)
    picture(page, f"alarm-{look}")
    page.goto(page.url.split("?")[0] + "?view=figures")
    expect(page.get_by_role("heading", level=2).nth(3)).to_be_visible()
    check(page)
    picture(page, f"alarm-figures-{look}")


def test_two_clicks_acknowledge(visit: Open, site, fault) -> None:
    page = visit().open("/alarms")
    row(page, PORT).get_by_role("button", name="Acknowledge").click()
    dialog = page.get_by_role("dialog", name="Acknowledge")
    expect(dialog).to_contain_text(PORT)
    expect(dialog.get_by_role("textbox", name="Comment")).to_be_focused()
    page.keyboard.type("replacing the camera")
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(dialog).to_have_count(0)
    expect(row(page, PORT)).to_contain_text("Acknowledged")
    known = alarm(site)
    assert known["state"] == "acknowledged"
    assert known["acknowledgement"]["comment"] == "replacing the camera"
    row(page, PORT).click()
    journal = page.locator(".journal")
    expect(journal).to_contain_text("replacing the camera")
    written = site.get("/api/v1/audit?limit=1")["items"][0]
    assert written["outcome"] == "confirmed"
    assert "replacing the camera" in written["value"]


def test_in_portuguese_by_keyboard_alone(visit: Open, site, fault) -> None:
    page = visit(Look("phone", "pt-BR", "dark")).open(f"/alarms?q={quote(PORT)}")
    page.get_by_role("grid", name="Alarmes").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    panel = page.locator(".panel")
    expect(panel.get_by_role("heading", level=2)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Reconhecer")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Comentário")).to_be_focused()
    page.keyboard.type("a caminho")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(panel).to_contain_text("Reconhecido")
    assert alarm(site)["acknowledgement"]["comment"] == "a caminho"
    expect(panel.get_by_role("heading", level=2)).to_be_focused()  # its button is gone
    page.keyboard.press("Escape")
    expect(row(page, PORT)).to_be_visible()


def test_shelve_until_a_time_and_back(visit: Open, site, fault) -> None:
    page = visit().open(f"/alarms?alarm={quote(ALARM)}")
    panel = page.locator(".panel")
    panel.get_by_role("button", name="Shelve").click()
    dialog = page.get_by_role("dialog", name="Shelve")
    dialog.get_by_role("radio", name="Until …").check()
    field = dialog.get_by_label(re.compile("time zone America/Sao_Paulo"))
    field.fill("2026-05-01T10:00")
    dialog.get_by_role("button", name="Shelve").click()
    expect(dialog.get_by_text("At most 30 days ahead")).to_be_visible()
    field.fill("2026-03-01T10:00")
    dialog.get_by_role("button", name="Shelve").click()
    expect(dialog.get_by_text("That is past")).to_be_visible()
    check(page)
    field.fill("2026-03-20T18:30")
    dialog.get_by_label("Comment").fill("works until Friday")
    dialog.get_by_role("button", name="Shelve").click()
    expect(dialog).to_have_count(0)
    expect(panel.locator(".tag.state")).to_have_text("Shelved")
    known = alarm(site)
    assert (known["state"], known["shelved_until"]) == ("shelved", "2026-03-20T21:30:00.000Z")
    assert known["quieted"]["comment"] == "works until Friday"
    panel.get_by_role("button", name="Unshelve").click()
    page.get_by_role("dialog").get_by_role("button", name="Unshelve").click()
    expect(panel.locator(".tag.state")).to_have_text("Unacknowledged")
    assert alarm(site)["state"] == "unacknowledged"


def test_out_of_service_and_back(visit: Open, site, fault) -> None:
    page = visit().open(f"/alarms?alarm={quote(ALARM)}")
    panel = page.locator(".panel")
    panel.get_by_role("button", name="Out of service").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Comment").fill("dismounted")
    dialog.get_by_role("button", name="Take out of service").click()
    expect(panel.locator(".tag.state")).to_have_text("Out of service")
    assert alarm(site)["state"] == "out-of-service"
    panel.get_by_role("button", name="Put back in service").click()
    page.get_by_role("dialog").get_by_role("button", name="Put back in service").click()
    expect(panel.locator(".tag.state")).to_have_text("Unacknowledged")
    expect(panel.locator(".journal")).to_contain_text("dismounted")


def test_what_somebody_else_did_meanwhile(visit: Open, site, fault) -> None:
    page = visit().open("/alarms")
    row(page, PORT).get_by_role("button", name="Acknowledge").click()
    dialog = page.get_by_role("dialog", name="Acknowledge")
    act(site, "acknowledge", comment="mine")
    expect(dialog.get_by_text("Meanwhile: Acknowledged, by")).to_be_visible()
    expect(dialog.get_by_role("button", name="Acknowledge")).to_be_disabled()


def test_many_at_once_and_one_that_refuses(visit: Open, site, fault) -> None:
    site.switches("PUT", "/switches/sw-2/ports/6", {"state": "PPDS_FAULT"})
    other = "poe-fault@SIM-02:Cam-06:PwrState-Raw"
    wait_for(lambda: alarm(site, other)["state"] == "unacknowledged", "the other alarm is there")
    page = visit().open("/alarms?q=SIM-02")
    page.get_by_role("checkbox", name="Choose all 2").check()
    page.get_by_role("button", name="Acknowledge", exact=True).first.click()
    dialog = page.get_by_role("dialog", name="Acknowledge")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    act(site, "acknowledge", comment="before you")
    dialog.get_by_label("Comment").fill("all of them")
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(dialog).to_contain_text("1 alarm refused")
    expect(dialog).to_contain_text("poe-fault")
    assert alarm(site, other)["acknowledgement"]["comment"] == "all of them"
    assert alarm(site)["acknowledgement"]["comment"] == "before you"
    dialog.get_by_role("button", name="Cancel").click()
    site.switches("PUT", "/switches/sw-2/ports/6", {"state": None})
    wait_for(lambda: alarm(site, other)["state"] == "normal", "the other alarm is over")


def test_a_card_leads_to_its_alarm_even_when_it_is_over(visit: Open, site) -> None:
    assert alarm(site)["state"] == "normal"
    page = visit().open(f"/alarms?alarm={quote(ALARM)}")
    panel = page.locator(".panel")
    expect(panel).to_contain_text("Normal")
    expect(panel).to_contain_text(PORT)
    unknown = visit().open("/alarms?alarm=gone%40R9%3Aph%3ApH-Mon")
    expect(unknown.locator(".panel")).to_contain_text("No alarm of this name is known any more")


def test_filters_are_in_the_address(visit: Open, site, fault) -> None:
    opened = visit()
    page = opened.open("/alarms")
    page.get_by_role("combobox", name="System").select_option("aruba")
    expect(row(page, FAILED)).to_have_count(0)
    expect(row(page, PORT)).to_be_visible()
    page.get_by_role("searchbox").fill("there is no such alarm")
    expect(page.get_by_text("No alarm is like that")).to_be_visible()
    check(page)
    again = opened.open(page.url.removeprefix(site.url))
    again.get_by_role("button", name="Show all alarms").click()
    expect(row(again, FAILED)).to_be_visible()


def test_figures(visit: Open, site, fault) -> None:
    told = site.until("/api/v1/alarms/figures", lambda found: found["total"] >= 3 and found)
    page = visit().open("/alarms?view=figures")
    tile = page.locator(".tile").filter(has=page.get_by_role("heading", name="Alarms per 10 minutes"))
    expect(tile.locator(".figure").filter(has_text="Raised")).to_contain_text(re.compile(r"\d+"))
    top = page.get_by_role("region", name="The ten most frequent")
    expect(top.get_by_role("row")).to_have_count(len(told["top"]) + 1)
    expect(tile.locator("rect.bar, rect.flood").first).to_be_attached()
    tile.get_by_text("As a table").click()
    expect(tile.get_by_role("table")).to_be_visible()
    page.get_by_role("combobox", name="Period").select_option("own")
    page.get_by_label("From", exact=True).fill("2026-03-01T00:00")
    page.get_by_label("To", exact=True).fill("2026-03-02T00:00")
    expect(tile).to_contain_text("No alarm was raised in this time.")
    assert "from=2026-03-01T03%3A00" in page.url
    page.get_by_role("link", name="Now", exact=True).click()
    expect(row(page, FAILED)).to_be_visible()


def test_figures_of_what_chatters_and_of_what_nobody_looks_at(visit: Open, site, fault) -> None:
    told = site.until("/api/v1/alarms/figures", lambda found: found["top"] and found)
    source = {key: value for key, value in told["top"][0].items() if key not in {"count", "share"}}
    chatters = source | {"name": "Flutters", "count_per_min": 7, "count": 41, "last": told["to"]}
    stands = source | {"name": "Stands", "since": "2026-03-07T11:00:00.000Z"}
    opened = visit()
    answer = told | {"chattering": [chatters], "stale": [stands], "stale_count": 3}
    opened.context.route("**/api/v1/alarms/figures?**", lambda route: route.fulfill(json=answer))
    page = opened.open("/alarms?view=figures")
    chattering = page.get_by_role("region", name="Chattering").get_by_role("row").nth(1)
    expect(chattering).to_contain_text("Flutters")
    expect(chattering.get_by_role("cell")).to_contain_text(["Flutters", "7", "41"])
    stale = page.locator(".tile").filter(has=page.get_by_role("heading", name="Stale"))
    expect(stale.get_by_role("row").nth(1)).to_contain_text(re.compile(r"Stands.*3 days", re.DOTALL))
    expect(stale).to_contain_text("and 2 more")
    check(page)
    opened.context.unroute("**/api/v1/alarms/figures?**")
    page.get_by_role("button", name="Count again").click()
    expect(stale).to_contain_text("None")
    expect(page.get_by_text("Flutters")).to_have_count(0)


def item(n: int, **fields: object) -> dict:
    """An alarm as the stream has it."""
    nothing = ("suppressed_by", "acknowledged_by", "shelved_until", "told_at", "acknowledgement", "quieted", "incident")
    nothing += ("latest_incident",)
    return {
        "id": f"rule@P{n}",
        "point": f"P{n}",
        "device": f"Device {n}",
        "name": f"Alarm {n}",
        "state": "unacknowledged",
        "severity": ("MINOR", "MAJOR")[n % 2],
        "since": "2026-03-10T14:00:00.000Z",
        "began": "2026-03-10T14:00:00.000Z",
        "detail": "",
        "area": "",
        "system": "aruba",
        "told": [],
        "waiting": [],
        **dict.fromkeys(nothing),
        **fields,
    }


def tell(opened: Visit, items: list[dict]) -> None:
    """Have the pages of a visit hear of these alarms, and of nothing else."""
    parcels = [items[start : start + 1000] for start in range(0, len(items), 1000)]
    data = [{"items": parcel, "complete": parcel is parcels[-1]} for parcel in parcels]
    stream = "".join(f"event: alarms\ndata: {json.dumps(one)}\n\n" for one in data)
    opened.context.route(
        "**/api/v1/events?*", lambda route: route.fulfill(content_type="text/event-stream", body=stream)
    )


def test_suppressed_ones_stand_under_their_cause(visit: Open) -> None:
    opened = visit()
    under = [item(n, state="suppressed", suppressed_by="rule@P0") for n in range(1, 4)]
    tell(opened, [item(0, name="Relay failure"), *under, item(9, state="suppressed", suppressed_by="rule@P3")])
    page = opened.open("/alarms")
    expect(row(page, "Relay failure")).to_be_visible()
    expect(row(page, "Alarm 1")).to_have_count(0)
    page.get_by_role("button", name="3 suppressed").click()
    expect(row(page, "Alarm 1")).to_contain_text("Suppressed by Relay failure")
    expect(row(page, "Alarm 9")).to_have_count(0)
    row(page, "Alarm 3").get_by_role("button", name="1 suppressed").click()
    expect(row(page, "Alarm 9")).to_be_visible()
    check(page)
    row(page, "Alarm 2").click()
    panel = page.locator(".panel")
    panel.get_by_role("button", name="Relay failure").click()
    expect(panel).to_contain_text("Suppresses")
    page.get_by_role("button", name="Suppressed 4").click()
    expect(row(page, "Alarm 2")).to_be_visible()
    expect(page.get_by_role("grid").locator(".title").filter(has_text="Relay failure")).to_have_count(0)


@pytest.mark.parametrize("how", ["Stop", "Escape"])
def test_many_at_once_and_stopped_says_what_was_done_and_what_was_not(visit: Open, how: str) -> None:
    opened = visit()
    alarms = {one["id"]: one for one in (item(n, latest_incident=f"i-{n}") for n in range(12))}
    tell(opened, list(alarms.values()))
    held: list[Route] = []
    seen: list[str] = []

    def answer(route: Route) -> None:
        name = unquote(route.request.url.split("/")[-2])
        seen.append(route.request.post_data_json["expected"])
        if len(seen) == 3:
            held.append(route)
        else:
            route.fulfill(json=alarms[name] | {"state": "acknowledged"})

    opened.context.route("**/api/v1/alarms/*/acknowledge", answer)
    page = opened.open("/alarms")
    page.get_by_role("checkbox", name="Choose all 12").check()
    page.get_by_role("button", name="Acknowledge", exact=True).first.click()
    dialog = page.get_by_role("dialog", name="Acknowledge")
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(dialog.get_by_role("button", name="3 of 12")).to_be_visible()
    if how == "Stop":
        dialog.get_by_role("button", name="Stop").click()
    else:
        page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    held[0].fulfill(json=alarms["rule@P0"])
    expect(page.get_by_text("Done: 3 alarms")).to_be_visible()
    expect(page.get_by_text("Stopped: 9 alarms are as they were")).to_be_visible()
    expect(page.get_by_text("9 chosen")).to_be_visible()
    assert set(seen) < {one["latest_incident"] for one in alarms.values()}
    assert len(seen) == 3


def test_since_is_when_it_began_whatever_was_clicked_later(visit: Open) -> None:
    began, clicked = "2026-03-07T08:00:00.000Z", "2026-03-10T14:03:00.000Z"
    alarms = [
        item(1, state="acknowledged", began=began, since=clicked),
        item(2, state="returned", began=None, since=clicked),
    ]
    opened = visit()
    tell(opened, alarms)
    page = opened.open("/alarms")
    expect(row(page, "Alarm 1").locator(".since-cell time")).to_have_attribute("datetime", began)
    expect(row(page, "Alarm 2").locator(".since-cell time")).to_have_attribute("datetime", clicked)
    row(page, "Alarm 1").click()
    panel = page.locator(".panel")
    for moment in (began, clicked):  # and when it was acknowledged
        expect(panel.locator(f"time[datetime='{moment}']").first).to_be_visible()


def test_ten_thousand_alarms_some_hostile(visit: Open) -> None:
    opened = visit()
    hostile = item(0, severity="INVALID", name="<img src=x onerror=alert(1)>\x1b[31m", detail="</script><b>bold</b>")
    tell(opened, [hostile, *(item(n) for n in range(1, 10_000))])
    page = opened.open("/alarms")
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    expect(page.get_by_role("button", name="All 10,000")).to_be_visible()
    expect(row(page, "␛[31m")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("main img, main b, main script").count() == 0
    assert page.get_by_role("row").count() < 60
    page.get_by_role("grid").focus()
    page.keyboard.press("End")
    expect(page.locator('[aria-rowindex="10000"]')).to_be_visible()
    page.get_by_role("searchbox").fill("device 7777")
    expect(row(page, "Alarm 7777")).to_be_visible()
    check(page)


SPOKEN = """
window.EventSource = class extends EventTarget {
    constructor() {
        super();
        window.say = (name, data) => this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
    }
    close() {}
};
"""


def test_the_keyboard_stays_on_an_alarm_when_another_comes_above_it(visit: Open) -> None:
    opened = visit()
    opened.context.add_init_script(SPOKEN)
    page = opened.open("/alarms")
    page.wait_for_function("window.say")

    def say(*items: dict) -> None:
        page.evaluate("items => say('alarms', { items, complete: true })", list(items))

    say(*(item(n, severity="MINOR") for n in range(100, 400)))
    expect(row(page, "Alarm 100")).to_be_visible()
    grid = page.get_by_role("grid", name="Alarms")
    grid.focus()
    page.keyboard.press("ArrowDown")
    held = page.locator(".list-row.active")
    expect(held).to_contain_text("Alarm 101")
    say(item(1, severity="MAJOR"))
    expect(page.locator('[aria-rowindex="2"]')).to_contain_text("Alarm 1")
    expect(held).to_contain_text("Alarm 101")
    page.keyboard.press("Enter")
    panel = page.locator(".panel")
    expect(panel.get_by_role("heading", level=2)).to_have_text("Alarm 101")
    page.keyboard.press("Escape")
    grid.focus()
    say(item(101, state="normal"))  # it is gone: nothing that nobody chose is opened instead
    expect(held).to_have_count(0)
    page.keyboard.press("Enter")
    expect(panel).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(held).to_contain_text("Alarm 102")

    grid.evaluate("grid => grid.scrollTo(0, 5000)")
    middle = "document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('.list-row')"
    seen = row(page, page.evaluate(middle + ".querySelector('.title').textContent"))
    before = seen.bounding_box()
    say(item(2, severity="MAJOR"), item(3, severity="MAJOR"))
    expect(page.get_by_role("button", name="All 302")).to_be_visible()
    assert seen.bounding_box() == before


def test_no_alarms_at_all(visit: Open, serve) -> None:
    page = visit(to=serve('[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n')).open("/alarms")
    expect(page.get_by_text("No alarms: everything that is judged is normal")).to_be_visible()
    check(page)
