"""Health: evidence of progress, and sentences for what is missing."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import until
from vigilia.clock import Clock
from vigilia.errors import ConnectionLost, LinkError, LoginRefused, NoSession
from vigilia.health import Health
from vigilia.link import Contact, Link
from vigilia.points import Kind, Origin, Point
from vigilia.scan import Scan
from vigilia.spool import Spool
from vigilia.store import Store, WriteJournal
from vigilia.store import journal as module

SEL = Point("T1:PwrState-Sel", Kind.ENUM, "T1", labels=("Off", "On"), writable=True, setpoint=True)
ANA = Origin("epics", "ana", "console-1")


class Session:
    sessions = 0
    deadline_s = open_deadline_s = 0.05

    def __init__(self, *, answers: bool = True) -> None:
        self.trouble: LinkError | None = None if answers else ConnectionLost("refused")

    async def open(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    async def close(self, *, lost: bool) -> None:
        pass


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield store
    await store.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "audit.spool", 1_000)
    yield spool
    spool.close()


@pytest.fixture
def journal(spool: Spool, store: Store) -> WriteJournal:
    return WriteJournal(spool, store, Clock())


async def read() -> None:
    await asyncio.sleep(0)


async def test_a_watch_that_works_lacks_nothing(store: Store, journal: WriteJournal) -> None:
    clock = Clock(speed=1000)
    link = Link("sw-1", Session(), clock)
    link.add_scan(Scan("ports", 1.0, lambda: [read]))
    health = Health([link], store, journal, clock, lambda: True)
    run = asyncio.create_task(link.run())
    for _ in range(5):
        await clock.sleep(link.longest_silence_s / 2)
        assert await health.missing() == []
    await link.stop()
    await run


async def test_equipment_that_is_down_is_no_fault_of_a_watch_that_says_so(store: Store, journal: WriteJournal) -> None:
    clock = Clock(speed=1000)
    link = Link("sw-1", Session(answers=False), clock)
    health = Health([link], store, journal, clock, None)
    run = asyncio.create_task(link.run())
    for _ in range(5):
        await clock.sleep(link.longest_silence_s / 2)
        assert await health.missing() == []
    await link.stop()
    await run


async def test_a_login_that_is_refused_needs_a_person(store: Store, journal: WriteJournal) -> None:
    """Not at once, nor because the equipment was away meanwhile; and until it lets us in."""
    clock, session = Clock(speed=100), Session()
    session.trouble = NoSession("no session is free")
    link = Link("sw-1", session, clock)
    health = Health([link], store, journal, clock, None)
    run = asyncio.create_task(link.run())
    await clock.sleep(100)
    assert await health.missing() == []  # others may log out
    session.trouble = LoginRefused("status 401: check the password")
    await until(lambda: link.refused_at is not None)
    assert await health.missing() == []
    async with asyncio.timeout(10):
        while not (lines := await health.missing()):
            await clock.sleep(5)
    assert lines[0].startswith("link sw-1 has been refused the login for ")
    assert lines[0].endswith(" s: status 401: check the password")
    assert health.stuck() == []  # a restart cures nothing
    session.trouble = ConnectionLost("nobody there")
    await until(lambda: link.error == "nobody there")
    assert len(await health.missing()) == 1
    session.trouble = None
    await until(lambda: link.contact is Contact.CONNECTED)
    assert await health.missing() == []
    await link.stop()
    await run


async def test_a_link_that_neither_works_nor_reports_is_named(store: Store, journal: WriteJournal) -> None:
    clock = Clock(speed=1000)
    stuck, other = Link("sw-1", Session(), clock), Link("sw-2", Session(), clock)
    health = Health([stuck, other], store, journal, clock, None)
    await clock.sleep(stuck.longest_silence_s * 1.01)
    other.progressed = clock.monotonic()
    (line,) = await health.missing()
    assert line.startswith("link sw-1 has neither worked nor reported for ")
    assert line.endswith(" s")


async def test_a_consequence_that_never_ends_shows_as_a_silent_link(store: Store, journal: WriteJournal) -> None:
    """A consumer that blocks for good holds the link; the watchdog must hear of it."""
    clock = Clock(speed=1000)
    link = Link("sw-1", Session(), clock)

    async def for_ever() -> None:
        await asyncio.Event().wait()

    async def read_and_hang() -> object:
        return for_ever

    link.add_scan(Scan("ports", 1.0, lambda: [read_and_hang]))  # type: ignore[arg-type]
    health = Health([link], store, journal, clock, None)
    run = asyncio.create_task(link.run())
    async with asyncio.timeout(10):
        while not (lines := await health.missing()):
            await clock.sleep(10)
    assert lines[0].startswith("link sw-1 has neither")
    run.cancel()
    await asyncio.wait([run])


async def test_epics_that_is_not_served(store: Store, journal: WriteJournal) -> None:
    assert await Health([], store, journal, Clock(), lambda: False).missing() == [
        "EPICS is not served: its IOC is being started"
    ]
    assert await Health([], store, journal, Clock(), None).missing() == []


async def test_a_store_that_another_process_locks(tmp_path: Path, store: Store, journal: WriteJournal) -> None:
    health = Health([], store, journal, Clock(), None)
    holder = sqlite3.connect(tmp_path / "vigilia.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert await health.missing() == ["the store takes nothing: database is locked"]
    holder.execute("ROLLBACK")
    holder.close()
    assert await health.missing() == []


async def test_a_store_whose_file_is_gone_or_another(tmp_path: Path, store: Store, journal: WriteJournal) -> None:
    health, path, away = Health([], store, journal, Clock(), None), tmp_path / "vigilia.db", tmp_path / "away.db"
    assert await health.missing() == []
    path.rename(away)
    (line,) = await health.missing()
    assert line.startswith(f"the store takes nothing: {path} is away")
    path.write_bytes(away.read_bytes())
    (line,) = await health.missing()
    assert line.startswith(f"the store takes nothing: {path} was replaced")
    away.replace(path)
    assert await health.missing() == []


@pytest.mark.parametrize(("free", "flags", "said"), [(2_000, 0, "is full"), (10**6, os.ST_RDONLY, "is read-only")])
async def test_a_disk_that_takes_nothing(
    free: int, flags: int, said: str, store: Store, journal: WriteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = os.statvfs_result((4096, 4096, 10**7, free, free, 0, 0, 0, flags, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: disk)
    (line,) = await Health([], store, journal, Clock(), None).missing()
    assert said in line


async def test_an_audit_that_the_store_refuses(
    tmp_path: Path, store: Store, journal: WriteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store seems well, and yet takes no record: the journal is the evidence."""
    monkeypatch.setattr(module, "_RETRY_S", 0.02)
    health = Health([], store, journal, Clock(), None)
    other = sqlite3.connect(tmp_path / "vigilia.db", isolation_level=None)
    other.execute("ALTER TABLE chosen RENAME TO hidden")
    run = asyncio.create_task(journal.run())
    journal.asked(SEL, 1, 0, ANA)
    await until(lambda: journal.missing() != [])
    assert await health.missing() == ["the audit waits on disk, for the store does not take it: no such table: chosen"]
    other.execute("ALTER TABLE hidden RENAME TO chosen")
    other.close()
    await until(lambda: journal.missing() == [])
    assert await health.missing() == []
    run.cancel()
    await asyncio.wait([run])


async def test_an_audit_that_does_not_move(
    store: Store, journal: WriteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST_WAIT_S", 0.01)
    health = Health([], store, journal, Clock(), None)
    journal.asked(SEL, 1, 0, ANA)
    await until(lambda: journal.missing() != [])
    (line,) = await health.missing()
    assert line.startswith("the audit has waited for the store for ")
    await journal.drain()
    assert await health.missing() == []


async def test_an_audit_that_lost_records(store: Store, journal: WriteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    health = Health([], store, journal, Clock(), None)
    while not journal.dropped:
        journal.asked(SEL, 1, 0, ANA)
    await journal.drain()
    assert await health.missing() == ["audit records were lost, 1 since the start: the log has them"]
    monkeypatch.setattr(module, "_TELL_DROPPED_S", 0.0)
    assert await health.missing() == []
