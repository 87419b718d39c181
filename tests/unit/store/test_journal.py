"""The journal: noted on disk first, moved into the store, and nothing lost on the way."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import vigilia
from tests.conftest import until
from vigilia.clock import Clock
from vigilia.points import Kind, Origin, Point
from vigilia.spool import Spool
from vigilia.store import Chosen, Store, StoreError, WriteJournal, journal

SEL = Point("T1:PwrState-Sel", Kind.ENUM, "T1", labels=("Off", "On"), writable=True, setpoint=True)
DOSE = Point("R1:acid:Dose-SP", Kind.NUMBER, "R1", writable=True)
ANA = Origin("epics", "ana", "console-1")


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "audit.spool", 1_000_000)
    yield spool
    spool.close()


async def test_a_write_is_on_disk_before_anybody_carries_it_out(tmp_path: Path, spool: Spool, store: Store) -> None:
    notes = WriteJournal(spool, store, Clock())
    write_id = notes.asked(SEL, 1, 0, ANA)
    line = (tmp_path / "audit.spool").read_text()
    assert write_id in line
    assert '"user":"ana"' in line
    assert notes.waiting_bytes == len(line)
    notes.answered(write_id, "confirmed", "")
    assert (tmp_path / "audit.spool").read_text().count("\n") == 2


async def test_drain_moves_everything_into_the_store(spool: Spool, store: Store) -> None:
    notes = WriteJournal(spool, store, Clock())
    for number in range(1201):
        notes.answered(notes.asked(SEL, number % 2, None, ANA), "confirmed", "")
    await notes.drain()
    assert notes.waiting_bytes == 0
    assert len(await store.audit(limit=5000)) == 1201
    assert await store.chosen() == {SEL.name: Chosen(0, confirmed=True)}
    await notes.drain()
    assert len(await store.audit(limit=5000)) == 1201


async def test_only_set_points_are_chosen_and_only_by_writes_that_were_taken(spool: Spool, store: Store) -> None:
    notes = WriteJournal(spool, store, Clock())
    notes.asked(DOSE, 5.0, None, ANA)
    notes.answered(notes.asked(SEL, None, 0, ANA), "InvalidValue", "write 0 or 1")
    await notes.drain()
    assert await store.chosen() == {}
    assert [row["value"] for row in await store.audit()] == [None, 5.0]


async def test_run_moves_what_comes_in(spool: Spool, store: Store) -> None:
    notes = WriteJournal(spool, store, Clock())
    run = asyncio.create_task(notes.run())
    for _ in range(3):
        notes.asked(SEL, 1, None, ANA)
        await until(lambda: notes.waiting_bytes == 0)
    run.cancel()
    await asyncio.wait([run])
    assert len(await store.audit()) == 3


async def test_while_the_store_is_away_the_disk_keeps_everything(
    tmp_path: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal, "_RETRY_S", 0.02)
    caplog.set_level("INFO")
    folder = tmp_path / "store"
    store = await Store.open(f"sqlite:///{folder}/vigilia.db")
    await store.close()
    folder.rename(tmp_path / "away")
    notes = WriteJournal(spool, store, Clock())
    run = asyncio.create_task(notes.run())
    for value in (0, 1):
        notes.answered(notes.asked(SEL, value, None, ANA), "confirmed", "")
    await until(lambda: "the audit waits on disk" in caplog.text)
    await asyncio.sleep(0.1)
    assert notes.waiting_bytes > 0
    assert caplog.text.count("the audit waits on disk") == 1, "a line for the loss, and one for the return"
    with pytest.raises(StoreError):
        await notes.drain()
    (tmp_path / "away").rename(folder)
    await until(lambda: notes.waiting_bytes == 0)
    await until(lambda: "the store takes the audit again" in caplog.text)
    run.cancel()
    await asyncio.wait([run])
    assert len(await store.audit()) == 2
    assert (notes.dropped, await store.chosen()) == (0, {SEL.name: Chosen(1, confirmed=True)})
    await store.close()


async def test_what_a_run_left_behind_is_taken_over_by_the_next(tmp_path: Path, store: Store) -> None:
    first = Spool(tmp_path / "audit.spool", 1_000_000)
    notes = WriteJournal(first, store, Clock())
    notes.answered(notes.asked(SEL, 1, None, ANA), "confirmed", "")
    notes.asked(SEL, 0, 1, ANA)
    first.close()
    second = Spool(tmp_path / "audit.spool", 1_000_000)
    await WriteJournal(second, store, Clock()).drain()
    await store.close_orphans()
    second.close()
    assert [row["outcome"] for row in await store.audit()] == ["unknown", "confirmed"]
    assert await store.chosen() == {SEL.name: Chosen(0, confirmed=False)}


async def test_a_crash_between_storing_and_forgetting_is_harmless(tmp_path: Path, store: Store) -> None:
    first = Spool(tmp_path / "audit.spool", 1_000_000)
    notes = WriteJournal(first, store, Clock())
    notes.answered(notes.asked(SEL, 1, None, ANA), "confirmed", "")
    notes.answered(notes.asked(SEL, 0, None, ANA), "Refused", "no")
    await store.record_writes(first.read(100)[0])  # and here it dies: nothing is acknowledged
    first.close()
    before = (await store.audit(), await store.chosen())
    for _ in range(3):
        spool = Spool(tmp_path / "audit.spool", 1_000_000)
        again = WriteJournal(spool, store, Clock())
        await again.drain()
        spool.close()
        assert (await store.audit(), await store.chosen()) == before


async def test_a_killed_service_forgets_no_write(tmp_path: Path, store: Store) -> None:
    """`kill -9` right after the question was noted, before any answer."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from vigilia.clock import Clock\n"
        "from vigilia.points import Kind, Origin, Point\n"
        "from vigilia.spool import Spool\n"
        "from vigilia.store import WriteJournal\n"
        "sel = Point('T1:PwrState-Sel', Kind.ENUM, 'T1', labels=('Off', 'On'), writable=True, setpoint=True)\n"
        "notes = WriteJournal(Spool(Path(sys.argv[1]), 10**6), None, Clock())\n"
        "notes.asked(sel, 1, 0, Origin('epics', 'ana', 'console-1'))\n"
        "print('noted', flush=True); sys.stdin.read()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(vigilia.__file__).parents[1])}
    path = tmp_path / "audit.spool"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(path)),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"noted\n"
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    spool = Spool(path, 1_000_000)
    await WriteJournal(spool, store, Clock()).drain()
    await store.close_orphans()
    spool.close()
    (row,) = await store.audit()
    assert (row["point"], row["value"], row["user"], row["outcome"]) == (SEL.name, 1, "ana", "unknown")


