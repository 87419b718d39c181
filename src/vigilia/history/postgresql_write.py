"""Rows on their way into PostgreSQL."""

import json
from collections.abc import Sequence
from typing import Any

from vigilia.history.backend import PointInfo, Row
from vigilia.history.postgresql_schema import LOCKS, WRITING
from vigilia.store.text import storable

_NEW_POINTS = """
    INSERT INTO points (name)
    SELECT name FROM unnest($1::text[]) AS name
    WHERE NOT EXISTS (SELECT FROM points AS known WHERE known.name = name.name)
    ON CONFLICT DO NOTHING
"""
_IDS = "SELECT name, id FROM points WHERE name = ANY($1::text[])"
_INSERT = """
    INSERT INTO samples AS known (point, time, value, text, severity, status)
    SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::float8[], $4::text[], $5::int2[], $6::int2[])
    ON CONFLICT (point, time) DO UPDATE
    SET (value, text, severity, status) = (excluded.value, excluded.text, excluded.severity, excluded.status)
    WHERE (known.value, known.text, known.severity, known.status)
        IS DISTINCT FROM (excluded.value, excluded.text, excluded.severity, excluded.status)
"""
_DESCRIBE = """
    INSERT INTO points AS known (name, kind, units, description, device, link, area, system, labels)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (name) DO UPDATE
    SET (kind, units, description, device, link, area, system, labels) = (
        excluded.kind, excluded.units, excluded.description, excluded.device, excluded.link, excluded.area,
        excluded.system, excluded.labels
    )
"""


async def insert(connection: Any, rows: Sequence[Row]) -> None:
    """Add rows in one transaction; of those of one point and time the last stays."""
    kept = {(row.point, row.time_ms): row for row in rows}
    names = sorted({name for name, _ in kept})
    async with connection.transaction():
        # Two that write the same rows in another order would each wait for the other.
        await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LOCKS, WRITING)
        ids = await _ids(connection, names)
        # Rows of a point lie side by side, as questions will want them.
        ordered = sorted((ids[name], time_ms, row) for (name, time_ms), row in kept.items())
        await connection.execute(
            _INSERT,
            [point for point, _, _ in ordered],
            [time_ms for _, time_ms, _ in ordered],
            [row.value for _, _, row in ordered],
            [row.text for _, _, row in ordered],
            [int(row.severity) for _, _, row in ordered],
            [int(row.status) for _, _, row in ordered],
        )


async def _ids(connection: Any, names: Sequence[str]) -> dict[str, int]:
    """Return the points' numbers, which are looked up each time: the database may have been restored meanwhile."""
    ids = {record[0]: record[1] for record in await connection.fetch(_IDS, names)}
    if missing := [name for name in names if name not in ids]:
        await connection.execute(_NEW_POINTS, missing)
        ids = {record[0]: record[1] for record in await connection.fetch(_IDS, names)}
    return ids


async def describe(connection: Any, points: Sequence[PointInfo]) -> None:
    """Keep what is known of points, all or none."""
    rows = [
        (*(storable(word) for word in info[:-1]), json.dumps([storable(label) for label in info.labels]))
        for info in sorted({info.name: info for info in points}.values())
    ]
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LOCKS, WRITING)
        await connection.executemany(_DESCRIBE, rows)
