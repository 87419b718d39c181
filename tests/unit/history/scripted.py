"""A database of readings that obeys a script: it is away, refuses rows, or takes its time, when the test says so."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from vigilia.history.backend import HistoryError, Keeping, PointInfo, Question, RefusedRowsError, Row, Series
from vigilia.history.packing import ALARM, Column, pack
from vigilia.points import Severity, Status
from vigilia.spool import Record

KEEPING = Keeping(1, 1, 1)


def packed(rows: Sequence[Row], now: float) -> Record:
    """Rows as a record of the spool: of each point in their order."""
    columns: dict[str, Column] = {}
    for row in rows:
        moments, values, alarms = columns.setdefault(row.point, ([], [], []))
        moments.append(row.time_ms / 1000)
        values.append(row.value if row.text is None else row.text)
        alarms.append(row.severity * ALARM + row.status)
    return pack(columns, now)


class ScriptedHistory:
    """Keeps rows in an SQLite file, as plainly as can be."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.away = ""
        """Why it takes nothing; empty: it does."""
        self.bad: Callable[[Row], bool] = lambda _row: False
        """Which rows it never takes."""
        self.described: list[list[PointInfo]] = []
        self.sizes: list[int] = []
        """How many rows each write had that was done."""
        self.order: list[Row] = []
        """Every row that was written, repetitions included."""
        self.maintained: list[int] = []
        self.opened = self.closed = 0
        self.wait: asyncio.Event | None = None
        """What a write waits for."""
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS samples(point, time, value, text, severity, status, PRIMARY KEY(point, time))"
        )

    async def open(self) -> Self:
        """Count, and be away if the script says so."""
        self._check()
        self.opened += 1
        return self

    async def describe(self, points: Sequence[PointInfo]) -> None:
        self._check()
        self.described.append(list(points))

    async def write(self, rows: Sequence[Row]) -> None:
        if self.wait is not None:
            await self.wait.wait()
        self._check()
        if wrong := next((row for row in rows if self.bad(row)), None):
            raise RefusedRowsError(f"{wrong.point} is not to my taste")
        with self._file:
            self._file.execute("BEGIN")
            self._file.executemany("INSERT OR REPLACE INTO samples VALUES(?, ?, ?, ?, ?, ?)", rows)
            self._file.execute("COMMIT")
        self.sizes.append(len(rows))
        self.order += rows

    async def read(self, question: Question) -> Series:
        self._check()
        return Series(question.point, 0, [])

    async def rows(self, point: str, start_ms: int, end_ms: int, most: int) -> Sequence[Row]:
        found = self._file.execute(
            "SELECT * FROM samples WHERE point = ? AND time BETWEEN ? AND ? ORDER BY time LIMIT ?",
            (point, start_ms, end_ms, most),
        )
        return [Row(*row[:4], Severity(row[4]), Status(row[5])) for row in found]

    async def latest(self) -> Sequence[Row]:
        return []

    async def points(self) -> Sequence[PointInfo]:
        return [info for infos in self.described for info in infos]

    async def maintain(self, now_ms: int) -> None:
        self._check()
        self.maintained.append(now_ms)

    async def close(self) -> None:
        self.closed += 1

    def end(self) -> None:
        """Close the file, at the end of the test."""
        self._file.close()

    def _check(self) -> None:
        if self.away:
            raise HistoryError(self.away)
