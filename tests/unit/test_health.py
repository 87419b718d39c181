"""Health: evidence of progress, and sentences for what is missing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vigilia.clock import Clock
from vigilia.errors import ConnectionLost
from vigilia.health import Health
from vigilia.link import Link
from vigilia.scan import Scan
from vigilia.store import Store


class Session:
    sessions = 0
    deadline_s = open_deadline_s = 0.05

    def __init__(self, *, answers: bool = True) -> None:
        self.answers = answers

    async def open(self) -> None:
        if not self.answers:
            raise ConnectionLost("refused")

    async def close(self, *, lost: bool) -> None:
        pass


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield store
    await store.close()


async def read() -> None:
    await asyncio.sleep(0)


async def test_a_watch_that_works_lacks_nothing(store: Store) -> None:
    clock = Clock(speed=1000)
    link = Link("sw-1", Session(), clock)
    link.add_scan(Scan("ports", 1.0, lambda: [read]))
    health = Health([link], store, clock, lambda: True)
    run = asyncio.create_task(link.run())
    for _ in range(5):
        await clock.sleep(link.longest_silence_s / 2)
        assert await health.missing() == []
    await link.stop()
    await run


async def test_equipment_that_is_down_is_no_fault_of_a_watch_that_says_so(store: Store) -> None:
    clock = Clock(speed=1000)
    link = Link("sw-1", Session(answers=False), clock)
    health = Health([link], store, clock, None)
    run = asyncio.create_task(link.run())
    for _ in range(5):
        await clock.sleep(link.longest_silence_s / 2)
        assert await health.missing() == []
    await link.stop()
    await run


async def test_a_link_that_neither_works_nor_reports_is_named(store: Store) -> None:
    clock = Clock(speed=1000)
    stuck, other = Link("sw-1", Session(), clock), Link("sw-2", Session(), clock)
    health = Health([stuck, other], store, clock, None)
    await clock.sleep(stuck.longest_silence_s * 1.01)
    other.progressed = clock.monotonic()
    (line,) = await health.missing()
    assert line.startswith("link sw-1 has neither worked nor reported for ")
    assert line.endswith(" s")


async def test_a_consequence_that_never_ends_shows_as_a_silent_link(store: Store) -> None:
    """A consumer that blocks for good holds the link; the watchdog must hear of it."""
    clock = Clock(speed=1000)
    link = Link("sw-1", Session(), clock)

    async def for_ever() -> None:
        await asyncio.Event().wait()

    async def read_and_hang() -> object:
        return for_ever

    link.add_scan(Scan("ports", 1.0, lambda: [read_and_hang]))  # type: ignore[arg-type]
    health = Health([link], store, clock, None)
    run = asyncio.create_task(link.run())
    async with asyncio.timeout(10):
        while not (lines := await health.missing()):
            await clock.sleep(10)
    assert lines[0].startswith("link sw-1 has neither")
    run.cancel()
    await asyncio.wait([run])


async def test_epics_that_is_not_served(store: Store) -> None:
    assert await Health([], store, Clock(), lambda: False).missing() == [
        "EPICS is not served: its IOC is being started"
    ]
    assert await Health([], store, Clock(), None).missing() == []


async def test_a_store_that_does_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "vigilia.db"
    store = await Store.open(f"sqlite:///{path}")
    await store.close()
    for old in tmp_path.iterdir():
        old.unlink()
    path.mkdir()
    (line,) = await Health([], store, Clock(), None).missing()
    assert line.startswith("the store does not answer: unable to open database file")
    await store.close()
