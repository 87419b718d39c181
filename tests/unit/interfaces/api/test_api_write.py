import asyncio
import math
from typing import Any

import pytest

from vigilia.errors import NotWritable, Refused, WriteError, WriteTimeout
from vigilia.interfaces.api.models import ChangedAnswer
from vigilia.points import Origin, Point, Value

SELECTOR = "/api/v1/points/T1:PwrState-Sel/value"
LEVEL = "/api/v1/points/T2:Level-SP/value"


async def test_a_write_is_answered_with_the_point_once_confirmed(service: Any) -> None:
    async with service.client.put(SELECTOR, json={"value": "On"}) as answer:
        assert answer.status == 200
        point = await answer.json()
    assert (point["value"], point["label"], point["severity"]) == (True, "On", "NO_ALARM")
    assert service.equipment.writes == [("T1:PwrState-Sel", True)]
    assert service.journal.writes == [("T1:PwrState-Sel", True, Origin("api", "", "127.0.0.1"))]
    assert service.journal.answers == ["confirmed"]


async def test_the_answer_waits_for_the_equipment(service: Any) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def behave(_point: Point, _value: Value) -> None:
        asked.set()
        await go.wait()

    service.equipment.behave = behave
    write = asyncio.create_task(service.client.put(SELECTOR, json={"value": 1}))
    await asyncio.wait_for(asked.wait(), 5)
    await service.get("/api/v1/points")  # others are served meanwhile
    assert not write.done()
    go.set()
    async with await write as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (NotWritable("sw-1 is disconnected"), 409, "not-writable"),
        (Refused("sw-1 said no"), 502, "refused"),
        (WriteTimeout("sw-1 gave no answer"), 504, "write-timeout"),
        (WriteError("sw-1 is in a mood"), 409, "write-error"),
    ],
)
async def test_a_failed_write_says_why(service: Any, error: WriteError, status: int, word: str) -> None:
    async def behave(_point: Point, _value: Value) -> None:
        raise error

    service.equipment.behave = behave
    answered, body = await service.failing("PUT", LEVEL, json={"value": 5})
    assert (answered, body) == (status, {"error": word, "detail": str(error)})


async def test_an_unknown_point_is_not_found(service: Any) -> None:
    status, body = await service.failing("PUT", "/api/v1/points/T9:X/value", json={"value": 1})
    assert (status, body["error"]) == (404, "unknown-point")
    assert "T9:X" in body["detail"]


async def test_a_read_only_point_takes_no_write_and_the_audit_knows(service: Any) -> None:
    path = "/api/v1/points/T1:Power-Mon/value"
    status, body = await service.failing("PUT", path, json={"value": 1})
    assert (status, body["error"]) == (405, "read-only")
    async with service.client.put(path, json={"value": 1}) as answer:
        assert answer.headers["Allow"] == ""
    assert service.journal.answers == ["ReadOnly", "ReadOnly"]
    assert service.equipment.writes == []


@pytest.mark.parametrize(
    ("path", "value"),
    [(SELECTOR, v) for v in (7, -1, "maybe", 0.5, None)]
    + [(LEVEL, v) for v in (-0.1, 100.1, "5", True, None, 10**30)]
    + [("/api/v1/points/ends/value/value", v) for v in (0.5, 2**31, 1e300)]
    + [("/api/v1/points/T2:Desc-SP/value", v) for v in (1, "x" * 1025, None)],
)
async def test_a_value_of_the_wrong_kind_is_refused(service: Any, path: str, value: object) -> None:
    status, body = await service.failing("PUT", path, json={"value": value})
    assert (status, body["error"]) == (422, "invalid-value")
    assert service.equipment.writes == []
    assert service.journal.answers == ["InvalidValue"]


@pytest.mark.parametrize("value", [[], [1], {}, {"a": 1}])
async def test_a_value_with_parts_is_refused(service: Any, value: object) -> None:
    status, body = await service.failing("PUT", LEVEL, json={"value": value})
    assert (status, body["error"]) == (422, "invalid-value")


@pytest.mark.parametrize(
    "body", [b"[]", b"1", b"null", b"{}", b'{"value":1,"pending":true}', b'{"Value":1}', b'"value"']
)
async def test_only_a_value_is_taken(service: Any, body: bytes) -> None:
    status, answer = await service.failing("PUT", LEVEL, data=body, headers={"Content-Type": "application/json"})
    assert (status, answer["error"]) == (422, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"value":NaN}',
        b'{"value":Infinity}',
        b'{"value":1e999}',
        b"\xff\xfe",
        b"value=1",
        b'{"value":' + b"[" * 5000,
    ],
)
async def test_what_is_not_json_is_refused(service: Any, body: bytes) -> None:
    status, answer = await service.failing("PUT", LEVEL, data=body, headers={"Content-Type": "application/json"})
    assert (status, answer["error"]) == (400, "bad-json")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"]
)
async def test_only_json_is_taken(service: Any, kind: str) -> None:
    status, answer = await service.failing("PUT", LEVEL, data=b'{"value":5}', headers={"Content-Type": kind})
    assert (status, answer["error"]) == (415, "unsupported-media-type")
    assert service.equipment.writes == []


async def test_a_character_set_may_be_named(service: Any) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    async with service.client.put(LEVEL, data=b'{"value":5}', headers=headers) as answer:
        assert answer.status == 200


async def in_pieces(count: int):
    for _ in range(count):
        yield b" " * 1024


