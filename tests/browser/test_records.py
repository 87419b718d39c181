"""The pages of incidents, notices and the audit: what happened, who was told, who did what."""

import io
import json
import re
from urllib.parse import quote

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import LOOKS, Look, check, picture
from tests.browser.conftest import Open
from tests.browser.site import FAILED, RELAY, wait_for

pytestmark = pytest.mark.system

INVERTER = f"inverter-failure@19478:Inverter-{FAILED}:Pac-Mon"
SEL = "SIM-02:Cam-04:PwrState-Sel"


def row(page: Page, text: str) -> Locator:
    """The row of an entry."""
    return page.get_by_role("row").filter(has_text=text).filter(has=page.get_by_role("gridcell"))


def sent(site) -> list[dict]:
    """The notices that were sent, once there are some."""
    return site.until("/api/v1/outbox?state=sent", lambda page: page["items"])


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("name", ["incidents", "notices", "audit"])
def test_in_every_look(visit: Open, site, name: str, look: Look) -> None:
    sent(site)
    site.put(SEL, site.point(SEL)["value"])
    page = visit(look).open(f"/{name}")
    first = page.get_by_role("row").filter(has=page.get_by_role("gridcell")).first
    expect(first).to_be_visible()
    check(page)
    picture(page, f"{name}-{look}")
    first.click()
    expect(page.locator(".panel").get_by_role("heading", level=2)).to_be_focused()
    check(page)
    picture(page, f"{name}-open-{look}")
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)
    expect(first).to_be_visible()


def test_incidents_by_system_place_and_state(visit: Open, site) -> None:
    page = visit().open("/incidents")
    expect(row(page, RELAY)).to_contain_text("open")
    expect(row(page, RELAY)).to_contain_text("Outage")
    page.get_by_role("searchbox").fill("alvorada")
    expect(row(page, FAILED)).to_be_visible()
    expect(row(page, RELAY)).to_have_count(0)
    page.get_by_role("combobox", name="System").select_option("reactor")
    expect(page.get_by_text("No incidents in this time")).to_be_visible()
    page.get_by_role("combobox", name="System").select_option("pvoperation")
    page.get_by_role("combobox", name="Open or closed").select_option("open")
    expect(row(page, FAILED)).to_be_visible()
    page.get_by_role("combobox", name="Period").select_option("own")
    page.get_by_label("From", exact=True).fill("2026-03-01T00:00")
    page.get_by_label("To", exact=True).fill("2026-03-02T00:00")
    expect(page.get_by_text("No incidents in this time")).to_be_visible()
    assert {"system=pvoperation", "state=open", "area=alvorada"} <= set(page.url.split("?")[1].split("&"))


def test_an_incident_leads_to_its_alarm(visit: Open) -> None:
    page = visit().open("/incidents")
    row(page, FAILED).click()
    panel = page.locator(".panel")
    expect(panel).to_contain_text("It lasts")
    expect(panel.locator(".journal")).to_contain_text("Raised")
    expect(panel.get_by_role("link", name="Chart")).to_have_attribute(
        "href", re.compile(r"^/points\?name=19478.*from=")
    )
    panel.get_by_role("link", name="Open the alarm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alarms")
    expect(page.locator(".panel").get_by_role("heading", level=2)).to_have_text("Inverter failure")


def test_an_incident_that_ends_is_closed_on_the_page(visit: Open, site) -> None:
    page = visit().open("/incidents?system=aruba")
    site.switches("PUT", "/switches/sw-2/ports/4", {"state": "PPDS_FAULT"})
    mine = row(page, "SIM-02:Cam-04").first
    expect(mine).to_contain_text("open")
    site.switches("PUT", "/switches/sw-2/ports/4", {"state": None})
    expect(mine).not_to_contain_text("open")
    name = "poe-fault@SIM-02:Cam-04:PwrState-Raw"
    site.call("POST", f"/api/v1/alarms/{quote(name, safe='')}/acknowledge", {})


def test_the_weekly_report_is_saved(visit: Open, site) -> None:
    page = visit().open("/incidents")
    with page.expect_download() as saved:
        page.get_by_role("group", name="Weekly report").get_by_role("button", name="XLSX").click()
    week = site.get("/api/v1/reports")["items"][0]
    assert saved.value.suggested_filename == week["file"]
    book = load_workbook(io.BytesIO(saved.value.path().read_bytes()), read_only=True)
    assert book.sheetnames
    expect(page.get_by_text(f"Saved: {week['file']}")).to_be_visible()


