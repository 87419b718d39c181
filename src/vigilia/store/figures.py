"""Figures of the alarm system after ISA-18.2 (IEC 62682), computed in the database from incidents.

What counts is what an operator was shown: incidents that were told, at the moment when the watch learnt of them. What
was suppressed, shelved or over when it was found did not ask for anybody's attention.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.points import Severity
from vigilia.store import schema
from vigilia.store.database import Store

PERIOD_S = 600
"""Rates are per ten minutes, counted from the full hour."""
FLOOD = 10
"""More alarms than that in ten minutes are a flood: more than an operator can deal with."""
CHATTER = 3
"""So many times or more within CHATTER_S: an alarm that chatters."""
CHATTER_S = 60
STALE_S = 86_400.0
"""An alarm that has stood for so long is stale."""
MOST_TOP = 10
MOST_LISTED = 100
"""Chattering and stale alarms at most, the worst first."""
MOST_BUCKETS = 1_500
_WIDTHS_S = (PERIOD_S, 3_600, 21_600, 86_400)
_AT_ONCE = 5_000

_incidents = schema.incidents.c


@dataclass(frozen=True, slots=True)
class Source:
    """An alarm, as its newest incident names it."""

    alarm: str
    point: str
    device: str
    area: str
    equipment: str
    family: str
    """In English, as the rule has it; and so is `label`."""
    label: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Counted:
    """An alarm and how often it was raised."""

    source: Source
    count: int
    share: float
    """Of all that were raised."""


@dataclass(frozen=True, slots=True)
class Chattering:
    """An alarm that chattered."""

    source: Source
    most_per_minute: int
    count: int
    """How often it was raised in all."""
    last: float
    """When it last came for the third time, or more, within a minute: seconds UTC."""


@dataclass(frozen=True, slots=True)
class Stale:
    """An alarm that had stood for long at the end of the time asked for."""

    source: Source
    since: float


@dataclass(frozen=True, slots=True)
class RateBucket:
    """How many alarms were raised in a time."""

    start: float
    count: int
    most: int
    """In ten minutes of it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a time, seconds UTC. It begins with ten full minutes."""

    start: float
    end: float
    total: int
    mean: float
    """Alarms per ten minutes."""
    most: int
    periods: int
    """Of ten minutes, the last one perhaps not whole."""
    floods: int
    """Periods with more than FLOOD alarms."""
    bucket_s: int
    buckets: Sequence[RateBucket]
    per_severity: dict[Severity, int]
    top: Sequence[Counted]
    chattering: Sequence[Chattering]
    stale: Sequence[Stale]
    stale_count: int
    standing: int
    """Alarms that stood at the end, suppressed ones included."""

    @property
    def flood_share(self) -> float:
        """The part of the periods in which there was a flood."""
        return self.floods / self.periods


async def figures(store: Store, start: float, end: float) -> Figures:
    """Return the figures from `start` (moved back to full ten minutes) until before `end`, both seconds UTC.

    Raises StoreError.
    """
    start = math.floor(start / PERIOD_S) * PERIOD_S
    shown = and_(_incidents.found_at >= start, _incidents.found_at < end, _incidents.told)
    async with store.reading() as connection:
        rates = await _rates(connection, shown)
        per_severity = await _per_severity(connection, shown)
        total = sum(per_severity.values())
        periods = max(1, math.ceil((end - start) / PERIOD_S))
        width = next((width for width in _WIDTHS_S if (end - start) / width <= MOST_BUCKETS), _WIDTHS_S[-1])
        return Figures(
            start=start,
            end=end,
            total=total,
            mean=total * PERIOD_S / (end - start),
            most=max(rates.values(), default=0),
            periods=periods,
            floods=sum(count > FLOOD for count in rates.values()),
            bucket_s=width,
            buckets=_buckets(rates, start, end, width),
            per_severity=per_severity,
            top=await _top(connection, shown, total),
            chattering=await _chattering(connection, shown),
            stale=await _stale(connection, end),
            stale_count=await _count(connection, _stands(end), _is_stale(end)),
            standing=await _count(connection, _stands(end)),
        )


async def _rates(connection: AsyncConnection, shown: ColumnElement[bool]) -> dict[int, int]:
    """Return how many were raised in each period that had any, by its number since 1970."""
    period = func.floor(_incidents.found_at / PERIOD_S).label("period")
    query = select(period, func.count()).where(shown).group_by(period)
    found: dict[int, int] = {}
    async for portion in (await connection.stream(query)).partitions(_AT_ONCE):
        found.update((int(number), count) for number, count in portion)
    return found


def _buckets(rates: dict[int, int], start: float, end: float, width: int) -> list[RateBucket]:
    """Return the buckets of a time, those without alarms included; the first may be cut by the beginning."""
    counts: dict[int, int] = {}
    most: dict[int, int] = {}
    for period, count in rates.items():
        bucket = period * PERIOD_S // width
        counts[bucket] = counts.get(bucket, 0) + count
        most[bucket] = max(most.get(bucket, 0), count)
    numbers = range(math.floor(start / width), math.ceil(end / width))
    return [RateBucket(max(start, n * width), counts.get(n, 0), most.get(n, 0)) for n in numbers]


async def _per_severity(connection: AsyncConnection, shown: ColumnElement[bool]) -> dict[Severity, int]:
    query = select(_incidents.severity, func.count()).where(shown).group_by(_incidents.severity)
    return {Severity(severity): count for severity, count in await connection.execute(query)}


async def _top(connection: AsyncConnection, shown: ColumnElement[bool], total: int) -> list[Counted]:
    count = func.count().label("count")
    query = select(_incidents.alarm, count).where(shown).group_by(_incidents.alarm)
    rows = (await connection.execute(query.order_by(count.desc(), _incidents.alarm).limit(MOST_TOP))).all()
    sources = await _sources(connection, [row.alarm for row in rows])
    return [Counted(sources[row.alarm], row[1], row[1] / total) for row in rows]


async def _chattering(connection: AsyncConnection, shown: ColumnElement[bool]) -> list[Chattering]:
    """Find, for each time an alarm was raised, how often it was in the minute until then.

    Only alarms that were raised often enough are looked at one by one.
    """
    often = select(_incidents.alarm).where(shown).group_by(_incidents.alarm).having(func.count() >= CHATTER)
    within = func.count().over(partition_by=_incidents.alarm, order_by=_incidents.found_at, range_=(-CHATTER_S, 0))
    minute = (
        select(_incidents.alarm, _incidents.found_at, within.label("within"))
        .where(shown, _incidents.alarm.in_(often))
        .subquery()
    )
    most = func.max(minute.c.within).label("most")
    last = func.max(case((minute.c.within >= CHATTER, minute.c.found_at))).label("last")
    query = (
        select(minute.c.alarm, most, func.count().label("count"), last)
        .group_by(minute.c.alarm)
        .having(most >= CHATTER)
        .order_by(most.desc(), func.count().desc(), minute.c.alarm)
        .limit(MOST_LISTED)
    )
    rows = (await connection.execute(query)).all()
    sources = await _sources(connection, [row.alarm for row in rows])
    return [Chattering(sources[row.alarm], row[1], row[2], row[3]) for row in rows]


async def _stale(connection: AsyncConnection, end: float) -> list[Stale]:
    query = select(schema.incidents).where(_stands(end), _is_stale(end)).order_by(_incidents.began_at, _incidents.id)
    rows = await connection.execute(query.limit(MOST_LISTED))
    return [Stale(_source(row), row["began_at"]) for row in rows.mappings()]


def _stands(end: float) -> ColumnElement[bool]:
    """Return the condition for standing at `end`. Few do: the sum keeps databases from looking at all found before."""
    return and_(_incidents.found_at + 0.0 < end, or_(_incidents.ended_at.is_(None), _incidents.ended_at > end))


def _is_stale(end: float) -> ColumnElement[bool]:
    return and_(_incidents.told, _incidents.began_at <= end - STALE_S)


async def _count(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> int:
    return await connection.scalar(select(func.count()).select_from(schema.incidents).where(*conditions)) or 0


async def _sources(connection: AsyncConnection, alarms: Sequence[str]) -> dict[str, Source]:
    """Return alarms by their ids, as the newest incident of each names them."""
    found: dict[str, Source] = {}
    for alarm in alarms:
        mine = select(schema.incidents).where(_incidents.alarm == alarm)
        row = (await connection.execute(mine.order_by(_incidents.found_at.desc()).limit(1))).mappings().one()
        found[alarm] = _source(row)
    return found


def _source(row: Any) -> Source:
    names = ("alarm", "point", "device", "area", "equipment", "family", "label")
    return Source(*(row[name] for name in names), severity=Severity(row["severity"]))
