"""The store of samples, with real files: what was committed is there, whatever happens to the process or the disk."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import until
from tests.unit.agent.scripted import ScriptedPart
from tests.unit.agent.test_clocking import SetClock
from vigilia.agent import samples as module
from vigilia.agent.clocking import Clocking
from vigilia.agent.parts import Measured
from vigilia.agent.samplefile import Correction, Era, Sample, SampleFile
from vigilia.agent.samples import _COMMIT_ROWS, SampleStore, StoreFault
from vigilia.errors import StartError
from vigilia.points import Kind, Severity, Status

NOW = 1_790_000_000.0
PART = ScriptedPart()


@asynccontextmanager
async def running(path: Path, **options: int) -> AsyncIterator[SampleStore]:
    store = SampleStore(path, "boot-1", **options)
    task = asyncio.create_task(store.run())
    try:
        yield store
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await store.close()


def ph(value: float | None, moment: float = NOW, severity: Severity = Severity.NO_ALARM) -> Measured:
    return Measured("pH", value, moment, severity, Status.COMM if severity else Status.NO_ALARM)


async def test_samples_are_read_as_they_were_taken_once_they_are_on_disk(tmp_path: Path) -> None:
    async with running(tmp_path / "samples.db") as store:
        store.take(PART, [ph(7.1), ph(None, NOW + 1, Severity.INVALID), Measured("Raw", "7.1\ud800", NOW + 2)])
        assert (store.waiting, await store.read(0)) == (3, [])
        await until(lambda: store.next_offset == 4)
        found = await store.read(0)
    assert [(row.offset, row.part, row.parameter, row.kind, row.time_ms, row.value, row.alarm) for row in found] == [
        (1, "ph", "pH", Kind.NUMBER, 1_790_000_000_000, 7.1, 0),
        (2, "ph", "pH", Kind.NUMBER, 1_790_000_001_000, None, 3 * 32 + 9),
        (3, "ph", "Raw", Kind.TEXT, 1_790_000_002_000, "7.1?", 0),
    ]


async def test_many_do_not_wait_for_the_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMIT_PERIOD_S", 3600)
    async with running(tmp_path / "samples.db") as store:
        store.take(PART, [ph(7.0)] * _COMMIT_ROWS)
        await until(lambda: store.next_offset == _COMMIT_ROWS + 1)


async def test_offsets_go_on_after_everything_was_acknowledged_and_the_program_started_anew(tmp_path: Path) -> None:
    async with running(tmp_path / "samples.db") as store:
        store.take(PART, [ph(7.0)] * 3)
        await until(lambda: store.next_offset == 4)
        await store.acknowledge(3, store.store_id)
        assert [row.offset for row in await store.read(0)] == [3]
        store_id = store.store_id
        await store.acknowledge(4, store_id)
        assert (store.waiting, store.oldest_ms) == (0, None)
    async with running(tmp_path / "samples.db") as store:
        assert (store.store_id, store.waiting, store.first_offset) == (store_id, 0, 4)
        store.take(PART, [ph(7.0)])
        await store.wait_for(4)
        assert [row.offset for row in await store.read(0)] == [4]
        await store.renew()
        assert store.store_id != store_id


async def test_what_was_taken_last_is_written_at_the_stop(tmp_path: Path) -> None:
    async with running(tmp_path / "samples.db") as store:
        store.take(PART, [ph(7.0)] * 5000)
    async with running(tmp_path / "samples.db") as store:
        assert (store.waiting, store.oldest_ms) == (5000, 1_790_000_000_000)
        assert store.last_seen() == NOW


WRITER = """
import sys
from pathlib import Path
from vigilia.agent.samplefile import Sample, SampleFile
from vigilia.points import Kind
file = SampleFile(Path(sys.argv[1]), "boot-1")
while True:
    file.write([Sample("ph", "pH", Kind.NUMBER, n, float(n), 0, 0) for n in range(7)], [], 0)
    print(file.next_offset - 1, flush=True)
