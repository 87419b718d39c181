import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from vigilia.interfaces.api import events, feeding
from vigilia.interfaces.api.models import PointAnswer
from vigilia.points import Batch, Kind, Point, Reading, Sample

SOME = "/api/v1/events?name=T1:PwrState-Raw&name=T1:Power-Mon"


async def fields_of(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, str]]:
    """Give the fields of each block of an event stream; a comment's name is empty."""
    block: dict[str, str] = {}
    async for line in answer.content:
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(":")
            block[name] = value.removeprefix(" ")
        else:
            yield block
            block = {}


async def events_of(answer: aiohttp.ClientResponse, count: int) -> list[dict[str, Any]]:
    """Return the points of the next `count` events."""
    points: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        async for block in fields_of(answer):
            if block.get("event") == "point":
                points.append(json.loads(block["data"]))
            if len(points) == count:
                break
    return points


async def test_a_stream_begins_with_a_snapshot_and_goes_on_with_changes(alarmed: Any) -> None:
    async with alarmed.client.get("/api/v1/events") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        snapshot = await events_of(answer, len(alarmed.table))
        assert [point["name"] for point in snapshot] == [point.name for point in alarmed.table.points()]
        for point in snapshot:
            assert point.keys() == PointAnswer.model_fields.keys()
        await alarmed.publish("T1:PwrState-Raw", 3, 1_700_000_001.0)
        (change,) = await events_of(answer, 1)
        assert (change["name"], change["label"]) == ("T1:PwrState-Raw", "Fault")
        assert change == await alarmed.get("/api/v1/points/T1:PwrState-Raw")


async def test_events_are_numbered_and_the_client_is_told_when_to_come_back(alarmed: Any) -> None:
    async with alarmed.client.get(SOME) as answer, asyncio.timeout(5):
        blocks = fields_of(answer)
        assert await anext(blocks) == {"retry": "2000"}
        first, second = await anext(blocks), await anext(blocks)
        assert first.keys() == {"event", "id", "data"}
        assert (first["id"], second["id"]) == ("1", "2")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=T2:Desc-SP&name=T1:Power-Mon", ["T1:Power-Mon", "T2:Desc-SP"]),
        ("device=T2", ["T2:Level-SP", "T2:Count-Mon", "T2:Desc-SP"]),
        ("link=sw-1&q=pwrstate", ["T1:PwrState-Raw", "T1:PwrState-Sel"]),
        ("name=T1:Power-Mon&name=T2:Desc-SP&device=T1", ["T1:Power-Mon"]),
    ],
)
async def test_a_stream_is_filtered(service: Any, query: str, expected: list[str]) -> None:
    async with service.client.get(f"/api/v1/events?{query}") as answer:
        assert [point["name"] for point in await events_of(answer, len(expected))] == expected
        await service.publish("T2:Count-Mon", 1)
        await service.publish(expected[-1], "x" if "Desc" in expected[-1] else 1)
        seen = await events_of(answer, 1)
        if "T2:Count-Mon" in expected:
            assert seen[0]["name"] == "T2:Count-Mon"
        else:
            assert seen[0]["name"] == expected[-1]


async def test_an_unknown_name_is_not_found(service: Any) -> None:
    status, body = await service.failing("GET", "/api/v1/events?name=T9:None")
    assert (status, body["error"]) == (404, "unknown-point")
    assert len(service.parts.streams) == 0


async def test_a_burst_arrives_as_the_newest_values_only(service: Any) -> None:
    async with service.client.get("/api/v1/events?name=T1:Power-Mon") as answer:
        await events_of(answer, 1)
        for value in range(1000):
            await service.publish("T1:Power-Mon", float(value), 1_700_000_000.0 + value)
        seen: list[float] = []
        while not seen or seen[-1] != 999:
            seen += [point["value"] for point in await events_of(answer, 1)]
        assert len(seen) < 10
        assert seen == sorted(seen)
        assert service.parts.streams.replaced >= 1000 - len(seen)
    text = await (await service.client.get("/metrics")).text()
    assert "vigilia_event_values_replaced_total" in text


