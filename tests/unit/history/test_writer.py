"""From the spool into the database: in order, once, however the database behaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from tests.unit.history.scripted import ScriptedHistory, packed
from vigilia.clock import Clock
from vigilia.errors import StartError
from vigilia.history import refused, writer
from vigilia.history.backend import Backend, HistoryError, PointInfo, Row
from vigilia.history.refused import RefusedRows
from vigilia.history.writer import Writer, rest_s
from vigilia.points import Severity, Status
from vigilia.spool import Spool

START_MS = 1_760_000_000_000


def rows(count: int, first: int = 0) -> list[Row]:
    return [
        Row(f"P{number // 100}", START_MS + number, number, None, Severity.NO_ALARM, Status.NO_ALARM)
        for number in range(first, first + count)
    ]


class Bench:
    """A writer between a spool and a database that obeys the test."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.spool = Spool(folder / "history.spool", 100_000_000)
        self.past = Spool(folder / "history-past.spool", 100_000_000)
        self.history = ScriptedHistory(folder / "history.db")
        self.opening: Callable[[], Any] = self.history.open
        self.infos = [PointInfo("P0", "number", "W")]
        self.version = 1
        self.refused = RefusedRows(folder / "history.refused.jsonl")
        self.writer = Writer(
            self.spool, self.past, self.open, lambda: self.infos, self.refused, self.clock, lambda: self.version
        )
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self) -> Backend:
        return await self.opening()

    def put(self, *packets: list[Row]) -> None:
        for packet in packets:
            self.spool.append(packed(packet, self.clock.now()))
            self.writer.wake()

    def run(self, *services: Any) -> None:
        self.tasks += [asyncio.create_task(service) for service in services or (self.writer.run(),)]

    async def empty(self) -> None:
        await until(lambda: not self.spool.waiting_bytes)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.writer.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    await bench.stop()
    bench.spool.close()
    bench.history.end()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_FIRST_PAUSE_S", 0.002)
    monkeypatch.setattr(writer, "_LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(writer, "_GATHER_S", 0.002)


async def test_rows_come_into_the_database_in_order_and_in_good_pieces(bench: Bench) -> None:
    everything = rows(12_000)
    bench.put(*(everything[begin : begin + 2000] for begin in range(0, 12_000, 2000)))
    bench.run()
    await bench.empty()
    assert bench.history.order == everything
    assert max(bench.history.sizes) <= 5000
    assert len(bench.history.sizes) < 6, "packets are put together"
    bench.put(rows(1, 12_000))
    await bench.empty()
    assert bench.history.order == rows(12_001)


async def test_what_a_run_before_has_left_is_written_first(tmp_path: Path, bench: Bench) -> None:
    bench.put(rows(10))
    await bench.writer.close()
    again = Writer(bench.spool, bench.past, bench.open, list, bench.refused, bench.clock, lambda: 1)
    await again.start(5)
    bench.spool.append(packed(rows(10, 10), 0.0))
    bench.run(again.run())
    await bench.empty()
    assert bench.history.order == rows(20)
    await again.close()


async def test_a_database_that_is_away_costs_nothing_but_room(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    bench.run()
    bench.put(rows(5))
    await bench.empty()
    bench.history.away = "locked"
    bench.put(*(rows(100, 5 + 100 * number) for number in range(30)))
    await until(lambda: bench.writer.failure != "")
    assert bench.spool.waiting_bytes > 0
    assert bench.writer.failure == "locked"
    bench.history.away = ""
    await bench.empty()
    await until(lambda: not bench.writer.failure)
    assert bench.history.order == rows(3005)
    told = [record.message for record in caplog.records if "take" in record.message]
    assert len(told) == 2, "one line for the loss, one for the return"


async def test_people_hear_of_a_database_that_stays_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_TELL_FAILURE_S", 0.05)
    bench.history.away = "no space left"
    bench.put(rows(5))
    assert bench.writer.missing() == []
    bench.run()
    await until(lambda: bench.writer.missing() != [])
    assert bench.writer.missing() == ["the history waits on disk, for its database does not take it: no space left"]
    assert bench.writer.lag_s > 0
    bench.history.away = ""
    await bench.empty()
    await until(lambda: bench.writer.missing() == [])
    assert bench.writer.lag_s == 0


async def test_people_hear_of_a_database_that_gives_no_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_TELL_SILENCE_S", 0.05)
    bench.history.wait = asyncio.Event()
    bench.put(rows(5))
    bench.run()
    await until(lambda: bench.writer.missing() != [])
    assert "has waited for its database" in bench.writer.missing()[0]
    bench.history.wait.set()
    await until(lambda: bench.writer.missing() == [])


async def test_the_lag_is_that_of_the_oldest_row_also_after_a_restart(bench: Bench) -> None:
    bench.spool.append(packed(rows(1), bench.clock.now() - 3600))
    bench.history.away = "gone"
    await bench.writer.start(5)
    assert 3600 <= bench.writer.lag_s < 3700
    bench.put(rows(1, 1))
    assert 3600 <= bench.writer.lag_s < 3700
    bench.history.away = ""
    bench.run()
    await bench.empty()
    await until(lambda: bench.writer.lag_s == 0)


async def test_rows_that_are_refused_are_set_aside_and_the_others_kept(bench: Bench, tmp_path: Path) -> None:
    bad = {START_MS + 3, START_MS + 500, START_MS + 999}
    bench.history.bad = lambda row: row.time_ms in bad
    bench.put(rows(1000))
    bench.run()
    await bench.empty()
    assert bench.history.order == [row for row in rows(1000) if row.time_ms not in bad]
    lines = [json.loads(line) for line in (tmp_path / "history.refused.jsonl").read_text().splitlines()]
    assert {line["time_ms"] for line in lines} == bad
    assert "not to my taste" in lines[0]["reason"]
    assert bench.refused.count == 3


async def test_the_file_of_refused_rows_does_not_grow_for_ever(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused, "_MOST_BYTES", 1000)
    for number in range(100):
        bench.refused.set_aside([(rows(1, number)[0], "no")])
    files = list(tmp_path.glob("history.refused*"))
    assert len(files) == 2
    assert all(file.stat().st_size < 1300 for file in files)
    assert json.loads(files[0].read_text().splitlines()[0])["reason"] == "no"


async def test_refused_rows_are_counted_also_where_their_file_cannot_be_written(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "history.refused.jsonl").mkdir()
    bench.history.bad = lambda _row: True
    bench.put(rows(2))
    bench.run()
    await bench.empty()
    assert bench.refused.count == 2
    assert "2 rows are lost" in caplog.text


async def test_damaged_records_are_skipped(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.put(rows(2))
    bench.spool.append({"event": "asked"})
    bench.put(rows(2, 2))
    bench.run()
    await bench.empty()
    assert bench.history.order == rows(4)
    assert "a record of no rows" in caplog.text


async def test_the_database_knows_the_points(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_DESCRIBE_S", 0.0)
    bench.put(rows(1))
    bench.run()
    await bench.empty()
    assert bench.history.described == [bench.infos]
    bench.put(rows(1))
    await bench.empty()
    assert len(bench.history.described) == 1, "nothing is new"
    fresh = [PointInfo("P0", "number", "kW"), PointInfo("P1", "enum", labels=("Off", "On"))]
    bench.infos, bench.version = [*fresh, PointInfo("P2", "text")], 2
    bench.put(rows(1))
    await bench.empty()
    bench.infos, bench.version = [*bench.infos, PointInfo("P3", "text")], 3
    bench.put(rows(1))
    await bench.empty()
    assert bench.history.described[1:] == [[*fresh, PointInfo("P2", "text")], [PointInfo("P3", "text")]]


async def test_a_database_that_knows_no_points_gets_its_rows_all_the_same(bench: Bench) -> None:
    async def fail(_points: object) -> None:
        raise HistoryError("no such table")

    bench.history.describe = fail  # type: ignore[method-assign]
    bench.put(rows(3))
    bench.run()
    await bench.empty()
    assert bench.history.order == rows(3)


async def test_a_database_that_can_never_be_used_ends_the_start(bench: Bench) -> None:
    async def newer() -> Backend:
        raise StartError("the schema is newer than the program")

    bench.opening = newer
    with pytest.raises(StartError, match="newer"):
        await bench.writer.start(5)


async def test_a_start_does_not_wait_for_a_slow_database(bench: Bench) -> None:
    answer = asyncio.Event()

    async def slow() -> Backend:
        await answer.wait()
        return await bench.history.open()

    bench.opening = slow
    await bench.writer.start(0.01)
    bench.put(rows(3))
    bench.run()
    await until(lambda: bool(bench.tasks))
    assert bench.history.order == []
    answer.set()
    await bench.empty()
    assert (bench.history.opened, bench.history.order) == (1, rows(3))


async def test_a_schema_that_became_newer_meanwhile_does_not_end_the_watch(bench: Bench) -> None:
    async def newer() -> Backend:
        raise StartError("the schema is newer than the program")

    bench.opening = newer
    bench.put(rows(3))
    bench.run()
    await until(lambda: "newer" in bench.writer.failure)
    bench.opening = bench.history.open
    await bench.empty()
    assert bench.history.order == rows(3)


async def test_keeping_is_seen_to_while_the_database_is_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_MAINTAIN_S", 0.002)
    bench.run(bench.writer.run(), bench.writer.maintain())
    await until(lambda: len(bench.history.maintained) > 2)
    assert abs(bench.history.maintained[-1] / 1000 - bench.clock.now()) < 60
    bench.history.away = "locked"
    await asyncio.sleep(0.02)
    bench.history.away = ""
    count = len(bench.history.maintained)
    await until(lambda: len(bench.history.maintained) > count)


async def test_a_stop_lets_go_of_a_database_that_hangs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "_CLOSE_S", 0.01)
    await bench.writer.drain()

    async def hang() -> None:
        await asyncio.Event().wait()

    bench.history.close = hang  # type: ignore[method-assign]
    await bench.writer.close()
    assert "no answer in time" in caplog.text


def test_the_writer_rests_where_it_may() -> None:
    assert rest_s(0.1, 9.0, past=True, fill=0.1) == pytest.approx(0.9), "what is old may wait for the watch"
    assert rest_s(0.05, 0.1, past=False, fill=0.1) == pytest.approx(0.15)
    assert rest_s(1.0, 0.1, past=False, fill=0.1) < 0.5, "live rows are to be found within a second"
    assert rest_s(0.1, 2.0, past=False, fill=0.1) == 0
    assert rest_s(0.1, 3600.0, past=False, fill=0.1) == pytest.approx(0.1), "an outage is made up for beside the watch"
    assert rest_s(0.1, 3600.0, past=True, fill=0.9) == 0, "before anything is lost"


async def test_what_is_of_the_present_waits_for_nothing_of_the_past(bench: Bench) -> None:
    past, present = rows(20_000), rows(10, 50_000)
    for begin in range(0, 20_000, 2000):
        bench.past.append(packed(past[begin : begin + 2000], bench.clock.now()))
    bench.run()
    await until(lambda: bench.history.order)
    bench.put(present)
    await until(lambda: not bench.past.waiting_bytes)
    written = bench.history.order
    assert present[-1] in written[:-2000], "in the midst of the others"
    assert [row for row in written if row not in set(present)] == past
    assert bench.writer.lag_s == 0


async def test_the_past_is_written_when_it_has_stopped_coming(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_PAST_SETTLES_S", 0.3)
    monkeypatch.setattr(writer, "_PAST_WAITS_S", 60.0)
    bench.run()
    for number in range(5):
        bench.past.append(packed(rows(10, 10 * number), bench.clock.now()))
        bench.writer.wake()
        bench.put(rows(1, 1000 + number))
        await bench.empty()
    assert bench.history.order == rows(5, 1000), "the present alone"
    await until(lambda: not bench.past.waiting_bytes)
    assert bench.history.order[5:] == rows(50)
    monkeypatch.setattr(writer, "_PAST_SETTLES_S", 3600.0)
    monkeypatch.setattr(writer, "_PAST_WAITS_S", 0.0)
    bench.past.append(packed(rows(10, 100), bench.clock.now()))
    bench.writer.wake()
    bench.put(rows(1, 2000))
    await until(lambda: not bench.past.waiting_bytes)
    assert bench.history.order[-10:] == rows(10, 100), "it has waited long enough"


async def test_points_are_described_anew_to_a_database_that_was_away(bench: Bench) -> None:
    bench.run()
    bench.put(rows(1))
    await bench.empty()
    bench.history.away = "gone"
    bench.put(rows(1, 1))
    await until(lambda: bench.writer.failure != "")
    bench.history.away = ""
    await bench.empty()
    bench.put(rows(1, 2))
    await until(lambda: len(bench.history.described) == 2)
    assert bench.history.described == [bench.infos, bench.infos]


async def test_a_backlog_is_written_whole_with_rests_in_between(bench: Bench) -> None:
    everything = rows(20_000)
    for begin in range(0, 20_000, 2000):
        bench.spool.append(packed(everything[begin : begin + 2000], bench.clock.now() - 3600))
    bench.run()
    await bench.empty()
    assert bench.history.order == everything
