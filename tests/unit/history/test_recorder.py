"""What is worth keeping, and that keeping it costs the publisher nothing."""

import asyncio
import math
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import until
from vigilia.clock import Clock
from vigilia.history.backend import Row
from vigilia.history.config import Treatment
from vigilia.history.packing import unpack
from vigilia.history.recorder import Recorder
from vigilia.points import LONGEST_TEXT, NEVER_READ, Batch, Checkpoint, Reading, Run, Sample, Severity, Status, Value
from vigilia.spool import Spool

START = 1_760_000_000.0
GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
LOST = (Severity.INVALID, Status.TIMEOUT)


class Bench:
    """A recorder over a spool, at a time that the test sets."""

    def __init__(self, folder: Path, *, room: int = 10_000_000, **treatment: float | bool) -> None:
        self.clock = Clock(start=START + 1_000_000)
        self.present = Spool(folder / "history.spool", room, orjson.dumps, orjson.loads)
        self.spool = Spool(folder / "history-past.spool", room, orjson.dumps, orjson.loads)
        self.woken = 0
        self.recorder = Recorder(
            self.present,
            self.spool,
            self.clock,
            lambda _name: Treatment(True, 0.0, 60.0)._replace(**treatment),
            self._wake,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def say(self, *readings: Reading, live: bool = True) -> None:
        for reading in readings:
            await self.recorder.take(Batch("test", [Sample("T1:x", reading)], live=live))

    async def values(self, *values: Value | None, step: float = 1.0, start: float = START) -> None:
        await self.say(*(Reading(value, start + number * step) for number, value in enumerate(values)))

    def kept(self) -> list[Row]:
        """Everything kept so far: of the past, and then of the present."""
        self.recorder.flush()
        return self.on_disk(self.spool) + self.on_disk(self.present)

    def on_disk(self, spool: Spool) -> list[Row]:
        """What has come into a spool."""
        return [row for record in spool.read(10_000)[0] for row in unpack(record).rows]

    def seen(self) -> list[tuple[float, float | str | None]]:
        """Second after the start, and value, of everything kept."""
        return [(row.time_ms / 1000 - START, row.value if row.text is None else row.text) for row in self.kept()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.spool.close()


async def test_changes_are_kept_and_what_stays_is_kept_now_and_then(bench: Bench) -> None:
    await bench.values(*[1.0] * 130, 2.0, 2.0, 1.0)
    assert bench.seen() == [(0, 1), (60, 1), (120, 1), (130, 2), (132, 1)]


async def test_the_interval_is_of_the_readings_own_times(bench: Bench) -> None:
    await bench.values(5, 5, 5, 5, step=30)
    assert bench.seen() == [(0, 5), (60, 5)]


async def test_a_dead_band_is_of_the_last_value_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path, dead_band=0.5)
    await bench.values(1.0, 1.4, 1.5, 1.6, 1.2, 1.1, 1.0)
    assert bench.seen() == [(0, 1.0), (3, 1.6), (6, 1.0)]
    bench.spool.close()


async def test_another_severity_or_status_is_a_change(bench: Bench) -> None:
    await bench.say(
        Reading(1.0, START),
        Reading(1.0, START + 1, *LOST),
        Reading(1.0, START + 2, Severity.INVALID, Status.COMM),
        Reading(1.0, START + 3, Severity.INVALID, Status.COMM),
        Reading(1.0, START + 4),
    )
    assert [(row.time_ms - START * 1000, row.value, row.severity, row.status) for row in bench.kept()] == [
        (0, 1.0, *GOOD),
        (1000, 1.0, *LOST),
        (2000, 1.0, Severity.INVALID, Status.COMM),
        (4000, 1.0, *GOOD),
    ]


async def test_what_was_never_read_and_what_is_switched_off_leaves_no_row(tmp_path: Path, bench: Bench) -> None:
    await bench.say(NEVER_READ)
    await bench.say(Reading(None, START, Severity.INVALID, Status.UDF))
    assert bench.seen() == [(0, None)], "a reading without a value is a reading"
    (tmp_path / "off").mkdir()
    off = Bench(tmp_path / "off", record=False)
    await off.values(1, 2, 3)
    assert off.seen() == []
    assert off.woken == 0
    off.spool.close()


async def test_what_was_stored_before_it_came_is_kept_whole(bench: Bench) -> None:
    await bench.values(1, 1)
    await bench.say(*(Reading(1, START - 100 + second) for second in range(5)), live=False)
    await bench.values(1, 1, start=START + 2)
    assert bench.seen() == [(0, 1), (-100, 1), (-99, 1), (-98, 1), (-97, 1), (-96, 1)], "and the live ones go on"


async def test_a_late_reading_is_kept_and_disturbs_no_live_one(bench: Bench) -> None:
    await bench.values(1, 1)
    await bench.say(Reading(2, START - 5), Reading(2, START - 5))
    await bench.values(2, 2, 1, 1, start=START + 2)
    assert bench.seen() == [(0, 1), (-5, 2), (-5, 2), (2, 2), (4, 1)]


async def test_a_clock_that_was_set_back_is_no_reason_to_keep_everything(bench: Bench) -> None:
    """The readings before lie in the future, for a year: that is no measure of those that come."""
    now = bench.clock.now()
    await bench.say(Reading(1, now + 365 * 86_400))
    await bench.say(*(Reading(1, now - 200 + second) for second in range(130)))
    assert [round(moment - (now - START)) for moment, _ in bench.seen()] == [-200, -140, -80, 365 * 86_400]


async def test_the_present_does_not_wait_behind_the_past(bench: Bench) -> None:
    now = bench.clock.now()
    await bench.say(Reading(1, now - 3600), Reading(2, now))
    await bench.say(Reading(3, now - 1), live=False)
    bench.recorder.flush()
    assert [row.value for row in bench.on_disk(bench.present)] == [2]
    assert [row.value for row in bench.on_disk(bench.spool)] == [1, 3]


async def test_a_run_is_kept_whole_and_what_follows_is_compared_with_its_end(bench: Bench) -> None:
    now = bench.clock.now()
    await bench.recorder.take(Batch("test", [], runs=[Run("T1:x", [START, START + 1, START + 2], [7.0, 7.0, 8.0])]))
    await bench.values(8, 9, start=START + 3)
    await bench.recorder.take(
        Batch("test", [], runs=[Run("T1:x", [now - 2, now - 1], [1.0, 2.0]), Run("T1:x", [], [])])
    )
    assert bench.seen()[:4] == [(0, 7), (1, 7), (2, 8), (4, 9)]
    assert [(row.value, *row[4:]) for row in bench.on_disk(bench.present)] == [(1, *GOOD), (2, *GOOD)]


async def test_a_run_of_impossible_times_is_counted(tmp_path: Path, bench: Bench) -> None:
    await bench.recorder.take(Batch("test", [], runs=[Run("T1:x", [-1.0, START], [1.0, 2.0])]))
    await bench.recorder.take(Batch("test", [], runs=[Run("T1:x", [START, math.nan], [1.0, 2.0])]))
    assert (bench.seen(), bench.recorder.refused) == ([], 4)
    (tmp_path / "off").mkdir()
    off = Bench(tmp_path / "off", record=False)
    await off.recorder.take(Batch("test", [], runs=[Run("T1:x", [START], [1.0])]))
    assert off.seen() == []
    off.spool.close()


async def test_what_comes_with_a_checkpoint_is_on_disk_when_it_is_taken(bench: Bench) -> None:
    sample = Sample("T1:x", Reading(1, START))
    await bench.recorder.take(Batch("test", [sample]))
    assert bench.on_disk(bench.spool) == []
    run = Run("T1:y", [START], [2.0])
    await bench.recorder.take(Batch("test", [], runs=[run], checkpoint=Checkpoint("day", 1)))
    assert [row.value for row in bench.on_disk(bench.spool)] == [1, 2]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
async def test_what_is_no_number_is_not_defined(bench: Bench, value: float) -> None:
    await bench.values(value, value, 1.0, value)
    undefined = (None, None, Severity.INVALID, Status.UDF)
    assert [row[2:] for row in bench.kept()] == [undefined, (1.0, None, *GOOD), undefined]


@pytest.mark.parametrize("moment", [math.nan, math.inf, -1.0, 1e300, 253_402_300_800.0])
async def test_times_that_no_calendar_knows_are_counted(bench: Bench, moment: float) -> None:
    await bench.say(Reading(1, moment))
    await bench.values(1, 1)
    assert bench.seen() == [(0, 1)]
    assert bench.recorder.refused == 1


async def test_values_of_every_kind(bench: Bench) -> None:
    await bench.values(True, False, 3, 2.5, "on", "off", "x" * 5000, "half \ud800 and \0", None)
    kept = [row.value if row.text is None else row.text for row in bench.kept()]
    assert kept == [1.0, 0.0, 3.0, 2.5, "on", "off", "x" * LONGEST_TEXT, "half ? and ?", None]
    assert all(type(row.value) is float for row in bench.kept() if row.value is not None)


async def test_what_is_held_comes_onto_the_disk_by_itself(bench: Bench) -> None:
    run = asyncio.create_task(bench.recorder.run())
    for times in (1, 2, 3):
        await bench.values(times, start=START + times)
        await until(lambda times=times: bench.woken == times)
        assert len(bench.spool.read(10)[0]) == times
    run.cancel()
    await asyncio.wait([run])


async def test_a_large_batch_goes_to_disk_piece_by_piece(bench: Bench) -> None:
    samples = [Sample(f"P{number}", Reading(number, START)) for number in range(10_001)]
    await bench.recorder.take(Batch("test", samples))
    sizes = [len(record["columns"]) for record in bench.spool.read(100)[0]]
    assert sizes == [2500] * 4
    assert [row.point for row in bench.kept()] == [sample.name for sample in samples]


async def test_what_finds_no_room_is_counted_told_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path, room=400)
    for number in range(10):
        await bench.values(number, start=START + number)
        bench.recorder.flush()
    kept, position = bench.spool.read(100)
    assert bench.recorder.dropped == 10 - len(kept) > 0
    assert bench.recorder.missing() == [
        f"readings were lost to the history, {bench.recorder.dropped} since the start: full at 400 bytes"
    ]
    bench.spool.acknowledge(position)
    caplog.set_level("INFO")
    await bench.values(1, start=START + 100)
    assert len(bench.seen()) == 1
    assert len(caplog.records) == 2, "one line for the loss, one for the return"
    assert "there was no room" in bench.recorder.missing()[0], "a loss is told for a while"
    bench.spool.close()


