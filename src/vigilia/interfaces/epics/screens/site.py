"""What a site has, as screens show it: rooms with switches and ports, plants, reactors, and the rest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vigilia.points import Point


class Served(NamedTuple):
    """A point and its PV."""

    system: str
    """The section of its driver; "vigilia" for the service's own."""
    point: Point
    pv: str


Points = Mapping[str, Served]
"""By what follows the device in their names: `PwrState-Sel`."""


@dataclass(frozen=True, slots=True)
class Device:
    """A thing with points: a port, a relay, a part of a reactor."""

    name: str
    title: str
    points: dict[str, Served] = field(default_factory=dict[str, Served])
    port: str = ""
    """Of a PoE port: its id on the switch, where that is known."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch and those of its ports that are in one room."""

    name: str
    ports: list[Device] = field(default_factory=list[Device])


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant: what is known of it as a whole, its relays and its inverters."""

    id: str
    name: str
    whole: dict[str, Served] = field(default_factory=dict[str, Served])
    relays: list[Device] = field(default_factory=list[Device])
    inverters: list[Device] = field(default_factory=list[Device])


@dataclass(frozen=True, slots=True)
class Group:
    """Devices that belong together: a reactor and its parts."""

    name: str
    devices: list[Device] = field(default_factory=list[Device])


@dataclass(frozen=True, slots=True)
class Site:
    """Everything, in the order in which it was declared."""

    rooms: Mapping[str, Sequence[Switch]]
    """The switches of each room; a switch without a room is in ""."""
    plants: Sequence[Plant]
    reactors: Sequence[Group]
    others: Sequence[Group]
    """Of drivers that say nothing of how their points belong together."""
    own: Mapping[str, Points]
    """What the service says of itself, and of links, by link; of itself by ""."""


def rest_of(point: Point) -> str:
    """Return what follows the device in a point's name."""
    return point.name.removeprefix(f"{point.device}:")


def own_points(instance: str, points: Iterable[Served]) -> tuple[dict[str, dict[str, Served]], list[Served]]:
    """Return the service's own points by what they are of, and the others."""
    own: dict[str, dict[str, Served]] = {}
    others: list[Served] = []
    for served in points:
        head, _, of = served.point.device.partition(":")
        if head == instance and not served.point.link:
            own.setdefault(of, {})[rest_of(served.point)] = served
        else:
            others.append(served)
    return own, others
