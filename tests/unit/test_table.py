"""The point table: publish, consumers and viewers, staleness and loss."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import until
from tests.unit.tables import (
    ALL,
    ANA,
    ELSEWHERE,
    FOREVER,
    GOOD,
    LOST,
    POWER,
    RAW,
    SEL,
    Bench,
    Recorder,
    background,
)
from vigilia.clock import Clock
from vigilia.errors import (
    UnknownPoint,
)
from vigilia.points import NEVER_READ, Batch, Point, Reading, Run, Sample, Severity, Status


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

        async def follow() -> None:
            while True:
                told.update(await viewer.changes())

        async with background(follow()):
            for number, batch in enumerate(history):
                samples = [Sample(point.name, Reading(value, float(number))) for point, value in batch]
                await bench.table.publish(Batch("test", samples))
                if number % 3 == 0:
                    await asyncio.sleep(0)
            for _ in range(3):
                await asyncio.sleep(0)
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


async def test_the_last_reading_of_a_run_is_shown_and_each_is_among_every() -> None:
    bench, recorder = Bench(), Recorder()
    bench.table.add_consumer(recorder)
    state = Sample(RAW.name, Reading(1, 1030.0))
    await bench.table.publish(Batch("test", [state], runs=[Run(POWER.name, [1010.0, 1020.0], [1.0, 2.0])]))
    assert (bench.value(POWER), bench.value(RAW)) == (2.0, 1)
    told = [sample for batch in recorder.batches for sample in batch.every()]
    assert told == [Sample(POWER.name, Reading(1.0, 1010.0)), Sample(POWER.name, Reading(2.0, 1020.0)), state]


async def test_a_run_of_an_unknown_point_is_refused_before_anything_is_shown() -> None:
    bench = Bench()
    with pytest.raises(UnknownPoint):
        await bench.table.publish(Batch("test", [Sample(RAW.name, Reading(1, 1.0))], runs=[Run("X", [1.0], [1.0])]))
    assert bench.value(RAW) is None


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
