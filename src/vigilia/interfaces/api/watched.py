"""The topics themselves: how each finds out what has changed, at little cost and soon."""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from vigilia.clock import iso
from vigilia.fleet import ReactorItem
from vigilia.interfaces.api.alarms import alarm_json
from vigilia.interfaces.api.answers import encode
from vigilia.interfaces.api.clients import PARCEL
from vigilia.interfaces.api.links import link_json
from vigilia.interfaces.api.parts import ApiParts, FollowedAlarms
from vigilia.interfaces.api.reactors import reactor_json
from vigilia.interfaces.api.topics import ListTopic, SingleTopic, Topic, TopicName
from vigilia.language import tr
from vigilia.link import Link
from vigilia.store.database import StoreError

_logger = logging.getLogger(__name__)

_ANSWER_S = 5.0
"""Longer than a part of the service may take to say how it is."""


class AlarmTopic(ListTopic):
    """Alarms that are not normal, and those that become so. The judge says which may have changed."""

    def __init__(self, parts: ApiParts) -> None:
        super().__init__("alarms")
        self._alarms = parts.alarms
        self._following: FollowedAlarms | None = None

    async def begin(self) -> None:
        """Learn how all alarms are."""
        if self._alarms is None:
            return
        self._following = self._alarms.follow()
        for parcel in _parcels([item.id for item in self._alarms.items() if item.state != "normal"]):
            self._look_at(parcel)
            await asyncio.sleep(0)

    def end(self) -> None:
        """Follow them no more."""
        super().end()
        if self._following is not None:
            self._following.close()
            self._following = None

    async def look(self) -> None:
        """Look at those that may have changed."""
        following = self._following
        if following is None:
            return
        for parcel in _parcels(following.fetch()):
            self._look_at(parcel)
            await asyncio.sleep(0)
            if self._following is not following:
                return  # nobody watches any more

    def item(self, key: str) -> bytes | None:
        """Return an alarm as it is shown; one that is not kept here was normal at the last look."""
        shown = super().item(key)
        if shown is not None or self._alarms is None:
            return shown
        found = self._alarms.find(key)
        # What it became since is for the next look, which tells everybody. Who were told it now would not be told
        # where it is over again by then: for that look it has never changed.
        return None if found is None else encode(alarm_json(replace(found, state="normal")))

    def _look_at(self, ids: Sequence[str]) -> None:
        items = [item for name in ids if self._alarms is not None and (item := self._alarms.find(name)) is not None]
        normal = [item.id for item in items if item.state == "normal"]
        self.show({item.id: alarm_json(item) for item in items if item.state != "normal"}, gone=normal)


class LinkTopic(ListTopic):
    """Links. What matters of them is compared at each tick; round trips, which always move, are told now and then."""

    _ALL_TICKS = 50

    def __init__(self, parts: ApiParts) -> None:
        super().__init__("links")
        self._links = parts.links
        self._seen: dict[str, tuple[object, ...]] = {}
        self._ticks = 0

    async def begin(self) -> None:
        """Learn how all links are."""
        self._look_at(self._links)

    def end(self) -> None:
        """Forget them."""
        super().end()
        self._seen.clear()

    async def look(self) -> None:
        """Look which have changed."""
        self._ticks = (self._ticks + 1) % self._ALL_TICKS
        self._look_at([link for link in self._links if not self._ticks or self._seen.get(link.name) != _matters(link)])

    def _look_at(self, links: Sequence[Link]) -> None:
        for link in links:
            self._seen[link.name] = _matters(link)
        self.show({link.name: link_json(link) for link in links})


class ReactorTopic(ListTopic):
    """Reactors. What matters of them is compared at every second tick; their counts are told now and then."""

    _TICKS, _ALL_TICKS = 2, 50

    def __init__(self, parts: ApiParts) -> None:
        super().__init__("reactors")
        self._fleet = parts.fleet
        self._seen: dict[str, tuple[object, ...]] = {}
        self._ticks = 0

    async def begin(self) -> None:
        """Learn how all reactors are."""
        self._look_at(every=True)

    def end(self) -> None:
        """Forget them."""
        super().end()
        self._seen.clear()

    async def look(self) -> None:
        """Look which have changed."""
        self._ticks = (self._ticks + 1) % self._ALL_TICKS
        if self._ticks % self._TICKS == 0:
            self._look_at(every=self._ticks == 0)

    def _look_at(self, *, every: bool) -> None:
        items = {item.id: item for item in (self._fleet.reactors() if self._fleet else ())}
        matters = {name: _matters_of_reactor(item) for name, item in items.items()}
        gone = list(self._seen.keys() - items.keys())
        changed = [item for name, item in items.items() if every or self._seen.get(name) != matters[name]]
        self._seen = matters
        self.show({item.id: reactor_json(item) for item in changed}, gone=gone)


