"""The control service, over HTTP."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.unit.sim.pvoperation.plants import ClockAt, a_script, at, day_of
from vigilia.clock import Clock, parse_clock
from vigilia.sim.pvoperation import Control, HeldClock, Outage, SimPvOperation, TeamsSink, Trip


@pytest.fixture
async def control(api: SimPvOperation, teams: TeamsSink) -> AsyncIterator[Control]:
    async with Control(api, teams) as control:
        yield control


async def ask(
    http: aiohttp.ClientSession, control: Control, method: str, path: str, body: object = None
) -> tuple[int, dict[str, Any]]:
    async with http.request(method, control.url + path, json=body) as answer:
        return answer.status, await answer.json()


async def test_everything_at_a_glance(
    http: aiohttp.ClientSession, control: Control, api: SimPvOperation, teams: TeamsSink, token: dict[str, str]
) -> None:
    code, found = await ask(http, control, "GET", "/")
    assert code == 200
    assert found["api"]["url"] == api.url
    assert found["teams"]["url"] == teams.url
    assert (found["api"]["logins"], found["api"]["requests"], found["api"]["max_in_flight"]) == (1, 1, 1)
    assert found["clock"]["now"] == at("10:02")


async def test_the_clock_says_what_a_service_is_started_with(http: aiohttp.ClientSession) -> None:
    clock = HeldClock(at("10:00"), 120)
    async with SimPvOperation(a_script(), clock) as api, TeamsSink(clock) as teams, Control(api, teams) as control:
        _, found = await ask(http, control, "GET", "/clock")
        assert found == {
            "now": at("10:00"),
            "iso": "2026-03-10T13:00:00.000Z",
            "speed": 120,
            "held": True,
            "text": "2026-03-10T13:00:00.000Z x120",
        }
        service = parse_clock(found["text"], api.script.plant(1).zone)
        assert service.speed == 120
        assert at("10:00") <= service.now() < at("10:20")
        _, found = await ask(http, control, "POST", "/clock")
        assert not found["held"]
        _, found = await ask(http, control, "POST", "/clock", {"now": "15:00"})
        assert at("15:00") <= found["now"] < at("15:20")
        code, found = await ask(http, control, "POST", "/clock", {"now": "2026-03-10T14:00"})
        assert code == 400
        assert "give a later time" in found["error"]
    held = HeldClock(at("10:00"))
    held.move(at("11:00"))
    assert (held.is_held, held.now()) == (True, at("11:00"))
    real = Clock()
    async with SimPvOperation(a_script(), real) as api, TeamsSink(real) as teams, Control(api, teams) as control:
        assert (await ask(http, control, "GET", "/clock"))[1]["text"] == ""
        assert (await ask(http, control, "POST", "/clock"))[0] == 400


async def test_adjusting(http: aiohttp.ClientSession, control: Control, api: SimPvOperation, teams: TeamsSink) -> None:
    wanted = {"latency_ms": 12.5, "concurrency_limit": 8, "token_life_s": 600}
    code, found = await ask(http, control, "PATCH", "/api", wanted)
    assert (code, {name: found[name] for name in wanted}) == (200, wanted)
    assert (api.latency_s, api.concurrency_limit, api.token_life_s) == (0.0125, 8, 600)
    await ask(http, control, "PATCH", "/api", {"token_life_s": None})
    assert (api.concurrency_limit, api.token_life_s) == (8, None)
    await ask(http, control, "PATCH", "/teams", {"latency_ms": 5})
    assert teams.latency_s == 0.005


async def test_faults_and_the_log(
    http: aiohttp.ClientSession, control: Control, api: SimPvOperation, token: dict[str, str]
) -> None:
    fault = {"fault": "missing-day", "day": "2026-03-10", "plants": [2], "duration_s": 60, "count": None}
    code, found = await ask(http, control, "POST", "/api/faults", fault)
    assert code == 201
    assert (found["faults"][0]["fault"], found["faults"][0]["plants"]) == ("missing-day", [2])
    assert 0 < found["faults"][0]["remaining_s"] <= 60
    assert await day_of(http, api, token, "relay", 2) == []
    _, found = await ask(http, control, "GET", "/api/requests?since=1")
    assert [(r["number"], r["path"], r["plant"], r["status"]) for r in found["items"]] == [
        (2, "/api/v1/day_relay", 2, 200)
    ]
    code, found = await ask(http, control, "DELETE", "/api/faults")
    assert (code, found["faults"]) == (200, [])


async def test_cards(http: aiohttp.ClientSession, control: Control, teams: TeamsSink) -> None:
    for title in ("um", "dois"):
        async with http.post(teams.url, data=json.dumps({"@type": "MessageCard", "title": title, "text": "x"})):
            pass
    _, found = await ask(http, control, "GET", "/teams/cards?since=1")
    (card,) = found["items"]
    assert (card["number"], card["title"], card["lines"], card["time"]) == (2, "dois", ["x"], at("10:02"))
    assert json.loads(card["body"])["title"] == "dois"
    await ask(http, control, "DELETE", "/teams/cards")
    assert (await ask(http, control, "GET", "/teams/cards"))[1]["items"] == []
    await ask(http, control, "POST", "/teams/faults", {"fault": "500", "count": 1})
    async with http.post(teams.url, data=b"{}") as answer:
        assert answer.status == 500


async def test_the_script_goes_on(
    http: aiohttp.ClientSession, control: Control, api: SimPvOperation, clock: ClockAt
) -> None:
    code, found = await ask(http, control, "POST", "/plants/1/trips", {"relay": "901", "flags": ["r81O"]})
    assert (code, found["relays"][0]["trips"]) == (
        201,
        [{"from": "2026-03-10T10:02:00", "to": None, "flags": ["r81O"]}],
    )
    body = {"inverter": "702", "from": "11:00", "minutes": 30}
    code, found = await ask(http, control, "POST", "/plants/2/outages", body)
    assert (code, found["inverters"][1]["outages"]) == (
        201,
        [{"from": "2026-03-10T11:00:00", "to": "2026-03-10T11:30:00", "pac_kw": 0.0}],
    )
    code, _ = await ask(http, control, "POST", "/plants/2/stops", {"equipment": "701", "to": "10:30"})
    assert code == 201
    code, _ = await ask(http, control, "POST", "/plants/2/stops", {"from": "2026-03-11T09:00"})
    assert code == 201
    clock.moment = at("10:31")
    code, found = await ask(http, control, "POST", "/plants/1/end", {"equipment": "901"})
    assert (code, found["ended"], found["relays"][0]["trips"][0]["to"]) == (200, 1, "2026-03-10T10:31:00")
    _, found = await ask(http, control, "GET", "/script")
    assert found["day"] == "2026-03-10"
    assert found["plants"][1]["stops"] == [{"from": "2026-03-11T09:00:00", "to": None}]
    assert found["plants"][0] == (await ask(http, control, "GET", "/plants/1"))[1]


async def test_the_truth_up_to_now(
    http: aiohttp.ClientSession, control: Control, api: SimPvOperation, clock: ClockAt
) -> None:
    plant = api.script.plant(1)
    plant.inverters["701"].outages.append(Outage(at("09:00"), at("10:30")))
    plant.relays["901"].trips.append(Trip(at("09:30"), at("09:40"), ("r49",)))
    _, found = await ask(http, control, "GET", "/truth")
    failure, relay = found["items"]
    assert (failure["raised"], failure["raised_local"], failure["cleared"]) == (
        at("09:10"),
        "2026-03-10 09:10:00",
        None,
    )
    assert (failure["suppressed"], failure["dropped"], failure["severity"]) == (at("09:30"), False, None)
    assert (relay["relay_class"], relay["severity"], relay["flags"]) == ("TÉRMICO", "MAJOR", ["r49"])
    assert (relay["cleared_local"], relay["plant_name"]) == ("2026-03-10 09:40:00", "UFV 1")
    _, found = await ask(http, control, "GET", f"/truth?dropped=1/701/{failure['raised']}")
    assert [(item["equipment"], item["dropped"]) for item in found["items"]] == [
        ("701", True),
        ("901", False),
        ("701", False),
    ]


async def test_another_spelling(
    http: aiohttp.ClientSession, control: Control, api: SimPvOperation, token: dict[str, str]
) -> None:
    await day_of(http, api, token, "inverter")
    code, _ = await ask(http, control, "PUT", "/plants/1/dialect", {"pac_name": "Pout", "inverter_id": "esn"})
    assert code == 200
    assert "esn" in (await day_of(http, api, token, "inverter"))[0]["conteudojson"]
    assert "Pout" in (await day_of(http, api, token, "inverter"))[0]["conteudojson"]


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "part"),
    [
        ("GET", "/plants/9", None, 404, "no plant 9: there are 1, 2"),
        ("GET", "/plants/x", None, 404, "no plant 'x'"),
        ("GET", "/nothing", None, 404, "Not Found"),
        ("PUT", "/truth", None, 405, "Method Not Allowed"),
        ("GET", "/api/requests?since=now", None, 400, "since is 'now'"),
        ("GET", "/truth?dropped=1", None, 400, "PLANT/INVERTER/RAISED"),
        ("POST", "/api/faults", {"fault": "melt"}, 400, "unknown fault 'melt'"),
        ("POST", "/teams/faults", {"fault": "late"}, 400, "unknown fault 'late'"),
        ("POST", "/api/faults", {"fault": "hang", "plants": [7]}, 404, "no plant 7"),
        ("POST", "/teams/faults", {"fault": "redirect"}, 400, "needs location"),
        ("POST", "/api/faults", {}, 422, "fault: Field required"),
        ("POST", "/api/faults", {"fault": "hang", "for": 5}, 422, "for: Extra inputs"),
        ("PATCH", "/api", {"latency_ms": -1}, 422, "latency_ms"),
        ("PATCH", "/teams", {"token_life_s": 1}, 422, "token_life_s"),
        ("POST", "/plants/1/trips", {"relay": "9", "flags": ["r49"]}, 404, "no relay '9': there are 901"),
        ("POST", "/plants/1/trips", {"relay": "901", "flags": ["x"]}, 400, "flags are x"),
        ("POST", "/plants/1/trips", {"relay": "901", "flags": ["r49"], "from": "09:00"}, 400, "has passed"),
        ("POST", "/plants/1/outages", {"inverter": "701", "pac_kw": 3}, 400, "give 0 or less"),
        ("POST", "/plants/1/stops", {"minutes": 5, "to": "11:00"}, 400, "give one of them"),
        ("POST", "/plants/1/stops", {"to": "25:00"}, 400, "'25:00' is no time"),
        ("POST", "/plants/1/end", {"equipment": "9"}, 404, "no inverter '9'"),
        ("PUT", "/plants/1/dialect", {"pac_name": "Power"}, 422, "pac_name"),
    ],
)
async def test_wrong_input(
    http: aiohttp.ClientSession, control: Control, method: str, path: str, body: object, code: int, part: str
) -> None:
    found, answer = await ask(http, control, method, path, body)
    assert (found, list(answer)) == (code, ["error"])
    assert part in answer["error"]


def test_only_on_loopback() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Control(SimPvOperation(a_script()), TeamsSink(), host="0.0.0.0")
