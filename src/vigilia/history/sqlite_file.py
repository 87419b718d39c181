"""One connection to the history's file, and the thread that it lives in: nothing in it holds the loop up.

The file may go away, be replaced, be locked or be damaged under a running service: each call says so in a sentence,
and the first one after things are in order again works.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from vigilia.errors import StartError
from vigilia.history.backend import HistoryError
from vigilia.history.sqlite_schema import check_revision, migrate
from vigilia.store.damage import set_aside, set_aside_if_damaged
from vigilia.store.file import is_still, seen_by_readers

T = TypeVar("T")

DEADLINE_S = 10.0
_GRACE_S = 5.0
"""So much longer the loop waits than SQLite may work: it cannot be interrupted while it waits for the disk."""
_LOCK_WAIT_S = 4.0
_STEPS_BETWEEN_LOOKS = 100_000
"""SQLite asks so often whether its time is over: about every millisecond."""
_LEAST_FREE_BYTES = 20_000_000
"""The history leaves this much of the disk to others: the store counts it as full at half of that."""
_WAL_BYTES = 64_000_000

_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_FULL)
"""Errors after which a connection is as good as before."""
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Lane:
    """A connection and its thread: what is given to it is done one after the other."""

    def __init__(self, path: Path, *, writes: bool, deadline_s: float = DEADLINE_S) -> None:
        """Prepare a lane for the file at `path`; one that `writes` makes it where it is not there, the first time."""
        self.set_aside = ""
        self._path = path
        self._writes = writes
        self._deadline_s = deadline_s
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, ...] | None = None
        self._log_identity: tuple[int, int] | None = None
        self._damage = ""
        self._closing = False
        self._thread = ThreadPoolExecutor(1, f"history-{'writer' if writes else 'reader'}")

    async def open(self) -> None:
        """Connect. Raises StartError for a schema that is not ours, HistoryError where the file cannot be used now."""
        await self._in_thread(self._open)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the connection; return what it returns. Raises HistoryError."""

        def done() -> T:
            try:
                return self._do(work)
            except StartError as error:  # it was replaced by a file that cannot be used
                raise HistoryError(str(error)) from error

        return await self._in_thread(done)

    async def close(self) -> None:
        """Part from the file, at the latest after the deadline; what is still being done there is broken off."""
        self._closing = True
        try:
            await self._in_thread(self._part)
        except HistoryError:
            pass  # its thread is held up by the disk: the process ends without it
        finally:
            self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._deadline_s + _GRACE_S):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except TimeoutError as error:
            raise HistoryError(f"the history {self._path} gives no answer: check its disk") from error

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._errors():
            self._check_place()
        connection = self._connection or self._open()
        until = time.monotonic() + self._deadline_s
        with self._errors():
            connection.set_progress_handler(lambda: self._closing or time.monotonic() > until, _STEPS_BETWEEN_LOOKS)
            if self._writes:
                self._check_room()
            return work(connection)

    def _open(self) -> sqlite3.Connection:
        with self._errors():
            if self._writes:
                self._make_ready()
            self._connection = self._connected()
            self._identity = self._seen()
            return self._connection

    def _make_ready(self) -> None:
        """Make the folder the first time, and put a damaged file aside."""
        if self._identity is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._damage:
            self.set_aside = set_aside(self._path, "history", self._damage)
            self._damage, self._identity = "", None
        else:
            self.set_aside = set_aside_if_damaged(self._path, "history") or self.set_aside

    def _connected(self) -> sqlite3.Connection:
        mode = "rwc" if self._writes else "ro&immutable=1" if is_still(self._path) else "ro"
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode={mode}", uri=True, timeout=_LOCK_WAIT_S, isolation_level=None
        )
        try:
            if self._writes:
                _set_up(connection)
                with transaction(connection):
                    migrate(connection, str(self._path))
            else:
                check_revision(connection, str(self._path))
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_place(self) -> None:
        """See that the file is still the one that was opened; of another the next call is told by itself."""
        if self._identity is None:
            return
        try:
            found = self._seen()
        except FileNotFoundError as error:
            raise HistoryError(
                f"the history {self._path} is away: put it back, or restart the service to begin another"
            ) from error
        if found == self._identity:
            if self._writes:
                self._log_identity = _identity_of_log(self._path) or self._log_identity
            return
        self._part()
        if self._writes and self._log_identity and _identity_of_log(self._path) == self._log_identity:
            # The old file's log: SQLite would take it for the new one's, and damage that with it.
            Path(f"{self._path}-wal").unlink(missing_ok=True)
        self._identity = self._log_identity = None

    def _seen(self) -> tuple[int, ...]:
        """Return what is another where the file must be opened anew."""
        return _identity(self._path) if self._writes else seen_by_readers(self._path)

    def _check_room(self) -> None:
        disk = os.statvfs(self._path)
        if disk.f_bavail * disk.f_frsize < _LEAST_FREE_BYTES:
            raise HistoryError(f"the disk of the history {self._path} is full: make room")

    def _part(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.set_progress_handler(None, 0)
            connection.close()

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Raise HistoryError for what SQLite or the disk refuses within."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says more of the same
            if code in _DAMAGE and self._writes:
                self._damage = str(error)
            if code not in _PASSING:
                self._part()
            raise HistoryError(f"the history {self._path} {self._says(code, error)}") from error
        except OSError as error:
            raise HistoryError(f"the history {self._path} cannot be used ({error.strerror}): check its disk") from error

    def _says(self, code: int, error: sqlite3.Error) -> str:
        match code:
            case sqlite3.SQLITE_FULL:
                return "does not fit its disk any more: make room"
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return "is locked by another program: end it, or wait until it is done"
            case sqlite3.SQLITE_INTERRUPT:
                return f"took longer than {self._deadline_s:g} s for this: ask for less, or check its disk"
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return f"is damaged ({error})"
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
                return f"cannot be opened for this ({error}): check the file, its rights and those of its folder"
            case _:
                # A disk's quota and a file's size limit are I/O errors too.
                return f"does not take this ({error}): check its disk, and the room on it"


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Keep everything that is written within, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself where the disk was full
            connection.execute("ROLLBACK")
        raise


def _set_up(connection: sqlite3.Connection) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"journal_size_limit = {_WAL_BYTES}",
        "cache_size = -32000",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _identity_of_log(path: Path) -> tuple[int, int] | None:
    try:
        return _identity(Path(f"{path}-wal"))
    except FileNotFoundError:
        return None
