"""Answers from a history's SQLite file."""

# ruff: noqa: S608 - statements are put together from tables and columns of ours; values are bound

import json
import sqlite3
from collections.abc import Sequence

from vigilia.history.backend import Bucket, HistoryError, PointInfo, Question, Row, Series
from vigilia.history.ladder import HOUR_MS, LATEST_MS, MINUTE_MS, MOST_ROWS, Source, plans, value_of, within
from vigilia.history.sqlite_fold import fold, kept_parts, raw_parts, rolled_parts
from vigilia.history.sqlite_rows import marks_of
from vigilia.points import Kind, Severity, Status

_BETWEEN = "point = :point AND time BETWEEN :start AND :end"

_TAIL = (
    f"WITH tail AS MATERIALIZED (SELECT hour, CASE WHEN hour < :minutes_since THEN hour "
    f"ELSE since / {MINUTE_MS} * {MINUTE_MS} END AS since FROM dirty WHERE point = :point AND hour >= :raw_since "
    f"AND hour BETWEEN :start / {HOUR_MS} * {HOUR_MS} AND :end) "
)
"""The hours that are not rolled up, and from which time on they are not."""
_READ_TAIL = " UNION ALL ".join(
    # CROSS JOIN: the few hours are gone through, and of each the readings looked up.
    raw_parts(
        f"tail CROSS JOIN {table}",
        f"point = :point AND time BETWEEN max(since, :start) AND min(hour + {HOUR_MS - 1}, :end)",
    )
    for table in ("stored", "arrived")
)
_HOUR_OF_TIME = f"time / {HOUR_MS} * {HOUR_MS}"
_ROLLED = {
    Source.MINUTES: rolled_parts(
        "minutes", f"{_BETWEEN} AND NOT EXISTS (SELECT 1 FROM tail WHERE hour = {_HOUR_OF_TIME} AND time >= since)"
    ),
    Source.HOURS: rolled_parts("hours", f"{_BETWEEN} AND time NOT IN (SELECT hour FROM tail)")
    + " UNION ALL "
    + rolled_parts("tail CROSS JOIN minutes", "point = :point AND time BETWEEN hour AND since - 1"),
}

_UP_TO_DATE = {source: rolled_parts(source.name.lower(), _BETWEEN) for source in _ROLLED}

_INFO = "name, kind, units, description, device, link, area, system, labels"
_STATUSES = {int(status): status for status in Status}


class NotRolledUpError(Exception):
    """So many readings are not in the rollups yet that they are to be brought up to date before the answer."""

    def __init__(self, point: int) -> None:
        super().__init__(point)
        self.point = point


def read(connection: sqlite3.Connection, question: Question) -> Series:
    """Answer a question, from one state of the file. Raises NotRolledUpError, HistoryError or sqlite3.Error."""
    connection.execute("BEGIN")
    try:
        return _read(connection, question)
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def _read(connection: sqlite3.Connection, asked: Question) -> Series:
    found = connection.execute("SELECT id, kind FROM points WHERE name = ?", (asked.point,)).fetchone()
    first, last = _extent(connection, found[0]) if found else (0, LATEST_MS)
    question = within(asked, first, last)
    if found is None or question is None:
        return Series(asked.point, 0, [])
    marks = marks_of(connection)
    since = {source: marks[f"{source.name.lower()} since"] for source in Source}
    if (readings := _readings(connection, found[0], question, since[Source.RAW])) is not None:
        return Series(asked.point, 0, readings)
    for plan in plans(question, since):
        bounds = {"point": found[0], "start": plan.start_ms, "end": plan.end_ms, "width": plan.width_ms}
        bounds |= {"raw_since": since[Source.RAW], "minutes_since": since[Source.MINUTES]}
        if plan.source is not Source.RAW:
            parts = _parts_of_rollups(connection, plan.source, bounds)
        elif _count(connection, kept_parts(_BETWEEN), bounds) <= MOST_ROWS:
            parts = kept_parts(_BETWEEN)
        else:
            continue
        return Series(asked.point, plan.width_ms, _folded(connection, parts, found[1], bounds))
    raise HistoryError(f"{asked.point} has more than {MOST_ROWS:,} readings in that time: ask for a shorter one")


