"""Minutes and hours made from samples, and rows dropped that are past their keeping.

Who writes never waits for who rolls up, nor the other way round. A statement that adds rows marks their hours in
`dirty`, unless the mark is there already. Maintenance takes marks away first, and makes the rollups only when every
transaction that may have found such a mark has ended: its rows are seen then; whoever comes later makes a new mark.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from vigilia.history.backend import Keeping
from vigilia.history.ladder import DAY_MS, HOUR_MS, hour_after, keeping_now
from vigilia.history.postgresql_partitions import HOURS, MINUTES, PARTITIONED, SAMPLES, Partitioned

SETTLED_MS = 5 * 60_000
"""So long after its end an hour's rollups are made: rows are late by a moment, and the hour is made once."""
UNFINISHED_EVERY_MS = 5 * 60_000
"""So often the rollups are made of hours that are not over, for those who read the tables themselves."""
_MOST_TAKEN = 100_000
_MOST_TIMES = 20
_PIECE = 400
"""So many hours of points in one transaction: 1.4 million rows of 1 s data."""
_OTHERS_WAIT_S = 5.0
_POLL_S = 0.02

_TAKE = """
    WITH due AS (
        DELETE FROM dirty WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM dirty WHERE NOT taken AND hour <= $1 ORDER BY hour LIMIT $2
        )) RETURNING point, hour
    )
    INSERT INTO dirty (point, hour, taken) SELECT point, hour, true FROM due ON CONFLICT DO NOTHING
"""
_YOUNGEST = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
_ENDED = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8"
_PIECES = "SELECT point, hour FROM dirty WHERE taken ORDER BY hour, point LIMIT $1"
_FORGET = """
    DELETE FROM {table} USING unnest($1::int[], $2::timestamptz[]) AS piece (point, hour)
    WHERE {table}.point = piece.point AND time >= hour AND time < hour + interval '1 hour' AND time >= $3 AND time < $4
"""
_UNMARK = """
    DELETE FROM dirty USING unnest($1::int[], $2::timestamptz[]) AS piece (point, hour)
    WHERE taken AND dirty.point = piece.point AND dirty.hour = piece.hour
"""
# A mean lies between the extremes; scaled by a power of two, no sum of numbers that can be stored overflows.
_ADD = """
    INSERT INTO {table} AS known (point, time, mean, low, high, last, text, severity, count, numbers)
    SELECT * FROM {made}
    ON CONFLICT (point, time) DO UPDATE
    SET mean = coalesce(
            known.mean * (known.numbers::float8 / nullif(known.numbers + excluded.numbers, 0))
            + excluded.mean * (excluded.numbers::float8 / nullif(known.numbers + excluded.numbers, 0)),
            known.mean, excluded.mean
        ),
        low = least(known.low, excluded.low), high = greatest(known.high, excluded.high),
        last = coalesce(known.last, excluded.last), text = coalesce(known.text, excluded.text),
        severity = greatest(known.severity, excluded.severity),
        count = known.count + excluded.count, numbers = known.numbers + excluded.numbers
"""
_ROLL = f"""
    WITH found AS MATERIALIZED (
        SELECT piece.point, piece.hour, made.*
        FROM unnest($1::int[], $2::timestamptz[]) AS piece (point, hour), LATERAL (
            SELECT date_bin('1 minute', time, 'epoch') AS time, sum(value * 2::float8 ^ (-40)) AS total,
                min(value) AS low, max(value) AS high,
                (array_agg(value ORDER BY time DESC) FILTER (WHERE value IS NOT NULL))[1] AS last,
                (array_agg(text ORDER BY time DESC) FILTER (WHERE text IS NOT NULL))[1] AS text,
                max(severity) AS severity, count(*) AS count, count(value) AS numbers
            FROM samples
            WHERE samples.point = piece.point AND time >= piece.hour AND time < piece.hour + interval '1 hour'
                AND time >= $3 AND time < $4
            GROUP BY 1
        ) AS made
    ), minute AS (
        SELECT point, time, greatest(low, least(high, total / nullif(numbers, 0) * 2::float8 ^ 40)) AS mean,
            low, high, last, text, severity, count, numbers
        FROM found
    ), hour AS (
        SELECT point, hour, greatest(min(low), least(max(high), sum(total) / nullif(sum(numbers), 0) * 2::float8 ^ 40)),
            min(low), max(high), (array_agg(last ORDER BY time DESC) FILTER (WHERE last IS NOT NULL))[1],
            (array_agg(text ORDER BY time DESC) FILTER (WHERE text IS NOT NULL))[1],
            max(severity), sum(count), sum(numbers)
        FROM found GROUP BY point, hour
    ), hours_made AS ({_ADD.format(table="hours", made="hour")})
    {_ADD.format(table="minutes", made="minute")}
"""  # noqa: S608 - of our own texts
_DUE = "SELECT EXISTS (SELECT FROM dirty WHERE hour >= $1 AND hour < $2)"
_NEWEST = "SELECT coalesce(max(time), 'epoch') FROM latest"
_BRING_BACK = "UPDATE kept SET dropped = $1 WHERE dropped > $1"
_SINCE = "UPDATE kept SET since = greatest(dropped, $2) WHERE source = $1"
_DROPPED = "UPDATE kept SET dropped = greatest(dropped, $2), since = greatest(since, $2) WHERE source = $1"