def test_a_report_that_cannot_be_had_says_why(visit: Open) -> None:
    opened = visit()
    refusal = '{"error": "busy", "detail": "the workbook was not made in time"}'
    opened.context.route(
        "**/api/v1/reports/*.xlsx",
        lambda route: route.fulfill(status=503, content_type="application/json", body=refusal),
    )
    page = opened.open("/incidents")
    page.get_by_role("button", name="XLSX").click()
    expect(page.get_by_text("the workbook was not made in time")).to_be_visible()


def repetitions(site) -> int:
    """How many cards in Teams say that they are one."""
    return sum("Repetition" in json.dumps(card) for card in site.plants("GET", "/teams/cards")["items"])


def test_a_notice_is_sent_once_more_and_only_once(visit: Open, site) -> None:
    notice = next(one for one in sent(site) if one["alarm"] == INVERTER)
    repeated = repetitions(site)
    page = visit().open(f"/notices?alarm={quote(INVERTER)}")
    row(page, "Inverter failure").last.click()
    page.locator(".panel").get_by_role("button", name="Send once more").click()
    dialog = page.get_by_role("dialog", name="Send once more")
    expect(dialog).to_contain_text("teams")
    check(page)
    dialog.get_by_role("button", name="Send once more").click()
    expect(dialog).to_have_count(0)
    repetition = row(page, "Repetition: Inverter failure")
    expect(repetition).to_be_visible()
    expect(page.locator(".panel")).to_contain_text(f"notice {notice['id']}")
    row(page, "Inverter failure").last.click()
    page.locator(".panel").get_by_role("button", name="Send once more").click()
    dialog.get_by_role("button", name="Send once more").click()
    # It waits for others of the same scan, or was sent just now.
    expect(dialog.get_by_role("alert")).to_contain_text(re.compile("once more already|less than a minute ago"))
    dialog.get_by_role("button", name="Cancel").click()
    expect(repetition).to_contain_text("sent", timeout=90_000)
    assert repetitions(site) == repeated + 1
    written = site.get(f"/api/v1/audit?point=outbox:{notice['id']}")["items"]
    assert [one["outcome"] for one in written] == ["NoticeRefused", "confirmed"]


def test_a_channel_that_fails_says_why(visit: Open, serve) -> None:
    service = serve(
        '[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n[notify.teams]\nwebhook_url = "http://127.0.0.1:9/powerautomate"\n'
        'heartbeat_times = ["11:21"]\n',
        VIGILIA_CLOCK="2026-03-10T11:20:50 x10",
        VIGILIA_NOTIFY__TEAMS__ENABLED="true",
    )
    page = visit(to=service).open("/notices")
    channel = page.get_by_role("list", name="Channels").get_by_role("listitem")
    expect(channel).to_contain_text("1 waits", timeout=30_000)
    failed = service.until("/api/v1/outbox?state=failed", lambda found: found["items"])[0]
    expect(channel).to_contain_text(failed["error"][:20])
    expect(row(page, failed["title"])).to_contain_text("failed")
    row(page, failed["title"]).click()
    expect(page.locator(".panel")).to_contain_text("tried again by itself")
    expect(page.locator(".panel").get_by_role("button", name="Send once more")).to_have_count(0)
    check(page)


def test_an_outage_is_counted_whole(visit: Open) -> None:
    opened = visit()
    outage = {
        "name": "teams",
        "waiting": 4000,
        "failed": 0,
        "oldest": "2026-03-10T08:20:00.000Z",
        "newest_failed": None,
        "newest_sent": None,
    }
    opened.context.route("**/api/v1/outbox/channels", lambda route: route.fulfill(json={"items": [outage]}))
    asked: list[str] = []
    opened.context.on("request", lambda request: asked.append(request.url))
    page = opened.open("/notices")
    expect(page.get_by_role("list", name="Channels")).to_contain_text("4,000 wait · 6 h")
    expect(page.get_by_role("grid")).to_be_visible()
    outbox = [url for url in asked if "/api/v1/outbox?" in url]
    assert outbox, "the list itself"
    assert all("state=" not in url for url in outbox), "what waits is counted where it is"


