"""What a restart of the service may cure, and what it would only make worse."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conftest import until
from vigilia.clock import Clock
from vigilia.health import Health
from vigilia.link import Link
from vigilia.spool import Spool
from vigilia.store import Store, WriteJournal


class Session:
    sessions = 0
    deadline_s = open_deadline_s = 0.05

    async def open(self) -> None:
        pass

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


def health_of(store: Store, spool: Spool, *links: Link, clock: Clock | None = None) -> Health:
    """The health of a watch whose IOC is being replaced."""
    clock = clock or Clock()
    return Health(links, store, WriteJournal(spool, store, clock), clock, lambda: False)


async def test_a_link_that_hangs_is_a_reason_to_restart(store: Store, spool: Spool) -> None:
    clock = Clock(speed=1000)
    link = Link("sw-1", Session(), clock)
    health = health_of(store, spool, link, clock=clock)
    assert health.stuck() == [], "an IOC that is being replaced is none"
    await clock.sleep(link.longest_silence_s * 1.01)
    (line,) = health.stuck()
    assert line.startswith("link sw-1 has neither worked nor reported for ")


async def test_a_store_that_refuses_is_no_reason_to_restart(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilia.health._STORE_SILENCE_S", 0.0)
    monkeypatch.setattr("vigilia.health._STORE_PERIOD_S", 60.0)
    path = tmp_path / "vigilia.db"
    store = await Store.open(f"sqlite:///{path}")
    await store.close()
    for old in tmp_path.iterdir():
        old.unlink()
    path.mkdir()
    health = health_of(store, spool)
    watch = asyncio.create_task(health.watch_store())
    await asyncio.sleep(0)
    await until(lambda: not health.stuck())  # it refused, which is an answer
    assert not watch.done()
    assert await health.missing() != []
    watch.cancel()
    await asyncio.wait([watch])
    await store.close()


async def test_a_store_that_gives_no_answer_at_all_is_a_reason_to_restart(
    store: Store, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilia.health._STORE_SILENCE_S", 0.05)
    health = health_of(store, spool)
    # All its connections are taken and never come back: the check waits in line for one.
    async with AsyncExitStack() as held:
        for _ in range(15):
            await held.enter_async_context(store.reading())
        watch = asyncio.create_task(health.watch_store())
        await until(lambda: bool(health.stuck()))
        (line,) = health.stuck()
        assert line.startswith("the store has given no answer for ")
    await until(lambda: not health.stuck())
    watch.cancel()
    await asyncio.wait([watch])
