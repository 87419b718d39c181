"""A store in an SQLite file: WAL mode with synchronous FULL, so that what a call has returned from is on the disk."""

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from vigilia.errors import StartError
from vigilia.store.damage import set_aside_if_damaged
from vigilia.store.file import DatabaseFile, is_still
from vigilia.store.place import WRITES
from vigilia.store.text import to_json
from vigilia.store.url import SQLITE

_LOCK_WAIT_MS = 1500
"""How long SQLite waits for another's lock. It cannot be interrupted meanwhile, and a stop has 10 s in all."""
_CONNECTION_WAIT_S = 2.0
"""How long a call waits for one of the few connections, where others have them all."""


class SqlitePlace:
    """The Place of a store in an SQLite file."""

    def __init__(self, path: Path, set_aside: str, *, looking: bool = False) -> None:
        self.name = str(path)
        self.set_aside = set_aside
        self.engine = create_async_engine(
            _looking_at(path) if looking else URL.create("sqlite+aiosqlite", database=str(path)),
            json_serializer=to_json,
            pool_timeout=_CONNECTION_WAIT_S,
        )
        self._path = path
        self._file: DatabaseFile | None = None
        event.listen(self.engine.sync_engine, "connect", _set_up_reader if looking else _set_up_connection)
        event.listen(self.engine.sync_engine, "begin", _begin)

    @classmethod
    async def open(cls, url: str) -> "SqlitePlace":
        """Prepare the file that `url` names; a damaged one is set aside. Raises StartError or OSError."""
        path = Path(url.removeprefix(SQLITE))  # not parsed as a URL: a file's name may have a question mark
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(path, await asyncio.to_thread(set_aside_if_damaged, path, "store"))

    @classmethod
    def beside(cls, url: str, *, writes: bool) -> "SqlitePlace":
        """Return the place of a file that another program may have; who does not write only reads.

        Raises StartError where there is none.
        """
        path = Path(url.removeprefix(SQLITE))
        if not path.is_file():
            raise StartError(
                f"there is no store at {path}: name the configuration that the service runs with, as its user"
            )
        return cls(path, "", looking=not writes)

    async def check_start(self, connection: AsyncConnection) -> None:
        """Write into the file's header: a lock alone would not tell of a full disk."""
        await connection.exec_driver_sql("PRAGMA user_version = 1")
        self._file = DatabaseFile(self._path)

    async def check(self) -> None:
        """Raise StoreError where the file was deleted or replaced."""
        if self._file is not None:
            self._file.check_place()

    def check_room(self) -> None:
        """Raise StoreError where the disk is read-only or full."""
        if self._file is not None:
            self._file.check_room()

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Do nothing: SQLite has one writer at a time, and the transaction has begun as one that writes."""

    async def close(self) -> None:
        """Close the file."""
        await self.engine.dispose()


def _set_up_connection(connection: Any, _record: object) -> None:
    # By itself the sqlite3 module begins no transaction before DDL: a migration that is killed would be half there.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_LOCK_WAIT_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _looking_at(path: Path) -> URL:
    """Return the address under which SQLite opens a file to read it; nothing is written into it."""
    only = {"mode": "ro", "uri": "true"}
    if is_still(path):
        only["immutable"] = "1"
    return URL.create("sqlite+aiosqlite", database=path.resolve().as_uri(), query=only)


def _set_up_reader(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_LOCK_WAIT_MS}").close()


def _begin(connection: Connection) -> None:
    # One that is to write takes the lock first: whoever has read, and meets what another program wrote since, is
    # refused at once and waits for nothing.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
