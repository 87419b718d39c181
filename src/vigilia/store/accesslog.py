"""The access log: who came in, who was refused, who let whom in: what the audit cannot say, for it is of points."""

from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.clock import iso
from vigilia.points import Origin
from vigilia.store import schema
from vigilia.store.database import Row, Store

_log = schema.access_log

_KEPT = 50_000
"""How many refusals are kept, and how many of everything else: who guesses passwords cannot push out what matters."""


class Access(StrEnum):
    """What may have happened."""

    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    REFUSED = "refused"
    USER_ADDED = "user-added"
    USER_REMOVED = "user-removed"
    ROLE_CHANGED = "role-changed"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - an event's name
    TOKEN_MADE = "token-made"  # noqa: S105 - an event's name
    TOKEN_REMOVED = "token-removed"  # noqa: S105 - an event's name
    REACTOR_ACCEPTED = "reactor-accepted"
    REACTOR_ENROLLED = "reactor-enrolled"


async def note(connection: AsyncConnection, event: Access, about: str, by: Origin, at: float, detail: str = "") -> None:
    """Note what happened, in the transaction in which it does; of `REFUSED` and of all others 50,000 are kept."""
    row: dict[str, Any] = {
        "at": at,
        "event": event.value,
        "about": about[:200],
        "via": by.via,
        "user": by.user[:200],
        "host": by.host[:200],
        "detail": detail[:1000],
    }
    added = (await connection.execute(_log.insert().values(row))).inserted_primary_key
    if added is not None and added[0] % 100 == 0:
        refused = _log.c.event == Access.REFUSED.value
        for group in (refused, ~refused):
            oldest = select(_log.c.id).where(group).order_by(_log.c.id.desc()).offset(_KEPT).limit(1).scalar_subquery()
            await connection.execute(delete(_log).where(group, _log.c.id <= func.coalesce(oldest, -1)))


async def newest(store: Store, *, before: int | None = None, limit: int = 100) -> list[Row]:
    """Return what happened, the newest first: with an id below `before`, at most `limit`. Raises StoreError."""
    query = select(_log).order_by(_log.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_log.c.id < before)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [
        {
            "id": row["id"],
            "time": iso(row["at"]),
            "event": row["event"],
            "about": row["about"],
            "via": row["via"],
            "user": row["user"],
            "host": row["host"],
            "detail": row["detail"],
        }
        for row in rows
    ]
