"""The page of plants: what is wrong at which, why, and the power of the day."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.browsing import LOOKS, Look, check
from tests.browser.conftest import Open
from tests.browser.hands import Hands
from tests.browser.site import CLOCK, FAILED, PLANTS, RELAY, Control, Process, Service, Site

pytestmark = pytest.mark.system

VIEW = "/api/v1/systems/pvoperation"
HOSTILE = "<img src=x onerror=alert(1)>\u202eUFV\x1b[31m"


def tile(page: Page, name: str) -> Locator:
    """The tile of a plant."""
    return page.get_by_role("list", name="Plants").locator("> li").filter(has=page.get_by_role("button", name=name))


@contextmanager
def own_plants(
    serve: Callable[..., Service], folder: Path, clock: str, plants: object, keys: str
) -> Iterator[tuple[Process, Service]]:
    """The test's own API of plants, and a service that watches over them; `keys` of its [pvoperation]."""
    (folder / "own.json").write_text(json.dumps(plants))
    simulator = Process("sim", "pvoperation", "--script", "own.json", "--clock", clock, folder=folder, name="pv")
    try:
        simulator.line("vigilia sim ready")
        said = (shlex.split(line)[0] for line in simulator.lines if "=" in line and line.split("=")[0].isupper())
        given = dict(pair.split("=", 1) for pair in said)
        service = serve(f"[pvoperation]\n{keys}", **(given | {"VIGILIA_CLOCK": clock}))
        service.until("/api/v1/points?system=pvoperation&q=Pac", lambda found: len(found["items"]) == 4)
        yield simulator, service
    finally:
        simulator.stop()


def names(page: Page) -> list[str]:
    """The plants' names, as they are shown."""
    return page.locator(".plant-name").all_inner_texts()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_in_every_look(visit: Open, look: Look) -> None:
    page = visit(look).open("/plants")
    expect(page.locator(".plant-name")).to_have_count(2)
    expect(page.locator(".day-chart .power").first).to_be_attached()
    check(page)
    page.locator(".plant-name").first.click()
    expect(page.locator(".plant-detail h2")).to_be_focused()
    expect(page.locator(".plant-detail table").first).to_be_visible()
    check(page)


def test_what_is_wrong_and_why(visit: Open, site: Site) -> None:
    page = visit().open("/plants")
    expect(page.get_by_role("button", name="Relay tripped 1")).to_be_visible()
    assert names(page) == ["UFV Boa Vista", "UFV Alvorada"], "the worst first"
    failed = tile(page, "UFV Alvorada")
    expect(failed).to_contain_text(f"Failed: Inverter {FAILED}")
    inverters = failed.get_by_role("list", name="Inverters").get_by_role("listitem")
    expect(inverters).to_have_count(3)
    expect(inverters.nth(0)).to_have_attribute("title", f"Inverter {FAILED[:-1]}1: Producing · {_power(site, '1')} kW")
    expect(inverters.nth(1)).to_have_attribute("title", f"Inverter {FAILED}: Failed · 0 kW")
    tripped = tile(page, "UFV Boa Vista")
    expect(tripped).to_contain_text("1 inverter suppressed")
    cause = tripped.get_by_role("link", name=f"Relay {RELAY}: Overvoltage")
    link = urlsplit(cause.get_attribute("href") or "")
    alarm = f"relay-overvoltage@19479:Relay-{RELAY}:Overvoltage-Sts"
    assert (link.path, parse_qs(link.query)) == ("/alarms", {"alarm": [alarm]})
    assert any(item["id"] == alarm for item in site.get("/api/v1/alarms")["items"])


def _power(site: Site, number: str) -> str:
    value = site.point(f"19478:Inverter-{FAILED[:-1]}{number}:Pac-Mon")["value"]
    return f"{round(value, 1):g}"


