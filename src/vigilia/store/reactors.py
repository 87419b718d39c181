"""Reactors in the store: who was accepted, and what their settings should be."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.points import Value
from vigilia.store import schema
from vigilia.store.database import Store
from vigilia.store.upsert import insert, upsert

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReactorRow:
    """A reactor that was accepted."""

    id: str
    accepted_at: float
    accepted_by: str
    token_hash: str = ""
    """SHA-256 of its token, in hex; empty: it has none."""
    name: str = ""
    version: str = ""
    boot: str = ""
    machine: str = ""
    registered_at: float | None = None


@dataclass(frozen=True, slots=True)
class SettingRow:
    """What one setting should be, and what became of it."""

    reactor: str
    part: str
    parameter: str
    value: Value
    revision: int
    state: str
    reason: str
    asked_at: float
    asked_by: str
    held: Value | None = None
    held_revision: int = 0


async def load_reactors(store: Store) -> list[ReactorRow]:
    """Return every reactor that was accepted, by id; a row that cannot be read is logged and left out.

    Raises StoreError.
    """
    async with store.reading() as connection:
        rows = await connection.execute(select(schema.reactors).order_by(schema.reactors.c.id))
        return _understood(TypeAdapter(ReactorRow), rows.mappings().all())


async def load_settings(store: Store) -> list[SettingRow]:
    """Return every desired setting, in the order they were asked for; what cannot be read is logged and left out.

    Raises StoreError.
    """
    async with store.reading() as connection:
        rows = await connection.execute(select(schema.reactor_settings).order_by(schema.reactor_settings.c.revision))
        return _understood(TypeAdapter(SettingRow), rows.mappings().all())


async def save_reactors(connection: AsyncConnection, rows: Sequence[ReactorRow]) -> None:
    """Put reactors into the place of those of the same ids."""
    await upsert(connection, schema.reactors, [asdict(row) for row in rows])


async def save_settings(connection: AsyncConnection, rows: Sequence[SettingRow]) -> None:
    """Put settings into the place of those of the same parameters; an older revision replaces no newer one."""
    table = schema.reactor_settings
    keys = [column.name for column in table.primary_key]
    statement = insert(connection, table)
    others = {item.name: statement.excluded[item.name] for item in fields(SettingRow) if item.name not in keys}
    newer = statement.excluded.revision >= table.c.revision
    for row in rows:
        await connection.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=others, where=newer), [asdict(row)]
        )


def _understood(rows_of: TypeAdapter[Any], rows: Sequence[RowMapping]) -> list[Any]:
    found: list[Any] = []
    for row in rows:
        try:
            found.append(rows_of.validate_python(dict(row)))
        except ValidationError as error:
            wrong = error.errors()[0]
            key = row.get("id") or row.get("reactor")
            where = ".".join(str(part) for part in wrong["loc"])
            _logger.error("a reactor's row %s cannot be read, and is left as it is: %s: %s", key, where, wrong["msg"])
    return found
