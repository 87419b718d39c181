"""The history as a part of the service: what is published is found in the database, whatever happens to that."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from tests.unit.tables import ALL, FOREVER, POWER, RAW, Notebook
from vigilia.clock import Clock
from vigilia.errors import StartError
from vigilia.history import archive, writer
from vigilia.history.archive import History, info_of
from vigilia.history.backend import HistoryError, PointInfo, Question
from vigilia.history.config import HistoryConfig, HistoryUrl
from vigilia.points import Batch, Kind, Point, Reading, Sample
from vigilia.table import PointTable

START = 1_760_000_000.0
TRIP = Point("vigilia:sw-1:RoundTrip-Mon", Kind.NUMBER, "vigilia:sw-1")


class Bench:
    """A table and its history, in an SQLite file."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.clock = Clock(start=START + 1000)
        self.table = PointTable(self.clock, Notebook())
        self.table.add([*ALL, TRIP], system="aruba")
        config = HistoryConfig(url=HistoryUrl(f"sqlite:///{folder}/past/history.db"), **settings)
        self.history = History(config, folder, "vigilia", self.table, self.clock)
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.history.start()
        self.tasks = [asyncio.create_task(service) for service in self.history.services().values()]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.history.close()

    async def say(self, point: Point, *values: float, start: float = START) -> None:
        samples = [Sample(point.name, Reading(value, start + number)) for number, value in enumerate(values)]
        await self.table.publish(Batch("test", samples))

    async def found(self, point: Point, values: list[float]) -> None:
        """Wait until the database has just these values of a point."""
        async with asyncio.timeout(10):
            while True:
                rows = await self.history.backend.rows(point.name, 0, 10**14, 1000)
                if [row.value for row in rows] == values:
                    return
                await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def the_past_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_PAST_SETTLES_S", 0.01)


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(writer, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(writer, "_LONGEST_PAUSE_S", 0.05)
    bench = Bench(tmp_path)
    await bench.start()
    yield bench
    await bench.stop()


async def test_what_is_published_is_found(bench: Bench) -> None:
    await bench.say(POWER, 1.0, 2.0, 2.0, 3.0)
    await bench.found(POWER, [1.0, 2.0, 3.0])
    series = await bench.history.read(Question(POWER.name, round(START * 1000), round(START * 1000) + 9000, 10))
    assert [bucket.value for bucket in series.buckets] == [1.0, 2.0, 3.0]
    await until(lambda: bench.history.lag_s == 0)
    assert (bench.history.waiting_mb, bench.history.dropped, bench.history.refused) == (0, 0, 0)
    assert bench.history.missing() == []


async def test_the_database_knows_what_the_points_are(bench: Bench) -> None:
    await bench.say(POWER, 1.0)
    await bench.found(POWER, [1.0])
    infos = {info.name: info for info in await bench.history.backend.points()}
    assert infos[POWER.name] == PointInfo(POWER.name, "number", "W", "", "T1", "sw-1", "", "aruba", ())
    assert infos[RAW.name].labels == ("Off", "On")
    assert infos.keys() == {point.name for point in bench.table.points()}


def test_what_is_told_of_a_point() -> None:
    point = Point("a", Kind.ENUM, "d", "l", "what it is", "V", ("x", "y"), area="room")
    assert info_of(point, "aruba") == PointInfo("a", "enum", "V", "what it is", "d", "l", "room", "aruba", ("x", "y"))


async def test_a_dead_band_is_for_what_is_measured(tmp_path: Path) -> None:
    bench = Bench(tmp_path, dead_band=5.0, off=[FOREVER.name])
    await bench.start()
    await bench.say(POWER, 1.0, 2.0, 9.0)
    await bench.say(RAW, 0, 1, 0)
    await bench.table.publish(Batch("test", [Sample(FOREVER.name, Reading("text", START))]))
    await bench.found(POWER, [1.0, 9.0])
    await bench.found(RAW, [0, 1, 0])
    assert FOREVER.name not in {info.name for info in await bench.history.backend.points()}
    await bench.found(FOREVER, [])
    await bench.stop()


async def test_what_the_service_says_each_second_is_kept_where_it_means_something(bench: Bench) -> None:
    await bench.say(TRIP, 5.0, 5.4, 5.9, 6.1, 5.2)
    await bench.found(TRIP, [5.0, 6.1])


async def test_a_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.start()
    await bench.say(POWER, *range(5000))
    await bench.stop()
    assert (tmp_path / "history.spool").stat().st_size == 0
    with sqlite3.connect(tmp_path / "past" / "history.db") as database:
        assert database.execute("SELECT count(*) FROM samples").fetchone() == (5000,)
    database.close()


async def test_a_database_that_is_away_and_back(bench: Bench, tmp_path: Path) -> None:
    await bench.say(POWER, 1.0)
    await bench.found(POWER, [1.0])
    (tmp_path / "past").rename(tmp_path / "elsewhere")
    await bench.say(POWER, 2.0, 3.0, start=START + 10)
    await until(lambda: bench.history.writer.failure != "")
    with pytest.raises(HistoryError, match="put it back"):
        await bench.history.read(Question(POWER.name, 0, 1, 1))
    assert bench.history.lag_s >= 0
    assert not (tmp_path / "past").exists(), "nothing is in the way of what is put back"
    (tmp_path / "elsewhere").rename(tmp_path / "past")
    await until(lambda: bench.history.writer.backend is not None and not bench.history.writer.failure)
    await bench.found(POWER, [1.0, 2.0, 3.0])


async def test_a_stop_while_the_database_is_away_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_OPEN_S", 0.01)
    (tmp_path / "past").write_text("a file where a folder is to be")
    bench = Bench(tmp_path)
    await bench.start()
    await bench.say(POWER, 1.0, 2.0)
    await until(lambda: bench.history.writer.failure != "")
    await bench.stop()
    (tmp_path / "past").unlink()
    again = Bench(tmp_path)
    await again.start()
    await again.say(POWER, 3.0, start=START + 10)
    await until(lambda: again.history.writer.backend is not None)
    await again.found(POWER, [1.0, 2.0, 3.0])
    await again.stop()


async def test_a_schema_newer_than_the_program_refuses_the_start(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.start()
    await bench.stop()
    with sqlite3.connect(tmp_path / "past" / "history.db") as database:
        database.execute("UPDATE history_version SET revision = 999")
    database.close()
    again = Bench(tmp_path)
    with pytest.raises(StartError, match="newer"):
        await again.history.start()
    await again.history.close()


def test_a_spool_that_cannot_be_written_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "history.spool").mkdir()
    with pytest.raises(StartError, match=r"history\.spool cannot be written .*: check its rights"):
        Bench(tmp_path)


PH = Point("R1:ph:pH-Mon", Kind.NUMBER, "R1", sampled=True)


async def test_what_reactors_report_between_samples_is_kept_for_a_day_where_wished(tmp_path: Path) -> None:
    bench = Bench(tmp_path, statuses=True)
    bench.table.add([PH], system="reactor")
    await bench.start()
    now_ms = round(bench.clock.now() * 1000)

    async def reported(point: Point) -> list[object]:
        found = await bench.history.read_statuses(Question(point.name, now_ms - 60_000, now_ms, 100))
        return [bucket.value for bucket in found.buckets]

    start = now_ms / 1000 - 20
    await bench.say(PH, 7.0, 7.0, 7.1, start=start)
    await bench.say(POWER, 1.0, start=start)
    stored = Batch("reactor", [Sample(PH.name, Reading(6.9, start))], live=False)
    await bench.table.publish(stored)
    async with asyncio.timeout(10):
        while await reported(PH) != [7.0, 7.0, 7.1]:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
    await bench.found(PH, [6.9])
    assert await reported(POWER) == []
    await bench.stop()

    later = Bench(tmp_path, statuses=True)
    later.table.add([PH], system="reactor")
    now = now_ms / 1000 + 3 * 86_400
    await later.start()
    assert later.history._statuses is not None  # noqa: SLF001
    backend = later.history._statuses._writer.backend  # noqa: SLF001
    assert backend is not None
    await later.say(PH, 7.2, start=now)
    async with asyncio.timeout(10):
        while [row.value for row in await backend.rows(PH.name, 0, 10**14, 10)] != [7.2]:
            await backend.maintain(round(now * 1000))
    await later.stop()


async def test_statuses_that_are_not_kept_are_not_asked_for_in_vain(bench: Bench) -> None:
    with pytest.raises(HistoryError, match=r"set \[history\] statuses"):
        await bench.history.read_statuses(Question(PH.name, 0, 1, 1))
