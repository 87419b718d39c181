"""The simulated API, asked by a real client."""

import asyncio
import json
import re
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import until
from tests.unit.sim.pvoperation.plants import CUIABA, DAY, ClockAt, a_plant, a_script, at, day_of, log_in, times_of
from vigilia.clock import Clock
from vigilia.drivers.pvoperation.records import is_not_set, is_set
from vigilia.sim.pvoperation import Account, Dialect, HeldClock, Outage, SimPvOperation, Span, Trip
from vigilia.sim.pvoperation.dialect import spoken, varied


async def test_a_login_gives_a_token_that_is_needed(http: aiohttp.ClientSession, api: SimPvOperation) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/api/v1", api.url)
    async with http.get(f"{api.url}/plants") as answer:
        assert answer.status == 401
    token = await log_in(http, api)
    async with http.get(f"{api.url}/plants", headers=token) as answer:
        assert answer.status == 200
        assert await answer.json() == [
            {"id": 1, "nome": "UFV 1", "capacidade": 1000.0},
            {"id": 2, "nome": "UFV 2", "capacidade": 1000.0},
        ]
    assert (api.logins, api.refused_tokens, api.counts["plants"]) == (1, 1, 2)
    assert [(r.method, r.path, r.status) for r in api.requests] == [
        ("GET", "/api/v1/plants", 401),
        ("POST", "/api/v1/authenticate", 200),
        ("GET", "/api/v1/plants", 200),
    ]


@pytest.mark.parametrize("refusal", [401, 403])
@pytest.mark.parametrize("given", [{"username": "a", "password": "x"}, {"username": "b", "password": "p"}, {}, []])
async def test_wrong_credentials(http: aiohttp.ClientSession, refusal: int, given: object) -> None:
    account = Account("a", "p", 401 if refusal == 401 else 403)
    async with SimPvOperation(a_script(), account=account) as api:
        async with http.post(f"{api.url}/authenticate", json=given) as answer:
            assert answer.status == refusal
        assert (api.logins, api.refused_logins) == (0, 1)


async def test_only_so_many_tokens_are_kept(
    http: aiohttp.ClientSession, api: SimPvOperation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilia.sim.pvoperation.api._MOST_TOKENS", 2)
    tokens = [await log_in(http, api) for _ in range(3)]
    for token, expected in zip(tokens, (401, 200, 200), strict=True):
        async with http.get(f"{api.url}/plants", headers=token) as answer:
            assert answer.status == expected


async def test_a_token_ends_by_the_clock(http: aiohttp.ClientSession) -> None:
    class Hand(Clock):
        passed = 0.0

        def monotonic(self) -> float:
            return self.passed

    clock = Hand()
    async with SimPvOperation(a_script(), clock, token_life_s=60) as api:
        token = await log_in(http, api)
        for clock.passed, expected in ((59.9, 200), (60.0, 401)):
            async with http.get(f"{api.url}/plants", headers=token) as answer:
                assert answer.status == expected


@pytest.mark.parametrize("kind", ["relay", "inverter"])
async def test_a_day_has_its_records_up_to_now(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str], clock: ClockAt, kind: str
) -> None:
    found = await day_of(http, api, token, kind)
    each = 2 if kind == "inverter" else 1
    assert len(found) == each * 121
    assert times_of(found)[:: len(found) - 1] == ["00:00", "10:00"]
    clock.moment = at("10:05")
    assert times_of(await day_of(http, api, token, kind))[-1] == "10:05"
    # What was kept of the answer tells no more than an earlier time allows.
    clock.moment = at("09:59")
    assert times_of(await day_of(http, api, token, kind))[-1] == "09:55"
    assert await day_of(http, api, token, kind, day="2026-03-11") == []
    assert await day_of(http, api, token, kind, day="2026-03-09") == []
    clock.moment = at("2026-03-11T00:00")
    assert len(await day_of(http, api, token, kind)) == each * 288
    assert len(await day_of(http, api, token, kind, day="2026-03-11")) == each


async def test_times_are_the_plant_s_own(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]
) -> None:
    assert times_of(await day_of(http, api, token, "relay", 2))[-1] == "09:00"
    assert len(await day_of(http, api, token, "relay", 2)) == 109


async def test_power_and_flags_follow_the_script(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str], clock: ClockAt
) -> None:
    clock.moment = at("22:00")
    plant = api.script.plant(1)
    plant.inverters["701"].outages.append(Outage(at("12:00"), at("12:09"), -0.5))
    plant.inverters["702"].stops.append(Span(at("12:00"), at("12:09")))
    plant.relays["901"].trips.append(Trip(at("12:00"), at("12:09"), ("r59A", "rRL5")))
    found = await day_of(http, api, token, "inverter")
    pac = {(r["idinversor"], r["conteudojson"]["tsleitura"][11:16]): r["conteudojson"]["Pac"] for r in found}
    assert [pac["701", time] for time in ("11:55", "12:00", "12:05")][1:] == [-0.5, -0.5]
    assert ("702", "11:55") in pac
    assert ("702", "12:05") not in pac
    assert pac["701", "05:40"] == pac["701", "18:20"] == 0
    bell = [pac["701", time] for time in ("05:45", "06:30", "08:00", "10:00", "11:55")]
    assert bell == sorted(bell)
    assert 0 < bell[0] < bell[-1] <= 100
    set_flags = {
        record["conteudojson"]["tsleitura"][11:16]: {k for k, v in record["conteudojson"].items() if v == 1}
        for record in await day_of(http, api, token, "relay")
    }
    assert [set_flags[time] for time in ("11:55", "12:00", "12:05", "12:10")] == [
        set(),
        {"r59A", "rRL5"},
        {"r59A", "rRL5"},
        set(),
    ]