async def test_many_changes_travel_in_few_writes(service: Any) -> None:
    many = [Point(f"many:{n}", Kind.NUMBER, "many") for n in range(1200)]
    service.table.add(many)
    async with service.client.get("/api/v1/events?device=many") as answer:
        await events_of(answer, 1200)
        await service.table.publish(Batch("test", [Sample(point.name, Reading(1.0, 1.0)) for point in many]))
        points = await events_of(answer, 1200)
        assert [point["name"] for point in points] == [point.name for point in many]
        assert all(point["value"] == 1.0 for point in points)


async def test_silence_is_kept_alive_by_comments(service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(events, "_KEEP_ALIVE_S", 0.02)
    async with service.client.get("/api/v1/events?name=T1:Power-Mon") as answer, asyncio.timeout(5):
        blocks = [block async for _, block in azip(range(5), fields_of(answer))]
    assert [set(block) for block in blocks] == [{"retry"}, {"event", "id", "data"}, {""}, {""}, {""}]


async def azip(numbers: range, blocks: AsyncIterator[dict[str, str]]) -> AsyncIterator[tuple[int, dict[str, str]]]:
    for number in numbers:
        yield number, await anext(blocks)


async def test_a_client_that_leaves_is_forgotten(service: Any, until: Any) -> None:
    answer = await service.client.get("/api/v1/events")
    await events_of(answer, 1)
    assert len(service.parts.streams) == 1
    answer.close()
    await until(lambda: len(service.parts.streams) == 0)
    assert service.table.viewers == 0  # the table would feed a forgotten viewer for ever


async def test_at_most_100_streams_are_open(service: Any, until: Any) -> None:
    async with aiohttp.ClientSession(service.server.address, connector=aiohttp.TCPConnector(limit=0)) as client:
        answers = await asyncio.gather(*(client.get("/api/v1/events?name=T1:Power-Mon") for _ in range(100)))
        await asyncio.gather(*(events_of(answer, 1) for answer in answers))
        status, body = await service.failing("GET", "/api/v1/events")
        assert (status, body["error"]) == (503, "no-stream")
        answers.pop().close()
        await until(lambda: len(service.parts.streams) == 99)
        async with client.get("/api/v1/events?name=T1:Power-Mon") as answer:
            assert answer.status == 200
        await service.publish("T1:Power-Mon", 5.0)
        for points in await asyncio.gather(*(events_of(answer, 1) for answer in answers)):
            assert points[0]["value"] == 5.0
        for answer in answers:
            answer.close()


async def test_a_client_that_stops_reading_is_dropped(service: Any, monkeypatch: Any, until: Any) -> None:
    monkeypatch.setattr(feeding, "_STUCK_S", 0.2)
    service.table.add(Point(f"many:{n}", Kind.TEXT, "many", description="x" * 500) for n in range(20_000))
    host, port = service.server.address.removeprefix("http://").split(":")
    _reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await until(lambda: len(service.parts.streams) == 1)
    await until(lambda: len(service.parts.streams) == 0)
    writer.transport.abort()


async def test_stopping_ends_streams_cleanly_and_soon(service: Any) -> None:
    answers = [await service.client.get(SOME) for _ in range(3)]
    for answer in answers:
        await events_of(answer, 2)
    began = asyncio.get_running_loop().time()
    await service.server.stop()
    assert asyncio.get_running_loop().time() - began < 2
    for answer in answers:
        assert await asyncio.wait_for(answer.read(), 5) is not None  # ends, and not by an error
    assert service.table.viewers == 0


NEW = Point("T9:Power-Mon", Kind.NUMBER, "T9", "sw-9", units="kW")


@pytest.mark.parametrize("query", ["", "?link=sw-9", "?q=t9", "?device=T9"])
async def test_a_stream_goes_on_with_points_that_come_later(query: str, service: Any) -> None:
    present = 0 if query else len(service.table)
    async with service.client.get(f"/api/v1/events{query}") as answer:
        await events_of(answer, present) if present else None
        service.table.define([NEW], None, "test")
        await service.publish(NEW.name, 2.5, 1_700_000_001.0)
        points = await events_of(answer, 1)
        if points[0]["value"] is None:  # it came before its first reading
            points = await events_of(answer, 1)
        assert (points[0]["name"], points[0]["value"], points[0]["units"]) == (NEW.name, 2.5, "kW")
    listed = await service.get("/api/v1/points?device=T9")
    assert [point["value"] for point in listed["items"]] == [2.5]
    async with service.client.get("/metrics") as answer:
        assert 'vigilia_point_value{device="T9",point="T9:Power-Mon"} 2.5' in await answer.text()
