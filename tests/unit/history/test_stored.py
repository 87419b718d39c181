"""Stored samples: on the disk for good before anybody is told, whatever stands in the way."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.history.test_recorder import GOOD, LOST, START, Bench
from vigilia import spool as spool_module
from vigilia.history import stored
from vigilia.history.config import Treatment
from vigilia.points import Batch, Checkpoint, Reading, Run, Sample, Value

DONE = Checkpoint("samples:R1", {"offset": 1})


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, sampled=True)
    yield bench
    bench.spool.close()
    bench.present.close()


def said(name: str, *readings: tuple[Value | None, float]) -> list[Sample]:
    return [Sample(name, Reading(value, moment)) for value, moment in readings]


async def keep(bench: Bench, *samples: Sample, runs: list[Run] | None = None) -> None:
    await bench.recorder.take(Batch("reactor", samples, live=False, checkpoint=DONE, runs=runs or ()))


async def test_every_sample_is_kept_and_those_of_now_are_of_the_present(bench: Bench) -> None:
    now = bench.clock.now()
    run = Run("T1:y", [now - 2, now - 1], [1.0, 1.0])
    old = Run("T1:z", [START, now], [1.0, 1.0])
    await keep(bench, *said("T1:x", (1.0, now - 3), (1.0, now - 2), (1.0, START)), runs=[run, old])
    assert [(row.point, row.value) for row in bench.on_disk(bench.present)] == [
        ("T1:y", 1.0),
        ("T1:y", 1.0),
        ("T1:x", 1.0),
        ("T1:x", 1.0),
    ]
    assert [row.point for row in bench.on_disk(bench.spool)] == ["T1:z", "T1:z", "T1:x"]
    assert bench.woken == 2


async def test_what_is_read_live_of_a_sampled_point_is_not_kept(bench: Bench) -> None:
    now = bench.clock.now()
    await bench.say(Reading(1.0, now), Reading(2.0, now + 1), Reading(2.0, now + 2, *LOST))
    await bench.recorder.take(Batch("test", [], runs=[Run("T1:x", [now], [3.0])]))
    assert bench.kept() == []
    await keep(bench, Sample("T1:x", Reading(None, now, *LOST)), Sample("T1:x", Reading("on", now + 1)))
    assert [(row.value, row.text, *row[4:]) for row in bench.kept()] == [(None, None, *LOST), (None, "on", *GOOD)]


async def test_a_point_that_is_not_to_be_recorded_is_not(tmp_path: Path) -> None:
    (tmp_path / "off").mkdir()
    off = Bench(tmp_path / "off", sampled=True, record=False)
    await keep(off, *said("T1:x", (1.0, START)), runs=[Run("T1:y", [START], [1.0])])
    assert off.kept() == []
    assert off.woken == 0


async def test_times_that_no_calendar_knows_are_counted(bench: Bench) -> None:
    await keep(bench, *said("T1:x", (1.0, -1.0), (2.0, START)), runs=[Run("T1:y", [START, 1e300], [1.0, 1.0])])
    assert [row.value for row in bench.kept()] == [2.0]
    assert bench.recorder.refused == 3


async def test_a_point_defined_anew_is_kept_as_it_is_now(bench: Bench) -> None:
    treatments = {"T1:x": Treatment(True, 0.0, 60.0)}
    bench.recorder._treat = lambda name: treatments[name]  # noqa: SLF001 - as the history does when it is asked anew
    await bench.say(Reading(1.0, START))
    treatments["T1:x"] = treatments["T1:x"]._replace(sampled=True)
    await bench.say(Reading(2.0, START + 1))
    bench.recorder.forget("T1:x")
    bench.recorder.forget("never heard of")
    await bench.say(Reading(3.0, START + 2))
    assert [row.value for row in bench.kept()] == [1.0, 2.0]


async def test_a_disk_without_room_is_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(stored, "_RETRY_S", 0.001)
    written = spool_module.os.write
    refused: list[int] = []

    def write(file: int, line: bytes) -> int:
        if len(refused) < 3:
            refused.append(file)
            raise OSError(28, "No space left on device")
        return written(file, line)

    monkeypatch.setattr(spool_module.os, "write", write)
    await keep(bench, *said("T1:x", (1.0, START)))
    assert [row.value for row in bench.on_disk(bench.spool)] == [1.0]
    assert (bench.recorder.dropped, bench.recorder.missing(), len(refused)) == (0, [], 3)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"], "once for the wait, once for its end"


async def test_what_cannot_be_synced_is_not_durable(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed sync nobody knows what is on the disk: the samples are written once more."""
    monkeypatch.setattr(stored, "_RETRY_S", 0.001)
    sync = os.fsync
    failing = True

    def fail(file: int) -> None:
        if failing:
            raise OSError(5, "Input/output error")
        sync(file)

    monkeypatch.setattr(spool_module.os, "fsync", fail)
    keeping = asyncio.create_task(keep(bench, *said("T1:x", (1.0, START))))
    await until(lambda: bool(bench.recorder.missing()))
    assert "stored samples wait with the agents that have them" in bench.recorder.missing()[0]
    assert not keeping.done()
    failing = False
    await keeping
    assert bench.recorder.missing() == []
    assert {row.value for row in bench.on_disk(bench.spool)} == {1.0}


async def test_one_wait_for_the_disk_serves_all_who_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync
    synced: list[int] = []

    def note(file: int) -> None:
        synced.append(file)
        sync(file)

    monkeypatch.setattr(spool_module.os, "fsync", note)
    await asyncio.gather(*(keep(bench, *said(f"T{number}:x", (1.0, START))) for number in range(200)))
    assert len(bench.on_disk(bench.spool)) == 200
    assert 0 < len(synced) < 20
