"""Each fault of the simulated API, seen by a real client."""

import asyncio
import math
from datetime import date
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from tests.conftest import until
from tests.unit.sim.pvoperation.plants import DAY, ClockAt, at, day_of, log_in, times_of
from vigilia.sim.pvoperation import API_FAULTS, TEAMS_FAULTS, FaultError, SimPvOperation, UnknownEquipmentError
from vigilia.sim.pvoperation.faults import Faults


async def plants(http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]) -> tuple[int, bytes]:
    async with http.get(f"{api.url}/plants", headers=token) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize(
    ("kind", "status", "part"),
    [
        ("429", 429, b"Too many"),
        ("500", 500, b"Internal Server Error"),
        ("503", 503, b"unavailable"),
        ("garbage", 200, b"\x00\xff<<"),
        ("html", 200, b"<html>"),
        ("wrong-shape", 200, b'"data": [[1, 2]'),
        ("error-text", 200, b'"Erro ao processar'),
        ("always-expired", 401, b"Token"),
        ("empty-plants", 200, b"[]"),
    ],
)
async def test_bad_answers(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str], kind: str, status: int, part: bytes
) -> None:
    await api.inject(kind, count=1)
    found, body = await plants(http, api, token)
    assert found == status
    assert part in body
    assert (await plants(http, api, token))[1].startswith(b'[{"id": 1,')


async def test_retry_after_in_seconds_and_as_a_date(
    http: aiohttp.ClientSession, api: SimPvOperation, clock: ClockAt
) -> None:
    await api.inject("429", count=1, retry_after_s=120)
    await api.inject("429", count=1, retry_after_s=120, as_date=True)
    async with http.get(f"{api.url}/plants") as answer:
        assert answer.headers["Retry-After"] == "120"
    async with http.get(f"{api.url}/plants") as answer:
        assert parsedate_to_datetime(answer.headers["Retry-After"]).timestamp() == clock.moment + 120


async def test_a_fault_is_for_some_plants_or_paths(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]
) -> None:
    await api.inject("500", plants=[2], path="day_inverter")
    assert (await plants(http, api, token))[0] == 200
    for kind, plant_id in (("relay", 2), ("inverter", 1)):
        await day_of(http, api, token, kind, plant_id)
    async with http.post(f"{api.url}/day_inverter", json={"id": 2, "date": str(DAY)}, headers=token) as answer:
        assert answer.status == 500
    await api.clear_faults()
    await day_of(http, api, token, "inverter", 2)


async def test_a_hang_lasts_until_the_client_goes(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]
) -> None:
    await api.inject("hang", count=1)
    asking = asyncio.create_task(plants(http, api, token))
    await until(lambda: api.in_flight == 1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await until(lambda: api.in_flight == 0)
    assert api.requests[-1].status is None
    assert (await plants(http, api, token))[0] == 200


async def test_a_hang_does_not_hold_up_the_end(http: aiohttp.ClientSession, api: SimPvOperation) -> None:
    await api.inject("hang")
    asking = asyncio.create_task(plants(http, api, {}))
    await until(lambda: api.in_flight == 1)
    await api.stop()
    with pytest.raises(aiohttp.ClientError):
        await asking


async def test_reset(http: aiohttp.ClientSession, api: SimPvOperation) -> None:
    await api.inject("reset", count=2)  # aiohttp asks a second time by itself
    with pytest.raises(aiohttp.ClientError):
        await plants(http, api, {})


async def test_refusal_ends_by_itself_and_by_order(http: aiohttp.ClientSession, api: SimPvOperation) -> None:
    await api.inject("refuse", duration_s=0.2)
    assert not api.listening
    with pytest.raises(aiohttp.ClientConnectorError):
        await plants(http, api, {})
    await until(lambda: api.listening)
    await log_in(http, api)
    await api.inject("refuse")
    assert not api.listening
    with pytest.raises(aiohttp.ClientError):  # refused, or reset where it was still connected
        await plants(http, api, {})
    await api.clear_faults()
    await log_in(http, api)


async def test_tokens_that_are_dropped(http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]) -> None:
    await api.inject("expire")
    assert (await plants(http, api, token))[0] == 401
    assert (await plants(http, api, await log_in(http, api)))[0] == 200


