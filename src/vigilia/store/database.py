"""The store: what must survive a crash, in one small transactional database.

SQLite in WAL mode with synchronous FULL, so that what a call has returned from is on the disk.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, delete, event, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from vigilia.clock import iso
from vigilia.errors import StartError
from vigilia.points import Point, Value
from vigilia.spool import Record
from vigilia.store import known, schema
from vigilia.store.file import DatabaseFile, StoreError
from vigilia.store.migrate import migrate
from vigilia.store.records import RefusedRecordError, put, put_or_skip

_logger = logging.getLogger(__name__)

Row = dict[str, Any]

_WRITES_KEPT = 100_000
"""How many writes the audit keeps. A crash has the spool repeat at most half of its 50 MB, some 75,000 writes: none of
them is forgotten here by then, and so none is taken for a new one."""
_LOCK_WAIT_MS = 1500
"""How long SQLite waits for another's lock. It cannot be interrupted meanwhile, and a stop has 10 s in all."""
_CLOSE_WAIT_S = 2.0
_CONNECTION_WAIT_S = 2.0
"""How long a call waits for one of the few connections, where others have them all."""


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

    def __init__(self, engine: AsyncEngine, file: DatabaseFile) -> None:
        self._engine = engine
        self._writer = asyncio.Lock()
        self._file = file

    @classmethod
    async def open(cls, url: str) -> "Store":
        """Open the database at `url`, and make or migrate its schema.

        Raises StartError where it cannot be opened or is newer than the program.
        """
        path = Path(url.removeprefix("sqlite:///"))  # not parsed as a URL: a file's name may have a question mark
        location = URL.create("sqlite+aiosqlite", database=str(path))
        engine = create_async_engine(location, pool_timeout=_CONNECTION_WAIT_S)
        event.listen(engine.sync_engine, "connect", _set_up_connection)
        event.listen(engine.sync_engine, "begin", _begin)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            async with engine.begin() as connection:
                await connection.run_sync(migrate)
            return cls(engine, DatabaseFile(path))
        except (DBAPIError, OSError) as error:
            await engine.dispose()
            raise StartError(
                f"the store {path} cannot be opened: {_reason(error)}: check the file and its rights"
            ) from error
        except StartError:
            await engine.dispose()
            raise

    async def close(self) -> None:
        """Close the database, or leave it to the end of the process where that takes too long; nothing is lost."""
        try:
            await asyncio.wait_for(self._engine.dispose(), _CLOSE_WAIT_S)
        except (TimeoutError, DBAPIError) as error:
            _logger.warning("the store could not be closed: %s", _reason(error) or "no answer in time")

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """Give a connection to read with. Raises StoreError for what the database refuses within."""
        with _store_errors():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection]:
        """Give a connection whose changes are kept together at the end, or not at all where anything is raised.

        No other `writing` runs meanwhile. Raises StoreError for what the database refuses.
        """
        with _store_errors():
            self._file.check_place()
            async with self._writer, self._engine.begin() as connection:
                yield connection

    async def check(self) -> None:
        """Raise StoreError unless the database would take a write: there, not locked, writable, with room."""
        with _store_errors():
            self._file.check_place()
            self._file.check_room()
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
        with _store_errors():
            async with self._engine.connect() as connection:
                rows = await connection.execute(select(schema.chosen))
                return {row.point: Chosen(row.value, row.confirmed) for row in rows}

    async def audit(self, *, point: str = "", before: int | None = None, limit: int = 100) -> list[Row]:
        """Return writes, the newest first: of `point`, with an id below `before`, at most `limit`."""
        query = select(schema.audit).order_by(schema.audit.c.id.desc()).limit(limit)
        if point:
            query = query.where(schema.audit.c.point == point)
        if before is not None:
            query = query.where(schema.audit.c.id < before)
        with _store_errors():
            async with self._engine.connect() as connection:
                return [_audit_row(row) for row in (await connection.execute(query)).mappings()]

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


@contextmanager
def _store_errors() -> Generator[None]:
    """Turn what goes wrong between us and the database into StoreError."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(_reason(error)) from error
    except NoFreeConnection as error:
        raise StoreError(f"it answers too slowly: no connection was free for {_CONNECTION_WAIT_S:g} s") from error


def _audit_row(row: Mapping[Any, Any]) -> Row:
    answered = row["answered_at"]
    return {
        "id": row["id"],
        "time": iso(row["asked_at"]),
        "point": row["point"],
        "value": row["value"],
        "previous": row["previous"],
        "via": row["via"],
        "user": row["user"],
        "host": row["host"],
        "outcome": row["outcome"],
        "detail": row["detail"],
        "answered": None if answered is None else iso(answered),
    }


def _set_up_connection(connection: Any, _record: object) -> None:
    # By itself the sqlite3 module begins no transaction before DDL: a migration that is killed would be half there.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_LOCK_WAIT_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _reason(error: BaseException) -> str:
    """Return the database's own words, without SQLAlchemy's statement and parameters."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)
