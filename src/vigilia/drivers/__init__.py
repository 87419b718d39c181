"""What a driver is: a plug-in that speaks one equipment protocol and publishes points.

A driver is found through the entry-point group `vigilia.drivers`, under the name of its configuration section. It
knows the point table and links, and no interface. Most drivers ask their equipment, over links; one that is `Listening`
is called by it. One that is `vigilia.views.Viewed` says how its equipment is to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:  # a driver's own processes import this package, and need none of it
    from vigilia.clock import Clock
    from vigilia.link import Link
    from vigilia.points import Origin, Point, Reading, Value
    from vigilia.rules import AlarmStates, Rule
    from vigilia.settings import Section
    from vigilia.store import Chosen, Store
    from vigilia.table import PointTable

ENTRY_POINT_GROUP = "vigilia.drivers"


class Declare(Protocol):
    """Makes points known that a driver found only at work."""

    async def __call__(self, points: Sequence[Point]) -> None:
        """Put points that are new into the table, and remember them for the next start.

        One that is there with another definition is defined anew, and keeps its reading. Raises ValueError, before
        anything is done, for a name that another driver's point has; StoreError where the points are in the table, but
        will not be remembered until a later call succeeds.
        """
        ...

    def put(self, points: Sequence[Point]) -> None:
        """Put points into the table alone, for those who wait for no store; `remember` them. Raises ValueError."""
        ...

    async def remember(self) -> None:
        """Remember what was put into the table and is not yet. Raises StoreError; a later call does what is left."""
        ...


class Archive(Protocol):
    """Knows what points were, in an archive outside of the service."""

    async def last(self, url: str, names: Sequence[str], at: float, deadline_s: float) -> Mapping[str, Reading]:
        """Return the last reading before `at` (seconds UTC) of those points that the archive at `url` knows.

        Raises VigiliaError where it gives no usable answer within `deadline_s` real seconds.
        """
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the core gives a driver."""

    table: PointTable
    clock: Clock
    chosen: Mapping[str, Chosen]
    """The last value written to each set point before this start."""
    instance: str = "vigilia"
    """The first part of the service's own points: a link's contact is `<instance>:<link>:Connected-Sts`."""
    zone: tzinfo = UTC
    """The site's time zone."""
    known: Sequence[Point] = ()
    """The points that a driver which grows had, those known longest first. Its `points` are those of them that it
    keeps, and what its configuration adds: the others are forgotten."""
    checkpoints: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """How far the driver had come, by the keys of its batches' checkpoints."""
    alarms: AlarmStates | None = None
    """How alarms stand; None where none are judged."""
    declare: Declare | None = None
    """For a driver that grows; None for others, and where nothing is to be reached or remembered."""
    store: Store | None = None
    """For what a driver must keep besides points and checkpoints; None where nothing is to be reached."""
    archive: Archive | None = None
    """For set points that start from what an archive last saw; None where nothing is to be reached."""


class Driver(Protocol):
    """A driver at work. It is made with its configuration and touches no equipment until its links run."""

    @property
    def points(self) -> Sequence[Point]:
        """The points this driver has."""
        ...

    @property
    def links(self) -> Sequence[Link]:
        """The links through which it reaches its devices; the supervisor runs them."""
        ...

    @property
    def rules(self) -> Sequence[Rule]:
        """The alarm rules it declares for its points, and for the contact of its links."""
        ...

    async def write(self, point: Point, value: Value, origin: Origin) -> None:
        """Carry a write to the equipment, for `origin`; return once confirmed. Raises WriteError."""
        ...


@runtime_checkable
class Listening(Protocol):
    """What a driver is besides, where its equipment calls us."""

    async def listen(self) -> None:
        """Take the addresses to listen on, and take up what was kept. Called once, when the points are in the table.

        Raises StartError where an address cannot be had.
        """
        ...

    async def serve(self) -> None:
        """Answer callers until cancelled; then part from them, within 2 s."""
        ...

    async def close(self) -> None:
        """Give the addresses back, whether `serve` was ever run or not."""
        ...

    def missing(self) -> list[str]:
        """Return a sentence for each piece of evidence that is missing for the listener to be well."""
        ...


@runtime_checkable
class Recalling(Protocol):
    """What a driver is besides, where set points may start from what an archive last saw."""

    async def recall(self) -> None:
        """Find what they start from, and return. Called once at the start, beside the links: nothing waits for it."""
        ...


@dataclass(frozen=True, slots=True)
class Plugin:
    """What an entry point of the group `vigilia.drivers` refers to."""

    config: type[Section]
    """The model of the driver's configuration section. Where it has a field `epics`, false keeps the points out of
    EPICS."""
    build: Callable[[Section, Surroundings], Driver]
    """Makes the driver from its validated section."""
    grows: bool = False
    """Whether points may appear at run time: the driver is then given those that are `known`, and `declare`."""


def find_plugins() -> dict[str, Plugin]:
    """Return every installed driver by the name of its section."""
    from importlib.metadata import entry_points

    return {entry.name: entry.load() for entry in entry_points(group=ENTRY_POINT_GROUP)}
