"""Stored samples on their way to the disk: whoever gave them keeps them until they are there for good.

An agent deletes a sample once it has heard that it is durable here. So a full spool or a failing disk loses none: it
holds up the one who gave them, whose own disk has room for weeks. And they are to survive a loss of power as well,
which takes the disk some time: one wait for it serves everybody who waits.
"""

import asyncio
import logging
from collections.abc import Callable

from vigilia.clock import Clock
from vigilia.history.packing import Columns, append
from vigilia.spool import Spool

_logger = logging.getLogger(__name__)

FULLEST = 0.8
"""A spool that is as full as this takes no more of them: the rest is for readings that nobody could give again."""
_RETRY_S = 1.0


class StoredSamples:
    """Puts stored samples into one spool."""

    def __init__(self, spool: Spool, clock: Clock, wake: Callable[[], None]) -> None:
        """`wake` is called when something has come into the spool."""
        self.failure = ""
        """Why samples wait with those who gave them; empty while none do."""
        self._spool = spool
        self._clock = clock
        self._wake = wake
        self._syncing = asyncio.Lock()
        self._appended = self._synced = 0
        """Records: how many came, and how many of these are on the disk for good."""

    async def keep(self, columns: Columns) -> None:
        """Return when `columns` are on the disk for good, however long that takes; raises nothing."""
        while True:
            try:
                self._append(columns)
                await self._sync()
            except OSError as error:
                self._note(str(error))
                await asyncio.sleep(_RETRY_S)
            else:
                self._note("")
                return

    def _append(self, columns: Columns) -> None:
        """Put columns into the spool. Raises OSError."""
        if self._spool.fill > FULLEST:
            raise OSError(f"the spool is {self._spool.fill:.0%} full")
        append(self._spool, columns, self._clock.now())
        self._appended += 1
        self._wake()

    async def _sync(self) -> None:
        """Wait until what was put in before survives a loss of power. Raises OSError."""
        mine = self._appended
        async with self._syncing:
            if self._synced < mine:
                coming = self._appended
                await asyncio.to_thread(self._spool.sync())
                self._synced = coming

    def _note(self, failure: str) -> None:
        if failure and not self.failure:
            _logger.error("%s: stored samples wait with those who gave them: %s", self._spool.path, failure)
        elif self.failure and not failure:
            _logger.info("%s: stored samples are taken again", self._spool.path)
        self.failure = failure
