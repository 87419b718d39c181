"""A store in a PostgreSQL database: one service at a time, and one write transaction at a time."""

import importlib
import os
import socket
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from vigilia.errors import AlreadyRunning, StartError
from vigilia.language import tr
from vigilia.store.faults import StoreError
from vigilia.store.text import storable, to_json
from vigilia.store.url import shown

_LOCKS = 0x56696769
"""The first key of our advisory locks in the database: "Vigi". The second says which of the two it is."""
_INSTANCE, _WRITER = 1, 2
_CONNECT_WAIT_S = 5.0
_ANSWER_WAIT_S = 5.0
_LOCK_WAIT_MS = 1500
"""As with SQLite: a stop has 10 s in all."""
_CONNECTION_WAIT_S = 2.0
_MOST_CONNECTIONS = 4

_SESSION = {
    "lock_timeout": str(_LOCK_WAIT_MS),
    "statement_timeout": str(int(_ANSWER_WAIT_S * 1000 * 0.8)),  # the server gives up before we do
    "idle_in_transaction_session_timeout": "60000",
    "synchronous_commit": "on",  # what a call has returned from is on the disk
    # A machine that lost its power gives its locks back within a minute.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

_TAKE = "SELECT pg_advisory_lock($1, $2)"
_HOLDER = """
    SELECT activity.application_name
    FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE locktype = 'advisory' AND classid = $1 AND objid = $2 AND objsubid = 2 AND granted
      AND activity.datname = current_database()
"""
_BEGIN_WRITE = text("SELECT pg_advisory_xact_lock(:locks, :lock)")
_STILL_OURS = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = :locks AND objid = :lock"
    " AND objsubid = 2 AND granted AND pid = :pid)"
)


class PostgresPlace:
    """The Place of a store in a PostgreSQL database.

    A connection of its own holds the advisory lock that keeps other services out. The server takes the lock back when
    that connection ends, however the process dies.
    """

    set_aside = ""

    def __init__(self, url: str, *, beside: bool = False) -> None:
        self._url = url
        self._beside = beside
        """Whether it is a command's, which writes a little beside the service that has the database."""
        self.name = shown(url)
        self._asyncpg = _asyncpg()
        self._holder: Any = None
        self.engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            json_serializer=to_json,
            pool_size=_MOST_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_CONNECTION_WAIT_S,
            pool_pre_ping=True,  # a server that was restarted costs no error
        )

    @classmethod
    async def open(cls, url: str) -> "PostgresPlace":
        """Take the database for this service alone. Raises StartError, AlreadyRunning or StoreError."""
        place = cls(url)
        await place._hold()
        return place

    async def check_start(self, connection: AsyncConnection) -> None:
        """Write a row as it is, which a server that only reads refuses."""
        await connection.execute(text("UPDATE alembic_version SET version_num = version_num"))

    async def check(self) -> None:
        """Take the lock again where its connection was lost. Raises StoreError, also where another service has it."""
        if not self._beside and (self._holder is None or self._holder.is_closed()):
            try:
                await self._hold()
            except AlreadyRunning as error:
                raise StoreError(str(error)) from error

    def check_room(self) -> None:
        """Do nothing: the server's disk cannot be seen from here."""

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Wait for other write transactions, and see that the server still counts the instance's lock as ours."""
        await connection.execute(_BEGIN_WRITE, {"locks": _LOCKS, "lock": _WRITER})
        if self._beside:
            return
        holder = self._holder
        pid = None if holder is None or holder.is_closed() else holder.get_server_pid()
        ours = {"locks": _LOCKS, "lock": _INSTANCE, "pid": pid}
        if pid is None or not await connection.scalar(_STILL_OURS, ours):
            if holder is not None:
                holder.terminate()
            raise StoreError("the server took back the lock that keeps other instances out; it is taken again")

    async def close(self) -> None:
        """Close every connection; the lock is free then."""
        try:
            await self.engine.dispose()
        finally:
            if self._holder is not None:
                self._holder.terminate()

    async def _hold(self) -> None:
        connection = await self._connect()
        try:
            # It waits a moment: the server may not have noticed yet that the service before was killed.
            await connection.execute(_TAKE, _LOCKS, _INSTANCE)
        except self._asyncpg.LockNotAvailableError:
            holder = await connection.fetchval(_HOLDER, _LOCKS, _INSTANCE)
            connection.terminate()
            raise AlreadyRunning(
                tr("Another instance is running: {holder} holds {store}").format(holder=holder or "?", store=self.name)
            ) from None
        except (self._asyncpg.PostgresError, self._asyncpg.InterfaceError, OSError) as error:
            connection.terminate()
            raise StoreError(str(error) or "the server gives no answer") from error
        self._holder = connection

    async def _connect(self) -> Any:
        """Return a new connection to the server. Raises StoreError."""
        name = storable(f"PID {os.getpid()} on {socket.gethostname()}")[:63]
        try:
            return await self._asyncpg.connect(
                self._url,
                timeout=_CONNECT_WAIT_S,
                command_timeout=_ANSWER_WAIT_S,
                server_settings={**_SESSION, "application_name": name},
            )
        except TimeoutError as error:
            raise StoreError(f"the server gives no answer for {_CONNECT_WAIT_S:g} s") from error
        except (self._asyncpg.PostgresError, self._asyncpg.InterfaceError, OSError, ValueError) as error:
            raise StoreError(str(error)) from error


def _asyncpg() -> Any:
    """Return the package, whose types are not declared. Raises StartError where it is missing."""
    try:
        return importlib.import_module("asyncpg")
    except ModuleNotFoundError as error:
        raise StartError(
            'for PostgreSQL the Python package asyncpg is missing: run pip install "vigilia[server,postgres]"'
        ) from error