def _extent(connection: sqlite3.Connection, point: int) -> tuple[int, int]:
    """Return the times of a point's first and last row."""
    tables = ("stored", "arrived", "minutes", "hours")
    firsts = [connection.execute(f"SELECT min(time) FROM {table} WHERE point = ?", (point,)) for table in tables]
    lasts = [
        connection.execute(f"SELECT max(time) FROM {table} WHERE point = ?", (point,))
        for table in (*tables[:2], "latest")
    ]
    first = min((time for (time,) in map(sqlite3.Cursor.fetchone, firsts) if time is not None), default=LATEST_MS)
    last = max((time for (time,) in map(sqlite3.Cursor.fetchone, lasts) if time is not None), default=LATEST_MS)
    return first, last


def _readings(
    connection: sqlite3.Connection, point: int, question: Question, raw_since: int
) -> Sequence[Bucket] | None:
    """Return the readings themselves; None where they are too many, or some of them are in rollups only."""
    most = min(question.most, MOST_ROWS)
    bounds = {"point": point, "start": question.start_ms, "end": question.end_ms, "most": most + 1}
    if question.start_ms < raw_since:
        gone = {"point": point, "start": question.start_ms // HOUR_MS * HOUR_MS, "end": raw_since - 1}
        for table in ("minutes", "hours"):
            if connection.execute(f"SELECT 1 FROM {table} WHERE {_BETWEEN} LIMIT 1", gone).fetchone():
                return None
    found = connection.execute(
        f"SELECT time, value, text, severity FROM samples WHERE {_BETWEEN} ORDER BY time LIMIT :most",
        bounds,
    ).fetchall()
    if len(found) > most:
        return None
    return [
        Bucket(time, value if text is None else text, value, value, Severity(severity))
        for time, value, text, severity in found
    ]


def _parts_of_rollups(connection: sqlite3.Connection, source: Source, bounds: dict[str, int]) -> str:
    """Return the parts of buckets from a rollup; where it is not up to date, from the readings."""
    late = _count(connection, _READ_TAIL, bounds)
    if late > MOST_ROWS:
        raise NotRolledUpError(bounds["point"])
    return f"{_ROLLED[source]} UNION ALL {_READ_TAIL}" if late else _UP_TO_DATE[source]


def _count(connection: sqlite3.Connection, parts: str, bounds: dict[str, int]) -> int:
    """Return how many parts there are, as far as that matters."""
    counting = f"{_TAIL} SELECT count(*) FROM (SELECT 1 FROM ({parts}) LIMIT {MOST_ROWS + 1})"
    (count,) = connection.execute(counting, bounds).fetchone()
    return int(count)


def _folded(connection: sqlite3.Connection, parts: str, kind: str, bounds: dict[str, int]) -> Sequence[Bucket]:
    folded = fold(parts, ":width", newest=kind not in (Kind.NUMBER, Kind.INTEGER))
    return [
        Bucket(time, value_of(kind, mean, last, text), low, high, Severity(severity))
        for time, mean, low, high, last, text, severity, _, _ in connection.execute(_TAIL + folded, bounds)
    ]


def rows(connection: sqlite3.Connection, point: str, start_ms: int, end_ms: int, most: int) -> Sequence[Row]:
    """Return a point's rows in order, up to `most`. Raises sqlite3.Error."""
    found = connection.execute(
        "SELECT time, value, text, severity, status FROM samples "
        "WHERE point = (SELECT id FROM points WHERE name = ?) AND time BETWEEN ? AND ? ORDER BY time LIMIT ?",
        (point, max(0, start_ms), min(LATEST_MS, end_ms), most),
    )
    return [_row(point, *columns) for columns in found]


def latest(connection: sqlite3.Connection) -> Sequence[Row]:
    """Return the newest row of every point. Raises sqlite3.Error."""
    found = connection.execute(
        "SELECT name, time, value, text, severity, status FROM latest JOIN points ON id = point ORDER BY name"
    )
    return [_row(*columns) for columns in found]


def points(connection: sqlite3.Connection) -> Sequence[PointInfo]:
    """Return what is known of every point. Raises sqlite3.Error."""
    found = connection.execute(f"SELECT {_INFO} FROM points ORDER BY name")
    return [PointInfo(*texts, labels=tuple(json.loads(labels))) for *texts, labels in found]


def _row(point: str, time: int, value: float | None, text: str | None, severity: int, status: int) -> Row:
    # Another program may have written a status of EPICS that Vigilia does not use.
    return Row(point, time, value, text, Severity(severity), _STATUSES.get(status, Status.UDF))
