"""The known points: definitions as they were last declared, so that a start knows them before the equipment speaks."""

import json
import logging
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.points import Point
from vigilia.store import schema
from vigilia.store.text import to_json
from vigilia.store.upsert import insert

_logger = logging.getLogger(__name__)

_POINTS_AT_ONCE = 200
"""Small portions: memory that thousands of definitions need for a moment would stay taken for good."""


async def remember(connection: AsyncConnection, driver: str, points: Sequence[Point], now: float) -> None:
    """Put those of `points` into the store that it does not know as they are."""
    for start in range(0, len(points), _POINTS_AT_ONCE):
        await _remember_some(connection, driver, points[start : start + _POINTS_AT_ONCE], now)


async def add(connection: AsyncConnection, driver: str, points: Sequence[Point], now: float) -> None:
    """Put `points` into the store, in place of those of the same names.

    It reads nothing before it writes: SQLite ends a transaction that does so where another one wrote in between.
    """
    for start in range(0, len(points), _POINTS_AT_ONCE):
        await _put(connection, driver, points[start : start + _POINTS_AT_ONCE], now)


async def recall(connection: AsyncConnection, driver: str) -> list[Point]:
    """Return a driver's points, those known longest first; a definition that cannot be read is logged and left out."""
    table = schema.known_points
    definitions = TypeAdapter(Point)
    query = select(table.c.name, table.c.definition).where(table.c.driver == driver)
    rows = await connection.execute(query.order_by(table.c.first_seen, table.c.name))
    points: list[Point] = []
    for row in rows:
        try:
            points.append(definitions.validate_python(row.definition))
        except ValidationError as error:
            wrong = error.errors()[0]
            where = ".".join(str(part) for part in wrong["loc"])
            _logger.warning(
                "%s: the known point %s is forgotten, for this version cannot read its definition: %s: %s",
                driver,
                row.name,
                where or "definition",
                wrong["msg"],
            )
    return points


async def _remember_some(connection: AsyncConnection, driver: str, points: Sequence[Point], now: float) -> None:
    table = schema.known_points
    mine = select(table).where(table.c.driver == driver, table.c.name.in_([point.name for point in points]))
    known = {row.name: row.definition for row in await connection.execute(mine)}
    await _put(connection, driver, [point for point in points if known.get(point.name) != _definition(point)], now)


async def _put(connection: AsyncConnection, driver: str, points: Sequence[Point], now: float) -> None:
    if not points:
        return
    table = schema.known_points
    upsert = insert(connection, table)
    await connection.execute(
        upsert.on_conflict_do_update(
            index_elements=[table.c.name],
            set_={"driver": upsert.excluded.driver, "definition": upsert.excluded.definition},
        ),
        [{"name": point.name, "driver": driver, "definition": point, "first_seen": now} for point in points],
    )


def _definition(point: Point) -> Any:
    """Return a point as JSON gives it back."""
    return json.loads(to_json(point))
