"""Marks: what was done when, so that it is done once."""

from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.store import schema
from vigilia.store.database import Store

_marks = schema.marks


async def mark(connection: AsyncConnection, name: str, value: dict[str, Any]) -> None:
    """Keep what was done when, under a name, in the transaction of what was done."""
    kept = update(_marks).where(_marks.c.name == name).values(value=value)
    if (await connection.execute(kept)).rowcount == 0:
        await connection.execute(insert(_marks).values(name=name, value=value))


async def marked(store: Store, name: str) -> dict[str, Any] | None:
    """Return what `mark` kept under a name; None where it kept nothing. Raises StoreError."""
    async with store.reading() as connection:
        return await read(connection, name)


async def read(connection: AsyncConnection, name: str) -> dict[str, Any] | None:
    """Return what `mark` kept under a name, as a transaction sees it; None where it kept nothing."""
    return await connection.scalar(select(_marks.c.value).where(_marks.c.name == name))
