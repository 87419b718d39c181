"""The event streams that are open: how many there may be, what they dropped, and how to end them all."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

MOST_STREAMS = 100
MOST_OF_ONE = 50
"""Of one user, of one token, or of all together who have not signed in: no one of them takes all there are."""


class Counted(Protocol):
    """What feeds a stream."""

    @property
    def replaced(self) -> int:
        """Values that a newer one replaced before the client had fetched them."""
        ...


class Streams:
    """All open streams, each a task that feeds a client."""

    def __init__(self) -> None:
        self.ended = False
        """True once no stream may open any more."""
        self._open: dict[asyncio.Task[None], Counted] = {}
        self._whose: dict[asyncio.Task[None], str] = {}
        self._replaced = 0

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def refusal(self, whose: str) -> str:
        """Return why no stream may open now; empty: it may. `whose` it is, empty where people are not told apart."""
        if self.ended:
            return "the service is stopping"
        if len(self._open) >= MOST_STREAMS:
            return f"{MOST_STREAMS} event streams are open already"
        if whose and sum(of == whose for of in self._whose.values()) >= MOST_OF_ONE:
            return f"{MOST_OF_ONE} event streams of {whose} are open already"
        return ""

    @property
    def replaced(self) -> int:
        """Values that a newer one replaced before a client had fetched them, since the start."""
        return self._replaced + sum(source.replaced for source in self._open.values())

    @contextmanager
    def opened(self, feed: asyncio.Task[None], source: Counted, whose: str) -> Generator[None, None, None]:
        """Count a stream as open while the context lasts."""
        self._open[feed], self._whose[feed] = source, whose
        try:
            yield
        finally:
            del self._open[feed], self._whose[feed]
            self._replaced += source.replaced

    def end(self) -> None:
        """End every stream, and let none open any more."""
        self.ended = True
        for feed in self._open:
            feed.cancel()
