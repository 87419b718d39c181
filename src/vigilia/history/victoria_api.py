"""The Prometheus API of VictoriaMetrics, single or a cluster: what a history asks of it, in pieces that it bears."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from vigilia.history.backend import HistoryError, PointInfo, Question, Row
from vigilia.history.engine_http import Engine
from vigilia.history.ladder import DAY_MS, HOUR_MS, MINUTE_MS
from vigilia.history.metricsql import (
    ANY,
    INFO,
    NEWEST,
    SEVERITY,
    literal_pattern,
    matrix,
    newest,
    newest_points,
    newest_row,
    quoted,
    rollup,
    rows_in,
    vector,
)

T = TypeVar("T")

AHEAD_MS = 2 * DAY_MS
"""It takes no row that is more than two days ahead of its clock (measured; lib/storage of 1.79)."""
EARLIEST_MS = HOUR_MS
"""A window that reaches to 1970 finds nothing in it (measured): the first hour of that year is left out."""
_WINDOWS_MS = tuple(AHEAD_MS + back for back in (15 * MINUTE_MS, DAY_MS, 40 * DAY_MS))
"""Where the newest row is looked for, one after the other, and at last everywhere; most points are in the first."""
_MOST_BUCKETS = 10_000
"""For one request: -search.maxPointsPerTimeseries is 30,000 by default."""
_LONGEST_PATTERN = 6_000
"""-search.maxQueryLen is 16 kB by default."""

_REPEATED = re.compile(r"\Aerror when executing query=.* (on the time range|for) \([^()]*\): ", re.DOTALL)
"""It begins its reasons with the whole question."""


class _TooMuch(HistoryError):
    """The engine refuses a question for its size; half of it may do."""


class Api:
    """The reading side of an engine. Its methods raise HistoryError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.address.database or ""

    async def rolled(
        self, functions: Sequence[str], metric: str, asked: Question, width: int
    ) -> dict[int, dict[str, float]]:
        """Return what functions make of each bucket's samples, by the bucket's beginning."""
        selector = self._selector(metric, f"point={quoted(asked.point)}")
        found: dict[int, dict[str, float]] = {}
        for first, last, window in _pieces(asked.start_ms // width * width, asked.end_ms // width * width, width):
            found |= await self._rolled_between(rollup(functions, selector, window), first, last, width)
        return found

    async def _rolled_between(self, expression: str, first: int, last: int, width: int) -> dict[int, dict[str, float]]:
        form = {
            "query": expression,
            "start": _moment(first + width - 1),  # a window ends with, and does not begin with, the time it is told for
            "end": _moment(last + width - 1),
            # It looks a step farther back than the window: for a bucket alone the step is nothing but that.
            "step": f"{width if last > first else min(width, MINUTE_MS)}ms",
        }
        try:
            found = await self._ask("/api/v1/query_range", form, matrix)
        except _TooMuch:
            if first == last:
                raise
            middle = first + (last - first) // width // 2 * width
            early = await self._rolled_between(expression, first, middle, width)
            return early | await self._rolled_between(expression, middle + width, last, width)
        return {moment + 1 - width: numbers for moment, numbers in found.items()}

    async def count(self, point: str, start_ms: int, end_ms: int) -> int:
        """Return how many rows of a point there are in a time, both ends included."""
        selector = self._selector(SEVERITY, f"point={quoted(point)}")
        expression = f"count_over_time({selector}[{end_ms - start_ms + 1}ms])"
        return int(sum(await self._ask("/api/v1/query", {"query": expression, "time": _moment(end_ms)}, vector)))

    async def export(self, point: str, start_ms: int, end_ms: int) -> list[Row]:
        """Return all rows of a point in a time, both ends included."""
        selector = self._selector(ANY, f"point={quoted(point)}")
        form = {"match[]": selector, "start": _moment(start_ms - 1), "end": _moment(end_ms + 1)}
        answer = await self._engine.ask("/api/v1/export", form)
        if answer.status != 200:
            raise self._engine.error(f"status {answer.status} to an export: {answer.reason or 'no reason is given'}")
        rows = await asyncio.to_thread(rows_in, point, answer.body)
        return [row for row in rows if start_ms <= row.time_ms <= end_ms]

    async def _newest(
        self,
        metric: str,
        names: str,
        question: Callable[[str, int], str],
        told: Callable[[Mapping[str, Any]], dict[str, T]],
    ) -> dict[str, T]:
        """Return the newest of every point: looked for in a short time first, then farther back for what is missing."""
        missing = await self.names(metric)
        end = now_ms() + AHEAD_MS
        found: dict[str, T] = {}
        for window in (*_WINDOWS_MS, end - EARLIEST_MS):
            if not missing:
                break
            pattern = literal_pattern(sorted(missing))
            only = f"point=~{quoted(pattern)}" if len(pattern) < _LONGEST_PATTERN else 'point!=""'
            expression = question(self._selector(names, only), window)
            newer = await self._ask("/api/v1/query", {"query": expression, "time": _moment(end)}, told)
            found = newer | found
            missing -= newer.keys()
        return found

    async def names(self, metric: str) -> set[str]:
        """Return the points that have a series of this name."""
        form = {
            "match[]": self._selector(metric, 'point!=""'),
            "start": _moment(EARLIEST_MS),
            "end": _moment(now_ms() + AHEAD_MS),
        }
        return set(await self._ask("/api/v1/label/point/values", form, lambda found: [str(n) for n in found["data"]]))

    async def latest(self) -> list[Row]:
        """Return the newest row of every point."""

        def question(selector: str, window_ms: int) -> str:
            return rollup(NEWEST, selector, window_ms)

        found = await self._newest(SEVERITY, ANY, question, newest)
        return [newest_row(point, at) for point, at in found.items()]

    async def points(self) -> dict[str, PointInfo]:
        """Return what was last said of each point."""

        def question(selector: str, window_ms: int) -> str:
            return f"tlast_over_time({selector}[{window_ms}ms])"

        return await self._newest(INFO, INFO, question, newest_points)

    async def point(self, name: str) -> PointInfo | None:
        """Return what was last said of a point."""
        end = now_ms() + AHEAD_MS
        selector = self._selector(INFO, f"point={quoted(name)}")
        expression = f"tlast_over_time({selector}[{end - EARLIEST_MS}ms])"
        told = await self._ask("/api/v1/query", {"query": expression, "time": _moment(end)}, newest_points)
        return told.get(name)

    def _selector(self, names: str, only: str) -> str:
        return f"{{__name__=~{quoted(names)},db={quoted(self._database)},{only}}}"

    async def _ask(self, path: str, form: Mapping[str, str], told: Callable[[Mapping[str, Any]], T]) -> T:
        """Return what an answer of the Prometheus API tells. Raises HistoryError."""
        answer = await self._engine.ask(path, {**form, "nocache": "1", "deny_partial_response": "1"})
        if answer.status != 200:
            reason = _REPEATED.sub("", answer.reason) or "no reason is given"
            said = f"the history at {self._engine.address.name}: status {answer.status}: {reason}"
            raise _TooMuch(said) if "-search.max" in reason else HistoryError(said)
        found = await asyncio.to_thread(self._engine.json, answer)
        if found.get("isPartial"):
            raise self._engine.error("a part of it is away, and its answer would not be whole")
        return await asyncio.to_thread(told, found)


async def is_victoria(engine: Engine) -> bool:
    """Say whether VictoriaMetrics answers to questions there. Raises HistoryError where nothing does."""
    answer = await engine.ask("/api/v1/status/buildinfo", {})
    if answer.status != 200:
        return False
    try:
        return engine.json(answer).get("status") == "success"
    except HistoryError:
        return False


def _pieces(first: int, last: int, width: int) -> Iterator[tuple[int, int, int]]:
    """Give buckets in such numbers as one request may ask for: the first's beginning, the last's, and the window."""
    if first == 0:  # its window would reach to before 1970
        if width > EARLIEST_MS:
            yield 0, 0, width - EARLIEST_MS
        first = width
    for start in range(first, last + 1, _MOST_BUCKETS * width):
        yield start, min(last, start + (_MOST_BUCKETS - 1) * width), width


def _moment(time_ms: int) -> str:
    """Return a time in seconds as the API is told it: it cuts off what is below a millisecond, so a little is added."""
    return f"{time_ms // 1000}.{time_ms % 1000:03d}2"


def now_ms() -> int:
    """Return the real time: the engine's windows and its keeping go by it, whatever the service's clock says."""
    return round(time.time() * 1000)
