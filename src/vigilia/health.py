"""Health as evidence of progress: what ought to have happened, and did not.

Equipment that is down is no fault of the watch as long as the watch says so. A link that neither works nor reports,
a store that takes nothing, an IOC that does not serve: those are.
"""

from collections.abc import Callable, Sequence

from vigilia.clock import Clock
from vigilia.link import Link
from vigilia.store import Store, StoreError, WriteJournal


class Health:
    """Judges the parts of the watch."""

    def __init__(
        self,
        links: Sequence[Link],
        store: Store,
        journal: WriteJournal,
        clock: Clock,
        epics_ready: Callable[[], bool] | None,
    ) -> None:
        self._links = links
        self._store = store
        self._journal = journal
        self._clock = clock
        self._epics_ready = epics_ready

    async def missing(self) -> list[str]:
        """Return a sentence for each piece of evidence that is missing; none: the watch is healthy."""
        now = self._clock.monotonic()
        missing = [
            f"link {link.name} has neither worked nor reported for {now - link.progressed:.0f} s"
            for link in self._links
            if now - link.progressed > link.longest_silence_s
        ]
        if self._epics_ready is not None and not self._epics_ready():
            missing.append("EPICS is not served: its IOC is being started")
        try:
            await self._store.check()
        except StoreError as error:
            missing.append(f"the store takes nothing: {error}")
        missing += self._journal.missing()
        return missing
