"""The event streams that are open: how many there may be, what they dropped, and how to end them all."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

MOST_STREAMS = 100


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
        self._replaced = 0

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    @property
    def full(self) -> bool:
        """Whether as many are open as may be."""
        return len(self._open) >= MOST_STREAMS

    @property
    def replaced(self) -> int:
        """Values that a newer one replaced before a client had fetched them, since the start."""
        return self._replaced + sum(source.replaced for source in self._open.values())

    @contextmanager
    def opened(self, feed: asyncio.Task[None], source: Counted) -> Generator[None, None, None]:
        """Count a stream as open while the context lasts."""
        self._open[feed] = source
        try:
            yield
        finally:
            del self._open[feed]
            self._replaced += source.replaced

    def end(self) -> None:
        """End every stream, and let none open any more."""
        self.ended = True
        for feed in self._open:
            feed.cancel()
