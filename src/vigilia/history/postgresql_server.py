"""Connections to the PostgreSQL server of a history: made when they are needed, and again when they were lost."""

import asyncio
import importlib
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from vigilia.errors import StartError
from vigilia.history.backend import HistoryError
from vigilia.history.postgresql_schema import NEWEST, check_revision, migrate, revision
from vigilia.store.text import storable
from vigilia.store.url import shown

ANSWER_WAIT_S = 10.0
"""A question or a write that takes longer is given up."""
MAINTENANCE_WAIT_S = 120.0
"""One piece of maintenance that takes longer is given up."""
_CONNECT_WAIT_S = 5.0
_LOCK_WAIT_MS = 2000
_CLOSE_WAIT_S = 2.0
_MOST_CONNECTIONS = {"read": 4, "write": 2, "maintain": 1}
_EPOCH_US = 946_684_800_000_000
"""PostgreSQL counts microseconds from the year 2000."""

_SESSION = {
    "timezone": "UTC",
    "lock_timeout": str(_LOCK_WAIT_MS),
    "idle_in_transaction_session_timeout": "60000",
    "synchronous_commit": "on",  # what a call has returned from is on the disk
    "plan_cache_mode": "force_custom_plan",  # a plan for the times asked for touches only their partitions
    "jit": "off",  # over many partitions it takes longer than the answer
    # A connection that the network lost without a word is noticed within a minute.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


class Connection:
    """A connection that is cut off when the work with it is cancelled.

    The driver would have the server end what it does, and undo it, and wait for both: one that hangs answers neither.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.transaction = connection.transaction
        self.is_closed = connection.is_closed

    async def execute(self, *statement: Any) -> Any:
        """Run a statement; return the word for what it did."""
        return await self._answer(self._connection.execute(*statement))

    async def executemany(self, *statement: Any) -> None:
        """Run a statement for each of many sets of arguments."""
        await self._answer(self._connection.executemany(*statement))

    async def fetch(self, *question: Any) -> Any:
        """Return all rows."""
        return await self._answer(self._connection.fetch(*question))

    async def fetchrow(self, *question: Any) -> Any:
        """Return the first row; None where there is none."""
        return await self._answer(self._connection.fetchrow(*question))

    async def fetchval(self, *question: Any) -> Any:
        """Return what is first in the first row; None where there is none."""
        return await self._answer(self._connection.fetchval(*question))

    async def _answer(self, answer: Awaitable[Any]) -> Any:
        try:
            return await answer
        except asyncio.CancelledError:
            self._connection.terminate()
            raise


class Server:
    """The server of one history. With `looking` nothing is written, and no table made."""

    def __init__(self, url: str, *, looking: bool) -> None:
        self.name = shown(url)
        self.asyncpg = _asyncpg()
        self.refusals = (self.asyncpg.DataError, self.asyncpg.IntegrityConstraintViolationError)
        """What the server says of rows that no column of ours can hold, or that a constraint forbids."""
        self.busy = (self.asyncpg.LockNotAvailableError, self.asyncpg.DeadlockDetectedError)
        """What it says where another transaction is in the way."""
        self._url = url
        self._looking = looking
        self._checked = False
        self._checking = asyncio.Lock()
        self._pools: dict[str, Any] = {}

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Any]:
        """Give a connection that sees one state of the tables and writes nothing. Raises HistoryError."""
        async with (
            self._connection("read") as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[Any]:
        """Give a connection to write with, outside any transaction. Raises HistoryError."""
        async with self._connection("write") as connection:
            yield connection

    @asynccontextmanager
    async def maintaining(self) -> AsyncGenerator[Any]:
        """Give a connection whose statements may take long, outside any transaction. Raises HistoryError."""
        async with self._connection("maintain") as connection:
            yield connection

    async def close(self) -> None:
        """Let go of every connection; what still works after a moment is cut off."""
        for pool in self._pools.values():
            try:
                await asyncio.wait_for(pool.close(), _CLOSE_WAIT_S)
            except (TimeoutError, self.asyncpg.PostgresError, self.asyncpg.InterfaceError, OSError):
                pool.terminate()
        self._pools.clear()

    @asynccontextmanager
    async def _connection(self, work: str) -> AsyncGenerator[Connection]:
        task = asyncio.current_task()
        cancels = task.cancelling() if task else 0
        try:
            with self._errors():
                pool = self._pool(work)
                async with self._checking:
                    await pool  # which makes no connection yet
                async with pool.acquire(timeout=ANSWER_WAIT_S) as connection:
                    impatient = Connection(connection)
                    try:
                        await self._check(impatient)
                        yield impatient
                    except asyncio.CancelledError:
                        connection.terminate()
                        raise
        except HistoryError as error:
            if task and task.cancelling() > cancels:
                raise asyncio.CancelledError from None  # the error is what came of that
            if isinstance(error, TablesGoneError):
                self._checked = False  # somebody emptied the database: the next call makes the tables
            raise

    async def _check(self, connection: Any) -> None:
        """See once after every lost connection that the tables are there, and no newer than the program."""
        async with self._checking:
            if self._checked:
                return
            if not self._looking:
                await migrate(connection, self.name)
            else:
                found = await revision(connection)
                check_revision(self.name, found)
                if found < NEWEST:
                    raise HistoryError(
                        f"the history {self.name} has revision {found or 'none'}, and this program reads {NEWEST}: "
                        "start the service with this version once"
                    )
            self._checked = True

    def _pool(self, work: str) -> Any:
        """Return the connections for some work; none is made yet."""
        if work not in self._pools:
            wait_s = MAINTENANCE_WAIT_S if work == "maintain" else ANSWER_WAIT_S
            self._pools[work] = self.asyncpg.create_pool(
                min_size=0,
                max_size=_MOST_CONNECTIONS[work],
                connect=self._connect,
                init=self._prepare,
                reset=_leave_as_it_is,
                command_timeout=wait_s + 2,
                server_settings={
                    **_SESSION,
                    "statement_timeout": str(int(wait_s * 1000)),  # the server gives up before we do
                    "application_name": storable(f"vigilia history, PID {os.getpid()} on {socket.gethostname()}")[:63],
                    "default_transaction_read_only": "on" if self._looking else "off",
                },
            )
        return self._pools[work]

    async def _connect(self, *_: Any, **options: Any) -> Any:
        self._checked = False  # it may be another database by now
        try:
            return await self.asyncpg.connect(self._url, timeout=_CONNECT_WAIT_S, **options)
        except TimeoutError as error:
            raise HistoryError(f"the history {self.name} gives no answer for {_CONNECT_WAIT_S:g} s") from error
        except ValueError as error:
            raise HistoryError(f"the history {self.name} cannot be reached: {error}") from error

    async def _prepare(self, connection: Any) -> None:
        """Have a connection speak of times in milliseconds since 1970."""
        await connection.set_type_codec(
            "timestamptz",
            schema="pg_catalog",
            format="tuple",
            encoder=_from_ms,
            decoder=_to_ms,
        )

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Raise HistoryError for what goes wrong between us and the server."""
        known = self.asyncpg
        try:
            yield
        except (known.UndefinedTableError, known.UndefinedFunctionError, known.InvalidSchemaNameError) as error:
            raise TablesGoneError(f"the history {self.name} lost its tables: {error}") from error
        except known.InsufficientPrivilegeError as error:
            raise HistoryError(
                f"the history {self.name} refuses: {error}; the role must own its tables, and may need "
                "GRANT CREATE ON SCHEMA public"
            ) from error
        except (known.QueryCanceledError, TimeoutError) as error:
            raise HistoryError(
                f"the history {self.name} gives no answer in time: {str(error) or 'nothing was said'}"
            ) from error
        except (known.PostgresError, known.InterfaceError, OSError) as error:
            raise HistoryError(f"the history {self.name}: {str(error) or 'the connection is lost'}") from error


class TablesGoneError(HistoryError):
    """A table of ours is not there."""


def _from_ms(time_ms: int) -> tuple[int]:
    return (time_ms * 1000 - _EPOCH_US,)


def _to_ms(time_us: tuple[int]) -> int:
    return (time_us[0] + _EPOCH_US) // 1000


async def _leave_as_it_is(connection: Any) -> None:
    """Do nothing when a connection goes back: what we do with one leaves nothing behind."""


def _asyncpg() -> Any:
    """Return the package, whose types are not declared. Raises StartError where it is missing."""
    try:
        return importlib.import_module("asyncpg")
    except ModuleNotFoundError as error:
        raise StartError(
            'for PostgreSQL the Python package asyncpg is missing: run pip install "vigilia[server,postgres]"'
        ) from error
