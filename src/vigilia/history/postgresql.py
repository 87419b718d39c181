"""A history in a PostgreSQL database: partitions by time, rollups, and a door for agents that write by themselves."""

import json
from collections.abc import Sequence
from typing import Any, Self, cast

from vigilia.errors import StartError
from vigilia.history import postgresql_read, postgresql_write
from vigilia.history.acceptance import check_rows
from vigilia.history.backend import Keeping, PointInfo, Question, RefusedRowsError, Row, Series
from vigilia.history.postgresql_partitions import AHEAD_MS, SAMPLES
from vigilia.history.postgresql_rollup import Rounds, drop_old
from vigilia.history.postgresql_schema import LOCKS, MAINTAINING
from vigilia.history.postgresql_server import Server, TablesGoneError
from vigilia.store.text import storable
from vigilia.store.url import check

_POINTS = "SELECT name, kind, units, description, device, link, area, system, labels FROM points ORDER BY name"
_WAITING = "SELECT DISTINCT date_bin($1::int * interval '1 day', time, 'epoch') FROM samples_default"


class PostgresHistory:
    """The Backend in PostgreSQL 14 or newer. Several may work on one database at once."""

    def __init__(self, url: str, keeping: Keeping, *, looking: bool = False) -> None:
        try:
            check(url)
        except ValueError as error:
            raise StartError(f"the address of the history {error}") from error
        self._server = Server(url, looking=looking)
        self._keeping = keeping
        self._rounds = Rounds()
        self._partitions: set[int] = set()
        """Where those of `samples` begin, as far as is known. If one is gone, its rows wait in the default one."""
        self._in_vain: set[int] = set()
        """Those that could not be made: maintenance tries again, not every write."""
        self.name = self._server.name

    @classmethod
    async def open(cls, url: str, keeping: Keeping) -> Self:
        """Connect, and make the tables or bring them to the newest revision. Raises StartError or HistoryError."""
        history = cls(url, keeping)
        await history._reach()
        return history

    @classmethod
    async def look(cls, url: str) -> Self:
        """Connect in order to read; nothing is made. Raises StartError or HistoryError."""
        history = cls(url, Keeping(0, 0, 0), looking=True)
        await history._reach()
        return history

    async def describe(self, points: Sequence[PointInfo]) -> None:
        """Keep what is known of points, in place of what was known of those of the same names."""
        async with self._server.writing() as connection:
            try:
                await postgresql_write.describe(connection, points)
            except self._server.refusals as error:
                raise RefusedRowsError(f"the history {self.name} will never take these points: {error}") from error

    async def write(self, rows: Sequence[Row]) -> None:
        """Keep rows, all or none; they are on the server's disk then. Raises RefusedRowsError or HistoryError."""
        check_rows(rows)
        if not rows:
            return
        try:
            await self._write(rows)
        except TablesGoneError:  # somebody emptied the database under our feet
            self._partitions, self._in_vain = set(), set()
            await self._write(rows)

    async def read(self, question: Question) -> Series:
        """Return a series at the finest resolution that answers the question; extremes are kept at every one."""
        async with self._server.reading() as connection:
            return await postgresql_read.read(connection, question)

    async def rows(self, point: str, start_ms: int, end_ms: int, most: int) -> Sequence[Row]:
        """Return up to `most` rows of a point as they were kept, in order."""
        async with self._server.reading() as connection:
            return await postgresql_read.rows(connection, storable(point), start_ms, end_ms, most)

    async def latest(self) -> Sequence[Row]:
        """Return the newest row of every point."""
        async with self._server.reading() as connection:
            return await postgresql_read.latest(connection)

    async def points(self) -> Sequence[PointInfo]:
        """Return what is known of the points that have rows, or were described."""
        async with self._server.reading() as connection:
            found = await connection.fetch(_POINTS)
        return [PointInfo._make((*record[:-1], _labels(record[-1]))) for record in found]

    async def maintain(self, now_ms: int) -> None:
        """Bring the rollups up to date, also for rows that others wrote, and drop what is past its keeping.

        While another program does that in this database, there is nothing to do.
        """
        async with self._server.maintaining() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCKS, MAINTAINING):
                return
            try:
                await self._maintain(connection, now_ms)
            finally:
                if not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock($1, $2)", LOCKS, MAINTAINING)

    async def close(self) -> None:
        """Let go of the database."""
        await self._server.close()

    async def _write(self, rows: Sequence[Row]) -> None:
        async with self._server.writing() as connection:
            await self._make_partitions(connection, {SAMPLES.start_of(row.time_ms) for row in rows})
            try:
                await postgresql_write.insert(connection, rows)
            except self._server.refusals as error:
                raise RefusedRowsError(f"the history {self.name} will never take these rows: {error}") from error

    async def _reach(self) -> None:
        try:
            async with self._server.reading():
                pass
        except BaseException:
            await self._server.close()
            raise

    async def _maintain(self, connection: Any, now_ms: int) -> None:
        self._partitions, self._in_vain = await SAMPLES.present(connection), set()
        waiting = {record[0] for record in await connection.fetch(_WAITING, SAMPLES.days)}
        ahead = {SAMPLES.start_of(moment) for moment in range(now_ms, now_ms + AHEAD_MS, SAMPLES.width_ms)}
        await self._make_partitions(connection, waiting | ahead)
        await self._rounds.roll_up(connection, now_ms)
        await drop_old(connection, self._keeping, now_ms)
        self._partitions = await SAMPLES.present(connection)

    async def _make_partitions(self, connection: Any, starts: set[int]) -> None:
        """Make partitions of samples; where somebody is in the way, the rows wait in the default one."""
        if starts <= self._partitions | self._in_vain:
            return
        try:
            self._partitions = await SAMPLES.make(connection, starts)
        except self._server.busy:
            self._partitions = await SAMPLES.present(connection)
        self._in_vain |= starts - self._partitions


def _labels(text: str) -> tuple[str, ...]:
    """Return an enum's labels; none where somebody wrote what are no labels."""
    try:
        labels = json.loads(text)
    except ValueError:
        return ()
    return tuple(str(label) for label in cast("list[object]", labels)) if isinstance(labels, list) else ()
