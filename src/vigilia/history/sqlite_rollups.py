"""The rollups of a history's SQLite file, and the end of what is past its keeping: all of it in short pieces.

An hour is rolled up when it is over, and every few minutes while it lasts; each time from the readings since the last,
as `dirty` says. An hour that gets a late reading is dirty again. A reading from before raw's keeping goes to `late`:
what it belongs with is gone, so it is added to what the rollups have.
"""

# ruff: noqa: S608 - statements are put together from tables and columns of ours; values are bound

import sqlite3
import time

from vigilia.history.backend import Keeping
from vigilia.history.ladder import DAY_MS, HOUR_MS, MINUTE_MS, hour_after, keeping_now
from vigilia.history.sqlite_file import transaction
from vigilia.history.sqlite_fold import COLUMNS, fold, kept_parts, raw_parts, rolled_parts
from vigilia.history.sqlite_rows import marks_of

_PIECE_S = 0.05
"""A piece of work ends after this time: a write waits no longer than for one, and one step of it."""
_MOST_DELETED = 10_000
"""So many rows are deleted in a step."""
_LIVE_MS = 5 * MINUTE_MS
"""So often hours are rolled up that are not over."""

_BETWEEN = "point = :point AND time BETWEEN :start AND :end"
_MINUTES = (
    f"INSERT INTO minutes (point, {COLUMNS}) SELECT :point, * FROM ({fold(kept_parts(_BETWEEN), str(MINUTE_MS))})"
)
_HOURS = "INSERT INTO hours (point, {}) SELECT :point, * FROM ({})"
_HOUR_OF_RAW = _HOURS.format(COLUMNS, fold(kept_parts(_BETWEEN), str(HOUR_MS)))
_HOUR_OF_MINUTES = _HOURS.format(COLUMNS, fold(rolled_parts("minutes", _BETWEEN), str(HOUR_MS)))

_MERGE = """INSERT INTO {table} AS old (point, {columns}) SELECT :point, * FROM ({folded}) WHERE true
ON CONFLICT DO UPDATE SET
  mean = coalesce((old.mean * old.numbers + excluded.mean * excluded.numbers) / (old.numbers + excluded.numbers),
    old.mean, excluded.mean),
  low = coalesce(min(old.low, excluded.low), old.low, excluded.low),
  high = coalesce(max(old.high, excluded.high), old.high, excluded.high),
  last = coalesce(excluded.last, old.last), text = coalesce(excluded.text, old.text),
  severity = max(old.severity, excluded.severity), count = old.count + excluded.count,
  numbers = old.numbers + excluded.numbers"""
_MERGE_MINUTES, _MERGE_HOURS = (
    _MERGE.format(table=table, columns=COLUMNS, folded=fold(raw_parts("late", _BETWEEN), str(width)))
    for table, width in (("minutes", MINUTE_MS), ("hours", HOUR_MS))
)

_KEPT = {"raw since": ("stored", "arrived"), "minutes since": ("minutes",), "hours since": ("hours",)}


