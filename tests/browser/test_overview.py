"""The first page: what is wrong, why, who was told, what to do; and whether one may believe that nothing is."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import LOOKS, Look, Visit, check
from tests.browser.conftest import Open
from tests.browser.hands import HANDS, Hands
from tests.browser.site import FAILED, RELAY, Control, Process, Service, Site

pytestmark = pytest.mark.system

WORDS = {
    "en": {"acknowledge": "Acknowledge", "told": "Told: Teams at", "by": "Acknowledged by", "wrong": "Wrong now"},
    "pt-BR": {
        "acknowledge": "Reconhecer",
        "told": "Avisado: Teams às",
        "by": "Reconhecido por",
        "wrong": "O que está errado agora",
    },
}
FAULT = "SIM-01:Cam-02"


class Rig:
    """A service that watches one simulated switch and tells of alarms through a webhook."""

    def __init__(self, service: Service, switch: Control, cards: list[Any]) -> None:
        self.service = service
        self.switch = switch
        self.cards = cards
        """What the webhook was sent."""

    def break_port(self, port: int = 2) -> None:
        """Have a port be in fault, and wait for the alarm."""
        self.switch("PUT", f"/switches/sw-1/ports/{port}", {"state": "PPDS_FAULT"})
        self.alarm(f"poe-fault@SIM-01:Cam-{port:02d}:PwrState-Raw", "unacknowledged")

    def mend_port(self, port: int = 2) -> None:
        """Have it be well again."""
        self.switch("PUT", f"/switches/sw-1/ports/{port}", {"state": None})

    def alarm(self, name: str, *states: str) -> Any:
        """Wait until an alarm is in one of these states; return it."""

        def find(found: Any) -> Any:
            return next((item for item in found["items"] if item["id"] == name and item["state"] in states), None)

        return self.service.until("/api/v1/alarms", find)


@pytest.fixture
def rig(serve: Callable[..., Service], tmp_path: Path) -> Iterator[Rig]:
    """The service and its switch, in contact and without an alarm."""
    cards: list[Any] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            cards.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as webhook:
        threading.Thread(target=webhook.serve_forever, daemon=True).start()
        options = ("--switches", "1", "--ports", "4", "--latency-ms", "2", "--config-out", "aruba.toml")
        simulator = Process("sim", "aruba", *options, folder=tmp_path, name="aruba")
        try:
            simulator.line("vigilia sim ready")
            service = serve(
                '[site]\nlanguage = "en"\n[notify.teams]\n'
                f'webhook_url = "http://127.0.0.1:{webhook.server_address[1]}/hook"\n'
                + (tmp_path / "aruba.toml").read_text().replace("[aruba]", "[aruba]\nscan_s = 0.3", 1)
            )
            service.until("/api/v1/links", lambda found: all(item["contact"] == "connected" for item in found["items"]))
            yield Rig(service, Control(simulator.line("control ")), cards)
        finally:
            simulator.stop()
            webhook.shutdown()


def cause(page: Page, device: str) -> Locator:
    """What is listed as wrong with a device."""
    return page.locator(".cause").filter(has=page.get_by_role("link", name=device, exact=True))


def verdict(page: Page) -> Locator:
    """The sentence at the top."""
    return page.locator(".situation")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_in_every_look(visit: Open, site: Site, look: Look, picture: Callable[..., None]) -> None:
    page = visit(look).open("/")
    expect(page.locator(".cause").filter(has_text=FAILED)).to_be_visible()
    expect(page.get_by_role("heading", name=WORDS[look.language]["wrong"])).to_be_visible()
    expect(page.locator(".system-tile")).to_have_count(4)
    check(page)
    picture(page, f"overview-{look}")


def test_what_is_wrong_since_when_why_and_who_was_told(
    visit: Open, pages: Path, tmp_path: Path, picture: Callable[..., None]
) -> None:
    del pages
    with Site(tmp_path) as own:
        page = visit(to=own).open("/")
        for number in (2, 5):
            own.switches("PUT", f"/switches/sw-1/ports/{number}", {"state": "PPDS_FAULT"})
            expect(cause(page, f"SIM-01:Cam-{number:02d}")).to_be_visible()
        own.switches("POST", "/switches/sw-1/faults", {"fault": "refuse"})
        found = cause(page, "sw-1")
        found.get_by_text("explains 2 other alarms").click(timeout=60_000)
        expect(found.locator(".explained").get_by_role("link")).to_have_text(["SIM-01:Cam-05", "SIM-01:Cam-02"])
        for each in (found, cause(page, f"Inverter {FAILED}"), cause(page, f"Relay {RELAY}")):
            expect(each.get_by_text("Told: Teams at")).to_be_visible(timeout=60_000)
        expect(verdict(page)).to_contain_text("3 alarms")
        expect(verdict(page)).to_contain_text("2 more are explained by these")
        check(page)
        picture(page, "overview-why")


def test_nothing_is_wrong_and_that_is_known(visit: Open, rig: Rig, picture: Callable[..., None]) -> None:
    page = visit(to=rig.service).open("/")
    expect(verdict(page)).to_contain_text("All is well")
    expect(page.locator(".system-tile").first).to_contain_text("Last spoke")
    expect(page.locator(".system-tile").first).to_contain_text("1 of 1")
    expect(page.locator(".system-tile").last).to_contain_text("Has all its evidence")
    check(page)
    picture(page, "overview-well")


def test_no_news_is_not_good_news(visit: Open, rig: Rig) -> None:
    page = visit(to=rig.service).open("/")
    expect(verdict(page)).to_contain_text("All is well")
    rig.switch("POST", "/switches/sw-1/faults", {"fault": "refuse"})
    expect(verdict(page)).to_contain_text("No alarm, but not everything is known")
    expect(verdict(page)).to_contain_text("sw-1 has no contact")
    check(page)
    rig.switch("DELETE", "/switches/sw-1/faults")
    expect(verdict(page)).to_contain_text("All is well", timeout=15_000)


@pytest.mark.parametrize("look", [Look(), Look("phone", "pt-BR", "dark")], ids=str)
def test_an_alarm_is_understood_and_acknowledged_in_two_clicks(visit: Open, rig: Rig, look: Look) -> None:
    words = WORDS[look.language]
    page = visit(look, to=rig.service).open("/")
    rig.break_port()
    found = cause(page, FAULT)
    expect(found).to_be_visible()
    expect(found.get_by_text(words["told"])).to_be_visible(timeout=30_000)
    assert any(FAULT in json.dumps(card) for card in rig.cards)
    found.get_by_role("button", name=words["acknowledge"]).click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Camera is being replaced")
    check(page)
    page.get_by_role("dialog").get_by_role("button", name=words["acknowledge"]).last.click()
    expect(found.get_by_text(words["by"])).to_be_visible()
    expect(found).to_contain_text("Camera is being replaced")
    expect(found.get_by_role("button", name=words["acknowledge"])).to_have_count(0)
    alarm = rig.alarm(f"poe-fault@{FAULT}:PwrState-Raw", "acknowledged")
    assert alarm["acknowledgement"]["comment"] == "Camera is being replaced"


def test_the_cause_explains_what_it_suppresses(visit: Open, rig: Rig, picture: Callable[..., None]) -> None:
    rig.break_port()
    page = visit(to=rig.service).open("/")
    expect(cause(page, FAULT)).to_be_visible()
    rig.switch("POST", "/switches/sw-1/faults", {"fault": "refuse"})
    found = cause(page, "sw-1")
    expect(found).to_be_visible(timeout=40_000)
    found.get_by_text("explains 1 other alarm").click()
    expect(found.locator(".explained").get_by_role("link", name=FAULT)).to_be_visible()
    expect(verdict(page)).to_contain_text("1 alarm")
    expect(verdict(page)).to_contain_text("1 more is explained by these")
    check(page)
    picture(page, "overview-cause")
    found.get_by_role("link", name="sw-1", exact=True).click()
    page.wait_for_url("**/poe?switch=sw-1")
    expect(page.get_by_role("complementary").get_by_role("heading", name="sw-1")).to_be_visible()


@pytest.mark.parametrize("look", HANDS, ids=str)
def test_shelved_in_two_presses_until_a_time(visit: Open, rig: Rig, look: Look) -> None:
    rig.break_port()
    hands = Hands(visit(look, to=rig.service).open("/"), look)
    found = cause(hands.page, FAULT)
    hands.press(hands.button("Shelve", found))
    dialog = hands.dialog("Shelve")
    check(hands.page)
    hands.press(hands.button("Shelve", dialog))
    quiet = hands.page.get_by_text(hands.word("{n} alarm is kept quiet on purpose"), exact=True)
    expect(quiet).to_be_visible()
    hands.press(hands.page.locator("summary").filter(has=quiet))
    expect(found.get_by_text(hands.word("Shelved until"))).to_be_visible()
    assert rig.alarm(f"poe-fault@{FAULT}:PwrState-Raw", "shelved")["shelved_until"]
    expect(verdict(hands.page)).to_contain_text(hands.word("All is well"))


@pytest.mark.parametrize("look", HANDS, ids=str)
def test_what_is_over_is_apart_and_acknowledged_together(visit: Open, rig: Rig, look: Look) -> None:
    hands = Hands(visit(look, to=rig.service).open("/"), look)
    for port in (2, 3):
        rig.break_port(port)
        rig.mend_port(port)
        rig.alarm(f"poe-fault@SIM-01:Cam-{port:02d}:PwrState-Raw", "returned")
    expect(verdict(hands.page)).to_contain_text(hands.word("Nothing is wrong any more"))
    check(hands.page)
    hands.press(hands.button("Acknowledge all {n}", n=2))
    dialog = hands.dialog("Acknowledge")
    hands.write(dialog.get_by_role("textbox"), "Seen")
    check(hands.page)
    hands.press(hands.button("Acknowledge", dialog))
    expect(verdict(hands.page)).to_contain_text(hands.word("All is well"))
    assert rig.service.get("/api/v1/alarms")["items"] == []


def test_what_was_raised_anew_while_somebody_wrote_is_not_acknowledged_unseen(visit: Open, rig: Rig) -> None:
    name = f"poe-fault@{FAULT}:PwrState-Raw"
    page = visit(to=rig.service).open("/")
    rig.break_port()
    rig.mend_port()
    rig.alarm(name, "returned")
    page.get_by_text("1 alarm is over, and nobody has acknowledged it").last.click()
    cause(page, FAULT).get_by_role("button", name="Acknowledge").click()
    dialog = page.get_by_role("dialog", name="Acknowledge")
    dialog.get_by_role("textbox").fill("It is over")
    rig.break_port()
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(dialog).to_contain_text("was raised anew since you looked")
    assert rig.alarm(name, "unacknowledged")
    expect(dialog.get_by_role("textbox")).to_have_value("It is over")
    dialog.get_by_role("textbox").fill("It is back")
    dialog.get_by_role("button", name="Acknowledge").click()
    assert rig.alarm(name, "acknowledged")["acknowledgement"]["comment"] == "It is back"


def test_by_keyboard_alone(visit: Open, rig: Rig) -> None:
    rig.break_port()
    page = visit(to=rig.service).open("/")
    button = cause(page, FAULT).get_by_role("button", name="Acknowledge")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    page.keyboard.type("By hand")
    page.keyboard.press("Control+Enter")
    expect(cause(page, FAULT).get_by_text("Acknowledged by")).to_be_visible()


def test_what_the_watch_lacks_is_said(visit: Open, rig: Rig) -> None:
    opened = visit(to=rig.service)
    health = {
        "missing": ["the store takes nothing: disk is full", "<b>link sw-1</b> has been refused the login"],
        "version": "1.2.3",
        "time": "2026-03-10T14:20:00.000Z",
        "started": "2026-03-10T12:20:00.000Z",
        "memory_mb": 81.5,
        "waiting_notices": 3,
        "oldest_notice_s": 4000.0,
    }
    page = told(opened, health=health).open("/")
    expect(verdict(page)).to_contain_text("The watch itself lacks 2 things")
    expect(verdict(page)).to_contain_text("<b>link sw-1</b> has been refused the login")
    watch = page.locator(".system-tile").last
    expect(watch).to_contain_text("The oldest notice has waited for 1 h 6 min")
    expect(watch).to_contain_text("82 MB")
    check(page)


def test_ten_thousand_alarms_and_hostile_texts(visit: Open, rig: Rig) -> None:
    alarms = [alarm(number, f"D{number}") for number in range(9_999)]
    alarms.append(alarm(10_000, "<img src=x onerror=alert(1)>\x1b[31m\u202e", severity="INVALID"))
    page = told(visit(to=rig.service), alarms=alarms).open("/")
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    expect(verdict(page)).to_contain_text("10,000 alarms")
    expect(page.locator(".cause").first).to_contain_text("<img src=x onerror=alert(1)>␛[31m⟨U+202E⟩")
    expect(page.locator(".cause")).to_have_count(40)
    expect(page.get_by_text("9,960 more alarms")).to_be_visible()
    assert page.locator("main img, main b, main script").count() == 0
    check(page)


def test_who_was_told_of_this_one_and_on_which_day(visit: Open, rig: Rig) -> None:
    cards = [
        {"channel": "teams", "card": 7, "at": "2026-03-07T14:03:00.000Z"},
        {"channel": "apprise", "card": 8, "at": "2026-03-10T14:04:00.000Z"},
    ]
    alarms = [
        alarm(1, "Told", told=cards),
        alarm(2, "Waits", waiting=["teams"]),
        alarm(3, "No route", began="2026-03-07T08:00:00.000Z"),
    ]
    opened = visit(to=rig.service)
    # The browser's clock is wrong by months; another alarm's notice waits, too.
    page = told(opened, alarms=alarms, notices={"waiting": 1, "failed": 0, "newest": 1}).open("/")
    expect(cause(page, "Told")).to_contain_text(
        "Told: Teams at 07/03/2026, 11:03:00 (card 7), Apprise at 11:04:00 (card 8)"
    )
    expect(cause(page, "Waits")).to_contain_text("Nobody was told yet: the notice waits")
    expect(cause(page, "No route").locator(".untold")).to_have_text("Nobody was told")
    expect(cause(page, "No route").locator(".cause-since")).to_have_text("3 dayssince 07/03/2026, 05:00:00")
    expect(cause(page, "Waits").locator(".cause-since")).to_have_text("20 minsince 11:00:00")


def test_a_viewer_sees_no_button_that_would_be_refused(visit: Open, rig: Rig) -> None:
    rig.break_port()
    opened = visit(to=rig.service)
    session = {"user": "ana", "role": "viewer", "signin_required": True, "csrf": "x", "language": "en"}
    opened.context.route("**/api/v1/session", lambda route: route.fulfill(json=session))
    page = opened.open("/")
    expect(cause(page, FAULT)).to_be_visible()
    expect(cause(page, FAULT).get_by_role("button")).to_have_count(0)


def test_out_of_touch_and_back(visit: Open, rig: Rig) -> None:
    page = visit(to=rig.service).open("/")
    expect(verdict(page)).to_contain_text("All is well")
    rig.service.kill()
    expect(verdict(page)).to_contain_text("Out of touch: how things are now is not known")
    check(page)
    rig.service.start_again()
    expect(verdict(page)).to_contain_text("All is well", timeout=30_000)


def test_nothing_to_watch_says_how_to_add_some(visit: Open, serve: Callable[..., Service]) -> None:
    service = serve('[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n')
    page = visit(to=service).open("/")
    expect(verdict(page)).to_contain_text("Nothing is watched yet")
    expect(page.get_by_text("Vigilia runs, and has nothing to watch")).to_be_visible()
    check(page)


def alarm(number: int, device: str, **more: Any) -> dict[str, Any]:
    """An alarm as the stream tells it."""
    return {
        "id": f"rule@{number}",
        "point": f"P{number}",
        "device": device,
        "name": "Alarm",
        "state": "unacknowledged",
        "severity": "MAJOR",
        "since": "2026-03-10T14:00:00.000Z",
        "began": "2026-03-10T14:00:00.000Z",
        "suppressed_by": None,
        "acknowledged_by": None,
        "shelved_until": None,
        "detail": "",
        "told_at": None,
        "told": [],
        "waiting": [],
        "acknowledgement": None,
        "quieted": None,
        "incident": None,
        "latest_incident": None,
        "area": "",
        "system": "aruba",
        **more,
    }


def told(
    opened: Visit,
    *,
    alarms: list[dict[str, Any]] | None = None,
    health: dict[str, Any] | None = None,
    notices: dict[str, Any] | None = None,
) -> Visit:
    """Have the pages of a visit be told this by their stream, which then says nothing more."""
    events: dict[str, Any] = {
        "alarms": {"items": alarms or [], "complete": True},
        "links": {"items": [], "complete": True},
        "notices": notices or {"waiting": 0, "failed": 0, "newest": 0},
        "health": health
        or {
            "missing": [],
            "version": "1.2.3",
            "time": "2026-03-10T14:20:00.000Z",
            "started": "2026-03-10T12:20:00.000Z",
            "memory_mb": 80.0,
            "waiting_notices": 0,
            "oldest_notice_s": 0.0,
        },
    }
    script = f"""(() => {{
        const events = {json.dumps(events)};
        window.EventSource = class extends EventTarget {{
            constructor() {{
                super();
                setTimeout(() => {{
                    for (const [name, data] of Object.entries(events)) {{
                        this.dispatchEvent(new MessageEvent(name, {{ data: JSON.stringify(data) }}));
                    }}
                }});
            }}
            close() {{}}
        }};
    }})();"""
    opened.context.add_init_script(script)
    return opened
