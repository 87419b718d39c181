"""Points that appear at run time: put into the table at once, and remembered for the next start."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from vigilia.clock import Clock
from vigilia.points import Point
from vigilia.table import PointTable, Writer

_logger = logging.getLogger(__name__)


class PointStore(Protocol):
    """Remembers points: `Store`."""

    async def add_points(self, driver: str, points: Sequence[Point], now: float) -> None:
        """Keep `points` besides those of `driver`, or in place of those of the same names. Raises StoreError."""
        ...


class Declarations:
    """One driver's way to make points known that it found at work (the drivers' `Declare`)."""

    def __init__(self, driver: str, table: PointTable, store: PointStore, clock: Clock) -> None:
        self.writer: Writer | None = None
        """What carries writes to the points: the driver's own `write`, which is there once the driver is made."""
        self._driver = driver
        self._table = table
        self._store = store
        self._clock = clock
        self._unremembered: dict[str, Point] = {}
        self._remembering = asyncio.Lock()

    async def __call__(self, points: Sequence[Point]) -> None:
        """Put `points` into the table and remember them; those that are there as they are cost nothing.

        One that is there with another definition is defined anew, and keeps its reading. Raises ValueError, before
        anything is done, for a name that somebody else's point has; StoreError where the points are in the table, but
        will not be remembered until a later call succeeds.
        """
        self.put(points)
        await self.remember()

    def put(self, points: Sequence[Point]) -> None:
        """Put `points` into the table alone, for those who wait for no store; `remember` them. Raises ValueError."""
        changed = self._table.define(points, self.writer, self._driver)
        if changed:
            _logger.info("%s: %d points are new or changed, %s first", self._driver, len(changed), changed[0].name)
        self._unremembered |= {point.name: point for point in changed}

    async def remember(self) -> None:
        """Remember what was put into the table and is not yet. Raises StoreError; a later call does what is left."""
        async with self._remembering:  # who waited here often finds that those before have remembered its points, too
            waiting = dict(self._unremembered)
            if waiting:
                await self._store.add_points(self._driver, list(waiting.values()), self._clock.now())
            for name, point in waiting.items():
                if self._unremembered.get(name) is point:  # not defined anew meanwhile
                    del self._unremembered[name]
