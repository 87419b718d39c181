"""The point table: publish and write, consumers and viewers, staleness and loss."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia import table as module
from vigilia.clock import Clock
from vigilia.errors import (
    ConnectionLost,
    InvalidValue,
    NotWritable,
    ReadOnly,
    Refused,
    UnknownPoint,
    WriteError,
    WriteTimeout,
)
from vigilia.points import NEVER_READ, Batch, Kind, Origin, Point, Reading, Sample, Severity, Status, Value
from vigilia.table import PointTable

OFF_ON = ("Off", "On")
RAW = Point("T1:PwrState-Raw", Kind.ENUM, "T1", "sw-1", labels=OFF_ON, max_age_s=3.0)
POWER = Point("T1:Power-Mon", Kind.NUMBER, "T1", "sw-1", units="W", max_age_s=3.0)
SEL = Point("T1:PwrState-Sel", Kind.ENUM, "T1", "sw-1", labels=OFF_ON, writable=True, setpoint=True, max_age_s=3.0)
FOREVER = Point("T1:Desc", Kind.TEXT, "T1", "sw-1")
ELSEWHERE = Point("T2:PwrState-Raw", Kind.ENUM, "T2", "sw-2", labels=OFF_ON, max_age_s=3.0)
GAIN = Point("T1:Gain", Kind.NUMBER, "T1", "sw-1", limits=(0, 10), writable=True)
ALL = (RAW, POWER, SEL, FOREVER, ELSEWHERE, GAIN)
ANA = Origin("epics", "ana", "console-1")
LOST = (Severity.INVALID, Status.TIMEOUT)
GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
WRITE_ALARM = (Severity.INVALID, Status.WRITE)


class Notebook:
    """A journal in memory."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        self.lines.append(("asked", point.name, value, previous, str(origin)))
        return str(len(self.lines))

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        self.lines.append(("answered", write_id, outcome, detail))


class Recorder:
    """A consumer that keeps what it was given, as slowly as it likes."""

    def __init__(self, delay_s: float = 0) -> None:
        self.batches: list[Batch] = []
        self._delay_s = delay_s

    async def take(self, batch: Batch) -> None:
        await asyncio.sleep(self._delay_s)
        self.batches.append(batch)


class Equipment:
    """What a driver's write reaches: it notes each, waits if told so, and answers from a script."""

    def __init__(self, *answers: Exception | None) -> None:
        self.written: list[tuple[str, Value]] = []
        self.go = asyncio.Event()
        self.go.set()
        self._answers = list(answers)

    async def write(self, point: Point, value: Value) -> None:
        self.written.append((point.name, value))
        answer = self._answers.pop(0) if self._answers else None
        await self.go.wait()
        if answer is not None:
            raise answer


