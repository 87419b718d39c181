"""Rows into a history's SQLite file: into the small table where they arrive, and from there in runs into the large."""

# ruff: noqa: S608 - statements are put together from tables and columns of ours; values are bound

import json
import sqlite3
from collections.abc import Iterable, Sequence

from vigilia.history.acceptance import check_rows
from vigilia.history.backend import PointInfo, Row
from vigilia.history.ladder import HOUR_MS
from vigilia.history.sqlite_file import transaction

MOST_ARRIVED = 200_000
"""So many rows stay where they arrived: fewer, and each run brings too few of a point; more, and they take room."""
_RUN = 20_000
"""So many rows go on at once: a write waits no longer than for that."""

_UPSERT = """INSERT INTO {} (point, time, value, state) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, state = excluded.state"""

_DIRTY = """INSERT INTO dirty (point, hour, since) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET since = excluded.since WHERE excluded.since < dirty.since"""

_LATEST = """INSERT INTO latest (point, time, value, text, severity, status) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET time = excluded.time, value = excluded.value, text = excluded.text,
  severity = excluded.severity, status = excluded.status WHERE excluded.time >= latest.time"""

_DESCRIBE = """INSERT INTO points (name, kind, units, description, device, link, area, system, labels)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, units = excluded.units, description = excluded.description,
  device = excluded.device, link = excluded.link, area = excluded.area, system = excluded.system,
  labels = excluded.labels"""

_Kept = tuple[int, int, float | bytes | None, int]


class Writer:
    """What the connection that writes knows between two writes: the numbers of points, and how many rows arrived."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._connection: sqlite3.Connection | None = None
        self._version = -1
        self._arrived = 0
        self._run_from = (0, -1)

    def write(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Keep rows, all or none. Raises RefusedRowsError, or sqlite3.Error."""
        check_rows(rows)
        try:
            self._write(connection, rows)
        except BaseException:
            self._ids.clear()  # the points that it made known are unknown again
            raise
        self._arrived += len(rows)

    def describe(self, connection: sqlite3.Connection, points: Sequence[PointInfo]) -> None:
        """Keep what is known of points. Raises sqlite3.Error."""
        with transaction(connection):
            connection.executemany(
                _DESCRIBE, [(*info[:-1], json.dumps(info.labels, ensure_ascii=False)) for info in points]
            )

    @property
    def behind(self) -> bool:
        """True while there are too many rows where they arrived."""
        return self._arrived > MOST_ARRIVED

    def count(self, connection: sqlite3.Connection) -> None:
        """Count the rows where they arrived anew: other programs may have inserted some. Raises sqlite3.Error."""
        (self._arrived,) = connection.execute("SELECT count(*) FROM arrived").fetchone()

    def move_run(self, connection: sqlite3.Connection, most: int = _RUN) -> None:
        """Move the next run of rows, point by point and all round again, into the large table. Raises sqlite3.Error."""
        with transaction(connection):
            start = self._run_from
            end = connection.execute(
                "SELECT point, time FROM arrived WHERE (point, time) > (?, ?) ORDER BY point, time LIMIT 1 OFFSET ?",
                (*start, most - 1),
            ).fetchone()
            run = "WHERE (point, time) > (?, ?)" + (" AND (point, time) <= (?, ?)" if end else "")
            bounds = (*start, *(end or ()))
            connection.execute(
                "UPDATE marks SET time = max(time, (SELECT coalesce(max(time), -1) FROM arrived "
                f"{run})) WHERE name = 'stored until'",
                bounds,
            )
            connection.execute(f"INSERT OR REPLACE INTO stored SELECT * FROM arrived {run}", bounds)
            moved = connection.execute(f"DELETE FROM arrived {run}", bounds).rowcount
        self._arrived = max(0, self._arrived - moved)
        self._run_from = end or (0, -1)
        if not moved and start == (0, -1):
            self._arrived = 0

    def _write(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        with transaction(connection):
            self._look_around(connection)
            self._know(connection, {row.point for row in rows})
            marks = marks_of(connection)
            kept = [_kept(self._ids, row) for row in rows]
            since, until = marks["raw since"], marks["stored until"]
            connection.executemany(_UPSERT.format("arrived"), [row for row in kept if row[1] >= since])
            connection.executemany(
                "DELETE FROM stored WHERE point = ? AND time = ?", [row[:2] for row in kept if row[1] <= until]
            )
            if late := [row for row in kept if row[1] < since]:
                connection.executemany(_UPSERT.format("late"), late)
            connection.executemany(_DIRTY, _changed_hours(kept, since))
            connection.executemany(_LATEST, self._newest(rows))

    def _look_around(self, connection: sqlite3.Connection) -> None:
        """Forget what was known where another program has changed the file, or it is another file."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if connection is not self._connection or version != self._version:
            self._ids.clear()
            self._connection, self._version = connection, version
            self.count(connection)

    def _know(self, connection: sqlite3.Connection, names: set[str]) -> None:
        for name in names - self._ids.keys():
            connection.execute("INSERT INTO points (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
            (self._ids[name],) = connection.execute("SELECT id FROM points WHERE name = ?", (name,)).fetchone()

    def _newest(self, rows: Sequence[Row]) -> Iterable[tuple[object, ...]]:
        newest: dict[str, Row] = {}
        for row in rows:
            if (other := newest.get(row.point)) is None or row.time_ms >= other.time_ms:
                newest[row.point] = row
        return [(self._ids[name], *row[1:4], int(row.severity), int(row.status)) for name, row in newest.items()]


def marks_of(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the times up to which something was done with the file. Raises sqlite3.Error."""
    return dict(connection.execute("SELECT name, time FROM marks"))


def _kept(ids: dict[str, int], row: Row) -> _Kept:
    value = row.value if row.text is None else row.text.encode()
    return ids[row.point], row.time_ms, value, row.severity << 5 | row.status


def _changed_hours(kept: Iterable[_Kept], since: int) -> Iterable[tuple[int, int, int]]:
    earliest: dict[tuple[int, int], int] = {}
    for point, time, _, _ in kept:
        if time >= since:
            key = point, time // HOUR_MS * HOUR_MS
            if time < earliest.get(key, time + 1):
                earliest[key] = time
    return [(*key, time) for key, time in earliest.items()]
