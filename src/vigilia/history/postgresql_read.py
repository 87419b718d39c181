"""Questions to a history in PostgreSQL: which rows, in which buckets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from vigilia.history.backend import Bucket, Question, Row, Series
from vigilia.history.ladder import HOUR_MS, LATEST_MS, MOST_ROWS, Plan, Source, plans, value_of, within
from vigilia.points import Kind, Severity, Status

_TABLES = {Source.RAW: "samples", Source.MINUTES: "minutes", Source.HOURS: "hours"}
_MOST_STRETCHES = 20
"""So many stretches of hours without rollups are told apart in one statement."""

_KEPT = "SELECT source, since, dropped FROM kept"
_POINT = """
    SELECT id, kind, latest.time AS last,
        least(
            (SELECT min(time) FROM hours WHERE hours.point = id AND time >= $2),
            (SELECT min(hour) FROM dirty WHERE dirty.point = id)
        ) AS first
    FROM points LEFT JOIN latest ON latest.point = id WHERE name = $1
"""
_FIRST_IN_HOUR = """
    SELECT min(time) FROM samples WHERE point = $1 AND time >= $2 AND time < $2 + interval '1 hour'
"""
_MORE_THAN = """
    SELECT EXISTS (SELECT FROM samples WHERE point = $1 AND time >= $2 AND time <= $3 ORDER BY time OFFSET $4 LIMIT 1)
"""
_MORE_IN_HOURS = "SELECT sum(count) > $4 FROM hours WHERE point = $1 AND time >= $2 AND time <= $3"
_READINGS = """
    SELECT time, value, text, severity FROM samples WHERE point = $1 AND time >= $2 AND time <= $3
    ORDER BY time LIMIT $4
"""
_ROWS = """
    SELECT time, value, text, severity, status FROM samples
    WHERE point = (SELECT id FROM points WHERE name = $1) AND time >= $2 AND time <= $3
        AND time >= (SELECT since FROM kept WHERE source = 'samples')
    ORDER BY time LIMIT $4
"""
_LATEST = """
    SELECT name, time, value, text, severity, status FROM latest JOIN points ON points.id = latest.point ORDER BY name
"""
_DIRTY = "SELECT DISTINCT hour FROM dirty WHERE point = $1 AND hour >= $2 AND hour <= $3 ORDER BY hour"
_ROLLED = """
    SELECT time, mean, numbers, low, high, last, text, severity FROM {table}
    WHERE point = $1 AND time >= $3 AND time <= $4
"""
_RAW = """
    SELECT time, value AS mean, (value IS NOT NULL)::int AS numbers, value AS low, value AS high, value AS last,
        text, severity
    FROM samples WHERE point = $1 AND time >= ${at} AND time <= ${to} AND time >= $3 AND time <= $4
"""
_BUCKETS = """
    SELECT date_bin($2::float8 * interval '1 millisecond', time, 'epoch') AS bucket,
        greatest(min(low), least(max(high),
            sum(mean * 2::float8 ^ (-40) * numbers) / nullif(sum(numbers), 0) * 2::float8 ^ 40)) AS mean,
        min(low) AS low, max(high) AS high, {last} AS last, {text} AS text, max(severity) AS severity
    FROM ({parts}) AS part GROUP BY 1 ORDER BY 1
