"""What points said before, over real HTTP, from a real database."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.unit.history.places import FOR_EVER, MINUTE, SECOND, START, row

from vigilia.clock import Clock, iso
from vigilia.history.backend import HistoryError, PointInfo, Question, Series
from vigilia.history.sqlite import SqliteHistory
from vigilia.interfaces.api import history
from vigilia.interfaces.api.models import HistoryAnswer
from vigilia.points import Severity, Status

NAME = "T1:Power-Mon"
ODD = "odd/name with%2F#and?ü:X-SP"


class Remembered(SqliteHistory):
    """A history whose points have a reading each minute, but for those of `slow`."""

    slow: Mapping[str, float] = {}

    def longest_interval_s(self, name: str) -> float:
        return self.slow.get(name, 60.0)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Remembered]:
    kept = await Remembered.open(f"sqlite:///{tmp_path}/history.db", FOR_EVER)
    yield kept
    await kept.close()


@pytest.fixture
async def asked(server_factory: Any, kept: Remembered) -> AsyncIterator[Any]:
    async with server_factory(history=kept) as service:
        yield service


def span(start_ms: int, end_ms: int) -> dict[str, str]:
    return {"from": iso(start_ms / SECOND), "to": iso(end_ms / SECOND)}


async def ask(service: Any, name: str, start_ms: int, end_ms: int, **more: Any) -> Any:
    """One point's history, which must be as the API's description says."""
    answer = await service.get("/api/v1/history/" + quote(name, safe=""), **span(start_ms, end_ms), **more)
    HistoryAnswer.model_validate(answer)
    assert answer.keys() == HistoryAnswer.model_fields.keys()
    return answer


async def test_readings(asked: Any, kept: Remembered) -> None:
    await kept.write(
        [row(NAME, START, 12.5), row(NAME, START + SECOND, 13.0, severity=Severity.MAJOR, status=Status.HIHI)]
    )
    answer = await ask(asked, NAME, START, START + SECOND)
    assert answer == {
        "name": NAME,
        "units": "W",
        "resolution_s": 0,
        "points": [
            {"time": "2026-01-01T00:00:00.000Z", "value": 12.5, "min": 12.5, "max": 12.5, "severity": "NO_ALARM"},
            {"time": "2026-01-01T00:00:01.000Z", "value": 13.0, "min": 13.0, "max": 13.0, "severity": "MAJOR"},
        ],
    }


async def test_extremes_survive_a_coarse_question(asked: Any, kept: Remembered) -> None:
    await kept.write([row(NAME, START + at * SECOND, 100.0 if at == 777 else 1.0) for at in range(3600)])
    answer = await ask(asked, NAME, START, START + 3599 * SECOND, max_points=60)
    assert len(answer["points"]) == 60
    assert answer["resolution_s"] == 60
    assert max(point["max"] for point in answer["points"]) == 100
    assert max(point["value"] for point in answer["points"]) == pytest.approx(1 + 99 / 60)


async def test_gaps_are_marked_and_count(asked: Any, kept: Remembered) -> None:
    await kept.write([row(NAME, START + at * 10 * MINUTE, at) for at in (0, 1)])
    answer = await ask(asked, NAME, START, START + 11 * MINUTE)
    assert [(point["time"], point["value"], point["severity"]) for point in answer["points"]] == [
        ("2026-01-01T00:00:00.000Z", 0, "NO_ALARM"),
        ("2026-01-01T00:00:00.001Z", None, "INVALID"),
        ("2026-01-01T00:10:00.000Z", 1, "NO_ALARM"),
    ]
    for most in (1, 2, 3):
        answer = await ask(asked, NAME, START, START + 11 * MINUTE, max_points=most)
        assert 0 < len(answer["points"]) <= most


async def test_each_point_has_its_own_longest_interval(asked: Any, kept: Remembered) -> None:
    kept.slow = {NAME: 600.0, "gone": 600.0}
    names = (NAME, "T2:Level-SP", "gone")
    await kept.write([row(name, START + at * 10 * MINUTE, at) for at in (0, 1) for name in names])
    lengths = [len((await ask(asked, name, START, START + 11 * MINUTE))["points"]) for name in names]
    assert lengths == [2, 3, 2]


async def test_a_set_point_stands_until_it_is_changed(asked: Any, kept: Remembered) -> None:
    await kept.write([row("T1:PwrState-Sel", START, 1), row("T1:PwrState-Sel", START + 600 * MINUTE, 0)])
    points = (await ask(asked, "T1:PwrState-Sel", START, START + 9000 * MINUTE))["points"]
    assert [point["value"] for point in points] == [1, 0]


async def test_texts_and_labels(asked: Any, kept: Remembered) -> None:
    await kept.describe([PointInfo("T2:Desc-SP", "text"), PointInfo("T1:PwrState-Raw", "enum")])
    await kept.write([row("T2:Desc-SP", START, text='"Câmera" 1'), row("T1:PwrState-Raw", START, 2.0)])
    text = (await ask(asked, "T2:Desc-SP", START, START + SECOND))["points"]
    assert [(point["value"], point["min"], point["max"]) for point in text] == [('"Câmera" 1', None, None)]
    state = (await ask(asked, "T1:PwrState-Raw", START, START + SECOND))["points"]
    assert [repr(point["value"]) for point in state] == ["2"], "an enum's index"


async def test_a_reading_without_a_value(asked: Any, kept: Remembered) -> None:
    await kept.write([row(NAME, START, severity=Severity.INVALID, status=Status.UDF)])
    (point,) = (await ask(asked, NAME, START, START + SECOND))["points"]
    assert (point["value"], point["min"], point["severity"]) == (None, None, "INVALID")


@pytest.mark.parametrize("name", [ODD, "it's", 'say "hi"', "100%", "%s%d", "São João/água ☀", "x;--", "a,b=c d", "_%"])
async def test_names_are_only_names(asked: Any, kept: Remembered, name: str) -> None:
    await kept.write([row(name, START, 1), row("another", START, 2)])
    assert [point["value"] for point in (await ask(asked, name, START, START))["points"]] == [1]
    both = await asked.get("/api/v1/history", name=name, **span(START, START))
    assert [item["name"] for item in both["items"]] == [name]


async def test_several_points(asked: Any, kept: Remembered) -> None:
    await kept.write([row("gone", START, 1), row(NAME, START, 2)])
    answer = await asked.get("/api/v1/history", **span(START, START), name=["gone", NAME, "T2:Count-Mon", "gone"])
    assert answer["next"] is None
    assert [(item["name"], item["units"], len(item["points"])) for item in answer["items"]] == [
        ("gone", None, 1),
        (NAME, "W", 1),
        ("T2:Count-Mon", None, 0),
    ]
    for item in answer["items"]:
        HistoryAnswer.model_validate(item)


async def test_a_point_long_gone_is_found_also_where_it_said_nothing(asked: Any, kept: Remembered) -> None:
    await kept.write([row("gone", START, 1)])
    assert (await ask(asked, "gone", START + MINUTE, START + 2 * MINUTE))["points"] == []


async def test_unknown_points(asked: Any, kept: Remembered) -> None:
    await kept.write([row(NAME, START, 2)])
    for path in ("/api/v1/history/nope", "/api/v1/history/", "/api/v1/history/nope/value", "/api/v1/history/a%00b"):
        status, body = await asked.failing("GET", path)
        assert (status, body["error"]) == (404, "unknown-point")
    status, body = await asked.failing("GET", f"/api/v1/history?name=nope&name={NAME}&name=100%25&name=%00")
    assert (status, body["error"]) == (404, "unknown-point")
    assert "'nope', '100%', '\\x00'" in body["detail"]
    assert NAME not in body["detail"]


async def test_the_last_hour_is_the_default(server_factory: Any, kept: Remembered) -> None:
    now_s = START / SECOND
    await kept.write(
        [row(NAME, START - 61 * MINUTE, 1), row(NAME, START - 59 * MINUTE, 2), row(NAME, START + MINUTE, 3)]
    )
    async with server_factory(history=kept, clock=Clock(now_s)) as service:
        points = (await service.get(f"/api/v1/history/{NAME}"))["points"]
        assert [point["value"] for point in points if point["value"]] == [2]
        later = await service.get(f"/api/v1/history/{NAME}", to=iso(now_s + 60))
        assert [point["value"] for point in later["points"] if point["value"]] == [2, 3]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:00Z", "must not be after"),
        ("from=2999-01-01T00:00:00Z", "must not be after"),
        ("from=2026-01-01T00:00:00", "write a time with its zone"),
        ("to=2026-01-01", "write a time with its zone"),
        ("to=now", "is no time"),
        ("max_points=0", "max_points"),
        ("max_points=10001", "max_points"),
        ("max_points=many", "max_points"),
    ],
)
async def test_wrong_questions(asked: Any, query: str, said: str) -> None:
    for path in (f"/api/v1/history/{NAME}?{query}", f"/api/v1/history?name={NAME}&{query}"):
        status, body = await asked.failing("GET", path)
        assert (status, body["error"]) == (422, "invalid-request")
        assert said in body["detail"]


async def test_too_much_at_once(asked: Any) -> None:
    for query in (
        "",
        "&".join(f"name=p{number}" for number in range(51)),
        f"name={'x' * 1001}",
        "max_points=10000&" + "&".join(f"name=p{number}" for number in range(11)),
    ):
        status, body = await asked.failing("GET", f"/api/v1/history?{query}")
        assert (status, body["error"]) == (422, "invalid-request")
    assert "write at most 9090" in body["detail"]


async def test_all_times_there_are(asked: Any, kept: Remembered) -> None:
    await kept.write([row(NAME, START + at * SECOND, at) for at in range(2000)])
    everything = {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}
    answer = await asked.get(f"/api/v1/history/{NAME}", **everything, max_points=100)
    assert 0 < len(answer["points"]) <= 100
    assert max(point["max"] or 0 for point in answer["points"]) == 1999


async def test_without_a_history_there_is_nothing(service: Any) -> None:
    assert (await service.get(f"/api/v1/history/{NAME}"))["points"] == []
    assert (await service.failing("GET", "/api/v1/history/nope"))[0] == 404


async def test_a_database_that_is_away_is_said(asked: Any, kept: Remembered, tmp_path: Path) -> None:
    (tmp_path / "history.db").rename(tmp_path / "away.db")
    for path in (f"/api/v1/history/{NAME}", f"/api/v1/history?name={NAME}"):
        status, body = await asked.failing("GET", path)
        assert (status, body["error"]) == (503, "history-unavailable")
        assert "history.db is away" in body["detail"]
    (tmp_path / "away.db").rename(tmp_path / "history.db")
    assert (await asked.get(f"/api/v1/history/{NAME}"))["points"] == []


class Stuck:
    """A database that does not answer, and counts who asks."""

    def __init__(self) -> None:
        self.waiting = self.most = 0

    def longest_interval_s(self, name: str) -> float:
        return 60.0

    async def read(self, question: Question) -> Series:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await asyncio.sleep(3600)
        finally:
            self.waiting -= 1
        raise HistoryError("never comes")


async def test_a_database_that_does_not_answer_is_left(server_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_ANSWER_S", 0.5)
    stuck = Stuck()
    async with server_factory(history=stuck) as service:
        answers = await asyncio.gather(*(service.failing("GET", f"/api/v1/history/{NAME}") for _ in range(10)))
    assert {(status, body["error"]) for status, body in answers} == {(503, "history-unavailable")}
    assert stuck.most == 4, "no more ask at a time"
    assert stuck.waiting == 0
