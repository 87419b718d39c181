"""The history in VictoriaMetrics, single or a cluster: lines in over /write, MetricsQL and exports out.

A row is a sample at the same millisecond in each of `vigilia_value`, `vigilia_severity` and `vigilia_status`, with the
label `point`. What VictoriaMetrics 1.79 does that a person must know (docs/how-to/history-engines.md): it keeps numbers
only, so of a text the severity is kept and the words are not; it shows a row about a second after it was written; it
drops in silence what is older than its retention; and a row written twice is there twice unless
`-dedup.minScrapeInterval=1ms` is set. Of two different rows of the same millisecond it keeps either.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Self

from vigilia.history.acceptance import check_rows
from vigilia.history.backend import Bucket, Keeping, PointInfo, Question, RefusedRowsError, Row, Series
from vigilia.history.engine_http import Engine
from vigilia.history.engine_url import parse_address
from vigilia.history.ladder import DAY_MS, MINUTE_MS, value_of, width_for, within
from vigilia.history.lineprotocol import Dialect, lines_of, point_lines, reading_of, severity_of
from vigilia.history.metricsql import NUMBERS, SEVERITY, STATES, VALUE, milliseconds
from vigilia.history.victoria_api import AHEAD_MS, EARLIEST_MS, Api, is_victoria, now_ms
from vigilia.history.victoria_flags import advise
from vigilia.points import shorten

DIALECT = Dialect(doubles_backslashes=True, keeps_text=False)
_REPEAT_MS = DAY_MS
_PAGE_MS = MINUTE_MS


class VictoriaHistory:
    """A Backend in VictoriaMetrics."""

    def __init__(self, engine: Engine) -> None:
        self.name = engine.address.name
        self._engine = engine
        self._api = Api(engine)
        self._database = engine.address.database
        self._kinds: dict[str, str] = {}
        self._described: dict[str, PointInfo] = {}
        self._repeated_ms = 0

    @classmethod
    async def open(cls, url: str, keeping: Keeping) -> Self:
        """Open the history at `url`; `?db=` keeps several apart in one engine, by a label.

        Raises StartError for an address that makes no sense, HistoryError where no VictoriaMetrics answers.
        """
        engine = await _engine_at(url)
        try:
            await advise(engine, keeping)
        except BaseException:
            await engine.close()
            raise
        return cls(engine)

    @classmethod
    async def look(cls, url: str) -> Self:
        """Open the history only to read. Raises as `open` does."""
        return cls(await _engine_at(url))

    async def describe(self, points: Sequence[PointInfo]) -> None:
        """Keep what is known of points, as of now by the real clock, which is what the engine's keeping goes by."""
        await self._send(point_lines(points, round(time.time() * 1000), DIALECT))
        self._kinds.update((point.name, point.kind) for point in points)
        self._described.update((point.name, point) for point in points)

    async def write(self, rows: Sequence[Row]) -> None:
        """Keep rows. A cut between two requests leaves part of them: the repetition that follows does no harm.

        Raises RefusedRowsError for rows that VictoriaMetrics would not take: it would not say so itself.
        """
        await self._send(await asyncio.to_thread(_lines, rows))

    async def read(self, question: Question) -> Series:
        """Return a series: the readings themselves, or buckets that VictoriaMetrics makes of them."""
        async with self._engine.answering():
            return await self._read(question)

    async def rows(self, point: str, start_ms: int, end_ms: int, most: int) -> Sequence[Row]:
        """Return up to `most` rows of a point, in order.

        An export knows no limit: so it is counted first how much time holds that many rows, or a few times as many.
        """
        asked = within(Question(point, start_ms, end_ms, most), EARLIEST_MS, now_ms() + AHEAD_MS)
        if asked is None:
            return []
        async with self._engine.answering():
            until = await self._page_end(asked)
            return (await self._api.export(point, asked.start_ms, until))[:most]

    async def latest(self) -> Sequence[Row]:
        """Return the newest row of every point."""
        async with self._engine.answering():
            return await self._api.latest()

    async def points(self) -> Sequence[PointInfo]:
        """Return what was last said of each point; of one that was never described, its name."""
        async with self._engine.answering():
            told = await self._api.points()
            unknown = [PointInfo(name, "number") for name in await self._api.names(SEVERITY) if name not in told]
            return [*told.values(), *unknown]

    async def maintain(self, now_ms: int) -> None:
        """Say once a day again what is known of points, so that it does not pass out of the engine's keeping.

        Rows past their keeping are dropped by the engine itself: `-retentionPeriod`.
        """
        if self._described and not 0 <= now_ms - self._repeated_ms < _REPEAT_MS:
            await self.describe(list(self._described.values()))
            self._repeated_ms = now_ms

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.close()

    async def _send(self, lines: Sequence[str]) -> None:
        query = {"precision": "ms"} | ({"db": self._database} if self._database else {})
        await self._engine.deliver(lines, query)

    async def _read(self, question: Question) -> Series:
        asked = within(question, EARLIEST_MS, now_ms() + AHEAD_MS)
        while asked is not None:
            width = width_for(asked.start_ms, asked.end_ms, asked.most)
            states = await self._api.rolled(STATES, SEVERITY, asked, width)
            there = _narrowed(asked, states)
            if there is None:
                break
            if await self._count_in(there, width, states) <= there.most:
                readings = await self._api.export(there.point, there.start_ms, there.end_ms)
                return Series(question.point, 0, [reading_of(row) for row in readings])
            if width_for(there.start_ms, there.end_ms, there.most) == width:
                return await self._buckets(asked, width, states)
            asked = there  # what is there fills less time than was asked for: it is told more finely
        return Series(question.point, 0, [])

    async def _page_end(self, asked: Question) -> int:
        start, fewer, step = asked.start_ms, asked.start_ms - 1, _PAGE_MS
        until = min(start + step, asked.end_ms)
        while (count := await self._api.count(asked.point, start, until)) < asked.most and until < asked.end_ms:
            fewer, step = until, step * 4
            until = min(start + step, asked.end_ms)
        while count > 4 * asked.most and until - fewer > 1:
            middle = (fewer + until) // 2
            if (found := await self._api.count(asked.point, start, middle)) < asked.most:
                fewer = middle
            else:
                until, count = middle, found
        return until

    async def _buckets(self, asked: Question, width: int, states: Mapping[int, Mapping[str, float]]) -> Series:
        numbers = await self._api.rolled(NUMBERS, VALUE, asked, width)
        kind = await self._kind(asked.point)
        made: list[Bucket] = []
        for start in sorted(states.keys() | numbers.keys()):
            of = numbers.get(start, {})
            value = value_of(kind, of.get("avg_over_time"), of.get("last_over_time"), None)
            worst = severity_of(states.get(start, {}).get("max_over_time"))
            made.append(Bucket(start, value, of.get("min_over_time"), of.get("max_over_time"), worst))
        return Series(asked.point, width, made)

    async def _kind(self, name: str) -> str:
        if name not in self._kinds:
            point = await self._api.point(name)
            if point is None:
                return ""
            self._kinds[name] = point.kind
        return self._kinds[name]

    async def _count_in(self, there: Question, width: int, states: Mapping[int, Mapping[str, float]]) -> int:
        """Return how many rows there are, at least where they are too many: what buckets have counted may do."""
        counts = [int(states[start]["count_over_time"]) for start in sorted(states)]
        if sum(counts) <= there.most or sum(counts[1:-1]) > there.most:
            return sum(counts)
        return await self._api.count(there.point, there.start_ms, there.end_ms)


async def _engine_at(url: str) -> Engine:
    engine = Engine(parse_address(url))
    try:
        if not await is_victoria(engine):
            raise engine.error("what answers there is not VictoriaMetrics")
    except BaseException:
        await engine.close()
        raise
    return engine


def _lines(rows: Sequence[Row]) -> list[str]:
    check_rows(rows)
    newest_ms = now_ms() + AHEAD_MS
    for row in rows:
        if row.time_ms > newest_ms:
            raise RefusedRowsError(
                f"a row of {shorten(row.point)} at {row.time_ms} ms cannot be kept: "
                "VictoriaMetrics takes none that is more than two days ahead of the real clock"
            )
    return lines_of(rows, DIALECT)


def _narrowed(asked: Question, states: Mapping[int, Mapping[str, float]]) -> Question | None:
    """Return the question about the time from the first row to the last that buckets tell of."""
    if not states:
        return None
    first = min(milliseconds(state["tfirst_over_time"]) for state in states.values())
    last = max(milliseconds(state["tlast_over_time"]) for state in states.values())
    return within(asked, first, last)
