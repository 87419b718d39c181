"""How much is open: alarms that are active, notices that wait."""

from dataclasses import dataclass

from sqlalchemy import func, select

from vigilia.store import schema
from vigilia.store.database import Store


@dataclass(frozen=True, slots=True)
class Open:
    """What is not done yet."""

    alarms: int
    """Incidents that have not ended."""
    notices: int
    """Notices that no channel has taken."""


async def count_open(store: Store) -> Open:
    """Return how many alarms are active and notices wait. Raises StoreError."""
    incidents = select(func.count()).select_from(schema.incidents).where(schema.incidents.c.ended_at.is_(None))
    waiting = select(func.count()).select_from(schema.outbox).where(schema.outbox.c.delivered_at.is_(None))
    async with store.reading() as connection:
        return Open(
            alarms=(await connection.execute(incidents)).scalar_one(),
            notices=(await connection.execute(waiting)).scalar_one(),
        )
