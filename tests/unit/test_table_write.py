"""The point table: writes, and the answer that each one has."""

import asyncio
import math
from itertools import pairwise

import pytest

from tests.conftest import until
from tests.unit.tables import (
    ANA,
    GAIN,
    GOOD,
    RAW,
    SEL,
    WRITE_ALARM,
    Bench,
    Recorder,
)
from vigilia import table as module
from vigilia.errors import (
    ConnectionLost,
    InvalidValue,
    NotWritable,
    ReadOnly,
    Refused,
    WriteError,
    WriteTimeout,
)


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
