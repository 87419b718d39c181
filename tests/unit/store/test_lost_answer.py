"""A COMMIT whose answer is lost: nobody knows whether it was carried out, and still nothing is told twice or never."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from tests.conftest import until
from tests.unit.store.postgresql import Cluster
from vigilia.alarms.keeper import Keeper
from vigilia.alarms.keeping import Changes
from vigilia.clock import Clock
from vigilia.notices import Notice, NoticeKind
from vigilia.points import Severity
from vigilia.store import Store, StoreError, schema
from vigilia.store.alarmjournal import JournalEntry, JournalEvent

ALARM = "port@sw-1:1:PwrState-Raw"


class Wire:
    """The network between us and a server, which can be pulled at a COMMIT: before the server has it, or after."""

    def __init__(self, port: int) -> None:
        self.pull_at = ""
        """"asked": the COMMIT never arrives. "answered": its answer does not. Empty: all is well."""
        self.pulled = 0
        self._port = port
        self._carrying: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def laid(self) -> AsyncGenerator[int]:
        """Carry what comes to the port that is given, until the end of the block."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._carrying:
                task.cancel()
            await asyncio.gather(*self._carrying, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._carrying.add(asyncio.create_task(self._carry(reader, writer)))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(self._copy(there_reader, writer))
        try:
            while data := await reader.read(65_536):
                if self.pull_at and b"COMMIT" in data:
                    await self._pull(back, data, there_reader, there_writer)
                    return
                there_writer.write(data)
        finally:
            back.cancel()
            there_writer.close()
            writer.close()

    async def _pull(
        self, back: asyncio.Task[None], commit: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        back.cancel()
        await asyncio.gather(back, return_exceptions=True)
        if self.pull_at == "answered":
            writer.write(commit)
            assert b"COMMIT" in await reader.read(65_536)
        self.pull_at = ""
        self.pulled += 1

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)


@pytest.fixture
async def wire(cluster: Cluster) -> Wire:
    return Wire(cluster.port)


@pytest.fixture
async def store(cluster: Cluster, wire: Wire) -> AsyncIterator[Store]:
    direct = cluster.fresh()
    async with wire.laid() as port:
        store = await Store.open(direct.replace(f":{urlsplit(direct).port}/", f":{port}/"))
        yield store
        await store.close()


def raised(incident: str) -> Changes:
    """What a new alarm of `incident` causes: a notice and an entry of the journal."""
    changes = Changes("test")
    notice = Notice(NoticeKind.RAISED, "Port", "", "sw-1:1", 1.0, Severity.MINOR, alarm=ALARM, incident=incident)
    changes.notices.append(notice)
    entry = JournalEntry(1.0, ALARM, JournalEvent.RAISED, Severity.MINOR, incident=incident)
    changes.entries.append(entry)
    return changes


def keeper_of(store: Store) -> Keeper:
    return Keeper(store, Clock(), lambda _: ("teams",), lambda _: None, lambda: None)


async def kept(store: Store) -> tuple[list[str], list[str]]:
    """Return the incidents that notices were queued for, and those the journal speaks of."""
    outbox, journal = schema.outbox.c, schema.alarm_journal.c
    async with store.reading() as connection:
        told = await connection.scalars(select(outbox.incident).order_by(outbox.id))
        written = await connection.scalars(select(journal.incident).order_by(journal.id))
        return list(told), list(written)


@pytest.mark.parametrize("pull_at", ["asked", "answered"])
async def test_an_alarm_is_kept_once(wire: Wire, store: Store, pull_at: str) -> None:
    keeper = keeper_of(store)
    keeper.add(raised("first"))
    wire.pull_at = pull_at
    with pytest.raises(StoreError):
        await keeper.drain()
    keeper.add(raised("second"))
    running = asyncio.create_task(keeper.run())
    await until(lambda: keeper.waiting == 0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert wire.pulled == 1
    assert await kept(store) == (["first", "second"], ["first", "second"])


@pytest.mark.parametrize("pull_at", ["asked", "answered"])
async def test_what_may_be_kept_is_not_taken_out_of_the_line(wire: Wire, store: Store, pull_at: str) -> None:
    """An act that was refused, for its answer did not come in time, is undone after it: the journal has both."""
    keeper, act, undone = keeper_of(store), raised("act"), raised("undone")
    keeper.add(act)
    wire.pull_at = pull_at
    with pytest.raises(StoreError):
        await keeper.drain()
    keeper.revoke(act, undone)
    await drained(keeper)
    assert (await kept(store))[1] == ["act", "undone"]


async def drained(keeper: Keeper) -> None:
    """Keep everything, though a connection of the pool may turn out to be lost."""
    for _ in range(5):
        try:
            await keeper.drain()
        except StoreError:
            await asyncio.sleep(0)
        else:
            return
    raise AssertionError(keeper.failure)


async def test_what_was_surely_not_kept_is(store: Store) -> None:
    keeper, act = keeper_of(store), raised("act")
    keeper.add(act)
    keeper.revoke(act, raised("undone"))
    await drained(keeper)
    async with store.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(schema.outbox)) == 0