async def test_each_plant_may_spell_in_another_way(http: aiohttp.ClientSession) -> None:
    plants = [a_plant(number) for number in range(1, 9)]
    for plant in plants:
        plant.relays["901"].trips.append(Trip(at("00:00"), flags=("r59A",)))
    async with SimPvOperation(a_script(*plants), ClockAt(at("12:00")), is_varied=True) as api:
        token = await log_in(http, api)
        for number, plant in enumerate(plants):
            dialect = varied(number)
            relay = (await day_of(http, api, token, "relay", plant.plant_id))[-1]
            inverter = (await day_of(http, api, token, "inverter", plant.plant_id))[-1]
            assert ("idrele" if "inside" in dialect.relay_id else dialect.relay_id) in relay | relay["conteudojson"]
            assert dialect.inverter_id in inverter | inverter["conteudojson"]
            assert (901 if number % 2 else "901") in [*relay.values(), *relay["conteudojson"].values()]
            pac = inverter["conteudojson"][dialect.pac_name]
            assert re.fullmatch(r"[0-9]{2},[0-9]{1,2} kW", pac) if number % 2 else isinstance(pac, float)
            on, off = (relay["conteudojson"][name.upper() if number % 2 else name] for name in ("r59A", "r27A"))
            assert (is_set(on), is_not_set(on), is_set(off), is_not_set(off)) == (True, False, False, True)
        api.speak(2, Dialect())
        assert (await day_of(http, api, token, "relay", 2))[0]["idrele"] == "901"


def test_powers_in_words() -> None:
    assert [spoken(value) for value in (1234.5, -3.0, 0.0, 12.34)] == ["1.234,5 kW", "-3 kW", "0 kW", "12,34 kW"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("GET", "/day_relay", None, 405),
        ("POST", "/plants", {}, 405),
        ("POST", "/day_relay", {"id": 9, "date": "2026-03-10"}, 400),
        ("POST", "/day_relay", {"id": 1, "date": "10/03/2026"}, 400),
        ("POST", "/day_inverter", {"date": "2026-03-10"}, 400),
        ("POST", "/day_inverter", [1], 400),
        ("POST", "/day_inverter", {"id": "1", "date": "2026-03-10"}, 200),
    ],
)
async def test_requests_that_make_no_sense(
    http: aiohttp.ClientSession,
    api: SimPvOperation,
    token: dict[str, str],
    method: str,
    path: str,
    body: object,
    status: int,
) -> None:
    async with http.request(method, api.url + path, json=body, headers=token) as answer:
        assert answer.status == status


async def test_requests_in_hand_are_counted(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]
) -> None:
    api.latency_s = 0.3
    api.concurrency_limit = 3
    await asyncio.gather(*(day_of(http, api, token, "relay") for _ in range(5)))
    assert (api.in_flight, api.max_in_flight, api.over_limit) == (0, 5, 2)


async def test_a_body_that_is_too_long_is_refused(http: aiohttp.ClientSession, api: SimPvOperation) -> None:
    async with http.post(f"{api.url}/authenticate", data=b"x" * 1_040_000) as answer:
        assert answer.status == 413


async def test_a_held_clock_runs_from_the_first_request(http: aiohttp.ClientSession) -> None:
    clock = HeldClock(at("10:00"), 1000)
    async with SimPvOperation(a_script(), clock) as api:
        await asyncio.sleep(0.01)
        assert clock.is_held
        assert clock.now() == at("10:00")
        await log_in(http, api)
        assert not clock.is_held
        await until(lambda: clock.now() > at("10:00:01"))


async def test_a_taken_port_is_a_clear_error(api: SimPvOperation) -> None:
    port = int(api.origin.rsplit(":", 1)[1])
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
        async with SimPvOperation(a_script(), port=port):
            pass


async def test_days_that_were_not_asked_for_lately_are_forgotten(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilia.sim.pvoperation.days.KEPT_BYTES", 20_000)
    async with SimPvOperation(a_script(a_plant(1), a_plant(2, CUIABA)), ClockAt(at("12:00"))) as api:
        token = await log_in(http, api)
        first = await day_of(http, api, token, "inverter", 1)
        for plant_id in (2, 1, 2):
            await day_of(http, api, token, "inverter", plant_id)
        assert await day_of(http, api, token, "inverter", 1) == first
        assert json.dumps(first).count(str(DAY)) == 290


def test_it_shares_no_code_with_the_service() -> None:
    folder = Path(__file__).parents[4] / "src" / "vigilia" / "sim" / "pvoperation"
    imported = {
        name
        for file in folder.glob("*.py")
        for name in re.findall(r"^from (vigilia\.[\w.]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    foreign = {name for name in imported if not name.startswith("vigilia.sim")}
    assert foreign == {"vigilia.addresses", "vigilia.clock", "vigilia.errors"}, "nothing that reads or writes an answer"