"""


def test_nothing_that_was_committed_is_lost_to_kill_9(tmp_path: Path) -> None:
    committed = 0
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "samples.db")], stdout=subprocess.PIPE, text=True
        )
        with writer:
            assert writer.stdout
            for _ in range(random.randint(1, 30)):
                committed = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            for line in writer.stdout:  # what it still said before the end
                committed = int(line) if line.endswith("\n") else committed
        with closing(SampleFile(tmp_path / "samples.db", "boot-1")) as file:
            assert file.next_offset - 1 >= committed
            rows = file.read(1, 1_000_000)
            assert [row.offset for row in rows] == list(range(1, file.next_offset))
            assert [row.value for row in rows] == [float(n % 7) for n in range(len(rows))]
    assert committed > 3 * 7


async def test_the_oldest_go_first_when_the_file_is_at_its_bound(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path / "samples.db", most_bytes=400_000) as store:
        for n in range(10):
            store.take(PART, [ph(7.0, NOW + n)] * 4000)
            await until(lambda n=n: store.next_offset == 4000 * (n + 1) + 1)
        await until(lambda: store.dropped == 40_000 - store.waiting > 0)
        assert (await store.read(0))[0].offset == store.dropped + 1
    assert "the file is at its bound" in caplog.text
    async with running(tmp_path / "samples.db", most_bytes=400_000) as store:
        assert store.dropped == 40_000 - store.waiting


async def test_the_oldest_go_first_when_the_disk_is_full(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running(tmp_path / "samples.db", least_free=2**62) as store:
        store.take(PART, [ph(7.0)] * 600)
        await until(lambda: store.next_offset == 601)
        store.take(PART, [ph(7.5)] * 600)
        await until(lambda: store.next_offset == 1201)
        assert (store.dropped, store.waiting, (await store.read(0))[0].value) == (600, 600, 7.5)
    assert "the disk is full" in caplog.text


async def test_a_full_disk_costs_as_many_samples_as_are_taken_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = SampleStore(tmp_path / "samples.db", "boot-1")
    store.take(PART, [ph(7.0)] * 20_000)
    while await store._write():  # noqa: SLF001
        pass
    store._file._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # noqa: SLF001
    size = (tmp_path / "samples.db").stat().st_size
    monkeypatch.setattr(store, "_least_free", 2**62)
    for number in range(1, 301):
        store.take(PART, [ph(7.5)] * 10)
        await store._write()  # noqa: SLF001
        assert store.dropped + store.waiting == 20_000 + 10 * number
    assert 2000 < store.dropped <= 3000, "what is freed in the file is room"
    store._file._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # noqa: SLF001
    assert (tmp_path / "samples.db").stat().st_size <= size + 4 * 4096
    store.take(PART, [Measured("Raw", "long" * 250, NOW)] * 500)
    await store._write()  # noqa: SLF001
    assert store.dropped <= 3500
    assert caplog.text.count("the disk is full") == 1
    await store.close()


async def test_samples_that_give_way_are_there_until_others_are_written(tmp_path: Path) -> None:
    with closing(SampleFile(tmp_path / "samples.db", "boot-1")) as file:
        rows = [Sample("p", "X", Kind.NUMBER, n, float(n), 0, 0) for n in range(50)]
        file.write(rows, [], 0)
        with pytest.raises(sqlite3.Error):
            file.write([Sample("p", "X", Kind.NUMBER, 1, object(), 0, 0)], [], 0, 10)  # type: ignore[arg-type]
        assert (file.waiting, file.dropped, len(file.read(0, 100))) == (50, 0, 50)
        assert file.write(rows[:5], [], 2, 10) == 10
        assert (file.waiting, file.dropped, len(file.read(0, 100))) == (45, 12, 45)
    with closing(SampleFile(tmp_path / "samples.db", "boot-1")) as file:
        assert (file.waiting, file.dropped) == (45, 12)


async def test_a_disk_that_takes_nothing_is_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_MOST_UNWRITTEN", 1000)
    async with running(tmp_path / "samples.db") as store:
        with closing(sqlite3.connect(tmp_path / "samples.db", timeout=0.1)) as db:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            store._file._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then answers as on a full disk  # noqa: SLF001
            store.take(PART, [ph(7.0)] * 800)
            await until(lambda: bool(store.fault))
            store.take(PART, [ph(7.5)] * 800)
            assert (store.waiting, store.dropped) == (1000, 600)
            store._file._db.execute("PRAGMA max_page_count = 1000000")  # noqa: SLF001
        await until(lambda: not store.fault and store.next_offset == 1001)
        assert [row.value for row in await store.read(0)] == [7.0] * 200 + [7.5] * 800
        assert store.dropped == 600
    assert "samples wait in memory" in caplog.text
    assert "samples are written again" in caplog.text


async def test_a_damaged_file_is_set_aside_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "samples.db").write_bytes(b"no database at all" * 100)
    async with running(tmp_path / "samples.db") as store:
        assert store.waiting == 0
    assert len(list(tmp_path.glob("samples.db.corrupt.*"))) == 1


async def test_a_file_damaged_at_work_is_set_aside_and_what_comes_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path / "samples.db") as store:
        store.take(PART, [ph(7.0)] * 3000)
        await until(lambda: store.next_offset == 3001)
        first = store.store_id
        era = store.begin_era("boot-1", 0, 0, 5)
        store._file._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # noqa: SLF001
        with (tmp_path / "samples.db").open("r+b") as file:
            file.write(b"\xff" * 8192)
        store._file._db.execute("PRAGMA shrink_memory")  # noqa: SLF001
        store.take(PART, [ph(7.5)])
        await until(lambda: store.store_id != first)
        with pytest.raises(StoreFault, match="begun anew"):
            await store.acknowledge(3001, first)
        await until(lambda: store.next_offset == 2)
        assert [(row.offset, row.value) for row in await store.read(0)] == [(1, 7.5)]
        assert store._file._corrections == {era: (5, False)}  # noqa: SLF001
        assert store.dropped == 3000, "what waited and cannot be read is lost, and counted"
    assert "is damaged" in caplog.text or "are damaged" in caplog.text


def spoil(path: Path, page: int, pages: int = 1) -> None:
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xff" * 4096 * pages)


def test_what_can_be_read_around_the_damage_is_kept_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "samples.db"
    with closing(SampleFile(path, "boot-1")) as file:
        eras = [Era(1, "boot-1", 0, 0, 5_000_000), Era(2, "boot-1", 0, 0)]
        rows = [Sample("p", "X", Kind.NUMBER, n, float(n), 0, n % 3) for n in range(1, 9_001)]
        file.write(rows, eras, 17)
        file.drop_oldest(1000)
        first = file.store_id
    spoil(path, path.stat().st_size // 4096 // 2, 3)
    with closing(SampleFile(path, "boot-1")) as file:
        assert file.store_id != first, "offsets are used anew"
        assert 6000 < file.waiting < 8000
        assert file.dropped == 17 + 1000 + 8000 - file.waiting
        file.write([], [Correction("boot-1", 0, 9_000_000)], file.dropped)
        found = file.read(0, 10_000)
        assert len(found) == file.waiting
        values = [int(row.value) for row in found if isinstance(row.value, float)]
        assert values == sorted(set(values)), "in order, each once"
        assert (values[0], values[-1]) == (1001, 9000), "before the damage, and behind it"
        corrections = (0, 5_000_000, 9_000_000)
        assert [row.time_ms for row in found] == [n + corrections[n % 3] for n in values]
    assert len(list(tmp_path.glob("samples.db.corrupt.*"))) == 1
    assert not list(tmp_path.glob("*.new*"))
    assert "of 8000 samples in the damaged" in caplog.text


def test_on_a_full_disk_a_file_is_begun_without_what_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "samples.db"
    with closing(SampleFile(path, "boot-1")) as file:
        file.write([Sample("p", "X", Kind.NUMBER, n, float(n), 0, 0) for n in range(1, 3_001)], [], 5)
    spoil(path, path.stat().st_size // 4096 // 2)
    monkeypatch.setattr("vigilia.agent.samplefile._LEFT_TO_OTHERS_BYTES", 10**18)
    with closing(SampleFile(path, "boot-1")) as file:
        assert (file.waiting, file.dropped) == (0, 3_005)
    assert len(list(tmp_path.glob("samples.db.corrupt.*"))) == 1


def test_a_copy_that_fails_half_way_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "samples.db"
    with closing(SampleFile(path, "boot-1")) as file:
        file.write([Sample("p", "X", Kind.NUMBER, n, float(n), 0, 0) for n in range(1, 3_001)], [], 5)
    spoil(path, path.stat().st_size // 4096 // 2)
    write = SampleFile.write

    def full(self: SampleFile, rows: Sequence[Sample], *rest: Any) -> int:
        if rows:
            raise sqlite3.OperationalError("database or disk is full")
        return write(self, rows, *rest)

    monkeypatch.setattr(SampleFile, "write", full)
    with closing(SampleFile(path, "boot-1")) as file:
        assert (file.waiting, file.dropped) == (0, 3_005)
    assert not list(tmp_path.glob("*.new*"))


async def test_what_can_be_read_around_the_damage_is_kept_at_work(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    async with running(path) as store:
        store.take(PART, [ph(float(n), NOW + n) for n in range(9000)])
        await until(lambda: store.next_offset == 9001)
        store._file._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # noqa: SLF001
        spoil(path, path.stat().st_size // 4096 // 2)
        store._file._db.execute("PRAGMA shrink_memory")  # noqa: SLF001
        with pytest.raises(StoreFault, match="is damaged"):
            await store.read(0, 9000)
        store.take(PART, [ph(9000.0, NOW + 9000)])
        await until(lambda: store.next_offset == store.waiting + 1 > 8000)
        found = await store.read(0, 10_000)
        assert (found[0].value, found[-1].value) == (0.0, 9000.0)
        assert 8500 < len(found) == store.waiting < 9001
        assert store.dropped == 9001 - store.waiting
        assert not store.fault


async def test_a_damaged_file_waits_for_the_room_to_make_another(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    store = SampleStore(path, "boot-1")
    store.take(PART, [ph(float(n)) for n in range(1900)])
    await store._write()  # noqa: SLF001
    store._file._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # noqa: SLF001
    spoil(path, path.stat().st_size // 4096 // 2)
    store._file._db.execute("PRAGMA shrink_memory")  # noqa: SLF001
    (tmp_path / "samples.db.new").mkdir()  # another cannot be made
    for _ in range(3):
        with pytest.raises(StoreFault):
            await store.read(0, 1900)
    assert store.waiting == 1900
    (tmp_path / "samples.db.new").rmdir()
    assert 0 < len(await store.read(0, 1900)) == store.waiting == 1900 - store.dropped < 1900
    await store.close()


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "samples.db")) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StartError, match="newer version"):
        SampleStore(tmp_path / "samples.db", "boot-1")


async def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be opened"):
        SampleStore(tmp_path / "file" / "samples.db", "boot-1")


@pytest.mark.parametrize(("synchronised", "kept"), [(True, [2.0, 3.0]), (False, [1.0, 2.0, 3.0])])
async def test_what_is_older_than_may_be_kept_goes_if_the_clock_is_right(
    tmp_path: Path, synchronised: bool, kept: list[float]
) -> None:
    store = SampleStore(tmp_path / "samples.db", "boot-1")
    store.take(PART, [ph(1.0, NOW - 40 * 86_400), ph(2.0, NOW - 29 * 86_400), ph(3.0, NOW)])
    store.use_clock(Clocking(SetClock(NOW), store, "boot-1", lambda: synchronised))
    await store._write()  # noqa: SLF001
    await store._drop_the_old()  # noqa: SLF001
    assert [row.value for row in await store.read(0)] == kept
    assert store.dropped == 3 - len(kept)
    await store.close()


async def test_a_hanging_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ANSWER_S", 0.05)
    store = SampleStore(tmp_path / "samples.db", "boot-1")
    with closing(sqlite3.connect(tmp_path / "samples.db", isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        store.take(PART, [ph(1.0)])
        with pytest.raises(StoreFault, match="gives no answer"):
            await store._write()  # noqa: SLF001
        assert store.busy_since is not None
        db.execute("ROLLBACK")
    monkeypatch.undo()
    await store.close()


async def test_a_disk_that_refuses_does_not_hang(tmp_path: Path) -> None:
    """Who hangs is started anew, and what waits in memory is lost by that."""
    async with running(tmp_path / "samples.db") as store:
        store._file._db.execute("PRAGMA query_only = 1")  # SQLite then answers as on a read-only disk  # noqa: SLF001
        store.take(PART, [ph(7.0)] * 3)
        await until(lambda: "readonly" in store.fault)
        assert (store.busy_since, store.waiting) == (None, 3)
        store._file._db.execute("PRAGMA query_only = 0")  # noqa: SLF001
        await until(lambda: not store.fault and store.next_offset == 4)


async def test_whoever_goes_away_leaves_no_answer_owed(tmp_path: Path) -> None:
    async with running(tmp_path / "samples.db") as store:
        reading = asyncio.create_task(store.read(0))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
        await until(lambda: store.busy_since is None)


@given(st.data())
def test_rows_leave_at_the_old_end_only(data: st.DataObject) -> None:
    """Whatever is written, acknowledged and dropped, in whatever order: what is left has its offset and its value."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = SampleFile(Path(folder) / "samples.db", "boot-1")
        written, oldest = 0, 1
        for _ in range(data.draw(st.integers(1, 12))):
            match data.draw(st.sampled_from(["write", "forget", "drop", "reopen"])):
                case "write":
                    count = data.draw(st.integers(0, 20))
                    rows = [Sample("p", "X", Kind.NUMBER, n, n, 0, 0) for n in range(written + 1, written + count + 1)]
                    file.write(rows, [], file.dropped)
                    written += count
                case "forget":
                    before = data.draw(st.integers(0, 100))
                    file.forget_before(before)
                    oldest = max(oldest, min(before, written + 1))
                case "drop":
                    oldest += file.drop_oldest(data.draw(st.integers(0, 10)))
                case _:
                    file.close()
                    file = SampleFile(Path(folder) / "samples.db", "boot-1")
            assert (file.first_offset, file.next_offset) == (oldest, written + 1)
            assert [(row.offset, row.value) for row in file.read(0, 1000)] == [
                (n, n) for n in range(oldest, written + 1)
            ]
        file.close()


