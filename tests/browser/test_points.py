"""The page of all points: find them, see them live, write to them, chart them."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.browsing import LOOKS, Look, check
from tests.browser.conftest import Open
from tests.browser.hands import Hands

pytestmark = pytest.mark.system

SEL, STS, RAW = (f"SIM-01:Cam-02:PwrState-{suffix}" for suffix in ("Sel", "Sts", "Raw"))


def row(page: Page, name: str) -> Locator:
    """The row of a point."""
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def find(page: Page, name: str) -> Locator:
    """Search a point; return its row."""
    page.get_by_role("searchbox").fill(name)
    found = row(page, name)
    expect(found).to_be_visible()
    return found


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_in_every_look(visit: Open, look: Look) -> None:
    page = visit(look).open("/points")
    expect(page.get_by_role("row").nth(5)).to_be_visible()
    check(page)
    page.get_by_role("row").nth(3).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page)


def test_a_change_is_on_the_page(visit: Open, site) -> None:
    page = visit().open("/points")
    desc = find(page, RAW)
    expect(desc.get_by_text("Delivering")).to_be_visible()
    site.switches("PUT", "/switches/sw-1/ports/2", {"state": "PPDS_FAULT"})
    try:
        expect(desc.get_by_text("Fault", exact=True)).to_be_visible()
    finally:
        site.switches("PUT", "/switches/sw-1/ports/2", {"state": None})
    expect(desc.get_by_text("Delivering")).to_be_visible()


def test_search_and_filters_are_in_the_address(visit: Open, site) -> None:
    opened = visit()
    page = opened.open("/points")
    everything = len(site.get("/api/v1/points")["items"])
    expect(page.get_by_text(f"{everything} points")).to_be_visible()
    page.get_by_role("combobox", name="Link").select_option("sw-2")
    page.get_by_role("combobox", name="Access").select_option("rw")
    page.get_by_role("searchbox").fill("cam-03 sel")
    expect(page.get_by_text(f"1 of {everything}")).to_be_visible()
    expect(row(page, "SIM-02:Cam-03:PwrState-Sel")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query) == {"q": ["cam-03 sel"], "link": ["sw-2"], "access": ["rw"]}
    again = opened.open(page.url.removeprefix(site.url))
    expect(again.get_by_text(f"1 of {everything}")).to_be_visible()
    again.get_by_role("searchbox").fill("there is no such point")
    expect(again.get_by_text("No point is like that")).to_be_visible()
    check(again)
    again.get_by_role("main").get_by_role("button", name="Show all").last.click()
    expect(again.get_by_text(f"{everything} points")).to_be_visible()


def test_what_is_wrong_alone(visit: Open) -> None:
    page = visit().open("/points?severity=wrong&system=pvoperation")
    expect(row(page, "19479:Relay-194799001:Overvoltage-Sts")).to_contain_text("Major")
    expect(page.get_by_role("row").filter(has_text="Normal").filter(has=page.get_by_role("gridcell"))).to_have_count(0)


def test_a_write_is_asked_for_confirmed_and_shown(visit: Open, site) -> None:
    page = visit().open("/points")
    before = site.point(SEL)["value"]
    wanted = "Off" if before else "On"
    find(page, SEL).click()
    dialog = page.get_by_role("dialog", name=SEL)
    dialog.get_by_role("radio", name=wanted).check()
    dialog.get_by_role("button", name="Write …").click()
    assert site.point(SEL)["value"] == before, "nothing is written before it is confirmed"
    expect(dialog.get_by_role("button", name=f"Write {wanted}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{SEL}: {wanted}, confirmed by the equipment")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert site.point(SEL)["label"] == wanted
    expect(row(page, SEL)).to_contain_text(wanted)
    site.put(SEL, before)


def test_two_operators_at_one_switch(visit: Open, site) -> None:
    page = visit().open("/points")
    site.put(SEL, "On")
    find(page, SEL).click()
    dialog = page.get_by_role("dialog", name=SEL)
    dialog.get_by_role("radio", name="On").check()
    dialog.get_by_role("button", name="Write …").click()
    site.put(SEL, "Off")
    dialog.get_by_role("button", name="Write On").click()
    expect(dialog.get_by_text("Nothing was written: meanwhile it became Off.")).to_be_visible()
    assert site.point(SEL)["label"] == "Off"
    check(page)
    dialog.get_by_role("button", name="Write On all the same").click()
    expect(page.get_by_text(f"{SEL}: On, confirmed by the equipment")).to_be_visible()
    assert site.point(SEL)["label"] == "On"


def test_a_refusal_says_why_and_keeps_what_was_chosen(visit: Open, site) -> None:
    page = visit().open("/points")
    name = "SIM-02:Cam-01:PwrState-Sel"
    site.switches("POST", "/switches/sw-2/faults", {"fault": "refuse"})
    try:
        site.until("/api/v1/links", lambda found: any(i["contact"] != "connected" for i in found["items"]))
        find(page, name).click()
        dialog = page.get_by_role("dialog", name=name)
        dialog.get_by_role("radio", name="Off").check()
        dialog.get_by_role("button", name="Write …").click()
        dialog.get_by_role("button", name="Write Off").click()
        expect(dialog.get_by_role("alert")).to_contain_text("sw-2")
        expect(dialog.get_by_role("button", name="Write Off")).to_be_enabled()
    finally:
        site.switches("DELETE", "/switches/sw-2/faults")
    site.until("/api/v1/links", lambda found: all(item["contact"] == "connected" for item in found["items"]))


def test_a_number_within_its_limits(visit: Open, site) -> None:
    page = visit(Look(language="pt-BR")).open("/points")
    name = "R1:heater:Duty-SP"
    find(page, name).click()
    dialog = page.get_by_role("dialog", name=name)
    value = dialog.get_by_label("Novo valor")
    value.fill("140")
    expect(dialog.get_by_role("alert")).to_have_text("0 a 100 %")
    expect(dialog.get_by_role("button", name="Escrever …")).to_be_disabled()
    value.fill("12,5")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Escrever 12,5 %")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{name}: 12,5 %, confirmado pelo equipamento")).to_be_visible()
    assert site.point(name)["value"] == 12.5


def test_by_keyboard_alone(visit: Open) -> None:
    page = visit().open("/points?q=SIM-01:Cam-01:PwrState")
    grid = page.get_by_role("grid", name="Points")
    grid.focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="SIM-01:Cam-01:PwrState-Raw")).to_be_visible()
    page.keyboard.press("Escape")
    expect(grid).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("region", name="Chart")).to_be_visible()


def test_a_write_by_keyboard_alone(visit: Open, site) -> None:
    name = "SIM-01:Cam-01:PwrState-Sel"
    site.put(name, "On")
    page = visit().open(f"/points?q={name}")
    expect(row(page, name)).to_be_visible()
    hands = Hands(page, Look())
    hands.open_row("Points", row(page, name))
    dialog = page.get_by_role("dialog", name=name)
    expect(dialog.get_by_role("radio", name="On")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_role("radio", name="Off")).to_be_checked()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Write Off")).to_be_focused()
    try:
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"{name}: Off, confirmed by the equipment")).to_be_visible()
        expect(page.get_by_role("grid", name="Points")).to_be_focused()
        assert site.point(name)["label"] == "Off"
    finally:
        site.put(name, "On")


def test_a_chart_is_shared_by_its_link(visit: Open, site) -> None:
    opened = visit()
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened.open("/points?q=R1:")
    for name in ("R1:ph:pH-Mon", "R1:rtd:Temp-Mon"):
        page.get_by_role("checkbox", name=f"{name} in the chart").click()
    chart = page.get_by_role("region", name="Chart")
    expect(chart.locator("canvas")).to_be_visible()
    chart.get_by_role("button", name="15 min").click()
    chart.get_by_text("As a table").click()
    expect(chart.get_by_role("table").first.get_by_role("row").nth(2)).to_be_visible()
    check(page)
    chart.get_by_role("button", name="Share").click()
    expect(page.get_by_text("The link is in the clipboard")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    query = parse_qs(urlsplit(link).query)
    assert query["name"] == ["R1:ph:pH-Mon", "R1:rtd:Temp-Mon"]
    assert query["from"][0] < query["to"][0]
    other = opened.open(link.removeprefix(site.url))
    for name in query["name"]:
        expect(other.get_by_role("figure").get_by_text(name, exact=True)).to_be_visible()


def test_a_chart_moves_by_keyboard_and_mouse(visit: Open) -> None:
    start, end = "2026-03-10T14:00:00.000Z", "2026-03-10T15:00:00.000Z"
    page = visit().open(f"/points?name=R1:ph:pH-Mon&from={start}&to={end}")
    plot = page.get_by_role("application")

    def times() -> list[str]:
        query = parse_qs(urlsplit(page.url).query)
        return [query["from"][0][11:16], query["to"][0][11:16]]

    plot.focus()
    page.keyboard.press("ArrowRight")
    assert times() == ["14:15", "15:15"]
    page.keyboard.press("+")
    assert times() == ["14:30", "15:00"]
    page.keyboard.press("-")
    assert times() == ["14:15", "15:15"]
    with page.expect_response("**/api/v1/history?**from=2026-03-10T13**"):
        page.get_by_role("button", name="Earlier").click()
    assert times() == ["13:45", "14:45"]
    canvas = page.locator(".u-over")
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile("from=2026-03-10T13%3A45"))
    assert times() in (["14:00", "14:15"], ["13:59", "14:14"], ["14:00", "14:14"], ["13:59", "14:15"])


@pytest.mark.parametrize(("last", "word"), [(60, "1 min"), (365 * 86_400, "1 year")])
def test_a_chart_of_a_minute_and_of_a_year(visit: Open, site, last: int, word: str) -> None:
    name = "R1:ph:pH-Mon"
    site.until(f"/api/v1/history?name={name}", lambda found: len(found["items"][0]["points"]) > 2)
    page = visit().open(f"/points?q={name}&name={name}&last={last}")
    chart = page.get_by_role("region", name="Chart")
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart.get_by_role("button", name=word, exact=True)).to_have_attribute("aria-pressed", "true")
    chart.get_by_text("As a table").click()
    expect(chart.get_by_role("table").first.get_by_role("row").nth(1)).to_contain_text(re.compile(r"\d"))
    expect(chart.get_by_text("Nothing was recorded in this time")).to_have_count(0)
    check(page)
    chart.get_by_role("button", name="15 min").click()
    expect(page).to_have_url(re.compile(r"[?&]last=900\b"))
    chart.get_by_role("button", name=word, exact=True).click()
    expect(page).to_have_url(re.compile(rf"[?&]last={last}\b"))


def test_a_chart_of_a_point_that_is_not(visit: Open) -> None:
    page = visit().open("/points?name=R1:ph:pH-Mon&name=nobody:knows")
    expect(page.get_by_role("alert").filter(has_text="nobody:knows")).to_be_visible()
    page.get_by_role("button", name="nobody:knows").click()
    expect(page.get_by_role("alert").filter(has_text="nobody:knows")).to_have_count(0)
    expect(page.locator("canvas")).to_be_visible()


def test_no_points_says_how_to_add_some(visit: Open, serve) -> None:
    service = serve('[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n')
    page = visit(to=service).open("/points")
    expect(page.get_by_text("No equipment is watched yet")).to_be_visible()
    check(page)


def test_hostile_texts_are_only_texts(visit: Open, serve) -> None:
    device = "<img/src=x/onerror=alert(1)>"
    service = serve(
        '[site]\nlanguage = "en"\nname = "<script>alert(2)</script>"\n'
        '[[aruba.switches]]\nname = "<b>1"\nurl = "http://127.0.0.1:9"\n'
        f'ports = [{{ port = "1", device = "{device}" }}]\n'
    )
    page = visit(to=service).open("/points")
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    find(page, f"{device}:PwrState-Sel").click()
    dialog = page.get_by_role("dialog", name=f"{device}:PwrState-Sel")
    expect(dialog.get_by_role("link", name="<b>1")).to_be_visible()
    assert page.locator("main img, main b, main script").count() == 0
    check(page)


def test_control_characters_are_shown(visit: Open) -> None:
    opened = visit()

    def spoil(route: Route) -> None:
        answer = route.fetch()
        page = answer.json()
        for point in page["items"]:
            if point["name"] == RAW:
                point["description"] = "\x1b[31mred \u202egnol \x07"
        route.fulfill(response=answer, json=page)

    opened.context.route("**/api/v1/points", spoil)
    expect(find(opened.open("/points"), RAW)).to_contain_text("␛[31mred ⟨U+202E⟩gnol ␇")