class Upkeep:
    """The work on one file. Each method does a piece, and says whether there is more to do."""

    def __init__(self, keeping: Keeping) -> None:
        days = (keeping.raw_days, keeping.minute_days, keeping.hour_days)
        self._keeping_ms = {mark: round(length * DAY_MS) for mark, length in zip(_KEPT, days, strict=True)}
        self._live_ms: int | None = None
        self._rolling_live = False
        self._rolled = (0, -1)
        self._swept: dict[str, int] = {}
        self._sweeping = 0

    def begin(self, now_ms: int) -> None:
        """Begin a round: hours that are not over have their turn in some rounds only."""
        self._rolling_live = self._live_ms is None or abs(now_ms - self._live_ms) >= _LIVE_MS
        if self._rolling_live:
            self._live_ms = now_ms
        self._rolled = (0, -1)

    def roll_some(self, connection: sqlite3.Connection, now_ms: int) -> bool:
        """Bring the rollups of some hours up to date; every dirty hour has one turn in a round."""
        until = time.monotonic() + _PIECE_S
        with transaction(connection):
            minutes_since = marks_of(connection)["minutes since"]
            found = connection.execute(
                "SELECT point, hour, since FROM dirty WHERE (point, hour) > (?, ?) AND hour <= ? "
                "ORDER BY point, hour LIMIT 1000",
                (*self._rolled, 2**62 if self._rolling_live else now_ms - HOUR_MS),
            ).fetchall()
            for point, hour, since in found:
                roll_hour(connection, point, hour, since, minutes_since)
                self._rolled = (point, hour)
                if time.monotonic() > until:
                    break
        return bool(found)

    def merge_some(self, connection: sqlite3.Connection) -> bool:
        """Add some of the readings from before raw's keeping to the rollups."""
        until = time.monotonic() + _PIECE_S
        with transaction(connection):
            marks = marks_of(connection)
            while time.monotonic() < until:
                found = connection.execute("SELECT point, time FROM late ORDER BY point, time LIMIT 1").fetchone()
                if found is None:
                    return False
                _merge_hour(connection, found[0], found[1] // HOUR_MS * HOUR_MS, marks)
        return True

    def end_keeping(self, connection: sqlite3.Connection, now_ms: int) -> None:
        """Note, by the hour, from which time on everything is kept; readings stay until they are rolled up.

        A mark ahead of now is of a clock that was wrong, and comes back to the hour after this one: of hours before it
        the readings are gone, and their rollups are all there is.
        """
        ahead = hour_after(now_ms)
        with transaction(connection):
            (newest,) = connection.execute("SELECT coalesce(max(time), 0) FROM latest").fetchone()
            for mark, length in self._keeping_ms.items():
                connection.execute("UPDATE marks SET time = ? WHERE name = ? AND time > ?", (ahead, mark, ahead))
                since = (keeping_now(now_ms, newest) - length) // HOUR_MS * HOUR_MS
                if not length or (mark == "raw since" and _dirty_before(connection, since)):
                    continue
                connection.execute("UPDATE marks SET time = ? WHERE name = ? AND time < ?", (since, mark, since))

    def drop_some(self, connection: sqlite3.Connection) -> bool:
        """Delete some of what is before that time. Its pages are used again for what comes."""
        until = time.monotonic() + _PIECE_S
        with transaction(connection):
            for mark, since in marks_of(connection).items():
                for table in _KEPT.get(mark, ()):
                    if self._swept.get(table, 0) == since:
                        continue
                    while self._drop_step(connection, table, since):
                        if time.monotonic() > until:
                            return True
                    self._swept[table], self._sweeping = since, 0
        return False

    def _drop_step(self, connection: sqlite3.Connection, table: str, since: int) -> bool:
        """Delete a bounded part of the first point that has something to delete; return whether there was one."""
        found = connection.execute(
            f"SELECT point, time FROM {table} WHERE point >= ? ORDER BY point, time LIMIT 1",
            (self._sweeping,),
        ).fetchone()
        if found is None:
            return False
        point, first = found
        self._sweeping = point
        if first >= since:
            self._sweeping += 1
            return True
        end = connection.execute(
            f"SELECT time FROM {table} WHERE point = ? AND time < ? ORDER BY time LIMIT 1 OFFSET ?",
            (point, since, _MOST_DELETED),
        ).fetchone()
        connection.execute(f"DELETE FROM {table} WHERE point = ? AND time < ?", (point, end[0] if end else since))
        return True


def roll_point(connection: sqlite3.Connection, point: int) -> bool:
    """Bring some rollups of one point up to date; return whether there is more to do. Raises sqlite3.Error."""
    until = time.monotonic() + _PIECE_S
    with transaction(connection):
        minutes_since = marks_of(connection)["minutes since"]
        found = connection.execute("SELECT hour, since FROM dirty WHERE point = ? LIMIT 1000", (point,)).fetchall()
        for hour, since in found:
            roll_hour(connection, point, hour, since, minutes_since)
            if time.monotonic() > until:
                return True
    return False


def roll_hour(connection: sqlite3.Connection, point: int, hour: int, since: int, minutes_since: int) -> None:
    """Make the rollups of an hour anew from `since` on. Raises sqlite3.Error."""
    end = hour + HOUR_MS - 1
    if hour >= minutes_since:
        changed = {"point": point, "start": since // MINUTE_MS * MINUTE_MS, "end": end}
        connection.execute(f"DELETE FROM minutes WHERE {_BETWEEN}", changed)
        connection.execute(_MINUTES, changed)
    whole = {"point": point, "start": hour, "end": end}
    connection.execute(f"DELETE FROM hours WHERE {_BETWEEN}", whole)
    connection.execute(_HOUR_OF_MINUTES if hour >= minutes_since else _HOUR_OF_RAW, whole)
    connection.execute("DELETE FROM dirty WHERE point = ? AND hour = ?", (point, hour))


def _merge_hour(connection: sqlite3.Connection, point: int, hour: int, marks: dict[str, int]) -> None:
    whole = {"point": point, "start": hour, "end": hour + HOUR_MS - 1}
    if hour >= marks["minutes since"]:
        connection.execute(_MERGE_MINUTES, whole)
    if hour >= marks["hours since"]:
        connection.execute(_MERGE_HOURS, whole)
    connection.execute(f"DELETE FROM late WHERE {_BETWEEN}", whole)


def _dirty_before(connection: sqlite3.Connection, time_ms: int) -> bool:
    return connection.execute("SELECT 1 FROM dirty WHERE hour < ? LIMIT 1", (time_ms,)).fetchone() is not None
