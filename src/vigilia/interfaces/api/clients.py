"""What waits to be sent to one page: bounded, and mostly bytes that other pages share.

Overflow rule: a client that does not read as fast as things change is owed the newest state of each thing that changed,
and gets that when it reads again; the states between are left out, and counted.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

MOST_QUEUED_BYTES = 262_144
"""Of one client: with more it is behind. They are shared with all clients that follow the same."""
MOST_QUEUED = 200
"""The same, events."""
PARCEL = 500
"""How many things go into one event: so many are quickly encoded."""
_AT_ONCE_BYTES = 65_536


class Followed(Protocol):
    """Things that clients follow, each known by a key."""

    def keys(self) -> Sequence[str]:
        """Return which things there are: what a new client is told of first."""
        ...

    def event(self, keys: Sequence[str], *, complete: bool | None = None) -> bytes:
        """Return the event that shows these things as they are now.

        `complete`: whether a client that is told of all things is told of the last one; None: it is told of changes.
        """
        ...


class Change(NamedTuple):
    """An event for everybody who follows something."""

    of: Followed | None
    """What it is about; None: nothing that has keys."""
    keys: Collection[str]
    """The things whose newest state it tells."""
    event: bytes


class Client:
    """One page's stream."""

    def __init__(self) -> None:
        self.replaced = 0
        """States that were left out, as a newer one came before the client had read them."""
        self._queue: deque[Change] = deque()
        self._bytes = 0
        self._listing: dict[Followed, tuple[Sequence[str], int]] = {}
        """What it is still being told of for the first time: all keys, and how many it was told."""
        self._owed: dict[Followed, dict[str, None]] = {}
        """The keys of which it is owed the newest state."""
        self._wake = asyncio.Event()
        self._ended = False

    def follow(self, followed: Followed) -> None:
        """Have it told of all things first, and then of those that change."""
        self._listing[followed] = (followed.keys(), 0)
        self._wake.set()

    def offer(self, change: Change) -> None:
        """Have it told of a change."""
        followed = change.of
        if followed is not None and (followed in self._listing or followed in self._owed):
            self._owe(followed, change.keys)
        elif followed is not None and self._is_behind(change):
            self._fall_behind()
            self._owe(followed, change.keys)
        else:
            self._queue.append(change)
            self._bytes += len(change.event)
        self._wake.set()

    def end(self) -> None:
        """Have its stream end."""
        self._ended = True
        self._wake.set()

    async def take(self) -> bytes:
        """Wait for something to send, and return it: whole events. Nothing: the stream is to end."""
        while not self._ended:
            events = self._next()
            if events:
                return events
            if events is None:
                self._wake.clear()
                await self._wake.wait()
        return b""

    def _next(self) -> bytes | None:
        """Return what is to be sent next; None: nothing is, for now."""
        if self._queue:
            return self._next_queued()
        for followed, (keys, told) in self._listing.items():
            parcel = keys[told : told + PARCEL]
            complete = told + PARCEL >= len(keys)
            if complete:
                del self._listing[followed]
            else:
                self._listing[followed] = (keys, told + PARCEL)
            return followed.event(parcel, complete=complete)
        for followed, owed in self._owed.items():
            parcel = list(owed)[:PARCEL]
            for key in parcel:
                del owed[key]
            if not owed:
                del self._owed[followed]
            return followed.event(parcel)
        return None

    def _next_queued(self) -> bytes:
        """Return what waits longest; what is short goes together."""
        events = [self._queue.popleft().event]
        size = len(events[0])
        while self._queue and size + len(self._queue[0].event) <= _AT_ONCE_BYTES:
            events.append(self._queue.popleft().event)
            size += len(events[-1])
        self._bytes -= size
        return events[0] if len(events) == 1 else b"".join(events)

    def _is_behind(self, change: Change) -> bool:
        return bool(self._queue) and (
            self._bytes + len(change.event) > MOST_QUEUED_BYTES or len(self._queue) >= MOST_QUEUED
        )

    def _fall_behind(self) -> None:
        """Owe it the newest state of everything that waits, instead of all that waits."""
        waiting, self._queue, self._bytes = self._queue, deque(), 0
        for change in waiting:
            if change.of is not None:
                self._owe(change.of, change.keys)
            elif not any(kept.event == change.event for kept in self._queue):
                self._queue.append(change)
                self._bytes += len(change.event)

    def _owe(self, followed: Followed, keys: Collection[str]) -> None:
        owed = self._owed.setdefault(followed, {})
        before = len(owed)
        owed.update(dict.fromkeys(keys))
        self.replaced += before + len(keys) - len(owed)
