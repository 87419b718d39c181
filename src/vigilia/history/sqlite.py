"""A history in an SQLite file: one thread writes, another reads, and neither waits for the other."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self, TypeVar

from vigilia.errors import StartError
from vigilia.history import sqlite_read
from vigilia.history.backend import HistoryError, Keeping, PointInfo, Question, Row, Series
from vigilia.history.sqlite_file import Lane
from vigilia.history.sqlite_rollups import Upkeep, roll_point
from vigilia.history.sqlite_rows import Writer

T = TypeVar("T")

SQLITE = "sqlite:///"
_REST = 2.0
"""How much longer than it worked maintenance rests, for the watch has the same processor."""


class SqliteHistory:
    """The Backend of a history in an SQLite file."""

    def __init__(self, path: Path, writer: Lane | None, reader: Lane, keeping: Keeping) -> None:
        """Take over two lanes of the file at `path`; one that is only looked at has no `writer`."""
        self.name = str(path)
        self._writer = writer
        self._reader = reader
        self._rows = Writer()
        self._upkeep = Upkeep(keeping)
        self._one_round = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, keeping: Keeping) -> Self:
        """Open the file that `url` names, or make it; a damaged one is set aside.

        Raises StartError where this program must not use it, HistoryError where it cannot be used now.
        """
        path = _path(url)
        writer, reader = Lane(path, writes=True), Lane(path, writes=False)
        try:
            await writer.open()
            await reader.open()
        except BaseException:
            await writer.close()
            await reader.close()
            raise
        return cls(path, writer, reader, keeping)

    @classmethod
    async def look(cls, url: str) -> Self:
        """Open the file that `url` names for reading only, beside the service or without it.

        Raises StartError where there is none or this program cannot read it, HistoryError where it cannot be read now.
        """
        path = _path(url)
        if not path.is_file():
            raise StartError(
                f"there is no history at {path}: name the configuration that the service runs with, as its user"
            )
        reader = Lane(path, writes=False)
        try:
            await reader.open()
        except BaseException:
            await reader.close()
            raise
        return cls(path, None, reader, Keeping(0, 0, 0))

    @property
    def set_aside(self) -> str:
        """Where the damaged file was put that was found at the path; empty where it was whole, or new."""
        return self._writer.set_aside if self._writer else ""

    async def describe(self, points: Sequence[PointInfo]) -> None:
        """Keep what is known of points."""
        await self._write(lambda connection: self._rows.describe(connection, points))

    async def write(self, rows: Sequence[Row]) -> None:
        """Keep rows, all or none, on the disk. Raises RefusedRowsError or HistoryError."""
        await self._write(lambda connection: self._rows.write(connection, rows))
        await self._move_on()

    async def read(self, question: Question) -> Series:
        """Return a series at the finest resolution that answers the question."""
        try:
            return await self._reader.run(lambda connection: sqlite_read.read(connection, question))
        except sqlite_read.NotRolledUpError as behind:
            point = behind.point
        if self._writer is None:
            raise HistoryError(f"{question.point} has readings that are not summed up yet: ask again in a minute")
        # After an import: whoever asks first has this point's rollups made at once.
        while await self._write(lambda connection: roll_point(connection, point)):
            pass
        try:
            return await self._reader.run(lambda connection: sqlite_read.read(connection, question))
        except sqlite_read.NotRolledUpError as error:
            raise HistoryError(f"{question.point} gets more readings than can be summed up: ask again later") from error

    async def rows(self, point: str, start_ms: int, end_ms: int, most: int) -> Sequence[Row]:
        """Return up to `most` rows of a point as they were kept, in order."""
        return await self._reader.run(lambda connection: sqlite_read.rows(connection, point, start_ms, end_ms, most))

    async def latest(self) -> Sequence[Row]:
        """Return the newest row of every point."""
        return await self._reader.run(sqlite_read.latest)

    async def points(self) -> Sequence[PointInfo]:
        """Return what is known of the points that have rows, or were described."""
        return await self._reader.run(sqlite_read.points)

    async def maintain(self, now_ms: int) -> None:
        """Bring the rollups up to date, and drop what is past its keeping; writes get their turn in between."""
        upkeep = self._upkeep
        async with self._one_round:
            await self._write(self._rows.count)
            await self._move_on()
            upkeep.begin(now_ms)
            await self._piece_by_piece(lambda connection: upkeep.roll_some(connection, now_ms))
            await self._piece_by_piece(upkeep.merge_some)
            await self._write(lambda connection: upkeep.end_keeping(connection, now_ms))
            await self._piece_by_piece(upkeep.drop_some)

    async def close(self) -> None:
        """Let go of the file; the last to do so leaves nothing beside it."""
        await self._reader.close()
        if self._writer:
            await self._writer.close()

    async def _piece_by_piece(self, work: Callable[[sqlite3.Connection], bool]) -> None:
        """Do work until there is no more of it, with rests: after a first scan it takes minutes of the processor."""
        while True:
            began = time.monotonic()
            if not await self._write(work):
                return
            await asyncio.sleep(_REST * (time.monotonic() - began))

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._writer is None:
            raise HistoryError(f"the history {self.name} was opened for reading only: the service writes it")
        return await self._writer.run(work)

    async def _move_on(self) -> None:
        while self._rows.behind:
            await self._write(self._rows.move_run)


def _path(url: str) -> Path:
    """Return the file that an address names. Raises StartError."""
    path = url.removeprefix(SQLITE)  # not parsed as a URL: a file's name may have a question mark
    if path == url or not path:
        raise StartError(f"{url!r} names no SQLite file: write {SQLITE} and its path")
    return Path(path)