class Rounds:
    """Which hours have their turn: those that are over in every round, the others every few minutes."""

    def __init__(self) -> None:
        self._unfinished_ms: int | None = None

    async def roll_up(self, connection: Any, now_ms: int) -> None:
        """Make the rollups anew of every hour that is marked as dirty and has its turn."""
        for _ in range(_MOST_TIMES):
            if not await _roll_up(connection, now_ms - HOUR_MS - SETTLED_MS):
                break
        if self._unfinished_ms is None or abs(now_ms - self._unfinished_ms) >= UNFINISHED_EVERY_MS:
            # Once, for new rows come all the time.
            await _roll_up(connection, now_ms)
            self._unfinished_ms = now_ms


async def _roll_up(connection: Any, until_ms: int) -> bool:
    """Make the rollups of hours up to one that begins at `until_ms`; tell whether there may be more to do now."""
    taken = await connection.execute(_TAKE, until_ms, _MOST_TAKEN)
    if not await _others_ended(connection):
        return False  # somebody keeps a transaction open: next time
    dropped = await connection.fetchval("SELECT dropped FROM kept WHERE source = 'samples'")
    while pieces := await connection.fetch(_PIECES, _PIECE):
        start = SAMPLES.start_of(pieces[0]["hour"])
        whole = pieces[0]["hour"] >= dropped
        # One transaction works on one partition, and knows all rows of its hours, or none of those before.
        same = [piece for piece in pieces if SAMPLES.start_of(piece["hour"]) == start]
        same = [piece for piece in same if (piece["hour"] >= dropped) == whole]
        await _roll_piece(connection, [tuple(piece) for piece in same], whole=whole)
    return bool(taken != "INSERT 0 0")


async def _roll_piece(connection: Any, pieces: Sequence[tuple[int, int]], *, whole: bool) -> None:
    points, hours = ([piece[at] for piece in pieces] for at in (0, 1))
    first, end = min(hours), max(hours) + HOUR_MS
    for kind in (MINUTES, HOURS):
        await kind.make(connection, {kind.start_of(hour) for hour in hours})
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")  # lost, it is done again
        if whole:
            for table in ("minutes", "hours"):
                await connection.execute(_FORGET.format(table=table), points, hours, first, end)
        await connection.execute(_ROLL, points, hours, first, end)
        if not whole:
            # The other rows of that hour were dropped: these have been added to what is known of it, once.
            for name in await _tables(connection, first, end):
                await connection.execute(_FORGET.format(table=name), points, hours, first, end)
        await connection.execute(_UNMARK, points, hours)


async def _tables(connection: Any, first: int, end: int) -> Sequence[str]:
    """Return the partitions that hold samples of a time: deleting there, unlike in `samples`, marks nothing."""
    question = "SELECT DISTINCT tableoid::regclass::text FROM samples WHERE time >= $1 AND time < $2"
    return [record[0] for record in await connection.fetch(question, first, end)]


async def _others_ended(connection: Any) -> bool:
    """Wait until every transaction has ended that runs now; tell whether they did in time."""
    youngest = await connection.fetchval(_YOUNGEST)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _OTHERS_WAIT_S
    while not await connection.fetchval(_ENDED, youngest):
        if loop.time() > deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


async def drop_old(connection: Any, keeping: Keeping, now_ms: int) -> None:
    """End the answers where the keeping ends, and drop the partitions that lie wholly before.

    What was dropped up to a time ahead of now was dropped by a clock that was wrong: from the hour after this one on
    rows are kept again. Of hours before it the samples are gone, and their rollups are all there is.
    """
    await connection.execute(_BRING_BACK, hour_after(now_ms))
    now_ms = keeping_now(now_ms, await connection.fetchval(_NEWEST))
    for kind, days in zip(PARTITIONED, (keeping.raw_days, keeping.minute_days, keeping.hour_days), strict=True):
        since = max(0, int(now_ms - days * DAY_MS)) if days else 0
        since = -(-since // HOUR_MS) * HOUR_MS
        await connection.execute(_SINCE, kind.table, since)
        for start in sorted(await kind.present(connection)):
            if start + kind.width_ms <= since:
                await _drop(connection, kind, start)


async def _drop(connection: Any, kind: Partitioned, start_ms: int) -> None:
    """Drop a partition, unless rows in it are not rolled up yet."""
    end_ms = start_ms + kind.width_ms
    async with connection.transaction():
        await connection.execute(f"LOCK TABLE ONLY {kind.table} IN ACCESS EXCLUSIVE MODE")  # in the order of a writer
        await connection.execute(f"LOCK TABLE {kind.name(start_ms)} IN ACCESS EXCLUSIVE MODE")
        if kind is not SAMPLES or not await connection.fetchval(_DUE, start_ms, end_ms):
            await connection.execute(f"DROP TABLE {kind.name(start_ms)}")
            await connection.execute(_DROPPED, kind.table, end_ms)