async def test_a_huge_answer_is_announced_or_is_not(http: aiohttp.ClientSession, api: SimPvOperation) -> None:
    await api.inject("huge", count=1)
    async with http.get(f"{api.url}/plants") as answer:
        assert answer.content_length == 120_000_000
        assert (await answer.content.readexactly(2)) == b"[ "
        answer.close()
    await until(lambda: api.in_flight == 0)
    await api.inject("huge-stream", count=1)
    total = 0
    async with http.get(f"{api.url}/plants") as answer:
        assert answer.content_length is None
        async for chunk in answer.content.iter_any():
            total += len(chunk)
            if total > 5_000_000:
                answer.close()
                break
    await until(lambda: api.in_flight == 0)


async def test_a_list_without_some_plants(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]
) -> None:
    await api.inject("partial-plants", plants=[1])
    assert (await plants(http, api, token))[1].startswith(b'[{"id": 2,')


async def test_the_last_record_is_repeated(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]
) -> None:
    well = await day_of(http, api, token, "inverter")
    await api.inject("repeat-last", plants=[1])
    found = await day_of(http, api, token, "inverter")
    assert found[: len(well)] == well
    assert found[len(well) :] == [well[-2]] * 3 + [well[-1]] * 3


async def test_another_order_and_twice(http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]) -> None:
    well = await day_of(http, api, token, "relay")
    await api.inject("out-of-order", count=1)
    found = await day_of(http, api, token, "relay")
    assert found != well
    assert sorted(times_of(found)) == times_of(well)
    await api.inject("duplicates", count=1)
    found = await day_of(http, api, token, "relay")
    assert found[::2] == found[1::2] == well
    assert await day_of(http, api, token, "relay") == well


async def test_late_records(
    http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str], clock: ClockAt
) -> None:
    await api.inject("late", minutes=20)
    assert times_of(await day_of(http, api, token, "relay"))[-1] == "09:40"
    await api.clear_faults()
    await api.inject("late", minutes=20, every=2)
    assert times_of(await day_of(http, api, token, "relay"))[-3:] == ["09:40", "09:45", "09:55"]
    clock.moment = at("10:20")
    found = times_of(await day_of(http, api, token, "relay"))
    assert found[-5:] == ["09:50", "09:55", "10:00", "10:05", "10:15"]


async def test_a_day_that_is_missing(http: aiohttp.ClientSession, api: SimPvOperation, token: dict[str, str]) -> None:
    await api.inject("missing-day", day=date(2026, 3, 9))
    assert len(await day_of(http, api, token, "relay")) == 121
    await api.inject("missing-day", day=DAY, plants=[1])
    assert await day_of(http, api, token, "relay") == []
    assert len(await day_of(http, api, token, "relay", 2)) == 109


def test_a_fault_lasts_its_time_and_the_oldest_goes_first() -> None:
    faults = Faults(API_FAULTS)
    faults.inject("500", 10.0, duration_s=2)
    faults.inject("503", 10.0, count=1)
    found = [faults.take(faults.whole, "/api/v1/plants", None, now) for now in (10.0, 11.9, 12.0, 12.0)]
    assert [None if fault is None else fault.kind for fault in found] == ["500", "500", "503", None]


@pytest.mark.parametrize(
    ("kind", "options", "complaint"),
    [
        ("melt", {}, "unknown fault 'melt': the faults are hang, reset"),
        ("expire", {"count": 1}, "does not take count: it takes no parameter"),
        ("refuse", {"plants": [1]}, "does not take plants: it takes duration_s"),
        ("late", {}, "needs minutes"),
        ("late", {"minutes": 0}, "minutes is 0"),
        ("late", {"minutes": 5, "every": 0}, "every is 0"),
        ("partial-plants", {}, "needs plants"),
        ("partial-plants", {"plants": []}, "plants is empty"),
        ("429", {"retry_after_s": -1}, "retry_after_s is -1"),
        ("hang", {"duration_s": math.nan}, "duration_s is nan"),
        ("hang", {"count": 0}, "count is 0"),
    ],
)
def test_senseless_faults_are_refused(kind: str, options: dict[str, object], complaint: str) -> None:
    faults = Faults(API_FAULTS)
    with pytest.raises(FaultError, match=complaint):
        faults.inject(kind, 0.0, **options)
    assert faults.active(0.0) == []


async def test_a_fault_for_a_plant_that_is_none(api: SimPvOperation) -> None:
    with pytest.raises(UnknownEquipmentError, match="no plant 9: there are 1, 2"):
        await api.inject("hang", plants=[9])


def test_every_fault_is_explained() -> None:
    assert all(kind.text for kind in (API_FAULTS | TEAMS_FAULTS).values())
