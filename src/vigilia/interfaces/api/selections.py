"""Which points a page follows, and their readings as pages take them: short, and each change encoded once.

Pages that follow the same points share one group, and are sent the same bytes.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from vigilia.clock import Clock, iso
from vigilia.interfaces.api.answers import encode
from vigilia.interfaces.api.clients import Change, Client
from vigilia.points import Point, Reading
from vigilia.table import PointTable

Fragment = Callable[[str], bytes]
"""Gives a point's reading as it stands in an event."""

DEFINED = b"event: defined\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which points are followed; what is empty is no condition."""

    q: str = ""
    """Part of the name or the description, in either case."""
    device: str = ""
    link: str = ""
    system: str = ""
    """The driver that they belong to, by its section."""
    names: frozenset[str] = frozenset()

    def means(self, point: Point, table: PointTable) -> bool:
        """Whether `point` is one of those that are followed."""
        wanted = self.q.casefold()
        return (
            (not self.names or point.name in self.names)
            and (not self.device or point.device == self.device)
            and (not self.link or point.link == self.link)
            and (not self.system or table.system(point.name) == self.system)
            and (not wanted or wanted in point.name.casefold() or wanted in point.description.casefold())
        )


class PointGroup:
    """The clients that follow the same points."""

    def __init__(self, selection: Selection, table: PointTable, clock: Clock) -> None:
        self.clients: set[Client] = set()
        self.selection = selection
        self._table = table
        self._clock = clock
        self._names = {point.name: None for point in table.points() if selection.means(point, table)}
        self._keys: tuple[str, ...] | None = None

    @property
    def unknown(self) -> list[str]:
        """The names that were asked for and that no point has, or none that is meant."""
        return sorted(self.selection.names - self._names.keys())

    def keys(self) -> Sequence[str]:
        """Return the names of the points, in the table's order."""
        if self._keys is None:
            self._keys = tuple(self._names)
        return self._keys

    def event(self, keys: Sequence[str], *, complete: bool | None = None) -> bytes:
        """Return the event with the present readings of these points."""
        return self._event(
            [fragment(name, self._table.reading(name)) for name in keys if name in self._names], complete
        )

    def meet(self, points: Iterable[Point]) -> None:
        """Look at points that are new or defined anew; tell the clients where some of them are theirs, or were."""
        gone: list[str] = []
        defined = False
        for point in points:
            if self.selection.means(point, self._table):
                defined = True
                if point.name not in self._names:
                    self._names[point.name] = None
                    self._keys = None
            elif point.name in self._names:
                gone.append(point.name)
                del self._names[point.name]
                self._keys = None
        if defined:
            self._offer(Change(None, (), DEFINED))
        if gone:
            self._offer(Change(None, (), gone_event(gone)))

    def share(self, changed: Iterable[str], encoded: Fragment) -> None:
        """Have the clients told of those of the points that have changed which are theirs."""
        mine = [name for name in changed if name in self._names]
        if mine:
            self._offer(Change(self, mine, self._event([encoded(name) for name in mine], None)))

    def _event(self, fragments: Sequence[bytes], complete: bool | None) -> bytes:
        end = b',"complete":true}' if complete else b"}"
        time = iso(self._clock.now()).encode()
        return b'event: points\ndata: {"time":"%b","points":[%b]%b\n\n' % (time, b",".join(fragments), end)

    def _offer(self, change: Change) -> None:
        for client in self.clients:
            client.offer(change)


def fragment(name: str, reading: Reading) -> bytes:
    """Return a reading as it stands in an event: name, value, severity, status, seconds UTC."""
    value, time, severity, status = reading
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    return encode((name, value, int(severity), int(status), None if time is None else round(time, 3)))


def gone_event(names: Sequence[str]) -> bytes:
    """Return the event that tells which points are not followed any more."""
    return b"event: gone\ndata: %b\n\n" % encode(names)