class Bench:
    def __init__(self, *answers: Exception | None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.notebook = Notebook()
        self.equipment = Equipment(*answers)
        self.table = PointTable(self.clock, self.notebook)
        self.table.add(ALL, self.equipment.write)

    async def publish(self, point: Point, value: Value, time: float | None = None, **more: float) -> None:
        reading = Reading(value, self.clock.now() if time is None else time)
        await self.table.publish(Batch("test", [Sample(point.name, reading)], **more))

    def alarm(self, point: Point) -> tuple[Severity, Status]:
        return self.table.reading(point.name)[2:]

    def value(self, point: Point) -> Value | None:
        return self.table.reading(point.name).value


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def background(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


# What is there


async def test_points_exist_before_they_are_read() -> None:
    table = Bench().table
    assert [point.name for point in table.points()] == [point.name for point in ALL]
    assert len(table) == len(ALL)
    assert dict(table.snapshot()) == dict.fromkeys((point.name for point in ALL), NEVER_READ)
    assert table.point(RAW.name) is RAW


async def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match=RAW.name):
        Bench().table.add([RAW])


async def test_unknown_points() -> None:
    bench = Bench()
    for ask in (bench.table.point, bench.table.reading):
        with pytest.raises(UnknownPoint, match="no point is named 'x'"):
            ask("x")
    with pytest.raises(UnknownPoint):
        await bench.table.write("x" * 1000, 1, ANA)
    samples = [Sample(RAW.name, Reading(1, 1.0)), Sample("x", Reading(1, 1.0))]
    with pytest.raises(UnknownPoint):
        await bench.table.publish(Batch("test", samples))
    assert bench.table.reading(RAW.name) == NEVER_READ, "nothing of a wrong batch is shown"


# Viewers


async def test_a_viewer_begins_with_a_snapshot_and_misses_nothing_after_it() -> None:
    bench = Bench()
    await bench.publish(RAW, 1)
    viewer = bench.table.subscribe()
    await bench.publish(POWER, 5.0)
    first = await viewer.changes()
    assert first.keys() == {point.name for point in ALL}
    assert (first[RAW.name].value, first[POWER.name].value, first[SEL.name]) == (1, 5.0, NEVER_READ)
    await bench.publish(RAW, 0)
    assert [reading.value for reading in (await viewer.changes()).values()] == [0]


async def test_a_slow_viewer_gets_the_newest_and_a_count_of_the_rest() -> None:
    bench = Bench()
    viewer = bench.table.subscribe([POWER.name])
    await viewer.changes()
    for watts in range(100):
        await bench.publish(POWER, float(watts))
    assert {name: reading.value for name, reading in (await viewer.changes()).items()} == {POWER.name: 99.0}
    assert viewer.replaced == 99


async def test_a_viewer_of_some_points_hears_of_no_other() -> None:
    bench = Bench()
    viewer = bench.table.subscribe([RAW.name])
    assert (await viewer.changes()).keys() == {RAW.name}
    await bench.publish(POWER, 5.0)
    await bench.publish(RAW, 1)
    assert (await viewer.changes()).keys() == {RAW.name}
    assert viewer.replaced == 0


async def test_a_viewer_that_has_closed_hears_nothing() -> None:
    bench = Bench()
    viewer = bench.table.subscribe()
    await viewer.changes()
    viewer.close()
    viewer.close()
    await bench.publish(RAW, 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await viewer.changes()


async def test_a_viewer_is_not_woken_by_a_new_time_alone() -> None:
    bench = Bench()
    await bench.publish(RAW, 1, 100.0)
    viewer = bench.table.subscribe()
    await viewer.changes()
    await bench.publish(RAW, 1, 200.0)
    assert bench.table.reading(RAW.name).time == 200.0
    await bench.publish(POWER, 5.0)
    assert (await viewer.changes()).keys() == {POWER.name}


async def test_a_viewer_is_told_of_an_alarm_alone() -> None:
    bench = Bench()
    await bench.publish(RAW, 1)
    viewer = bench.table.subscribe([RAW.name])
    await viewer.changes()
    await bench.table.lose("sw-1")
    assert (await viewer.changes())[RAW.name][2:] == LOST


@given(st.lists(st.lists(st.tuples(st.sampled_from([RAW, POWER, ELSEWHERE]), st.integers(0, 1)), max_size=4)))
def test_what_a_viewer_was_told_is_what_the_table_holds(history: list[list[tuple[Point, int]]]) -> None:
    async def scenario() -> None:
        bench = Bench()
        viewer = bench.table.subscribe()
        told: dict[str, Reading] = {}
        for number, batch in enumerate(history):
            samples = [Sample(point.name, Reading(value, float(number))) for point, value in batch]
            await bench.table.publish(Batch("test", samples))
            if number % 3 == 0 and viewer._wake.is_set():
                told |= await viewer.changes()
        if viewer._wake.is_set():
            told |= await viewer.changes()
        assert {name: reading.value for name, reading in told.items()} == {
            name: reading.value for name, reading in bench.table.snapshot()
        }

    asyncio.run(scenario())


# Consumers


async def test_publish_waits_for_consumers_and_shows_first() -> None:
    bench = Bench()
    slow = Recorder(0.02)
    bench.table.add_consumer(slow)
    task = asyncio.create_task(bench.publish(RAW, 1))
    await asyncio.sleep(0)
    assert bench.value(RAW) == 1, "the present value waits for nobody"
    assert not slow.batches
    await task
    assert len(slow.batches) == 1


async def test_consumers_get_every_batch_whole_and_in_order() -> None:
    bench = Bench()
    first, second = Recorder(), Recorder()
    bench.table.add_consumer(first)
    bench.table.add_consumer(second)
    batches = [
        Batch("test", [Sample(POWER.name, Reading(float(n), 1000.0 + n)) for n in range(start, start + 5)], live=False)
        for start in (10, 0, 20)
    ]
    for batch in batches:
        await bench.table.publish(batch)
    assert first.batches == second.batches == batches, "late ones and repetitions included"


async def test_consumers_hear_of_losses_and_of_choices() -> None:
    bench, recorder = Bench(), Recorder()
    bench.table.add_consumer(recorder)
    await bench.publish(RAW, 1)
    await bench.table.lose("sw-1")
    await bench.table.write(SEL.name, "On", ANA)
    seen = [(sample.name, sample.reading.value, sample.reading[2:]) for b in recorder.batches for sample in b.samples]
    assert seen[:2] == [(RAW.name, 1, GOOD), (RAW.name, 1, LOST)]
    assert seen[-1] == (SEL.name, 1, GOOD)


# Late readings


async def test_a_late_reading_is_not_shown() -> None:
    bench, recorder = Bench(), Recorder()
    bench.table.add_consumer(recorder)
    now = bench.clock.now()
    await bench.publish(POWER, 2.0, now)
    await bench.publish(POWER, 1.0, now - 60)
    assert bench.value(POWER) == 2.0
    assert len(recorder.batches) == 2


async def test_the_newest_of_a_batch_of_past_readings_is_shown() -> None:
    bench = Bench()
    day = [Sample(POWER.name, Reading(float(hour), 1000.0 + hour)) for hour in range(24)]
    await bench.table.publish(Batch("test", day))
    assert bench.value(POWER) == 23.0


async def test_readings_are_shown_after_the_clock_was_set_back() -> None:
    bench = Bench()
    await bench.publish(POWER, 1.0, bench.clock.now() + 3600)
    await bench.publish(POWER, 2.0, bench.clock.now())
    assert bench.value(POWER) == 2.0


# Staleness and loss


async def test_a_lost_link_marks_its_points_and_leaves_the_choice_alone() -> None:
    bench = Bench()
    for point in (RAW, POWER, SEL, ELSEWHERE):
        await bench.publish(point, 1)
    await bench.table.lose("sw-1")
    assert (bench.value(RAW), bench.alarm(RAW)) == (1, LOST)
    assert (bench.value(POWER), bench.alarm(POWER)) == (1, LOST)
    assert bench.alarm(SEL) == GOOD
    assert bench.alarm(ELSEWHERE) == GOOD
    assert bench.table.reading(FOREVER.name) == NEVER_READ, "never read is undefined, not lost"
    await bench.publish(RAW, 0)
    assert (bench.value(RAW), bench.alarm(RAW)) == (0, GOOD)
    assert bench.alarm(POWER) == LOST, "until a good reading of its own"


async def test_a_loss_is_told_once() -> None:
    bench, recorder = Bench(), Recorder()
    await bench.publish(RAW, 1)
    bench.table.add_consumer(recorder)
    await bench.table.lose("sw-1")
    first = bench.table.reading(RAW.name)
    await bench.table.lose("sw-1")
    await bench.table.lose("no such link")
    assert len(recorder.batches) == 1
    assert bench.table.reading(RAW.name) == first


async def test_a_point_without_a_value_but_with_an_alarm_is_lost_like_any_other() -> None:
    bench = Bench()
    unlisted = Reading(None, bench.clock.now(), Severity.INVALID, Status.READ)
    await bench.table.publish(Batch("test", [Sample(RAW.name, unlisted)]))
    await bench.table.lose("sw-1")
    assert bench.alarm(RAW) == LOST


async def test_points_that_nobody_reads_become_stale_and_choices_do_not() -> None:
    bench = Bench(clock=Clock(speed=100))
    await bench.publish(RAW, 1)
    await bench.publish(SEL, 1)
    await bench.table.publish(Batch("test", [Sample(FOREVER.name, Reading("text", bench.clock.now()))]))
    async with background(bench.table.watch_staleness()):
        began = bench.clock.monotonic()
        await until(lambda: bench.alarm(RAW) == LOST)
        assert bench.clock.monotonic() - began >= 2.5
        assert bench.value(RAW) == 1
        await bench.clock.sleep(10)
        assert bench.alarm(SEL) == GOOD
        assert bench.alarm(FOREVER) == GOOD
        await bench.publish(RAW, 1)
        assert bench.alarm(RAW) == GOOD


async def test_a_batch_may_say_how_long_its_readings_hold() -> None:
    bench = Bench(clock=Clock(speed=100))
    await bench.publish(RAW, 1, max_age_s=math.inf)
    await bench.publish(POWER, 1.0, max_age_s=0.1)
    async with background(bench.table.watch_staleness()):
        await until(lambda: bench.alarm(POWER) == LOST)
        await bench.clock.sleep(10)
        assert bench.alarm(RAW) == GOOD


async def test_ageing_can_be_suspended_for_a_link() -> None:
    bench = Bench(clock=Clock(speed=100))
    await bench.publish(RAW, 1)
    await bench.publish(ELSEWHERE, 1)
    bench.table.extend("sw-1", 60)
    bench.table.extend("no such link", 60)
    async with background(bench.table.watch_staleness()):
        began = bench.clock.monotonic()
        await until(lambda: bench.alarm(ELSEWHERE) == LOST)
        assert bench.alarm(RAW) == GOOD
        await until(lambda: bench.alarm(RAW) == LOST)
        assert bench.clock.monotonic() - began >= 60


async def test_a_suspension_never_shortens() -> None:
    bench = Bench(clock=Clock(speed=100))
    await bench.publish(RAW, 1, max_age_s=60)
    bench.table.extend("sw-1", 0.1)
    async with background(bench.table.watch_staleness()):
        await bench.clock.sleep(10)
        assert bench.alarm(RAW) == GOOD


# Writes


async def test_a_write_is_confirmed_and_noted() -> None:
    bench = Bench()
    await bench.publish(SEL, 0)
    reading = await bench.table.write(SEL.name, "On", ANA)
    assert reading == bench.table.reading(SEL.name)
    assert (reading.value, reading[2:]) == (1, GOOD)
    assert bench.equipment.written == [(SEL.name, 1)]
    assert bench.notebook.lines == [
        ("asked", SEL.name, 1, 0, "ana@console-1 (epics)"),
        ("answered", "1", "confirmed", ""),
    ]


async def test_an_equal_value_is_a_request_like_any_other() -> None:
    bench = Bench()
    for _ in range(3):
        await bench.table.write(SEL.name, 1, ANA)
    assert len(bench.equipment.written) == 3


async def test_a_choice_shows_before_the_equipment_has_answered() -> None:
    bench = Bench()
    await bench.publish(SEL, 0)
    viewer = bench.table.subscribe([SEL.name])
    await viewer.changes()
    bench.equipment.go.clear()
    write = asyncio.create_task(bench.table.write(SEL.name, 1, ANA))
    assert (await viewer.changes())[SEL.name].value == 1
    assert not write.done()
    bench.equipment.go.set()
    await write


async def test_a_value_that_is_not_a_choice_shows_only_what_is_read() -> None:
    bench = Bench()
    await bench.publish(GAIN, 1.0)
    assert (await bench.table.write(GAIN.name, 5, ANA)).value == 1.0
    assert bench.equipment.written == [(GAIN.name, 5.0)]


@pytest.mark.parametrize("value", [7, -1, "maybe", math.nan, math.inf, None, [], {}, True, 10**400])
async def test_what_no_port_can_be_put_to_is_refused_and_noted(value: object) -> None:
    bench = Bench()
    await bench.publish(SEL, 0)
    with pytest.raises(InvalidValue, match="write 0 or 'Off', 1 or 'On'"):
        await bench.table.write(SEL.name, value, ANA)
    assert not bench.equipment.written
    assert (bench.value(SEL), bench.alarm(SEL)) == (0, GOOD), "a refusal out of hand leaves the choice as it was"
    assert bench.notebook.lines[0] == ("asked", SEL.name, None, 0, "ana@console-1 (epics)")
    assert bench.notebook.lines[1][:3] == ("answered", "1", "InvalidValue")


async def test_limits_hold() -> None:
    bench = Bench()
    with pytest.raises(InvalidValue, match="write 0 to 10"):
        await bench.table.write(GAIN.name, 10.5, ANA)
    assert not bench.equipment.written


async def test_points_that_are_read_take_no_write() -> None:
    bench = Bench()
    with pytest.raises(ReadOnly, match=f"{RAW.name} is read-only"):
        await bench.table.write(RAW.name, 1, ANA)
    assert not bench.equipment.written
    assert bench.notebook.lines[1][:3] == ("answered", "1", "ReadOnly")


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (NotWritable("sw-1 is disconnected"), NotWritable),
        (WriteTimeout("no answer"), WriteTimeout),
        (Refused("not today"), Refused),
        (ConnectionLost("cut"), Refused),
    ],
)
async def test_a_failed_write_keeps_the_choice_and_alarms_until_one_succeeds(
    answer: Exception, raised: type[WriteError]
) -> None:
    bench = Bench(answer, answer, None)
    await bench.publish(SEL, 0)
    with pytest.raises(raised, match=str(answer)):
        await bench.table.write(SEL.name, 1, ANA)
    assert (bench.value(SEL), bench.alarm(SEL)) == (1, WRITE_ALARM)
    assert bench.notebook.lines[1][:3] == ("answered", "1", raised.__name__)
    await bench.table.lose("sw-1")
    assert bench.alarm(SEL) == WRITE_ALARM
    with pytest.raises(InvalidValue):
        await bench.table.write(SEL.name, 7, ANA)
    assert bench.alarm(SEL) == WRITE_ALARM

    bench.equipment.go.clear()
    viewer = bench.table.subscribe([SEL.name])
    again = asyncio.create_task(bench.table.write(SEL.name, 0, ANA))
    await until(lambda: bench.value(SEL) == 0)
    assert bench.alarm(SEL) == WRITE_ALARM, "a standing alarm stays until the equipment has answered"
    bench.equipment.go.set()
    with pytest.raises(raised):
        await again
    assert (bench.value(SEL), bench.alarm(SEL)) == (0, WRITE_ALARM)
    assert (await viewer.changes())[SEL.name][2:] == WRITE_ALARM

    assert (await bench.table.write(SEL.name, 1, ANA))[2:] == GOOD