async def test_a_body_is_64_kib_at_most(service: Any) -> None:
    headers = {"Content-Type": "application/json"}
    fits = b'{"value":5}'.ljust(65_536)
    async with service.client.put(LEVEL, data=fits, headers=headers) as answer:
        assert answer.status == 200
    for body in (fits + b" ", in_pieces(70)):
        status, answer = await service.failing("PUT", LEVEL, data=body, headers=headers)
        assert (status, answer["error"]) == (413, "too-large")


async def test_a_write_is_carried_through_when_the_client_leaves(service: Any) -> None:
    asked, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def behave(_point: Point, _value: Value) -> None:
        asked.set()
        await go.wait()
        done.set()

    service.equipment.behave = behave
    write = asyncio.create_task(service.client.put(SELECTOR, json={"value": 1}))
    await asyncio.wait_for(asked.wait(), 5)
    write.cancel()
    await asyncio.wait([write])
    go.set()
    await asyncio.wait_for(done.wait(), 5)
    await service.table.drain_writes()
    assert service.journal.answers == ["confirmed"]


async def test_a_write_that_never_ends_is_answered(service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vigilia.interfaces.api.points._ANSWER_S", 0.05)
    go = asyncio.Event()

    async def behave(_point: Point, _value: Value) -> None:
        await go.wait()

    service.equipment.behave = behave
    status, body = await service.failing("PUT", SELECTOR, json={"value": 1})
    assert (status, body["error"]) == (504, "write-timeout")
    go.set()
    await service.table.drain_writes()


# Only if it is still as it was seen


@pytest.mark.parametrize(
    ("name", "seen", "expected"),
    [
        ("T1:PwrState-Sel", True, True),
        ("T1:PwrState-Sel", True, 1),
        ("T1:PwrState-Sel", True, "On"),
        ("T1:PwrState-Sel", None, None),
        ("T2:Level-SP", 120.5, 120.5),  # beyond the limits of a write: equipment may say so
        ("T2:Level-SP", math.nan, None),
        ("T2:Desc-SP", "1", "1"),
    ],
)
async def test_a_write_goes_through_where_the_point_is_as_it_was_seen(
    service: Any, name: str, seen: Value | None, expected: object
) -> None:
    if seen is not None:
        await service.publish(name, seen)
    body = {"value": "x" if "Desc" in name else 0, "expected": expected}
    async with service.client.put(f"/api/v1/points/{name}/value", json=body) as answer:
        assert answer.status == 200, await answer.text()
    assert len(service.equipment.writes) == 1


@pytest.mark.parametrize(
    ("name", "seen", "expected"),
    [
        ("T1:PwrState-Sel", True, False),
        ("T1:PwrState-Sel", True, "Off"),
        ("T1:PwrState-Sel", True, None),
        ("T1:PwrState-Sel", None, 0),
        ("T2:Level-SP", 5.5, 5),
        ("T2:Level-SP", 5.5, "5.5"),
        ("T2:Desc-SP", "1", 1),
    ],
)
async def test_a_stale_write_is_refused_with_the_point_as_it_is(
    service: Any, name: str, seen: Value | None, expected: object
) -> None:
    if seen is not None:
        await service.publish(name, seen)
    body = {"value": "x" if "Desc" in name else 0, "expected": expected}
    async with service.client.put(f"/api/v1/points/{name}/value", json=body) as answer:
        assert answer.status == 409
        refusal = await answer.json()
    ChangedAnswer.model_validate(refusal)
    assert refusal["error"] == "changed"
    assert name in refusal["detail"]
    assert refusal["point"] == await service.get(f"/api/v1/points/{name}")
    assert service.equipment.writes == []
    assert service.journal.answers == ["Changed"]


async def test_a_reading_may_have_to_be_the_one_that_was_seen(service: Any) -> None:
    await service.publish("T2:Level-SP", 5.5, 1_700_000_000.1234)
    seen = (await service.get("/api/v1/points/T2:Level-SP"))["timestamp"]
    async with service.client.put(LEVEL, json={"value": 6, "expected": 5.5, "expected_timestamp": seen}) as answer:
        assert answer.status == 200
    for time in (seen, None):
        async with service.client.put(LEVEL, json={"value": 7, "expected_timestamp": time}) as answer:
            assert (answer.status, (await answer.json())["error"]) == (409, "changed")
    assert [value for _, value in service.equipment.writes] == [6.0]


async def test_of_two_operators_who_saw_the_same_one_is_told(service: Any) -> None:
    await service.publish("T1:PwrState-Sel", False)
    go = asyncio.Event()

    async def behave(_point: Point, _value: Value) -> None:
        await go.wait()

    service.equipment.behave = behave
    body = {"value": True, "expected": False}
    writes = [asyncio.create_task(service.client.put(SELECTOR, json=body)) for _ in range(5)]
    async with asyncio.timeout(5):
        while len(service.journal.answers) < 4:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.005)
    go.set()
    answers = await asyncio.gather(*writes)
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409]
    assert len(service.equipment.writes) == 1


@pytest.mark.parametrize(
    "more",
    [{"expected": []}, {"expected": {}}, {"expected_timestamp": 5}, {"expected_timestamp": "now"}, {"seen": 1}],
)
async def test_an_expectation_that_is_none_is_refused(service: Any, more: dict[str, object]) -> None:
    status, answer = await service.failing("PUT", LEVEL, json={"value": 5} | more)
    assert status == 422
    assert answer["error"] in ("invalid-value", "invalid-request")
    assert service.equipment.writes == []
