"""Marks: what was done when, so that it is done once."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.store import schema


async def mark(connection: AsyncConnection, name: str) -> Any:
    """Return the value of a mark; None where it was never set."""
    return await connection.scalar(select(schema.marks.c.value).where(schema.marks.c.name == name))


async def set_mark(connection: AsyncConnection, name: str, value: Any) -> None:
    """Set a mark to `value`, as JSON holds it, together with what else the connection's transaction does."""
    await connection.execute(
        insert(schema.marks)
        .values(name=name, value=value)
        .on_conflict_do_update(index_elements=[schema.marks.c.name], set_={"value": value})
    )