async def test_texts_of_any_length_and_kind_are_kept_within_bounds(spool: Spool, store: Store) -> None:
    notes = WriteJournal(spool, store, Clock())
    write_id = notes.asked(SEL, 1, None, Origin("epics", "u" * 10_000, "\ud800\x00é"))
    notes.answered(write_id, "Refused", "\udfff" + "d" * 100_000)
    await notes.drain()
    (row,) = await store.audit()
    assert len(row["user"]) == 200
    assert len(row["detail"]) == 1000
    assert "é" in row["host"]


async def test_an_odd_record_left_behind_stops_no_start(tmp_path: Path, store: Store) -> None:
    first = Spool(tmp_path / "audit.spool", 1_000_000)
    notes = WriteJournal(first, store, Clock())
    notes.asked(SEL, 1, None, ANA)
    first.append({"event": "asked", "write_id": "x", "asked_at": 2**70, "point": {}, "chosen": True, "user": "\ud800"})
    notes.asked(SEL, 0, None, ANA)
    first.close()
    second = Spool(tmp_path / "audit.spool", 1_000_000)
    again = WriteJournal(second, store, Clock())
    await again.drain()
    assert again.waiting_bytes == 0
    assert [row["value"] for row in await store.audit()] == [0, 1]
    second.close()


async def test_a_full_spool_refuses_no_write(tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """A write to equipment works even where nothing can be kept; what is lost is counted and logged."""
    small = Spool(tmp_path / "small.spool", 100)
    notes = WriteJournal(small, store, Clock())
    notes.answered(notes.asked(SEL, 1, None, ANA), "confirmed", "")
    assert notes.dropped == 2
    assert SEL.name in caplog.text
    small.close()
