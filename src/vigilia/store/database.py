"""The store: what must survive a crash, in one small transactional database.

SQLite in WAL mode with synchronous FULL, so that what a call has returned from is on the disk.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, delete, event, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from vigilia.clock import iso
from vigilia.errors import StartError, VigiliaError
from vigilia.points import Point, Value
from vigilia.spool import Record
from vigilia.store import known, schema
from vigilia.store.migrate import migrate

_logger = logging.getLogger(__name__)

Row = dict[str, Any]


class StoreError(VigiliaError):
    """The database did not take or give something; it may later."""


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

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = asyncio.Lock()

    @classmethod
    async def open(cls, url: str) -> "Store":
        """Open the database at `url`, and make or migrate its schema.

        Raises StartError where it cannot be opened or is newer than the program.
        """
        path = Path(url.removeprefix("sqlite:///"))  # not parsed as a URL: a file's name may have a question mark
        engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)))
        event.listen(engine.sync_engine, "connect", _set_up_connection)
        event.listen(engine.sync_engine, "begin", _begin)
        store = cls(engine)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            async with engine.begin() as connection:
                await connection.run_sync(migrate)
        except (DBAPIError, OSError) as error:
            await engine.dispose()
            raise StartError(
                f"the store {path} cannot be opened: {_reason(error)}: check the file and its rights"
            ) from error
        except StartError:
            await engine.dispose()
            raise
        return store

    async def close(self) -> None:
        """Close the database."""
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """Give a connection to read with. Raises StoreError for what the database refuses within."""
        try:
            async with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreError(_reason(error)) from error

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection]:
        """Give a connection whose changes are kept together at the end, or not at all where anything is raised.

        No other `writing` runs meanwhile. Raises StoreError for what the database refuses.
        """
        try:
            async with self._writer, self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreError(_reason(error)) from error

    async def check(self) -> None:
        """Raise StoreError unless the database answers."""
        try:
            async with self._engine.connect() as connection:
                await connection.execute(select(1))
        except DBAPIError as error:
            raise StoreError(_reason(error)) from error

    async def record_writes(self, records: Iterable[Record]) -> None:
        """Put the journal's records into the audit and the chosen set points, in one transaction.

        A record that is already there changes nothing, so that a repetition after a crash is harmless.
        """
        try:
            async with self._engine.begin() as connection:
                for record in records:
                    await _record(connection, record)
        except DBAPIError as error:
            raise StoreError(_reason(error)) from error

    async def close_orphans(self) -> None:
        """Say of writes that a crash left without an answer that nobody knows how they ended."""
        try:
            async with self._engine.begin() as connection:
                await connection.execute(
                    update(schema.audit)
                    .where(schema.audit.c.outcome.is_(None))
                    .values(outcome="unknown", detail="the service ended before the answer came")
                )
        except DBAPIError as error:
            raise StoreError(_reason(error)) from error

    async def chosen(self) -> dict[str, Chosen]:
        """Return the last value written to each set point, by point name."""
        try:
            async with self._engine.connect() as connection:
                rows = await connection.execute(select(schema.chosen))
                return {row.point: Chosen(row.value, row.confirmed) for row in rows}
        except DBAPIError as error:
            raise StoreError(_reason(error)) from error

    async def audit(self, *, point: str = "", before: int | None = None, limit: int = 100) -> list[Row]:
        """Return writes, the newest first: of `point`, with an id below `before`, at most `limit`."""
        query = select(schema.audit).order_by(schema.audit.c.id.desc()).limit(limit)
        if point:
            query = query.where(schema.audit.c.point == point)
        if before is not None:
            query = query.where(schema.audit.c.id < before)
        try:
            async with self._engine.connect() as connection:
                return [_audit_row(row) for row in (await connection.execute(query)).mappings()]
        except DBAPIError as error:
            raise StoreError(_reason(error)) from error

    async def remember_points(self, driver: str, points: Sequence[Point], now: float) -> PointChanges:
        """Keep `points` as the ones `driver` has; say how many are new and how many are gone since the last start."""
        table = schema.known_points
        names = {point.name for point in points}
        try:
            async with self._engine.begin() as connection:
                before = set(await connection.scalars(select(table.c.name).where(table.c.driver == driver)))
                for name in before - names:
                    await connection.execute(delete(table).where(table.c.name == name))
                await known.remember(connection, driver, points, now)
        except DBAPIError as error:
            raise StoreError(_reason(error)) from error
        return PointChanges(new=len(names - before), gone=len(before - names))

    async def add_points(self, driver: str, points: Sequence[Point], now: float) -> None:
        """Keep `points` besides those that `driver` has already, or in place of those of the same names."""
        async with self.writing() as connection:
            await known.add(connection, driver, points, now)

    async def known_points(self, driver: str) -> list[Point]:
        """Return the points that `driver` had; a definition this version cannot read is logged and left out."""
        async with self.reading() as connection:
            return await known.recall(connection, driver)


async def _record(connection: AsyncConnection, record: Record) -> None:
    try:
        if record["event"] == "asked":
            await _record_asked(connection, record)
        else:
            await _record_answered(connection, record)
    except KeyError as error:  # one record must not hold up all that follow it, at this start and at every other
        _logger.error("a damaged record of the journal is skipped, for it lacks %s: %s", error, record)


async def _record_asked(connection: AsyncConnection, record: Record) -> None:
    columns = ("write_id", "asked_at", "point", "value", "previous", "via", "user", "host")
    fresh = await connection.execute(
        insert(schema.audit).values({name: record[name] for name in columns}).on_conflict_do_nothing()
    )
    if not record["chosen"] or not fresh.rowcount:
        return
    choice = {
        "value": record["value"],
        "chosen_at": record["asked_at"],
        "write_id": record["write_id"],
        "confirmed": False,
    }
    await connection.execute(
        insert(schema.chosen)
        .values(point=record["point"], **choice)
        .on_conflict_do_update(index_elements=[schema.chosen.c.point], set_=choice)
    )


async def _record_answered(connection: AsyncConnection, record: Record) -> None:
    await connection.execute(
        update(schema.audit)
        .where(schema.audit.c.write_id == record["write_id"])
        .values(outcome=record["outcome"], detail=record["detail"], answered_at=record["answered_at"])
    )
    if record["outcome"] == "confirmed":
        await connection.execute(
            update(schema.chosen).where(schema.chosen.c.write_id == record["write_id"]).values(confirmed=True)
        )


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
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _reason(error: BaseException) -> str:
    """Return the database's own words, without SQLAlchemy's statement and parameters."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)