async def test_a_spool_that_is_nearly_full_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, room=400)
    number = 0
    while bench.spool.fill <= 0.9:
        assert bench.recorder.missing() == []
        await bench.values(f"{number}" + "x" * 10, start=START + number)
        bench.recorder.flush()
        number += 1
    assert "spool is 9" in bench.recorder.missing()[0]
    bench.spool.close()


async def test_ten_thousand_readings_cost_little(bench: Bench) -> None:
    """Of the ten thousand a second that one process must bear, the recorder may take a small part of each."""
    names = [f"P{number}" for number in range(10_000)]
    for second in range(3):
        await bench.recorder.take(Batch("test", [Sample(name, Reading(second, START + second)) for name in names]))
    batch = Batch("test", [Sample(name, Reading(9, START + 9)) for name in names])
    began = time.process_time()
    await bench.recorder.take(batch)
    assert time.process_time() - began < 1.0, "some ten times what it takes"


times = st.integers(0, 2000)
batches = st.lists(st.lists(st.tuples(times, st.integers(0, 3)), min_size=1, max_size=20), max_size=20)


@given(batches, st.sampled_from([0.0, 1.0]))
def test_whoever_looks_back_sees_what_was_said(batches: list[list[tuple[int, int]]], band: float) -> None:
    """At the time of any live reading that was in order, the row before it says the same, within the dead band."""
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder), dead_band=band)
        newest = -1
        said: list[tuple[int, int]] = []
        for batch in batches:
            ordered = sorted(set(batch))
            asyncio.run(bench.say(*(Reading(value, START + second) for second, value in ordered)))
            in_order = [(second, value) for second, value in ordered if second > newest]
            said += in_order
            newest = max([newest, *(second for second, _ in ordered)])
        history: dict[int, float] = {}
        for row in bench.kept():
            history[round(row.time_ms / 1000 - START)] = row.value or 0.0
        for second, value in dict(said).items():
            before = [moment for moment in history if moment <= second]
            assert before
            assert second - max(before) <= 60
            last = max(before)
            late = history[last]
            assert abs(late - value) <= band or last in _late(batches)
        bench.spool.close()


def _late(batches: list[list[tuple[int, int]]]) -> set[int]:
    """The times of readings that came after newer ones."""
    late: set[int] = set()
    newest = -1
    for batch in batches:
        late |= {second for second, _ in batch if second <= newest}
        newest = max([newest, *(second for second, _ in batch)])
    return late
