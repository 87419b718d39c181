"""Samples of agents: durable before they are acknowledged, each there once, and nobody held up by another."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.drivers.reactor import sampling
from tests.unit.drivers.reactor.sampling import Service, Stream, batch, column
from vigilia.clock import Clock
from vigilia.drivers.reactor import columns, samples
from vigilia.drivers.reactor.columns import BadSamples
from vigilia.drivers.reactor.samples import Ahead, Superseded
from vigilia.history import stored, writer
from vigilia.points import Batch, Point, Reading, Sample, Severity, Status
from vigilia.rules import Rule
from vigilia.wire.reactor.v1.reactor_pb2 import SampleBatch

GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
UNDEFINED = (Severity.INVALID, Status.UDF)
PH = "R1:ph:pH-Mon"
TEMP = "R1:temp:Temp-Mon"


def now_ms() -> int:
    return round(time.time() * 1000)


@pytest.fixture(autouse=True)
def the_past_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_PAST_SETTLES_S", 0.01)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with Service(tmp_path) as service:
        yield service


async def test_what_is_acknowledged_is_in_the_history_and_its_offset_in_the_store(service: Service) -> None:
    stream, base = Stream(service.sink), now_ms()
    assert await stream.open() == 0
    one = batch(0, base, column("ph:pH", [0, -10_000], [7.0, 7.1]), column("temp:Temp", [-5_000], [25.0]))
    assert await stream.send(one) == 3
    assert await service.checkpoint("R1") == {"store_id": "s1", "offset": 3}
    assert [(row.time_ms - base, row.value) for row in await service.rows(PH, 2)] == [(-10_000, 7.1), (0, 7.0)]
    assert [(row.time_ms - base, row.value) for row in await service.rows(TEMP, 1)] == [(-5_000, 25.0)]
    assert service.table.reading(PH) == Reading(7.0, base / 1000), "the newest is shown"
    assert await stream.send(batch(3, base, column("ph:pH", [1], [7.2]))) == 4
    assert await stream.send(SampleBatch(first_offset=4, next_offset=4)) == 4, "a sign of life"
    await stream.close()
    assert (stream.reactor.lost, stream.reactor.trouble) == (0, "")


async def test_the_next_run_of_the_service_says_where_to_go_on(tmp_path: Path) -> None:
    async with Service(tmp_path) as service:
        stream = Stream(service.sink)
        await stream.open()
        await stream.send(batch(0, now_ms(), column("ph:pH", range(50), [7.0] * 50)))
        await stream.close()
    async with Service(tmp_path) as service:
        assert await Stream(service.sink).open() == 50
        assert await Stream(service.sink, "R2").open() == 0
        assert await Stream(service.sink).open("another") == 0
        assert len(await service.rows(PH, 50)) == 50


async def test_values_of_every_kind(service: Service) -> None:
    stream, base = Stream(service.sink), now_ms()
    await stream.open()
    comm, high = Severity.INVALID * 32 + Status.COMM, Severity.MINOR * 32 + Status.HIGH
    await stream.send(
        batch(
            0,
            base,
            column("ph:pH", [0, 1, 2, 3], [7.0, math.nan, math.nan, 8.5], alarms=[0, comm, 0, high]),
            column("temp:Temp", [0, 1], [math.inf, 25.5]),
            column("ph:Calibration", [0, 1], texts=["mid", "x" * 3000]),
            column("heater:Safe", [0, 1, 2], [1, 2, 0.5]),
            column("heater:Lid", [0, 1], [1, 7]),
            column("acid:Count", [0, 1], [12, 2**40]),
        )
    )

    async def found(name: str, count: int) -> list[tuple[object, ...]]:
        rows = await service.rows(f"R1:{name}", count)
        return [(row.time_ms - base, row.value if row.text is None else row.text, *row[4:]) for row in rows]

    assert await found("ph:pH-Mon", 4) == [
        (0, 7.0, *GOOD),
        (1, None, Severity.INVALID, Status.COMM),
        (2, None, *UNDEFINED),
        (3, 8.5, Severity.MINOR, Status.HIGH),
    ]
    assert await found("temp:Temp-Mon", 2) == [(0, None, *UNDEFINED), (1, 25.5, *GOOD)]
    assert await found("ph:Calibration-Mon", 2) == [(0, "mid", *GOOD), (1, "x" * 1024, *GOOD)]
    assert await found("heater:Safe-Sts", 3) == [(0, 1, *GOOD), (1, None, *UNDEFINED), (2, None, *UNDEFINED)]
    assert await found("heater:Lid-Sts", 2) == [(0, 1, *GOOD), (1, None, *UNDEFINED)]
    assert await found("acid:Count-Mon", 2) == [(0, 12, *GOOD), (1, None, *UNDEFINED)]
    assert service.table.reading("R1:ph:Calibration-Mon").value == "x" * 1024
    await stream.close()


async def test_what_is_known_is_cut_off(service: Service) -> None:
    stream, base = Stream(service.sink), now_ms()
    await stream.open()
    await stream.send(batch(0, base, column("ph:pH", range(10), range(10))))
    again = batch(0, base, column("ph:pH", range(10), [99.0] * 10))
    assert await stream.send(again) == 10
    assert await stream.send(batch(0, base, column("ph:pH", range(5), [99.0] * 5))) == 10, "it never goes back"
    assert await service.checkpoint("R1") == {"store_id": "s1", "offset": 10}
    assert await stream.send(batch(5, base, column("ph:pH", range(5, 15), [99.0] * 5 + [1.0] * 5))) == 15
    assert [row.value for row in await service.rows(PH, 15)] == [*range(10), *[1.0] * 5]
    # Whose offsets are whose is not known where several columns share them; the history has each once all the same.
    shared = batch(10, base, column("ph:pH", range(10, 18), [1.0] * 8), column("temp:Temp", range(8), [2.0] * 8))
    assert await stream.send(shared) == 26
    assert len(await service.rows(PH, 18)) == 18
    assert len(await service.rows(TEMP, 8)) == 8
    await stream.close()


async def test_a_gap_is_told_and_gone_over(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    stream, base = Stream(service.sink), now_ms()
    await stream.open()
    await stream.send(batch(100, base, column("ph:pH", [0], [7.0])))
    assert not caplog.records, "where a store is new here, what was before is nobody's loss"
    assert await stream.send(batch(200, base, column("ph:pH", [1], [7.0]))) == 201
    (line,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert line.getMessage().startswith("R1: 99 samples never came, those of the offsets 101 to 199")
    assert await service.checkpoint("R1") == {"store_id": "s1", "offset": 201}
    await stream.close()


async def test_another_store_begins_anew(service: Service) -> None:
    stream, base = Stream(service.sink), now_ms()
    await stream.open()
    await stream.send(batch(0, base, column("ph:pH", [0, 1, 2], [7.0] * 3)))
    assert await Stream(service.sink).open("s2") == 0
    assert await Stream(service.sink).open("s1") == 3, "until the other one brings something"
    other = Stream(service.sink)
    assert await other.open("s2") == 0
    assert await other.send(batch(0, base, column("ph:pH", [10], [8.0]))) == 1
    assert await service.checkpoint("R1") == {"store_id": "s2", "offset": 1}
    assert len(await service.rows(PH, 4)) == 4
    await other.close()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (batch(0, 0, column("ph:pH", [0, 1], [1.0])), "has 2 times, 1 values, 0 texts and 0 alarms of ph:pH"),
        (batch(0, 0, column("ph:pH", [0], [1.0], texts=["x"])), "has 1 times, 1 values, 1 texts"),
        (batch(0, 0, column("ph:pH", [0, 1], [1.0, 1.0], alarms=[0])), "and 1 alarms"),
        (batch(0, 0, column("ph:pH", [0], [1.0], alarms=[128])), "a severity that there is not"),
        (batch(0, 0, column("ph:pH", [0], [1.0]), next_offset=0), "has 1 samples between the offsets 0 and 0"),
        (batch(5, 0, next_offset=4), "between the offsets 5 and 4"),
        (batch(0, 0, next_offset=2**63), "between the offsets"),
        (batch(0, 0, column("ph:pH", [0], [1.0]), column("ph:pH", [1], [1.0])), "two columns of one parameter"),
        (batch(0, 0, column("ph:pH", [0] * 10_001, [1.0] * 10_001)), "has 10001 samples: send at most 10000"),
        (batch(0, 0, *(column(f"p{n}:x", [0], [1.0]) for n in range(1001))), "has 1001 columns: send at most 1000"),
        (batch(0, 0, column("ph:pH", [0], texts=["x" * 1_000_001])), "bytes: send at most 1000000"),
        (batch(0, 0, reactor_id="R2"), "is of 'R2'"),
        (batch(0, 0, store_id="x" * 65), "names no store"),
        (batch(0, 0, store_id="x\n"), "names no store"),
    ],
)
async def test_a_message_that_breaks_a_limit_is_refused_whole(service: Service, wrong: SampleBatch, words: str) -> None:
    stream = Stream(service.sink)
    await stream.open()
    with pytest.raises(BadSamples, match=f"R1: a message of samples .*{words}"):
        await stream.send(wrong)
    with pytest.raises(BadSamples, match="names no store"):
        await Stream(service.sink).send(batch(0, 0))
    assert service.table.reading(PH).value is None
    assert await service.checkpoint("R1") is None


async def test_times_that_cannot_be_are_left_out(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    stream, base = Stream(service.sink), now_ms()
    await stream.open()
    at = [0, -base + 5000, 90_000_000, 80_000_000, 1]
    alarms = [0, 0, 0, 0, Severity.MINOR * 32 + Status.LOW]
    for first in (0, 5):
        assert await stream.send(batch(first, base, column("ph:pH", at, [1, 2, 3, 4, 5], alarms=alarms))) == first + 5
    assert stream.reactor.lost == 4
    found = [(row.time_ms - base, row.value, row.severity) for row in await service.rows(PH, 3)]
    assert found == [(0, 1.0, 0), (1, 5.0, 1), (80_000_000, 4.0, 0)]
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert lines == ["R1: samples are left out that have a time that cannot be: 1 parameters, ph:pH"]
    await stream.close()


DAY_MS = 86_400_000


@pytest.mark.parametrize("ahead_s", [2 * 86_400.0, None])
async def test_while_our_clock_may_be_behind_nothing_is_acknowledged(service: Service, ahead_s: float | None) -> None:
    stream, base = Stream(service.sink), now_ms()
    stream.reactor.clock_ahead_s = ahead_s
    await stream.open()
    assert await stream.send(batch(0, base, column("ph:pH", [0], [7.0]))) == 1
    later = batch(1, base, column("ph:pH", [1, 2 * DAY_MS], [7.1, 7.2]), column("temp:Temp", [2], [25.0]))
    with pytest.raises(Ahead, match="of a time to come"):
        await stream.send(later)
    assert "check the service's clock, and the reactor's" in stream.reactor.trouble
    again = Stream(service.sink)
    again.reactor.clock_ahead_s = ahead_s
    assert await again.open() == 1, "it is sent again"
    service.sink._clock = Clock(time.time() + 2 * 86_400)  # somebody has set it  # noqa: SLF001
    again.reactor.clock_ahead_s = 0.0
    assert await again.send(later) == 4
    assert (again.reactor.lost, again.reactor.trouble) == (0, "")
    assert [row.value for row in await service.rows(PH, 3)] == [7.0, 7.1, 7.2]
    await again.close()


async def test_a_time_that_neither_clock_can_explain_is_left_out(service: Service) -> None:
    stream, base = Stream(service.sink), now_ms()
    await stream.open()
    for number, (ahead_s, days) in enumerate(((2 * 86_400.0, 4), (None, 40), (-86_400.0, 2))):
        stream.reactor.clock_ahead_s = ahead_s
        sent = batch(2 * number, base, column("ph:pH", [number, days * DAY_MS], [7.0, 9.0]))
        assert await stream.send(sent) == 2 * number + 2
        assert stream.reactor.lost == number + 1
    assert [row.value for row in await service.rows(PH, 3)] == [7.0] * 3
    await stream.close()


async def test_what_is_no_point_is_counted_and_told_once(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    stream, base = Stream(service.sink), now_ms()
    await stream.open()
    strange = [column(f"new\n{n}:X", [0, 1], [1.0, 2.0]) for n in range(3)]
    for first in (0, 10):
        one = batch(first, base, column("ph:pH", [first], [7.0]), *strange, column("heater:Duty", [0, 1, 2], [0, 0, 0]))
        assert await stream.send(one) == first + 10
    text = batch(20, base, column("ph:pH", [0], texts=["7"]), column("ph:Calibration", [0], [7.0]))
    assert await stream.send(text) == 22
    assert stream.reactor.lost == 20
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [line.partition(" known here: ")[2] for line in lines] == [
        "4 parameters, heater:Duty",
        "2 parameters, ph:Calibration",
    ]
    await stream.close()


async def test_no_answer_before_the_store_has_it(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.keeping = False
    async with service:
        stream = Stream(service.sink)
        await stream.open()
        answer = asyncio.create_task(stream.send(batch(0, now_ms(), column("ph:pH", [0], [7.0]))))
        await until(lambda: service.engine.keeper.waiting == 1)
        assert len(await service.rows(PH, 1)) == 1
        assert not answer.done()
        service.keep()
        assert await answer == 1
        await stream.close()


async def test_a_spool_that_is_full_holds_samples_up_and_loses_none(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "FULLEST", -1.0)
    monkeypatch.setattr(stored, "_RETRY_S", 0.01)
    stream, base = Stream(service.sink), now_ms()
    await stream.open()
    answer = asyncio.create_task(stream.send(batch(0, base, column("ph:pH", [0], [7.0]))))
    await until(lambda: bool(service.history.missing()))
    assert service.history.missing() == ["stored samples wait with the agents that have them: the spool is 0% full"]
    await service.table.publish(Batch("reactor", [Sample(TEMP, Reading(25.0, base / 1000))]))
    assert not answer.done(), "a status is not held up, a sample is"
    monkeypatch.setattr(stored, "FULLEST", 0.8)
    assert await answer == 1
    assert service.history.missing() == []
    assert len(await service.rows(PH, 1)) == 1
    await stream.close()


async def test_what_is_under_way_is_carried_through_and_the_next_stream_knows(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.keeping = False
    async with service:
        stream = Stream(service.sink)
        await stream.open()
        sending = asyncio.create_task(stream.send(batch(0, now_ms(), column("ph:pH", [0, 1], [7.0, 7.0]))))
        await until(lambda: service.engine.keeper.waiting == 1)
        sending.cancel()
        await asyncio.wait([sending])
        opening = asyncio.create_task(Stream(service.sink).open())
        await asyncio.sleep(0.02)
        assert not opening.done(), "it is not decided yet"
        service.keep()
        assert await opening == 2


async def test_a_later_stream_takes_over(service: Service) -> None:
    first, second, base = Stream(service.sink), Stream(service.sink), now_ms()
    await first.open()
    await second.open()
    with pytest.raises(Superseded, match="R1: another stream"):
        await first.send(batch(0, base, column("ph:pH", [0], [7.0])))
    assert await second.send(batch(0, base, column("ph:pH", [0], [8.0]))) == 1
    assert [row.value for row in await service.rows(PH, 1)] == [8.0]
    await second.close()


async def test_one_that_brings_a_month_holds_up_no_other(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "_PACE", 10_000)
    month, other, base = Stream(service.sink), Stream(service.sink, "R2"), now_ms() - 30 * 86_400_000
    await month.open()
    await other.open()
    large = batch(0, base, column("ph:pH", range(columns.MOST_SAMPLES), [7.0] * columns.MOST_SAMPLES))
    sending = asyncio.create_task(month.send(large))
    for number in range(3):
        await other.send(batch(number, now_ms(), column("ph:pH", [number], [7.0])))
    assert not sending.done()
    assert await sending == columns.MOST_SAMPLES
    await month.close()
    await other.close()


async def test_the_pace_is_kept_over_all_reactors(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "_PACE", 10_000)
    streams = [Stream(service.sink, reactor) for reactor in ("R1", "R2", "R3")]
    for stream in streams:
        await stream.open()
    began = time.monotonic()
    one = batch(0, now_ms(), column("ph:pH", range(1000), [7.0] * 1000))
    await asyncio.gather(*(stream.send(one) for stream in streams))
    assert time.monotonic() - began > 0.29, "three thousand samples at ten thousand a second"
    for stream in streams:
        await stream.close()


async def test_alarms_do_not_judge_what_was_stored(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.rules = [Rule("ph-low", (PH,), "reactor", low=5.0, title="pH low")]
    async with service:
        stream = Stream(service.sink)
        await stream.open()
        await stream.send(batch(0, now_ms(), column("ph:pH", [0], [2.0])))
        assert service.engine.active == 0
        await service.table.publish(Batch("reactor", [Sample(PH, Reading(2.0, time.time() + 1))]))
        assert service.engine.active == 1
        await stream.close()


async def test_of_a_sampled_point_the_samples_are_the_history(service: Service) -> None:
    stream, base = Stream(service.sink), now_ms()
    await stream.open()
    duty = "R1:heater:Duty-RB"
    for second in range(3):
        moment = base / 1000 - 1 + second / 10
        live = [Sample(PH, Reading(7.0 + second, moment)), Sample(duty, Reading(second, moment))]
        await service.table.publish(Batch("reactor", live))
    await service.table.lose("R1")
    assert service.table.reading(PH)[2:] == (Severity.INVALID, Status.TIMEOUT)
    await stream.send(batch(0, base, column("ph:pH", [1000, 2000, 3000], [7.5, 7.5, 7.5])))
    rows = await service.rows(PH, 3)
    assert [(row.time_ms - base, row.value, row.severity) for row in rows] == [
        (1000, 7.5, 0),
        (2000, 7.5, 0),
        (3000, 7.5, 0),
    ], "no live reading, no loss of contact, and no dead band"
    assert [row.value for row in await service.rows(duty, 4)] == [0.0, 1.0, 2.0, 2.0]
    await stream.close()


async def test_a_point_that_is_sampled_from_now_on(service: Service) -> None:
    """As after an agent's upgrade: the point is defined anew."""
    point = service.table.point("R1:heater:Duty-RB")
    await service.table.publish(Batch("reactor", [Sample(point.name, Reading(1.0, time.time()))]))
    made = Point(point.name, point.kind, point.device, point.link, area=point.area, sampled=True)
    service.table.define([made], None, sampling.SYSTEM)
    recorder = service.history.recorder
    await until(lambda: recorder._treat(point.name).sampled)  # noqa: SLF001 - nothing else tells
    other = "R2:heater:Duty-RB"
    after = [Sample(point.name, Reading(2.0, time.time())), Sample(other, Reading(2.0, time.time()))]
    await service.table.publish(Batch("reactor", after))
    await service.rows(other, 1)
    assert [row.value for row in await service.rows(point.name, 1)] == [1.0]


def test_the_limits_allow_what_an_agent_sends() -> None:
    """A full message of numbers is far below the limit of bytes."""
    full = batch(0, 1, column("ph:pH", [n * 1000 for n in range(10_000)], [7.123] * 10_000, alarms=[100] * 10_000))
    assert full.ByteSize() < columns.MOST_BYTES / 5
