"""The file of the ledger: one SQLite database in which every write is on the disk when it returns."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vigilia.agent.limits import Boot
from vigilia.errors import StartError, VigiliaError
from vigilia.points import Value

Result = TypeVar("Result")
Statement = tuple[str, tuple[Any, ...]]

_MOST_ROWS = 200_000
"""Of a table; the oldest go first. A day can hold no more doses than that, however small: each takes a second."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS boots (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL, last REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL);
CREATE TABLE IF NOT EXISTS doses (
  id INTEGER PRIMARY KEY, output TEXT NOT NULL, command TEXT NOT NULL, "by" TEXT NOT NULL, asked_ml REAL NOT NULL,
  counted_ml REAL NOT NULL, confirmed_ml REAL, total_before REAL, total_after REAL, outcome TEXT NOT NULL,
  detail TEXT NOT NULL, boot INTEGER NOT NULL, begun REAL NOT NULL, ended REAL, time_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refusals (
  id INTEGER PRIMARY KEY, output TEXT NOT NULL, command TEXT NOT NULL, "by" TEXT NOT NULL, asked_ml REAL NOT NULL,
  reason TEXT NOT NULL, time_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
  id INTEGER PRIMARY KEY, output TEXT NOT NULL, streak INTEGER NOT NULL, boot INTEGER NOT NULL, begun REAL NOT NULL,
  charged_s REAL NOT NULL, time_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS commands (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, output TEXT NOT NULL, time_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outputs (
  name TEXT PRIMARY KEY, streak INTEGER NOT NULL, wanted TEXT NOT NULL, latched TEXT NOT NULL, older_ml REAL NOT NULL);
"""


class LedgerError(VigiliaError):
    """The ledger cannot be written; what was to be recorded was not, and must not be done."""


@dataclass(slots=True)
class Dose:
    """One dose in the ledger."""

    id: int
    output: str
    by: str
    asked_ml: float
    counted_ml: float
    total_before: float | None
    boot: int
    begun: float
    ended: float | None = None
    """Seconds since the boot at which it ended; None: it has not, or nobody knows."""


@dataclass(slots=True)
class Run:
    """One time that an output was on. What is charged is counted, whether it was used or not."""

    id: int
    output: str
    streak: int
    boot: int
    begun: float
    charged_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What an output must not forget."""

    streak: int = 0
    """Counts the times that it was switched off on purpose, by people or as its loop found it enough: time on is summed
    since then."""
    wanted: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """What people last set."""
    latched: str = ""
    """Why it is safe and stays so; empty: it is not."""


class LedgerFile:
    """The database. Reading it whole is for the start; writing is done in a thread of its own."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises StartError where that cannot be."""
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
            self._prune()
        except sqlite3.Error as error:
            raise StartError(
                f"{path} cannot be used as the ledger of doses ({error}): make room, check its rights, or move it away"
            ) from error

    async def close(self) -> None:
        """Close the file; nothing where it is closed."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._in_thread(self._database.close)
        finally:
            self._thread.shutdown(wait=False)

    def boots(self) -> list[Boot]:
        """Return all boots, in their order."""
        return [Boot(*row) for row in self._database.execute("SELECT id, last, low, high FROM boots ORDER BY number")]

    def doses(self) -> list[Dose]:
        """Return the doses, in their order."""
        query = 'SELECT id, output, "by", asked_ml, counted_ml, total_before, boot, begun, ended FROM doses ORDER BY id'
        return [Dose(*row) for row in self._database.execute(query)]

    def totals(self) -> dict[str, float]:
        """Return what each output ever gave, ml."""
        totals: dict[str, float] = {}
        query = "SELECT output, sum(counted_ml) FROM doses GROUP BY output UNION ALL SELECT name, older_ml FROM outputs"
        for output, ml in self._database.execute(query):
            totals[output] = totals.get(output, 0.0) + ml
        return totals

    def runs(self) -> list[Run]:
        """Return the times that outputs were on, in their order."""
        query = "SELECT id, output, streak, boot, begun, charged_s FROM runs ORDER BY id"
        return [Run(*row) for row in self._database.execute(query)]

    def commands(self) -> set[str]:
        """Return the ids of the commands that were taken."""
        return {row[0] for row in self._database.execute("SELECT id FROM commands")}

    def memories(self) -> dict[str, Memory]:
        """Return what each output must not forget."""
        query = "SELECT name, streak, wanted, latched FROM outputs"
        return {
            name: Memory(streak, json.loads(wanted), latched)
            for name, streak, wanted, latched in self._database.execute(query)
        }

    async def write(self, statements: Sequence[Statement]) -> None:
        """Do all of `statements` or none; they are on the disk when this returns. Raises LedgerError."""
        try:
            await self._in_thread(lambda: self.commit(statements))
        except (sqlite3.Error, RuntimeError) as error:  # the latter: it is closed
            raise LedgerError(f"the ledger of doses cannot be written ({error}): make room on the disk") from error

    def commit(self, statements: Sequence[Statement]) -> None:
        """Do `statements` in one transaction, in this thread. Raises sqlite3.Error."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in statements:
                self._database.execute(statement, values)
            self._database.execute("COMMIT")
        except sqlite3.Error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def _prune(self) -> None:
        """Delete the oldest rows; what they say of the total of an output is kept."""
        last = self._database.execute("SELECT coalesce(max(id), 0) FROM doses").fetchone()[0] - _MOST_ROWS
        self.commit(
            [
                (
                    "INSERT INTO outputs SELECT output, 0, '{}', '', sum(counted_ml) FROM doses WHERE id <= ?"
                    " GROUP BY output ON CONFLICT (name) DO UPDATE SET older_ml = older_ml + excluded.older_ml",
                    (last,),
                ),
                ("DELETE FROM doses WHERE id <= ?", (last,)),
                *(
                    (f"DELETE FROM {table} WHERE rowid <= (SELECT max(rowid) FROM {table}) - ?", (_MOST_ROWS,))  # noqa: S608 - ours
                    for table in ("refusals", "runs", "commands")
                ),
            ]
        )

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
