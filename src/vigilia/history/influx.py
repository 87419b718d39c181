"""The history in InfluxDB 1.x: lines in over /write, InfluxQL out over /query.

A row is a point in the measurement `vigilia`: the tag `point`, the fields `value` (a float), `text`, `severity` and
`status` (integers). InfluxDB merges the fields of the same tag and time: a row written again without a value leaves
the value that was there. What it has no room for in its retention policy it drops, and so do we.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Self

from vigilia.history.acceptance import check_rows
from vigilia.history.backend import Bucket, Keeping, PointInfo, Question, Row, Series
from vigilia.history.influx_database import Database
from vigilia.history.influxql import condition, literal, point_in, row_in, rows_in
from vigilia.history.ladder import value_of, width_for, within
from vigilia.history.lineprotocol import (
    MEASUREMENT,
    POINT_MEASUREMENT,
    Dialect,
    lines_of,
    point_lines,
    reading_of,
    severity_of,
)

DIALECT = Dialect(doubles_backslashes=False, keeps_text=True)
_LATEST_MS = (2**63 - 2) // 1_000_000
"""A time is nanoseconds in 64 bits: to the year 2262."""
_FIELDS = "value,text,severity,status"
_ROWS = f"FROM {MEASUREMENT}"
_POINTS = f"FROM {POINT_MEASUREMENT}"


class InfluxHistory:
    """A Backend in a database of InfluxDB 1.x."""

    def __init__(self, database: Database) -> None:
        self.name = database.address
        self._database = database
        self._kinds: dict[str, str] = {}

    @classmethod
    async def open(cls, url: str, keeping: Keeping) -> Self:
        """Open the database that `url` names (`?db=`), and make it where there is none.

        Raises StartError for an address that makes no sense or another InfluxDB than 1.x, HistoryError where it does
        not answer, or does not let us.
        """
        database = await Database.open(url, makes=True)
        try:
            await database.advise(keeping)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    @classmethod
    async def look(cls, url: str) -> Self:
        """Open a database only to read. Raises as `open` does."""
        return cls(await Database.open(url, makes=False))

    async def describe(self, points: Sequence[PointInfo]) -> None:
        """Keep what is known of points, as of now by the real clock, which is what the engine's keeping goes by."""
        await self._database.send(point_lines(points, round(time.time() * 1000), DIALECT))
        self._kinds.update((point.name, point.kind) for point in points)

    async def write(self, rows: Sequence[Row]) -> None:
        """Keep rows. A cut between two requests leaves part of them: the repetition that follows does no harm.

        Raises RefusedRowsError for rows that InfluxDB would never take.
        """
        await self._database.send(await asyncio.to_thread(_lines, rows))

    async def read(self, question: Question) -> Series:
        """Return a series: the readings themselves, or buckets that InfluxDB makes of them."""
        async with self._database.answering():
            return await self._read(question)

    async def rows(self, point: str, start_ms: int, end_ms: int, most: int) -> Sequence[Row]:
        """Return up to `most` rows of a point, in order."""
        asked = within(Question(point, start_ms, end_ms, most), 0, _LATEST_MS)
        if asked is None:
            return []
        where = condition(point, asked.start_ms, asked.end_ms)
        async with self._database.answering():
            (found,) = await self._database.ask(f"SELECT {_FIELDS} {_ROWS} WHERE {where} ORDER BY time LIMIT {most}")
            return await asyncio.to_thread(rows_in, point, found)

    async def latest(self) -> Sequence[Row]:
        """Return the newest row of every point."""
        async with self._database.answering():
            (found,) = await self._database.ask(
                f"SELECT last(severity) AS severity,value,text,status {_ROWS} GROUP BY point"
            )
            return [row_in(table.tags["point"], row) for table in found for row in table.rows]

    async def points(self) -> Sequence[PointInfo]:
        """Return what was last said of each point; of one that was never described, its name."""
        async with self._database.answering():
            told, named = await self._database.ask(
                f"SELECT last(units) AS units,description,labels {_POINTS} GROUP BY *",
                f'SHOW TAG VALUES {_ROWS} WITH KEY = "point"',
            )
            newest: dict[str, tuple[int, PointInfo]] = {
                row["value"]: (-1, PointInfo(row["value"], "number")) for table in named for row in table.rows
            }
            for table in told:
                for row in table.rows:
                    info = point_in(table.tags, row)
                    if row["time"] > newest.get(info.name, (-1, None))[0]:
                        newest[info.name] = (row["time"], info)
            return [info for _, info in newest.values()]

    async def maintain(self, now_ms: int) -> None:
        """Do nothing: the retention policy of the database drops what is past its keeping."""

    async def close(self) -> None:
        """Close the connections."""
        await self._database.close()

    async def _read(self, question: Question) -> Series:
        asked = within(question, 0, _LATEST_MS)
        if asked is None:
            return Series(question.point, 0, [])
        where = condition(question.point, asked.start_ms, asked.end_ms)
        source = f"{_ROWS} WHERE {where}"
        first, last, raw = await self._database.ask(
            f"SELECT first(severity) {source}",
            f"SELECT last(severity) {source}",
            f"SELECT {_FIELDS} {source} ORDER BY time LIMIT {asked.most + 1}",
        )
        if not first or not last:
            return Series(question.point, 0, [])
        if len(found := rows_in(question.point, raw)) <= asked.most:
            return Series(question.point, 0, [reading_of(row) for row in found])
        cut = within(asked, first[0].rows[0]["time"], last[0].rows[0]["time"]) or asked
        return await self._buckets(cut)

    async def _buckets(self, question: Question) -> Series:
        width = width_for(question.start_ms, question.end_ms, question.most)
        start, end = question.start_ms // width * width, (question.end_ms // width + 1) * width - 1
        where = condition(question.point, start, min(end, _LATEST_MS))
        kind = await self._kind(question.point)
        (found,) = await self._database.ask(
            "SELECT mean(value) AS mean,min(value) AS low,max(value) AS high,last(value) AS newest,last(text) AS text,"
            f"max(severity) AS severity {_ROWS} WHERE {where} GROUP BY time({width}ms) fill(none)"
        )
        made = [
            Bucket(
                row["time"],
                value_of(kind, row["mean"], row["newest"], row["text"]),
                row["low"],
                row["high"],
                severity_of(row["severity"]),
            )
            for table in found
            for row in table.rows
        ]
        return Series(question.point, width, made)

    async def _kind(self, point: str) -> str:
        if point not in self._kinds:
            where = f"point={literal(point)}"
            (told,) = await self._database.ask(f"SELECT last(units) {_POINTS} WHERE {where} GROUP BY kind")
            newest = max(told, key=lambda table: table.rows[0]["time"], default=None)
            if newest is None:
                return ""
            self._kinds[point] = newest.tags["kind"]
        return self._kinds[point]


def _lines(rows: Sequence[Row]) -> list[str]:
    check_rows(rows)
    return lines_of(rows, DIALECT)