def test_filter_order_and_search_are_in_the_address(visit: Open) -> None:
    page = visit().open("/plants")
    page.get_by_role("button", name="Inverter failed 1").click()
    expect(page.locator(".plant-name")).to_have_text(["UFV Alvorada"])
    page.get_by_role("button", name="Inverter failed 1").click()
    page.get_by_role("combobox", name="Order").select_option("name")
    expect(page.locator(".plant-name")).to_have_text(["UFV Alvorada", "UFV Boa Vista"])
    page.get_by_role("searchbox").fill("19479")
    expect(page.locator(".plant-name")).to_have_text(["UFV Boa Vista"])
    assert parse_qs(urlsplit(page.url).query) == {"q": ["19479"], "sort": ["name"]}
    page.get_by_role("searchbox").fill("no such plant")
    expect(page.get_by_text("No plant is like that")).to_be_visible()
    page.get_by_role("button", name="Show all plants").click()
    expect(page.locator(".plant-name")).to_have_count(2)


def test_an_account_out_of_reach_is_no_good_news(visit: Open, serve: Callable[..., Service], tmp_path: Path) -> None:
    with own_plants(serve, tmp_path, CLOCK, PLANTS, "relay_interval_s = 10\ninverter_interval_s = 10\n") as (
        simulator,
        service,
    ):
        page = visit(to=service).open("/plants")
        plant = tile(page, "UFV Alvorada")
        healthy = plant.get_by_role("list", name="Inverters").get_by_role("listitem").first
        expect(healthy).to_contain_text("Producing", timeout=60_000)
        Control(simulator.line("control "))("POST", "/api/faults", {"fault": "refuse"})
        expect(healthy).to_contain_text("No contact", timeout=90_000)
        expect(plant.get_by_role("list", name="Relays")).to_contain_text("not known")
        expect(plant.get_by_role("list", name="Inverters").get_by_role("listitem").nth(1)).to_contain_text("Failed")
        check(page)


def test_one_plant_by_keyboard_alone(visit: Open, picture: Callable[..., None]) -> None:
    page = visit().open("/plants")
    hands = Hands(page, Look())
    opens = tile(page, "UFV Boa Vista").get_by_role("button", name="UFV Boa Vista")
    hands.press(opens)
    detail = page.get_by_role("region", name="UFV Boa Vista")
    expect(detail.get_by_role("link", name=f"Relay {RELAY}: Relay failure: OVERVOLTAGE")).to_be_visible()
    relays = detail.get_by_role("region", name="Relays").get_by_role("row").nth(1)
    expect(relays).to_contain_text("Major")
    inverters = detail.get_by_role("region", name="Inverters").get_by_role("row")
    expect(inverters.nth(1)).to_contain_text("Suppressed")
    expect(inverters.nth(1).get_by_role("link", name=f"Relay {RELAY}: Overvoltage")).to_be_visible()
    hands.press(detail.get_by_role("button", name="Each inverter"))
    expect(detail.locator(".legend")).to_contain_text("194797001")
    hands.press(detail.get_by_role("button", name="The day before"))
    expect(detail.get_by_text("09/03", exact=True)).to_be_visible()
    hands.press(detail.get_by_role("button", name="The day after"))
    expect(detail.get_by_text("10/03", exact=True)).to_be_visible()
    picture(page, "plants")
    page.keyboard.press("Escape")
    expect(detail).to_have_count(0)
    assert "plant=" not in page.url
    expect(opens).to_be_focused()


def test_a_day_in_the_sun(visit: Open, site: Site, picture: Callable[..., None]) -> None:
    plants = {plant["name"]: plant for plant in site.get(VIEW)["plants"]}
    page = visit().open("/plants?plant=19478")
    for name in names(page):
        small = tile(page, name)
        height = round(plants[name]["sun_elevation_deg"])
        expect(small).to_contain_text(re.compile(f"Sun ({height}|{height + 1})° up"))  # it rises meanwhile
        expect(small.locator(".day-chart .sun")).to_have_count(1)
        expect(small).to_contain_text(re.compile(r"Last data (now|\d+ (s|min) ago)"))
    detail = page.get_by_role("region", name="UFV Alvorada")
    expect(detail.locator(".figure", has_text="Sunlight")).to_contain_text("° up")
    expect(detail.locator(".figure", has_text="Last data")).to_contain_text(re.compile("ago|now"))
    detail.get_by_role("button", name="Each inverter").click()
    expect(detail.locator(".legend")).to_contain_text(FAILED)
    expect(detail.locator(".figure", has_text="Power").first).to_contain_text("kW")
    picture(page, "plant-day")