def test_nothing_yet_says_how_to_have_some(visit: Open, serve) -> None:
    opened = visit(to=serve('[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n'))
    page = opened.open("/notices")
    expect(page.get_by_text("[notify.teams]")).to_be_visible()
    check(page)
    expect(opened.open("/incidents").get_by_text("No incidents in this time")).to_be_visible()
    expect(opened.open("/audit").get_by_text("Nothing was written in this time")).to_be_visible()


def test_who_wrote_what(visit: Open, site) -> None:
    before = site.point(SEL)["value"]
    site.put(SEL, "Off" if before else "On")
    assert site.put("SIM-02:Cam-04:Power-Mon", 3)[0] == 405
    try:
        page = visit().open(f"/audit?point={quote('SIM-02:Cam-04:*')}")
        written = row(page, SEL).first
        expect(written).to_contain_text("confirmed")
        expect(written).to_contain_text("On" if before else "Off")
        expect(row(page, "SIM-02:Cam-04:Power-Mon").first).to_contain_text("read-only")
        page.get_by_role("combobox", name="Outcome").select_option("failed")
        expect(row(page, SEL)).to_have_count(0)
        row(page, "Power-Mon").first.click()
        panel = page.locator(".panel")
        expect(panel).to_contain_text("127.0.0.1")
        expect(panel).to_contain_text("nobody signed in")
        page.get_by_role("searchbox", name="User").fill("nobody of this name")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Nothing was written in this time")).to_be_visible()
    finally:
        site.put(SEL, before)


def test_older_writes_are_fetched_when_asked_for(visit: Open, site) -> None:
    opened = visit()

    def few(route) -> None:
        address = route.request.url.replace("limit=200", "limit=2")
        route.continue_(url=address)

    for _ in range(3):
        site.put(SEL, site.point(SEL)["value"])
    opened.context.route("**/api/v1/audit?*", few)
    page = opened.open(f"/audit?point={quote(SEL)}")
    expect(page.get_by_text("2 shown")).to_be_visible()
    page.get_by_role("button", name="Show older").click()
    expect(page.get_by_text("4 shown")).to_be_visible()


def test_hostile_texts_are_only_texts(visit: Open) -> None:
    opened = visit()

    def spoil(route) -> None:
        answer = route.fetch()
        found = answer.json()
        for one in found["items"]:
            for field in ("point", "user", "host", "detail", "name", "equipment", "title", "line", "area"):
                if field in one:
                    one[field] = f"<img src=x onerror=alert(1)>\x1b]0;{field}"
        route.fulfill(response=answer, json=found)

    for path in ("audit", "incidents", "outbox"):
        opened.context.route(f"**/api/v1/{path}?*", spoil)
    for name in ("audit", "incidents", "notices"):
        page = opened.open(f"/{name}")
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        first = page.get_by_role("row").filter(has=page.get_by_role("gridcell")).first
        expect(first).to_contain_text("<img src=x onerror=alert(1)>␛]0;")
        first.click()
        expect(page.locator(".panel")).to_contain_text("<img src=x")
        assert page.locator("main img").count() == 0


def test_times_follow_the_clock_of_the_service(visit: Open, site) -> None:
    """The site's clock stands in another year than the browser's: "the last seven days" are the site's."""
    wait_for(lambda: site.get("/api/v1/incidents")["items"], "there are incidents")
    page = visit().open("/incidents?range=24h")
    expect(row(page, FAILED)).to_be_visible()


def test_a_viewer_sees_nothing_that_would_be_refused(visit: Open, site) -> None:
    sent(site)
    opened = visit()
    viewer = {"user": "bia", "role": "viewer", "signin_required": True, "csrf": "x", "first_admin": False}
    opened.context.route("**/api/v1/session", lambda route: route.fulfill(json=viewer))
    page = opened.open("/alarms")
    row(page, FAILED).click()
    expect(page.locator(".panel")).to_contain_text("teams, card")
    expect(page.get_by_role("main").get_by_role("checkbox")).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("Acknowledge|Shelve|Out of service"))).to_have_count(0)
    page = opened.open("/notices")
    row(page, "Inverter failure").first.click()
    expect(page.locator(".panel").get_by_role("link", name="Open the alarm")).to_be_visible()
    expect(page.get_by_role("button", name="Send once more")).to_have_count(0)
