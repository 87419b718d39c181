"""The compact stream, which pages live on: the hub that feeds all of them, and the answer itself.

However many pages are open there is one subscription to the table, each change is encoded once, and pages that follow
the same points share the same bytes. At each tick what has changed since the last one goes out as one event.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence

from starlette.types import Send

from vigilia.clock import iso
from vigilia.interfaces.api.clients import PARCEL, Change, Client
from vigilia.interfaces.api.feeding import EventResponse, send_events
from vigilia.interfaces.api.parts import ApiParts
from vigilia.interfaces.api.selections import PointGroup, Selection, fragment, gone_event
from vigilia.interfaces.api.topics import Topic, TopicName
from vigilia.interfaces.api.watched import topics_of
from vigilia.points import Point
from vigilia.table import Subscription

_logger = logging.getLogger(__name__)

TICK_S = 0.1
BEAT_S = 10.0
"""So often at least a client hears something, or its line is dead."""


class Hub:
    """Feeds all compact streams. It does nothing while there are none."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._table = parts.table
        self._topics = topics_of(parts)
        self._joining = asyncio.Lock()
        self._clients: set[Client] = set()
        self._groups: dict[Selection, PointGroup] = {}
        self._subscription: Subscription | None = None
        self._version = 0
        self._known: dict[str, Point] = {}
        """The points as clients know them, while any are followed."""
        self._beat_at = 0.0
        self._task: asyncio.Task[None] | None = None

    async def join(self, client: Client, selection: Selection | None, topics: Collection[TopicName]) -> None:
        """Have a client told of points and topics: how they are first, and then what changes."""
        self._clients.add(client)
        if self._task is None:
            self._beat_at = asyncio.get_running_loop().time() + BEAT_S
            self._task = asyncio.create_task(self._run(), name="event hub")
        if selection is not None:
            self._follow_points(client, selection)
        for name in dict.fromkeys(topics):
            topic = self._topics[name]
            async with self._joining:  # who comes second waits until the first has it begun
                if not topic.clients:
                    await self._begin(topic)
                topic.clients.add(client)
            client.follow(topic)

    def leave(self, client: Client) -> None:
        """Tell a client nothing more."""
        self._clients.discard(client)
        for group in list(self._groups.values()):
            group.clients.discard(client)
            if not group.clients:
                del self._groups[group.selection]
        for topic in self._topics.values():
            if client in topic.clients:
                topic.clients.remove(client)
                if not topic.clients:
                    topic.end()
        if not self._groups and self._subscription is not None:
            self._subscription.close()
            self._subscription = None
            self._known.clear()
        if not self._clients and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _begin(self, topic: Topic) -> None:
        try:
            await topic.begin()
        except BaseException:  # the client that it was begun for has left meanwhile
            topic.end()
            raise

    def _follow_points(self, client: Client, selection: Selection) -> None:
        if self._subscription is None:
            self._subscription = self._table.subscribe()
            self._subscription.fetch()  # each client is told how things are when it comes
            self._version = self._table.version
            self._known = {point.name: point for point in self._table.points()}
        group = self._groups.get(selection)
        if group is None:
            group = self._groups[selection] = PointGroup(selection, self._table, self._parts.clock)
        group.clients.add(client)
        client.follow(group)
        if group.unknown:
            client.offer(Change(None, (), gone_event(group.unknown)))

    async def _run(self) -> None:
        """Tell all clients what changes, at each tick, until cancelled."""
        try:
            while True:
                await asyncio.sleep(TICK_S)
                await self._tell_of_points()
                for topic in self._topics.values():
                    if topic.clients:
                        await topic.look()
                self._beat()
        except Exception:  # a fault here must not leave pages open that are told nothing: they come again
            _logger.exception("a fault in the event streams: all end")
            self._task = None
            for client in list(self._clients):
                client.end()

    async def _tell_of_points(self) -> None:
        changed = list(self._subscription.fetch()) if self._subscription is not None else []
        if changed and self._version != self._table.version:
            self._version = self._table.version
            self._meet(changed)
        for start in range(0, len(changed), PARCEL):
            encoded: dict[str, bytes] = {}

            def encode_once(name: str, encoded: dict[str, bytes] = encoded) -> bytes:
                found = encoded.get(name)
                if found is None:
                    found = encoded[name] = fragment(name, self._table.reading(name))
                return found

            for group in self._groups.values():
                group.share(changed[start : start + PARCEL], encode_once)
            await asyncio.sleep(0)

    def _meet(self, changed: Sequence[str]) -> None:
        """Look which points are new or defined anew: they are among those that have changed."""
        points = [self._table.point(name) for name in changed]
        other = [point for point in points if self._known.get(point.name) is not point]
        self._known |= {point.name: point for point in other}
        for group in self._groups.values():
            group.meet(other)

    def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._beat_at:
            return
        self._beat_at = now + BEAT_S
        beat = Change(None, (), b'event: beat\ndata: {"time":"%b"}\n\n' % iso(self._parts.clock.now()).encode())
        for client in self._clients:
            client.offer(beat)


class Page(Client):
    """A client that leaves the hub when its stream ends."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub

    def close(self) -> None:
        """Leave."""
        self._hub.leave(self)


class CompactStream(EventResponse[Page]):
    """The answer."""

    def __init__(self, parts: ApiParts, hub: Hub, selection: Selection | None, topics: Collection[TopicName]) -> None:
        super().__init__(parts)
        self._hub = hub
        self._selection = selection
        self._topics = topics

    def open(self) -> Page:
        """Make the client."""
        return Page(self._hub)

    async def feed(self, source: Page, send: Send) -> None:
        """Send what the client is told, until it is to end."""
        await self._hub.join(source, self._selection, self._topics)
        while events := await source.take():
            await send_events(send, events)
