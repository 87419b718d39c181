"""Alarms, incidents and checkpoints in the store: rows as frozen data, saved together or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.points import Checkpoint
from vigilia.store import schema
from vigilia.store.database import Store
from vigilia.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """An alarm as it is kept."""

    id: str
    rule: str
    point: str
    state: dict[str, Any]
    counters: dict[str, Any]
    changed_at: float


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident as it is kept: one alarm from start to end. Times are the equipment's, in seconds UTC."""

    id: str
    alarm: str
    rule: str
    system: str
    point: str
    device: str
    area: str
    equipment: str
    family: str
    label: str
    severity: int
    began_at: float
    ended_at: float | None
    last_seen_at: float
    detail: str
    suppressed_by: str
    brief: bool
    told: bool
    outage: bool
    found_at: float
    start_known: bool = True
    """False where `began_at` is a guess: the monitor before, from which it was taken over, did not tell."""


async def save_alarms(connection: AsyncConnection, rows: Sequence[AlarmRow]) -> None:
    """Put alarms into the store, in the place of what it has of them."""
    await upsert(connection, schema.alarms, [_values(row) for row in rows])


async def save_incidents(connection: AsyncConnection, rows: Sequence[IncidentRow]) -> None:
    """Put incidents into the store, in the place of what it has of them."""
    await upsert(connection, schema.incidents, [_values(row) for row in rows])


async def save_checkpoints(
    connection: AsyncConnection, checkpoints: Sequence[tuple[str, Checkpoint]], now: float
) -> None:
    """Keep how far drivers have come, each with its driver's name."""
    newest = {(driver, checkpoint.key): checkpoint.value for driver, checkpoint in checkpoints}
    rows = [{"driver": driver, "key": key, "value": value, "kept_at": now} for (driver, key), value in newest.items()]
    await upsert(connection, schema.checkpoints, rows)


async def load_checkpoints(store: Store, driver: str) -> dict[str, Any]:
    """Return how far a driver had come, by the keys of its checkpoints. Raises StoreError."""
    table = schema.checkpoints
    async with store.reading() as connection:
        rows = await connection.execute(select(table.c.key, table.c.value).where(table.c.driver == driver))
        return {row.key: row.value for row in rows}


async def load_alarms(store: Store) -> list[AlarmRow]:
    """Return every alarm that is kept. Raises StoreError."""
    async with store.reading() as connection:
        rows = await connection.execute(select(schema.alarms))
        return [AlarmRow(**row) for row in rows.mappings()]


async def load_incidents(store: Store, since: float) -> list[IncidentRow]:
    """Return the incidents that are open, and those that ended after `since`, by their start. Raises StoreError."""
    table = schema.incidents
    query = select(table).where((table.c.ended_at.is_(None)) | (table.c.ended_at > since)).order_by(table.c.began_at)
    async with store.reading() as connection:
        return [IncidentRow(**row) for row in (await connection.execute(query)).mappings()]


def _values(row: AlarmRow | IncidentRow) -> dict[str, Any]:
    """Return a row by column. Not `asdict`: that copies every reading that is kept, one by one."""
    return {column.name: getattr(row, column.name) for column in fields(row)}