class AskedTopic(SingleTopic):
    """A topic that somebody must be asked about, who may take his time: a tick does not wait for it."""

    PAUSE_S: float

    def __init__(self, name: TopicName) -> None:
        super().__init__(name)
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._ask_on(), name=f"event stream's {self.name}")

    def end(self) -> None:
        """Ask no more."""
        super().end()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def look(self) -> None:
        """Nothing is to be done: what is found is shown at once."""

    @abstractmethod
    async def ask(self) -> dict[str, Any] | None:
        """Return how it is; None: there is nothing to tell. Raises StoreError."""

    async def _ask_on(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_ANSWER_S):
                    found = await self.ask()
                if found is not None:
                    self.show({self.name: found})
            except (StoreError, TimeoutError) as error:
                # Health says that the store is away; what was shown stays.
                _logger.debug("%s: %s", self.name, error or "no answer in time")
            except Exception:  # a fault in one part must not silence what pages are told of the others
                _logger.exception("%s cannot be told", self.name)
            await asyncio.sleep(self.PAUSE_S)


class HealthTopic(AskedTopic):
    """Health, each second; without news of it the counts beside it are told now and then."""

    PAUSE_S = 1.0
    _QUIET_S = 5.0

    def __init__(self, parts: ApiParts) -> None:
        super().__init__("health")
        self._parts = parts
        self._told: tuple[object, float] = (None, 0.0)

    def end(self) -> None:
        """Ask no more."""
        super().end()
        self._told = (None, 0.0)

    async def ask(self) -> dict[str, Any] | None:
        """Return what is missing for the watch to be healthy, and what it says of itself."""
        try:
            async with asyncio.timeout(_ANSWER_S / 2):
                missing = await self._parts.health()
        except TimeoutError:
            missing = [tr("no evidence within {seconds} s").format(seconds=f"{_ANSWER_S / 2:g}")]
        vitals = self._parts.vitals
        waiting = vitals.waiting_notices() if vitals else 0
        now = asyncio.get_running_loop().time()
        if self._told[0] == (missing, waiting) and now - self._told[1] < self._QUIET_S:
            return None
        self._told = ((missing, waiting), now)
        return {
            "missing": missing,
            "version": self._parts.version,
            "time": iso(self._parts.clock.now()),
            "started": iso(vitals.started) if vitals else None,
            "memory_mb": vitals.memory_mb() if vitals else None,
            "waiting_notices": waiting,
            "oldest_notice_s": vitals.oldest_notice_s() if vitals else 0.0,
        }


class NoticeTopic(AskedTopic):
    """Notices. Those who deliver them say that something may have changed; the store is asked only then."""

    PAUSE_S = 0.1
    _LONGEST_S = 5.0

    def __init__(self, parts: ApiParts) -> None:
        super().__init__("notices")
        self._vitals = parts.vitals
        self._seen: tuple[object, float] = (None, 0.0)

    async def ask(self) -> dict[str, Any] | None:
        """Return how many notices wait and how many of them failed, and the id of the newest."""
        now = asyncio.get_running_loop().time()
        if self._vitals is None:
            return {"waiting": 0, "failed": 0, "newest": None}
        moved = self._vitals.notices_moved()
        if self._shown and self._seen[0] == moved and now - self._seen[1] < self._LONGEST_S:
            return None
        tally = await self._vitals.tally()
        self._seen = (moved, now)
        return {"waiting": tally.waiting, "failed": tally.failed, "newest": tally.newest}


def topics_of(parts: ApiParts) -> dict[str, Topic]:
    """Return every topic there is, by name."""
    kinds = (AlarmTopic, LinkTopic, HealthTopic, ReactorTopic, NoticeTopic)
    return {topic.name: topic for topic in (kind(parts) for kind in kinds)}


def _matters(link: Link) -> tuple[object, ...]:
    return (link.contact, link.since, link.error, link.sessions, link.waiting, link.reconnects, link.bad_answers)


def _matters_of_reactor(item: ReactorItem) -> tuple[object, ...]:
    return (
        *(item.presence, item.since, item.trouble, tuple(item.settings), item.points),
        *(item.name, item.version, item.address, item.enrolled),
    )


def _parcels(names: Collection[str]) -> Iterator[list[str]]:
    """Give names in parcels that are quickly looked at."""
    rest = iter(names)
    while parcel := list(islice(rest, PARCEL)):
        yield parcel
