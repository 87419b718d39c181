"""What differs between the database systems that a store may be in."""

from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

WRITES = "vigilia_writes"
"""The execution option of a transaction that is to write."""


class Place(Protocol):
    """Where a store is."""

    name: str
    """For messages: without a password."""
    engine: AsyncEngine
    set_aside: str
    """Where the damaged state was put that was found there; empty where it was whole, or new."""

    async def check_start(self, connection: AsyncConnection) -> None:
        """See, in the first transaction, that the database takes a write. Raises DBAPIError."""
        ...

    async def check(self) -> None:
        """Raise StoreError where what is written would go where nobody looks for it."""
        ...

    def check_room(self) -> None:
        """Raise StoreError where the disk is read-only or full, as far as one can know."""
        ...

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Keep every other write transaction waiting until this one ends. Raises DBAPIError or StoreError."""
        ...

    async def close(self) -> None:
        """Part from the database."""
        ...
