"""Notices in the outbox, as people look at them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from vigilia.clock import iso
from vigilia.store import schema
from vigilia.store.database import Row, Store

_outbox = schema.outbox.c


async def newest(store: Store, *, before: int | None = None, limit: int = 100) -> list[Row]:
    """Return notices, the newest first: with an id below `before`, at most `limit`. Raises StoreError."""
    query = select(schema.outbox).order_by(_outbox.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_outbox.id < before)
    async with store.reading() as connection:
        return [notice_row(row) for row in (await connection.execute(query)).mappings()]


def notice_row(row: Mapping[Any, Any]) -> Row:
    """Return a row of the outbox as people look at it."""
    notice, delivered = row["notice"], row["delivered_at"]
    return {
        "id": row["id"],
        "channel": row["channel"],
        "kind": row["kind"],
        "title": notice["title"],
        "area": notice["area"],
        "line": notice["line"],
        "alarm": row["alarm"],
        "incident": row["incident"],
        "at": iso(notice["at"]),
        "created_at": iso(row["created_at"]),
        "card": row["card"],
        "attempts": row["attempts"],
        "delivered_at": None if delivered is None else iso(delivered),
        "error": row["error"],
    }
