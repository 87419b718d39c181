"""The store: what must survive a crash, in one small transactional database, SQLite or PostgreSQL.

What a call has returned from is on the disk.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.errors import StartError
from vigilia.points import Point, Value
from vigilia.spool import Record
from vigilia.store import known, schema
from vigilia.store.auditing import EVERY_WRITE, AuditFilter, audit_row
from vigilia.store.faults import StoreError, reason, store_errors
from vigilia.store.migrate import check_newest, migrate
from vigilia.store.place import WRITES, Place
from vigilia.store.records import RefusedRecordError, put, put_or_skip
from vigilia.store.sqlite import SqlitePlace
from vigilia.store.url import POSTGRESQL, SQLITE, shown

_logger = logging.getLogger(__name__)

Row = dict[str, Any]

_WRITES_KEPT = 100_000
"""How many writes the audit keeps. A crash has the spool repeat at most half of its 50 MB, some 75,000 writes: none of
them is forgotten here by then, and so none is taken for a new one."""
_CLOSE_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """The last value somebody wrote to a set point."""

    value: Value
    confirmed: bool


@dataclass(frozen=True, slots=True)
class PointChanges:
    """How a driver's points differ from those it had at the last start."""

    new: int
    gone: int


class Store:
    """The open database. Made by `Store.open`; every method may raise StoreError."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._engine = place.engine
        self._writer = asyncio.Lock()

    @classmethod
    async def open(cls, url: str) -> "Store":
        """Open the database at `url`, and make or migrate its schema. A damaged SQLite file is set aside first.

        Raises StartError where it cannot be opened or is newer than the program, AlreadyRunning where it is PostgreSQL
        and another instance has it.
        """
        async with AsyncExitStack() as undo:
            try:
                with store_errors():
                    place = await _place_of(url)
                    undo.push_async_callback(place.close)
                    async with place.engine.execution_options(**{WRITES: True}).begin() as connection:
                        await connection.run_sync(migrate)
                        await place.check_start(connection)
            except (StoreError, OSError) as error:
                raise StartError(f"the store {_named(url)} cannot be opened: {error}: {_way_out(url)}") from error
            undo.pop_all()
        return cls(place)

    @classmethod
    async def look(cls, url: str) -> "Store":
        """Open the database at `url` to read it, beside the service that has it or without one.

        Raises StartError where there is none, or none that this version can read.
        """
        return await cls._beside(url, writes=False)

    @classmethod
    async def join(cls, url: str) -> "Store":
        """Open the database at `url` to write a little, beside the service that has it or without one.

        Raises StartError where there is none, or none that this version can read.
        """
        return await cls._beside(url, writes=True)

    @classmethod
    async def _beside(cls, url: str, *, writes: bool) -> "Store":
        if url.startswith(POSTGRESQL):
            from vigilia.store.postgresql import PostgresPlace

            place: Place = PostgresPlace(url, beside=True)
        else:
            place = SqlitePlace.beside(url, writes=writes)
        store = cls(place)
        try:
            async with store.reading() as connection:
                await connection.run_sync(check_newest)
        except (StoreError, OSError) as error:
            await store.close()
            raise StartError(f"the store {_named(url)} cannot be read: {error}: {_way_out(url)}") from error
        except StartError:
            await store.close()
            raise
        return store

    @property
    def set_aside(self) -> str:
        """Where the damaged state was put that was found at the start; empty where it was whole, or new."""
        return self._place.set_aside

    async def close(self) -> None:
        """Close the database, or leave it to the end of the process where that takes too long; nothing is lost."""
        try:
            await asyncio.wait_for(self._place.close(), _CLOSE_WAIT_S)
        except (TimeoutError, DBAPIError) as error:
            _logger.warning("the store could not be closed: %s", reason(error) or "no answer in time")

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """Give a connection to read with. Raises StoreError for what the database refuses within."""
        with store_errors():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection]:
        """Give a connection whose changes are kept together at the end, or not at all where anything is raised.

        No other write transaction runs meanwhile: what is read within stays true until the end. Raises StoreError for
        what the database refuses.
        """
        with store_errors():
            async with self._writer:
                await self._place.check()
                async with self._engine.execution_options(**{WRITES: True}).begin() as connection:
                    await self._place.begin_write(connection)
                    yield connection

    async def check(self) -> None:
        """Raise StoreError unless the database would take a write: there, not locked, writable, with room."""
        with store_errors():
            await self._place.check()
            self._place.check_room()
            async with self._engine.connect() as connection:
                # It deletes nothing, but it reads the table and takes the lock for writing, and gives it back.
                await connection.execute(delete(schema.audit).where(schema.audit.c.id < 0))

    async def record_writes(self, records: Sequence[Record]) -> None:
        """Put the journal's records into the audit and the chosen set points, in one transaction.

        A record that is already there changes nothing, so that a repetition after a crash is harmless. One that no
        store would take is logged and skipped. Of the audit the newest 100,000 writes are kept.
        """
        try:
            await self._put(records, put)
        except RefusedRecordError:  # rare: only now is a savepoint for each record worth its time
            await self._put(records, put_or_skip)

    async def _put(
        self, records: Sequence[Record], put_one: Callable[[AsyncConnection, Record], Awaitable[None]]
    ) -> None:
        async with self.writing() as connection:
            for record in records:
                await put_one(connection, record)
            # Ids grow by one: neither this nor the deletion looks at more than what goes.
            newest = select(func.max(schema.audit.c.id)).scalar_subquery()
            await connection.execute(delete(schema.audit).where(schema.audit.c.id <= newest - _WRITES_KEPT))

    async def close_orphans(self) -> None:
        """Say of writes that a crash left without an answer that nobody knows how they ended."""
        async with self.writing() as connection:
            await connection.execute(
                update(schema.audit)
                .where(schema.audit.c.outcome.is_(None))
                .values(outcome="unknown", detail="the service ended before the answer came")
            )

    async def chosen(self) -> dict[str, Chosen]:
        """Return the last value written to each set point, by point name."""
        async with self.reading() as connection:
            rows = await connection.execute(select(schema.chosen))
            return {row.point: Chosen(row.value, row.confirmed) for row in rows}

    async def audit(
        self, wanted: AuditFilter = EVERY_WRITE, *, before: int | None = None, limit: int = 100
    ) -> list[Row]:
        """Return the writes that are wanted, the newest first: with an id below `before`, at most `limit`."""
        query = select(schema.audit).where(*wanted.conditions()).order_by(schema.audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(schema.audit.c.id < before)
        async with self.reading() as connection:
            return [audit_row(row) for row in (await connection.execute(query)).mappings()]

    async def remember_points(self, driver: str, points: Sequence[Point], now: float) -> PointChanges:
        """Keep `points` as the ones `driver` has; say how many are new and how many are gone since the last start."""
        table = schema.known_points
        names = {point.name for point in points}
        async with self.writing() as connection:
            before = set(await connection.scalars(select(table.c.name).where(table.c.driver == driver)))
            for name in before - names:
                await connection.execute(delete(table).where(table.c.name == name))
            await known.remember(connection, driver, points, now)
        return PointChanges(new=len(names - before), gone=len(before - names))

    async def add_points(self, driver: str, points: Sequence[Point], now: float) -> None:
        """Keep `points` besides those that `driver` has already, or in place of those of the same names."""
        async with self.writing() as connection:
            await known.add(connection, driver, points, now)

    async def known_points(self, driver: str) -> list[Point]:
        """Return the points that `driver` had; a definition this version cannot read is logged and left out."""
        async with self.reading() as connection:
            return await known.recall(connection, driver)


async def _place_of(url: str) -> Place:
    if url.startswith(POSTGRESQL):
        from vigilia.store.postgresql import PostgresPlace

        return await PostgresPlace.open(url)
    return await SqlitePlace.open(url)


def _named(url: str) -> str:
    return shown(url).removeprefix(SQLITE)


def _way_out(url: str) -> str:
    if url.startswith(POSTGRESQL):
        return "check that the server runs there, and [store] url"
    return "check the file, its rights, and the room on its disk"
