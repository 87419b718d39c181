"""What pages follow besides points: alarms, links, reactors, health and notices.

Nothing is done for a topic while nobody watches it. What it shows is kept encoded, for clients that come later, and to
tell whether something that may have changed has.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from vigilia.interfaces.api.answers import encode
from vigilia.interfaces.api.clients import Change, Client

TopicName = Literal["alarms", "links", "health", "reactors", "notices"]


class Topic(ABC):
    """One of them."""

    def __init__(self, name: TopicName) -> None:
        self.name = name
        self.clients: set[Client] = set()
        self._shown: dict[str, bytes] = {}

    @abstractmethod
    async def begin(self) -> None:
        """Find out how things are: somebody watches."""

    def end(self) -> None:
        """Forget everything: nobody watches any more."""
        self._shown.clear()

    @abstractmethod
    async def look(self) -> None:
        """Find out what has changed, and tell the clients; called at each tick."""

    def keys(self) -> Sequence[str]:
        """Return the keys of all that is shown."""
        return tuple(self._shown)

    @abstractmethod
    def event(self, keys: Sequence[str], *, complete: bool | None = None) -> bytes:
        """Return the event that shows these things as they are now."""

    def show(self, found: Mapping[str, Any], *, gone: Sequence[str] = ()) -> None:
        """Take things as they are now, and tell the clients of those that look otherwise than before."""
        changed: list[str] = []
        for key, content in found.items():
            encoded = encode(content)
            if self._shown.get(key) != encoded:
                self._shown[key] = encoded
                changed.append(key)
        changed += [key for key in gone if self._shown.pop(key, None) is not None]
        if changed and self.clients:
            change = Change(self, changed, self.event(changed))
            for client in self.clients:
                client.offer(change)


class ListTopic(Topic):
    """A topic of many things: `{"items": […], "complete": …}`, and `gone` where some are not there any more."""

    def event(self, keys: Sequence[str], *, complete: bool | None = None) -> bytes:
        """Return the event that shows these things as they are now."""
        items: list[bytes] = []
        gone: list[str] = []
        for key in keys:
            encoded = self.item(key)
            if encoded is None:
                gone.append(key)
            else:
                items.append(encoded)
        end = b',"gone":%b}' % encode(gone) if gone else b"}"
        flag = b"true" if complete else b"false"
        return b'event: %b\ndata: {"items":[%b],"complete":%b%b\n\n' % (self.name.encode(), b",".join(items), flag, end)

    def item(self, key: str) -> bytes | None:
        """Return a thing as it is shown; None: it is not there any more."""
        return self._shown.get(key)


class SingleTopic(Topic):
    """A topic of one thing, which the event's data is."""

    def event(self, keys: Sequence[str], *, complete: bool | None = None) -> bytes:
        """Return the event that shows it as it is now; nothing where that is not known yet."""
        del keys, complete
        encoded = self._shown.get(self.name)
        return b"event: %b\ndata: %b\n\n" % (self.name.encode(), encoded) if encoded else b""
