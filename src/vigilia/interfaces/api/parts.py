"""What the API is made with, and how a route gets at it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from fastapi import Depends, Request

from vigilia.clock import Clock
from vigilia.interfaces.api.streams import Streams
from vigilia.link import Link
from vigilia.store.database import Row
from vigilia.table import PointTable


class Audit(Protocol):
    """Reads the audit of writes: `Store.audit`."""

    async def __call__(self, *, point: str = "", before: int | None = None, limit: int = 100) -> list[Row]:
        """Return writes, the newest first: of `point`, with an id below `before`, at most `limit`.

        Raises StoreError.
        """
        ...


@dataclass(frozen=True, slots=True)
class ApiParts:
    """The parts of the service that the API shows."""

    table: PointTable
    links: Sequence[Link]
    audit: Audit
    health: Callable[[], Awaitable[list[str]]]
    """Returns what is missing for the watch to be healthy, one sentence each; nothing where it is."""
    clock: Clock
    version: str
    streams: Streams = field(default_factory=Streams)
    """The event streams that are open."""


async def _parts(request: Request) -> ApiParts:
    return request.app.state.parts


Parts = Annotated[ApiParts, Depends(_parts)]
"""A route's way to the parts."""
