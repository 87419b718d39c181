"""Has what reactors declared be known at the next start: beside registrations, which wait for no database."""

import asyncio
import logging

from vigilia.drivers import Declare
from vigilia.drivers.reactor.inventory import Inventory
from vigilia.drivers.reactor.rules import SYSTEM
from vigilia.points import Batch, Checkpoint
from vigilia.store import StoreError
from vigilia.table import PointTable

_logger = logging.getLogger(__name__)

PARTS = "parts:"
"""Begins the key of the checkpoint that holds a reactor's inventory."""
_RETRY_S = 2.0
_ANSWER_S = 10.0
"""Real seconds that the store has for an answer; it knows of an end itself, sooner."""
_LAST_S = 1.0


class Remembering:
    """Points and inventories on their way into the store, the newest of each. `run()` it in a task."""

    def __init__(self, declare: Declare | None, table: PointTable, kept: dict[str, Inventory]) -> None:
        """`kept`: the inventories that the store has, by reactor; those that it takes are added."""
        self.failure = ""
        """Why the store takes nothing; empty: it does."""
        self._declare = declare
        self._table = table
        self._kept = kept
        self._waiting: dict[str, Inventory] = {}
        self._wake = asyncio.Event()
        self._writing: asyncio.Task[str] | None = None

    def put(self, inventory: Inventory) -> None:
        """Have what a reactor declared be remembered soon."""
        kept = self._kept.get(inventory.reactor)
        if kept is None or kept.packed() != inventory.packed():
            self._waiting[inventory.reactor] = inventory
        else:
            self._waiting.pop(inventory.reactor, None)
        self._wake.set()

    async def run(self) -> None:
        """Remember what comes, until cancelled; then what is left."""
        try:
            while True:
                await self._wake.wait()
                if not await self._write(_ANSWER_S):
                    await asyncio.sleep(_RETRY_S)
                    self._wake.set()
        finally:
            if self._wake.is_set() or self._waiting:
                await self._write(_LAST_S)
            if self._writing is not None:
                self._writing.cancel()
                await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self, deadline_s: float) -> bool:
        """Write what waits; return whether the store took it.

        What the store has been given, and gives no answer to, is not given to it once more: it waits in line there.
        """
        if self._writing is None:
            self._wake.clear()
            self._writing = asyncio.create_task(self._write_all(), name="remember reactors")
        await asyncio.wait({self._writing}, timeout=deadline_s)
        failure = "it gave no answer in time"
        if self._writing.done():
            writing, self._writing = self._writing, None
            failure = writing.result()
        if failure and not self.failure:
            _logger.error("points of reactors are not remembered for the next start yet: %s", failure)
        elif self.failure and not failure:
            _logger.info("points of reactors are remembered again")
        self.failure = failure
        return not failure

    async def _write_all(self) -> str:
        """Write what waits; return why the store does not take it, nothing where it does."""
        try:
            if self._declare is not None:
                await self._declare.remember()
            for reactor, inventory in list(self._waiting.items()):
                kept = Checkpoint(PARTS + reactor, inventory.packed())
                await self._table.publish(Batch(SYSTEM, [], checkpoint=kept))
                self._kept[reactor] = inventory
                if self._waiting.get(reactor) is inventory:
                    del self._waiting[reactor]
        except StoreError as error:
            return str(error) or "it is away"
        return ""
