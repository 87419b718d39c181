"""The line of changes that wait to be kept: in order, several in one transaction, and nothing lost while it waits."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alarms.keeping import Changes, Channels, Keeping
from vigilia.clock import Clock
from vigilia.store import Store, StoreError

_logger = logging.getLogger(__name__)

MOST_WAITING = 2_000
"""Changes that wait for a store that is away; then those who publish wait as well."""
_RETRY_S = 2.0
_LAST_KEEPING_S = 3.0
"""How long a stop lets the transaction under way come to its end."""


class Keeper:
    """Keeps changes. `run()` it in a task.

    `take_back` is called with the alarms that could be taken back, `on_notices` when notices have been queued.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        channels: Channels,
        take_back: Callable[[Sequence[tuple[Alarm, Incident]]], None],
        on_notices: Callable[[], None],
    ) -> None:
        self.kept_at = clock.monotonic()
        """When the store last had everything, by the clock's monotonic time."""
        self.failure = ""
        """Why the store does not take what must be kept; empty while it does."""
        self._store = store
        self._clock = clock
        self._channels = channels
        self._tell_taken_back = take_back
        self._on_notices = on_notices
        self._line: deque[Changes] = deque()
        self._keeping: asyncio.Task[None] | None = None
        self._last = Keeping(())
        self._gone: frozenset[str] = frozenset()
        """Incidents that were taken back while changes that speak of them waited."""
        self._wake = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many changes are not in the store yet."""
        return len(self._line)

    def add(self, changes: Changes) -> None:
        """Put changes in line; they will be kept after those before them."""
        if not changes.empty:
            self._line.append(changes)
            self._wake.set()

    def revoke(self, changes: Changes, instead: Changes) -> None:
        """Take changes out of the line again; where they are kept, or just being kept, have `instead` kept after."""
        keeping = self._keeping is not None and not self._keeping.done()
        in_doubt = self._last.in_doubt and changes in self._last.changes
        if changes in self._line and not keeping and not in_doubt:
            self._line.remove(changes)
        else:
            self.add(instead)

    async def wait_for(self, changes: Changes) -> None:
        """Wait until changes with a checkpoint are kept; with others, while too many wait."""
        if changes.done is not None:
            await changes.done
        elif len(self._line) >= MOST_WAITING:
            self._room.clear()
            await self._room.wait()

    async def run(self) -> None:
        """Keep what comes into the line, until cancelled."""
        try:
            while True:
                try:
                    await self.drain()
                except StoreError as error:
                    if not self.failure:
                        _logger.error("alarms wait in memory, for the store does not take them: %s", error)
                    self.failure = str(error)
                    await asyncio.sleep(_RETRY_S)
                    continue
                await self._wake.wait()
                self._wake.clear()
        finally:
            if self._keeping is not None:
                await asyncio.wait([self._keeping], timeout=_LAST_KEEPING_S)

    async def drain(self) -> None:
        """Keep everything that waits. Raises StoreError."""
        while self._line:
            if self._keeping is None or self._keeping.done():
                self._keeping = asyncio.create_task(self._keep_all(), name="keep alarms")
                self._keeping.add_done_callback(_look_at)
            # Not to be cancelled half way: a transaction whose end is not known would be repeated.
            await asyncio.shield(self._keeping)
        if self.failure:
            self.failure = ""
            _logger.info("the store takes alarms again")
        self.kept_at = self._clock.monotonic()

    async def _keep_all(self) -> None:
        if not self._last.in_doubt:
            self._last = Keeping(self._line)
        await self._last.keep(self._store, self._channels, self._gone, self._clock.now())
        kept, taken_back = self._last.changes, self._last.taken_back
        self._last = Keeping(())
        for _ in kept:
            self._line.popleft()
        self._gone = frozenset(incident.id for _, incident in taken_back)
        self._tell_taken_back(taken_back)
        self._room.set()
        for changes in kept:
            for logger, level, line in changes.log_lines:
                logging.getLogger(logger).log(level, "%s", line)
            if changes.done is not None and not changes.done.done():
                changes.done.set_result(None)
        if any(changes.notices for changes in kept):
            self._on_notices()


def _look_at(task: asyncio.Task[None]) -> None:
    """Take note of how a task ended: whoever waited for it may be gone."""
    if not task.cancelled():
        task.exception()