"""
_LAST = "(array_agg({0} ORDER BY time DESC) FILTER (WHERE {0} IS NOT NULL))[1]"


class _Known(NamedTuple):
    """What there is of the point asked for."""

    point: int
    kind: str
    since: dict[Source, int]
    dropped: int
    """Before that, samples are only those that came after the others were dropped."""


async def read(connection: Any, question: Question) -> Series:
    """Answer a question within the transaction that `connection` is in."""
    kept = {record["source"]: record for record in await connection.fetch(_KEPT)}
    since = {source: kept[table]["since"] for source, table in _TABLES.items()}
    found = await connection.fetchrow(_POINT, question.point, since[Source.HOURS])
    first, last = (0, LATEST_MS) if found is None else await _span(connection, found, since, question.start_ms)
    asked = within(question, first, last)
    if found is None or found["last"] is None or asked is None:
        return Series(question.point, 0, [])
    known = _Known(found["id"], found["kind"], since, kept["samples"]["dropped"])
    if since[Source.RAW] <= asked.start_ms:
        readings = await _readings(connection, known, asked)
        if readings is not None:
            return Series(question.point, 0, readings)
    plan = await _plan(connection, known, asked)
    return Series(question.point, plan.width_ms, await _buckets(connection, known, plan))


async def rows(connection: Any, point: str, start_ms: int, end_ms: int, most: int) -> Sequence[Row]:
    """Return up to `most` rows of a point, in order."""
    start, end = max(0, start_ms), min(LATEST_MS, end_ms)
    if start > end:
        return []
    return [
        Row(point, time, value, text, Severity(severity), Status(status))
        for time, value, text, severity, status in await connection.fetch(_ROWS, point, start, end, most)
    ]


async def latest(connection: Any) -> Sequence[Row]:
    """Return the newest row of every point."""
    return [
        Row(point, time, value, text, Severity(severity), Status(status))
        for point, time, value, text, severity, status in await connection.fetch(_LATEST)
    ]


async def _span(connection: Any, found: Any, since: dict[Source, int], start_ms: int) -> tuple[int, int]:
    """Return the times of a point's first and last row; the first may be told too early, never too late.

    It is looked up in the readings only where a question from `start_ms` on could see it.
    """
    farthest = min(since.values())
    first, last = found["first"], found["last"]
    if first is None or since[Source.HOURS] > farthest:
        first = farthest
    elif first >= since[Source.RAW] and start_ms < first + HOUR_MS:
        first = await connection.fetchval(_FIRST_IN_HOUR, found["id"], first) or first
    return max(first, farthest), LATEST_MS if last is None else last


async def _readings(connection: Any, known: _Known, asked: Question) -> Sequence[Bucket] | None:
    """Return the readings themselves, or None where they are more than asked for."""
    if asked.most < MOST_ROWS and await _are_more_than(connection, known, asked):
        return None
    most = min(asked.most, MOST_ROWS)
    found = await connection.fetch(_READINGS, known.point, asked.start_ms, asked.end_ms, most + 1)
    if len(found) > most:
        return None
    return [
        Bucket(time, text if value is None else value, value, value, Severity(severity))
        for time, value, text, severity in found
    ]


async def _are_more_than(connection: Any, known: _Known, asked: Question) -> bool:
    """Say whether there are more readings than asked for: by the whole hours among them where these tell already.

    What is rarely asked for is not in memory: the readings themselves may be a thousand times as far apart.
    """
    first, end = asked.start_ms + -asked.start_ms % HOUR_MS, (asked.end_ms + 1) - (asked.end_ms + 1) % HOUR_MS
    if first < end and await connection.fetchval(_MORE_IN_HOURS, known.point, first, end - 1, asked.most):
        return True
    return await connection.fetchval(_MORE_THAN, known.point, asked.start_ms, asked.end_ms, asked.most)


async def _plan(connection: Any, known: _Known, asked: Question) -> Plan:
    """Return the best plan that does not look at too many rows."""
    found = plans(asked, known.since)
    for plan in found[:-1]:
        if plan.source is not Source.RAW or not await connection.fetchval(
            _MORE_THAN, known.point, plan.start_ms, plan.end_ms, MOST_ROWS
        ):
            return plan
    return found[-1]


async def _buckets(connection: Any, known: _Known, plan: Plan) -> Sequence[Bucket]:
    """Return a plan's buckets. Hours that are not rolled up yet are answered from their samples."""
    start = max(plan.start_ms, known.since[plan.source])
    arguments: list[Any] = [known.point, float(plan.width_ms), start, plan.end_ms]
    if plan.source is Source.RAW:
        parts = [_RAW.format(at=3, to=4)]
    else:
        rolled = _ROLLED.format(table=_TABLES[plan.source])
        parts: list[str] = []
        marked = await connection.fetch(_DIRTY, known.point, start - start % HOUR_MS, plan.end_ms)
        for first, last in _stretches([record["hour"] for record in marked], known.dropped):
            at, to = len(arguments) + 1, len(arguments) + 2
            arguments += [first, last]
            parts.append(_RAW.format(at=at, to=to))
            if first >= known.dropped:  # before, what is marked is added to what is known
                rolled += f" AND NOT time BETWEEN ${at} AND ${to}"
        parts.append(rolled)
    plain = known.kind in (Kind.NUMBER, Kind.INTEGER)
    statement = _BUCKETS.format(
        parts=" UNION ALL ".join(parts),
        last="NULL::float8" if plain else _LAST.format("last"),
        text="NULL" if plain else _LAST.format("text"),
    )
    return [
        Bucket(time, value_of(known.kind, mean, last, text), low, high, Severity(severity))
        for time, mean, low, high, last, text, severity in await connection.fetch(statement, *arguments)
    ]


def _stretches(hours: Sequence[int], dropped: int) -> Sequence[tuple[int, int]]:
    """Return the first and last milliseconds of hours on end, told apart at `dropped`; of too many the whole span."""
    found: list[tuple[int, int]] = []
    for hour in hours:
        if found and found[-1][1] + 1 == hour != dropped:
            found[-1] = (found[-1][0], hour + HOUR_MS - 1)
        else:
            found.append((hour, hour + HOUR_MS - 1))
    if len(found) <= _MOST_STRETCHES:
        return found
    sides = ([each for each in found if each[0] < dropped], [each for each in found if each[0] >= dropped])
    return [(side[0][0], side[-1][1]) for side in sides if side]
