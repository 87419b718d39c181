"""How many notices wait, without looking at each."""

from typing import NamedTuple

from sqlalchemy import func, select

from vigilia.store import schema
from vigilia.store.database import Store

_outbox = schema.outbox.c


class Tally(NamedTuple):
    """The outbox in numbers. A notice that goes to two channels counts twice."""

    waiting: int
    """Notices that are not delivered yet."""
    failed: int
    """Those of them whose last attempt failed."""
    newest: int | None
    """The id of the newest, delivered or not; None: there is none."""


async def tally(store: Store) -> Tally:
    """Count the notices. Raises StoreError."""
    undelivered = _outbox.delivered_at.is_(None)
    failed = func.count().filter(_outbox.error != "")
    async with store.reading() as connection:
        waiting = (await connection.execute(select(func.count(), failed).where(undelivered))).one()
        newest = await connection.scalar(select(func.max(_outbox.id)))
    return Tally(waiting[0], waiting[1], newest)
