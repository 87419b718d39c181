"""Which width of bucket, made of which rows, answers a question: the same for every database that keeps rollups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from vigilia.history.backend import HistoryError, Question
from vigilia.points import Kind

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999; the first there may be is 0."""

MOST_ROWS = 200_000
"""A question looks at no more rows than that; where it would, it is answered at a coarser resolution."""

_SECONDS = (1, 2, 5, 10, 15, 30)
_HOURS = (1, 2, 3, 6, 12)
_DAYS = (1, 2, 7, 14, 28)
_LADDER_MS = (
    *(number * 1000 for number in _SECONDS),
    *(number * MINUTE_MS for number in _SECONDS),
    *(number * HOUR_MS for number in _HOURS),
    *(number * DAY_MS for number in _DAYS),
)


class Source(IntEnum):
    """What buckets can be made of; the number is the width of its rows in milliseconds."""

    RAW = 0
    MINUTES = MINUTE_MS
    HOURS = HOUR_MS


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to answer a question: buckets of a width, from a source. Buckets are whole, also at both ends."""

    source: Source
    width_ms: int
    start_ms: int
    """The beginning of the first bucket."""
    end_ms: int
    """The last millisecond of the last bucket."""


def keeping_now(now_ms: int, newest_ms: int) -> int:
    """Return the time that keeping counts from: now, but no more than a day after the newest reading of all.

    Where a clock jumps ahead for a moment, the readings do not follow, and few of them go.
    """
    return min(now_ms, newest_ms + DAY_MS)


def hour_after(now_ms: int) -> int:
    """Return when the hour after this one begins: the latest time at which a keeping may end."""
    return (now_ms // HOUR_MS + 1) * HOUR_MS


def within(question: Question, first_ms: int, last_ms: int) -> Question | None:
    """Return the question about what is there: rows from `first_ms` to `last_ms`; None where they do not meet.

    So "everything there is" is answered at the resolution of what there is. Raises HistoryError where the question
    is none.
    """
    if question.most < 1 or question.start_ms > question.end_ms:
        raise HistoryError("the time asked for ends before it begins, or no point of it may be answered")
    start, end = max(question.start_ms, first_ms), min(question.end_ms, last_ms)
    return None if start > end else replace(question, start_ms=start, end_ms=end)


def width_for(start_ms: int, end_ms: int, most: int) -> int:
    """Return the smallest sensible width of which at most `most` buckets, aligned to its multiples, cover a time."""
    for width in _LADDER_MS:
        if end_ms // width - start_ms // width < most:
            return width
    width = _LADDER_MS[-1]
    while end_ms // width - start_ms // width >= most:
        width *= 2
    return width


def plans(question: Question, since_ms: Mapping[Source, int]) -> Sequence[Plan]:
    """Return the ways to answer a question in buckets, the best first; there is at least one.

    Of a source everything before its `since_ms` was dropped. A plan whose source has more than MOST_ROWS rows to look
    at is not to be used while there is another: for Source.RAW only the database knows, so it counts; twenty years of
    hours are bearable.
    """
    start = max(0, question.start_ms)
    wished = width_for(start, max(start, question.end_ms), question.most)
    reaching = [source for source in Source if since_ms[source] <= start]
    if not reaching:
        farthest = min(since_ms.values())
        reaching = [source for source in Source if since_ms[source] == farthest]
    # The coarsest rows that make up a bucket give the same answer as the finest, from the fewest.
    exact = sorted((source for source in reaching if source <= wished), reverse=True)
    coarser = sorted(source for source in reaching if source > wished)
    found = [_plan(question, source, wished) for source in exact]
    found += [_plan(question, source, source) for source in coarser]
    return [plan for plan in found if plan.source is not Source.MINUTES or _minutes(plan) <= MOST_ROWS] or found


def value_of(kind: str, mean: float | None, last: float | None, text: str | None) -> float | str | None:
    """Return what a bucket says of a point of this kind: the mean of numbers, the last of anything else."""
    if text is not None and (kind == Kind.TEXT or last is None):
        return text
    return last if kind in (Kind.ENUM, Kind.BOOLEAN) else mean


def _plan(question: Question, source: Source, width: int) -> Plan:
    start, end = max(0, question.start_ms), max(0, question.end_ms)
    return Plan(source, width, start // width * width, (end // width + 1) * width - 1)


def _minutes(plan: Plan) -> int:
    return (plan.end_ms + 1 - plan.start_ms) // MINUTE_MS
