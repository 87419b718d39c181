"""What the history asks of a database, whichever it is: rows in, series out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple, Protocol

from vigilia.errors import VigiliaError
from vigilia.points import Severity, Status

SECOND_MS = 1000
_MISSED = 2.5
"""So many expected distances without a reading are a gap: one late reading is none."""
_FEWEST_DISTANCES = 3
"""Fewer tell no pace."""


class HistoryError(VigiliaError):
    """The back end did not take or give something; it may later."""


class RefusedRowsError(HistoryError):
    """The back end is in order, and will never take these rows: they are to be set aside, not sent again."""


class Row(NamedTuple):
    """One reading as the history keeps it: of a point there is one at a time."""

    point: str
    time_ms: int
    """Milliseconds UTC since 1970, by the equipment's time."""
    value: float | None
    """The number, an enum's index, or 0 and 1; None for a text, and where there was no value."""
    text: str | None
    """What a text point said."""
    severity: Severity
    status: Status


class PointInfo(NamedTuple):
    """What the database says of a point, so that people can make sense of the rows without the service."""

    name: str
    kind: str
    units: str = ""
    description: str = ""
    device: str = ""
    link: str = ""
    area: str = ""
    system: str = ""
    labels: tuple[str, ...] = ()


class Bucket(NamedTuple):
    """What a series says of one time: a reading, or what the readings within `resolution_ms` amount to."""

    time_ms: int
    """The reading's time, or the beginning of the bucket."""
    value: float | str | None
    """The reading's value; of a bucket the mean of a number, the last of anything else. None: no value is known."""
    low: float | None
    """The smallest and the largest value in the bucket; of a reading the value itself."""
    high: float | None
    severity: Severity
    """The worst in the bucket."""


@dataclass(frozen=True, slots=True)
class Series:
    """One point's readings over a time, in order."""

    point: str
    resolution_ms: int
    """0: the readings themselves."""
    buckets: Sequence[Bucket]


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to see of one point."""

    point: str
    start_ms: int
    """Both ends belong to it."""
    end_ms: int
    most: int
    """So many buckets at most. The readings themselves are given where they are no more than that."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long each resolution is kept, in days; 0: for ever."""

    raw_days: float
    minute_days: float
    hour_days: float


class Backend(Protocol):
    """A database of readings. Its methods raise HistoryError; every call has a deadline of its own."""

    name: str
    """The address as it may be shown: without a password."""

    async def describe(self, points: Sequence[PointInfo]) -> None:
        """Keep what is known of points, in place of what was known of those of the same names."""
        ...

    async def write(self, rows: Sequence[Row]) -> None:
        """Keep rows, all or none; what the call has returned from is on the disk.

        Rows may be late, out of order, or there already: of a point and time the row last written stays. Where there
        are rollups, rows from before raw's keeping are added to them, each time they are written. Raises
        RefusedRowsError for rows that it would never take.
        """
        ...

    async def read(self, question: Question) -> Series:
        """Return a series at the finest resolution that answers the question; extremes are kept at every one."""
        ...

    async def rows(self, point: str, start_ms: int, end_ms: int, most: int) -> Sequence[Row]:
        """Return up to `most` rows of a point as they were kept, in order; for an export, page by page."""
        ...

    async def latest(self) -> Sequence[Row]:
        """Return the newest row of every point."""
        ...

    async def points(self) -> Sequence[PointInfo]:
        """Return what is known of the points that have rows, or were described."""
        ...

    async def maintain(self, now_ms: int) -> None:
        """Bring the rollups up to date, also for rows that others wrote, and drop what is past its keeping.

        The keeping counts from no later than a day after the newest row there is; where it was ended ahead of now, by a
        clock that was wrong, rows are kept again from the next hour on.
        """
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


def with_gaps(series: Series, until_ms: int, interval_s: float) -> list[Bucket]:
    """Return a series' buckets with a mark right after the last one before each gap.

    `interval_s` is the longest distance that is expected of the point, the end of the series is at `until_ms`. A
    point that only ever came at a slower pace than that (a record each quarter of an hour, an import) keeps its pace.
    """
    buckets = series.buckets
    if not buckets:
        return []
    distances = [after.time_ms - before.time_ms for before, after in pairwise(buckets)]
    pace_ms = median_low(distances) if len(distances) >= _FEWEST_DISTANCES else 0
    longest_ms = _MISSED * max(interval_s * SECOND_MS, series.resolution_ms, pace_ms)
    marked: list[Bucket] = []
    for bucket, distance in zip(buckets, [*distances, until_ms - buckets[-1].time_ms], strict=True):
        marked.append(bucket)
        if distance > longest_ms:
            after_ms = bucket.time_ms + (series.resolution_ms or 1)
            marked.append(Bucket(after_ms, None, None, None, Severity.INVALID))
    return marked
