"""Histories filled with the scene: of a part only hours are left, of another minutes, and the newest are dirty."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import asyncpg

from tests.unit.deploy.scene import DAY, END, HOUR, MINUTE, points, rows
from vigilia.history.backend import Backend, Keeping, Row

RAW_SINCE, MINUTES_SINCE = END - 6 * HOUR, END - DAY
"""What is older was dropped."""
DIRTY_SINCE = END - HOUR
"""Whose rollups are still to be made."""
KEEPING = Keeping(0.25, 1, 0)

_TABLES = """
CREATE TABLE points (id INTEGER PRIMARY KEY, name TEXT UNIQUE, kind TEXT, units TEXT, description TEXT, device TEXT,
  link TEXT, area TEXT, system TEXT, labels TEXT);
CREATE TABLE samples (point INTEGER, time {time}, value DOUBLE PRECISION, text TEXT, severity SMALLINT, status SMALLINT,
  PRIMARY KEY (point, time));
CREATE TABLE minutes (point INTEGER, time {time}, mean DOUBLE PRECISION, low DOUBLE PRECISION, high DOUBLE PRECISION,
  last DOUBLE PRECISION, severity SMALLINT, count INTEGER, PRIMARY KEY (point, time));
CREATE TABLE hours (point INTEGER, time {time}, mean DOUBLE PRECISION, low DOUBLE PRECISION, high DOUBLE PRECISION,
  last DOUBLE PRECISION, severity SMALLINT, count INTEGER, PRIMARY KEY (point, time));
CREATE TABLE latest (point INTEGER PRIMARY KEY, time {time}, value DOUBLE PRECISION, text TEXT, severity SMALLINT,
  status SMALLINT);
CREATE TABLE dirty (point INTEGER, hour {time}, PRIMARY KEY (point, hour));
"""


def tables() -> dict[str, list[tuple[object, ...]]]:
    """The rows of every table; times in milliseconds."""
    known = list(points())
    ids = {point.name: number for number, point in enumerate(known, 1)}
    kept = list(rows())
    labels = {point.name: '["' + '", "'.join(point.labels) + '"]' if point.labels else "[]" for point in known}
    newest: dict[str, Row] = {}
    for row in sorted(kept, key=lambda row: row.time_ms):
        newest[row.point] = row
    return {
        "points": [(ids[p.name], *p[:-1], labels[p.name]) for p in known],
        "samples": [(ids[row.point], *row[1:4], int(row[4]), int(row[5])) for row in kept if row.time_ms >= RAW_SINCE],
        "minutes": _rolled([row for row in kept if MINUTES_SINCE <= row.time_ms < DIRTY_SINCE], ids, MINUTE),
        "hours": _rolled([row for row in kept if row.time_ms < DIRTY_SINCE], ids, HOUR),
        "latest": [(ids[name], *row[1:4], int(row[4]), int(row[5])) for name, row in newest.items()],
        "dirty": sorted({(ids[row.point], row.time_ms // HOUR * HOUR) for row in kept if row.time_ms >= DIRTY_SINCE}),
    }


def _rolled(kept: Iterable[Row], ids: dict[str, int], width: int) -> list[tuple[object, ...]]:
    buckets: defaultdict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in sorted(kept, key=lambda row: row.time_ms):
        buckets[ids[row.point], row.time_ms // width * width].append(row)
    return [(*key, *_amounts_to(found)) for key, found in buckets.items()]


def _amounts_to(found: Sequence[Row]) -> tuple[object, ...]:
    values = [row.value for row in found if row.value is not None]
    numbers = (sum(values) / len(values), min(values), max(values), values[-1]) if values else (None,) * 4
    return (*numbers, max(int(row.severity) for row in found), len(found))


async def fill(history: Backend) -> None:
    """Fill a history as the service would: the last hour came after maintenance had its turn."""
    await history.describe(list(points()))
    found = sorted(rows(), key=lambda row: row.time_ms)
    late = next(place for place, row in enumerate(found) if row.time_ms >= DIRTY_SINCE)
    for start in range(0, late, 5000):
        await history.write(found[start : min(late, start + 5000)])
    await history.maintain(END)
    await history.write(found[late:])


async def fill_postgresql(url: str) -> None:
    times = {"samples": 1, "minutes": 1, "hours": 1, "latest": 1, "dirty": 1}
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_TABLES.format(time="TIMESTAMPTZ"))
        for table, found in tables().items():
            values = [f"${place}" for place in range(1, len(found[0]) + 1)]
            if table in times:
                values[times[table]] = "to_timestamp($2::bigint / 1000.0)"
            await connection.executemany(f"INSERT INTO {table} VALUES ({', '.join(values)})", found)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