def test_night_is_no_fault(visit: Open, serve: Callable[..., Service], tmp_path: Path) -> None:
    night = "2026-03-10T21:00:00 x1"
    plants = deepcopy(PLANTS)
    for plant in plants["plants"]:  # type: ignore[attr-defined]
        plant["relays"][0].pop("trips", None)
        for inverter in plant["inverters"]:
            inverter.pop("outages", None)
    place = '[pvoperation.plants."19478"]\nlatitude = -23.5\nlongitude = -46.6\n'
    with own_plants(serve, tmp_path, night, plants, place) as (_, service):
        page = visit(to=service).open("/plants")
        expect(page.get_by_role("button", name="Night 2")).to_be_visible()
        signs = tile(page, "UFV Alvorada").get_by_role("list", name="Inverters").get_by_role("listitem")
        expect(signs.first).to_contain_text("Night")
        expect(tile(page, "UFV Alvorada")).to_contain_text("Sun below the horizon")
        expect(tile(page, "UFV Alvorada").locator(".day-chart .sun")).to_have_count(1)
        expect(tile(page, "UFV Boa Vista")).to_contain_text("Sun: not known")
        expect(page.locator(".tile.MINOR, .tile.MAJOR, .tile.INVALID")).to_have_count(0)
        check(page)


def test_hundreds_of_plants_cost_as_much_as_those_in_sight(visit: Open, site: Site) -> None:
    view = site.get(VIEW)
    one = view["plants"][0]
    view["plants"] = [one | {"id": f"{20_000 + n}", "name": f"UFV {n:03d}"} for n in range(400)]
    opened = visit()
    opened.context.route(f"**{VIEW}", lambda route: route.fulfill(json=view))
    asked: list[str] = []
    opened.context.on("request", lambda request: asked.append(request.url) if "/history?" in request.url else None)
    page = opened.open("/plants?sort=name")
    expect(page.locator(".plant-name")).to_have_count(400)
    expect(page.locator(".day-chart").first).to_be_visible()
    assert page.locator(".day-chart").count() < 40
    page.locator(".plant-name").last.scroll_into_view_if_needed()
    expect(page.locator(".plant-place").last.locator(".day-chart")).to_be_visible()
    assert len(asked) < 120


def test_names_from_elsewhere_are_only_text(visit: Open, site: Site) -> None:
    view = site.get(VIEW)
    view["plants"][0] |= {"name": HOSTILE, "capacity": HOSTILE, "timezone": "America/Sao_Paulo"}
    view["plants"][0]["relays"][0]["name"] = HOSTILE
    opened = visit()

    def answer(route: Route) -> None:
        route.fulfill(json=view)

    opened.context.route(f"**{VIEW}", answer)
    page = opened.open(f"/plants?plant={view['plants'][0]['id']}")
    shown = "<img src=x onerror=alert(1)>⟨U+202E⟩UFV␛[31m"
    expect(page.get_by_role("heading", name=shown).first).to_be_visible()
    assert page.locator("main img").count() == 0
    check(page)


def test_no_plants_says_how_to_add_some(visit: Open, serve: Callable[..., Service]) -> None:
    service = serve('[reactor]\nlisten = "127.0.0.1:0"\n')
    page = visit(to=service).open("/plants")
    expect(page.get_by_text("No plant is watched yet")).to_be_visible()
    expect(page.get_by_text("[pvoperation]")).to_be_visible()
    check(page)
