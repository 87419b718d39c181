"""Health as evidence of progress: what ought to have happened, and did not.

Equipment that is down is no fault of the watch as long as the watch says so. A link that neither works nor reports,
equipment that refuses our login, a store that takes nothing, an IOC that does not serve: those are.

Not everything that is missing is a reason for the service manager to restart the service; `Health.stuck` says what is.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from vigilia.clock import Clock
from vigilia.language import tr
from vigilia.link import Link
from vigilia.store import Store, StoreError, WriteJournal

_REFUSED_S = 60.0
"""Clock seconds for which equipment may refuse a login, as one that starts up does for a moment."""
_STORE_PERIOD_S = 10.0
_STORE_SILENCE_S = 30.0
"""Real seconds; a database that is locked, full or away says so in far less."""


class Health:
    """Judges the parts of the watch."""

    def __init__(
        self,
        links: Sequence[Link],
        store: Store,
        journal: WriteJournal,
        clock: Clock,
        epics_ready: Callable[[], bool] | None,
        others: Sequence[Callable[[], list[str]]] = (),
    ) -> None:
        self._links = links
        self._store = store
        self._journal = journal
        self._clock = clock
        self._epics_ready = epics_ready
        self._others = others
        self._store_asked: float | None = None
        """Since when the store owes an answer, real monotonic time."""

    async def missing(self) -> list[str]:
        """Return a sentence for each piece of evidence that is missing; none: the watch is healthy.

        Among them what `others` of the watch's parts miss.
        """
        missing = self._silent_links() + self._refused_links()
        if self._epics_ready is not None and not self._epics_ready():
            missing.append(tr("EPICS is not served: its IOC is being started"))
        try:
            await self._store.check()
        except StoreError as error:
            missing.append(tr("the store takes nothing: {error}").format(error=error))
        missing += self._journal.missing()
        for other in self._others:
            missing += other()
        return missing

    def stuck(self) -> list[str]:
        """Return a sentence for each thing that hangs within this process, which a restart may cure; never waits.

        Not among them: equipment that is down or refuses our login, an outside service that is down, an IOC that is
        being replaced, and a store that answers with a refusal (locked, full, read-only). A restart would end what
        still works, and then find the same.
        """
        stuck = self._silent_links()
        if self._store_asked is not None and (silent_s := time.monotonic() - self._store_asked) > _STORE_SILENCE_S:
            stuck.append(tr("the store has given no answer for {seconds} s").format(seconds=f"{silent_s:.0f}"))
        return stuck

    async def watch_store(self) -> None:
        """Ask the store now and then, so that `stuck` knows whether it answers at all; until cancelled."""
        while True:
            self._store_asked = time.monotonic()
            with suppress(StoreError):  # a refusal is an answer; `missing` tells of it
                await self._store.check()
            self._store_asked = None
            await asyncio.sleep(_STORE_PERIOD_S)

    def _silent_links(self) -> list[str]:
        now = self._clock.monotonic()
        return [
            tr("link {link} has neither worked nor reported for {seconds} s").format(
                link=link.name, seconds=f"{now - link.progressed:.0f}"
            )
            for link in self._links
            if now - link.progressed > link.longest_silence_s
        ]

    def _refused_links(self) -> list[str]:
        """Name the links that are refused the login: that does not heal by itself, so a person must see to it."""
        now = self._clock.monotonic()
        return [
            tr("link {link} has been refused the login for {seconds} s: {error}").format(
                link=link.name, seconds=f"{now - link.refused_at:.0f}", error=link.error
            )
            for link in self._links
            if link.refused_at is not None and now - link.refused_at > _REFUSED_S
        ]