async def test_an_older_write_that_fails_leaves_the_newer_choice() -> None:
    bench = Bench(Refused("no"), None)
    bench.equipment.go.clear()
    first = asyncio.create_task(bench.table.write(SEL.name, 1, ANA))
    second = asyncio.create_task(bench.table.write(SEL.name, 0, ANA))
    await until(lambda: len(bench.equipment.written) == 2)
    bench.equipment.go.set()
    answers = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(answers[0], Refused)
    assert (bench.value(SEL), bench.alarm(SEL)) == (0, GOOD)


async def test_a_write_is_carried_through_although_its_caller_went_away() -> None:
    bench = Bench()
    bench.equipment.go.clear()
    caller = asyncio.create_task(bench.table.write(SEL.name, 1, ANA))
    await until(lambda: bool(bench.equipment.written))
    caller.cancel()
    await asyncio.wait([caller])
    assert caller.cancelled()
    bench.equipment.go.set()
    async with asyncio.timeout(5):
        await bench.table.drain_writes()
    assert bench.notebook.lines[-1] == ("answered", "1", "confirmed", "")
    assert (bench.value(SEL), bench.alarm(SEL)) == (1, GOOD)


async def test_the_failure_of_a_write_without_caller_is_noted_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Refused("no"))
    bench.equipment.go.clear()
    caller = asyncio.create_task(bench.table.write(SEL.name, 1, ANA))
    await until(lambda: bool(bench.equipment.written))
    caller.cancel()
    bench.equipment.go.set()
    await bench.table.drain_writes()
    await asyncio.wait([caller])
    assert bench.notebook.lines[-1][:3] == ("answered", "1", "Refused")
    assert "never retrieved" not in caplog.text


async def test_drain_without_writes_is_immediate() -> None:
    async with asyncio.timeout(5):
        await Bench().table.drain_writes()


async def test_writes_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WRITES_UNDER_WAY", 3)
    bench = Bench()
    bench.equipment.go.clear()
    tasks = [asyncio.create_task(bench.table.write(SEL.name, 1, ANA)) for _ in range(3)]
    await until(lambda: len(bench.equipment.written) == 3)
    with pytest.raises(NotWritable, match="try again later"):
        await bench.table.write(SEL.name, 1, ANA)
    bench.equipment.go.set()
    await asyncio.gather(*tasks)
    await bench.table.write(SEL.name, 1, ANA)


async def test_consumers_see_the_steps_of_a_choice_in_their_order() -> None:
    bench, recorder = Bench(Refused("no")), Recorder()
    bench.table.add_consumer(recorder)
    with pytest.raises(Refused):
        await bench.table.write(SEL.name, 1, ANA)
    (batch,) = recorder.batches
    times = [sample.reading.time or 0 for sample in batch.samples]
    assert all(before <= after for before, after in pairwise(times))
    assert [sample.reading.value for sample in batch.samples] == [1, 1]
    assert batch.samples[-1].reading[2:] == WRITE_ALARM
