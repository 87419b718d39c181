"""History: what points said over a time, in no more points than a chart can show."""

import asyncio
import math
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from vigilia.errors import UnknownPoint
from vigilia.history.backend import SECOND_MS, Bucket, Question, with_gaps
from vigilia.interfaces.api.answers import Failed, failures
from vigilia.interfaces.api.models import HistoryAnswer, Page
from vigilia.interfaces.api.moments import moment_of
from vigilia.interfaces.api.parts import ApiParts, History, Parts
from vigilia.interfaces.api.points import PointName
from vigilia.interfaces.api.series import series_json
from vigilia.language import tr
from vigilia.points import Point, shorten

_MOST_POINTS = 10_000
_MOST_NAMES = 50
_MOST_ALTOGETHER = 100_000
"""Most points in one answer, of all names together: some 10 MB."""
_ANSWER_S = 30.0
_HOUR_MS = 3_600_000
_LAST_MS = 7_258_118_400_000
"""The year 2200: some databases count nanoseconds, and have no number for much more."""

_TIME = "UTC, ISO 8601, with Z"

router = APIRouter(prefix="/api/v1", tags=["history"])


class HistoryQuery(BaseModel):
    """Which time, and how finely."""

    from_: str = Field(default="", alias="from", max_length=60, description=f"{_TIME}; default an hour before `to`")
    to: str = Field(default="", max_length=60, description=f"{_TIME}; default now")
    max_points: int = Field(
        default=1000, ge=1, le=_MOST_POINTS, description="most points of a series; the finest resolution that fits"
    )

    statuses: bool = Field(
        default=False,
        description="of a reactor's point what it reported every few seconds, for a day, in the place of its samples; "
        "where `[history] statuses` keeps that",
    )

    def interval_ms(self, now: float) -> tuple[int, int]:
        """Return the first and the last millisecond. Raises Failed."""
        end = round((moment_of(self.to, "to") if self.to else now) * SECOND_MS)
        start = round(moment_of(self.from_, "from") * SECOND_MS) if self.from_ else end - _HOUR_MS
        if start > end:
            raise Failed(422, "invalid-request", "from: it must not be after to, which is now unless it is given")
        return min(max(start, 0), _LAST_MS), min(max(end, 0), _LAST_MS)


class HistoriesQuery(HistoryQuery):
    """Which points, which time, and how finely."""

    name: list[Annotated[str, Field(max_length=1000)]] = Field(
        min_length=1, max_length=_MOST_NAMES, description="a point's name; may be repeated"
    )


_FAILURES = failures(
    _404="no point has that name, and the history has nothing of one",
    _422="a parameter is not as described, `from` is after `to`, or too much is asked for at once",
    _503="the history does not answer, or not in time",
)


@router.get("/history", response_model=Page[HistoryAnswer], responses=_FAILURES)
async def list_history(parts: Parts, query: Annotated[HistoriesQuery, Query()]) -> Response:
    """Give what several points said over a time, in the order of their names in the question."""
    items = await _answers(parts, tuple(dict.fromkeys(query.name)), query)
    return Response(b'{"items":[%b],"next":null}' % b",".join(items), media_type="application/json")


@router.get("/history/{name:path}", response_model=HistoryAnswer, responses=_FAILURES)
async def get_history(name: PointName, parts: Parts, query: Annotated[HistoryQuery, Query()]) -> Response:
    """Give what a point said over a time."""
    (item,) = await _answers(parts, (name,), query)
    return Response(item, media_type="application/json")


async def _answers(parts: ApiParts, names: Sequence[str], query: HistoryQuery) -> list[bytes]:
    """Return each point's series as JSON. Raises Failed, UnknownPoint or HistoryError."""
    if len(names) * query.max_points > _MOST_ALTOGETHER:
        most = _MOST_ALTOGETHER // len(names)
        wrong = f"{len(names)} names of {query.max_points} points are more than {_MOST_ALTOGETHER} in one answer"
        raise Failed(422, "invalid-request", f"max_points: {wrong}: write at most {most}, or ask for fewer names")
    interval = query.interval_ms(parts.clock.now())
    answers: list[bytes] = []
    unknown: list[str] = []
    try:
        async with asyncio.timeout(_ANSWER_S), parts.questions:
            for name in names:
                found = await _ask(parts, name, interval, query.max_points, statuses=query.statuses)
                if found is None:
                    unknown.append(name)
                elif not unknown:
                    answers.append(await series_json(name, *found))
    except TimeoutError as error:
        wrong = tr("no answer within {seconds} s: ask for fewer points or a shorter time, or try again later")
        raise Failed(503, "history-unavailable", wrong.format(seconds=f"{_ANSWER_S:g}")) from error
    if unknown:
        listed = ", ".join(shorten(name) for name in unknown)
        text = tr("no point is named {names}, and the history has nothing of one")
        raise UnknownPoint(text.format(names=listed))
    return answers


async def _ask(
    parts: ApiParts, name: str, interval: tuple[int, int], most: int, *, statuses: bool
) -> tuple[Point | None, int, list[Bucket]] | None:
    """Return the point, if it is not gone, its resolution and its buckets; None where there never was such a point."""
    point = parts.table.point(name) if name in parts.table else None
    history = parts.history
    if point is None and (history is None or not name.isprintable()):
        return None  # no database need be asked for what none may hold
    if history is None:
        return point, 0, []
    statuses = statuses and point is not None and point.sampled
    read = history.read_statuses if statuses else history.read
    interval_s = (point and point.max_age_s) or 0.0 if statuses else _longest_interval_s(history, name, point)
    until_ms = min(interval[1], round(parts.clock.now() * SECOND_MS))
    series = await read(Question(name, *interval, most))
    marked = with_gaps(series, until_ms, interval_s)
    if len(marked) > most:
        # Marks belong to the points that were asked for. There are no more of them than of buckets.
        series = await read(Question(name, *interval, max(1, most // 2)))
        marked = with_gaps(series, until_ms, interval_s)
    if point is None and not series.buckets and not (await history.read(Question(name, 0, _LAST_MS, 1))).buckets:
        return None
    return point, series.resolution_ms, marked[:most]


def _longest_interval_s(history: History, name: str, point: Point | None) -> float:
    """Return within how many seconds another reading is to be expected."""
    if point is not None and point.setpoint:
        return math.inf  # it stands until somebody chooses anew
    return max(history.longest_interval_s(name), (point and point.max_age_s) or 0.0)
