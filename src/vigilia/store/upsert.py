"""Insert, or replace what is there, as SQLite and PostgreSQL both do it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

_ROWS_AT_ONCE = 500


def insert(connection: AsyncConnection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Return the `INSERT` of the connection's database, which has `ON CONFLICT`."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # some megabytes, for those who use it only

        return postgresql.insert(table)
    return sqlite.insert(table)


async def upsert(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put whole rows into `table`, in the place of those with the same primary key."""
    if not rows:
        return
    statement = insert(connection, table)
    keys = [column.name for column in table.primary_key]
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    statement = statement.on_conflict_do_update(index_elements=keys, set_=others)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        await connection.execute(statement, rows[start : start + _ROWS_AT_ONCE])