def test_times_of_an_era_are_held_back_until_they_are_known(tmp_path: Path) -> None:
    with closing(SampleFile(tmp_path / "samples.db", "boot-1")) as file:
        rows = [Sample("p", "X", Kind.NUMBER, n, n, 0, era) for n, era in ((10, 0), (20, 1), (30, 0))]
        file.write(rows, [Era(1, "boot-1", 15, 1000)], 0)
        assert [row.time_ms for row in file.read(0, 10)] == [10]
        file.write([], [Correction("boot-1", 1010, 500_000)], 0)
        assert [row.time_ms for row in file.read(0, 10)] == [10, 20 + 500_000 - 25, 30]


def test_an_era_that_power_loss_ended_is_guessed_and_marked(tmp_path: Path) -> None:
    with closing(SampleFile(tmp_path / "samples.db", "boot-1")) as file:
        rows = [Sample("p", "X", Kind.NUMBER, 10_000, 1, 0, 0), Sample("p", "X", Kind.NUMBER, 400, 2, 0, 1)]
        file.write([*rows, Sample("p", "X", Kind.NUMBER, 500, 3, 105, 1)], [Era(1, "boot-1", 300, 0)], 0)
        assert len(file.read(0, 10)) == 1
    with closing(SampleFile(tmp_path / "samples.db", "boot-2")) as file:
        found = file.read(0, 10)
    assert [(row.time_ms, row.alarm) for row in found] == [(10_000, 0), (10_001, 32 + 17), (10_101, 105)]
