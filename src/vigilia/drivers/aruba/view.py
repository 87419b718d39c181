"""The switches as people look at them: by room, each with its ports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from vigilia.drivers.aruba.client import Identity
from vigilia.drivers.aruba.config import SwitchConfig
from vigilia.drivers.aruba.mapping import PortPoints
from vigilia.table import PointTable
from vigilia.views import MOST_LISTED, PoeView, PortView, RoomView, SwitchView

_OF_LINKS = {
    "Connected": "Connected-Sts",
    "Since": "Since-Mon",
    "RoundTrip": "RoundTrip-Mon",
    "RoundTrip99": "RoundTrip99-Mon",
    "Reconnects": "Reconnects-Mon",
    "Sessions": "Sessions-Mon",
    "Queue": "Queue-Mon",
    "Error": "Error-Mon",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A switch that is to be shown."""

    config: SwitchConfig
    ports: Iterable[PortPoints]
    identity: Identity


def view_of(switches: Iterable[Shown], instance: str, table: PointTable) -> PoeView:
    """Return the switches by room, in the order in which they are configured."""
    rooms: dict[str, list[SwitchView]] = {}
    room_left, left_out = MOST_LISTED, 0
    for switch in switches:
        config, ports = switch.config, list(switch.ports)
        left_out += max(0, len(ports) - room_left)
        shown = ports[:room_left]
        room_left -= len(shown)
        own = {key: f"{instance}:{config.name}:{suffix}" for key, suffix in _OF_LINKS.items()}
        rooms.setdefault(config.room, []).append(
            SwitchView(
                config.name,
                config.name,
                urlsplit(config.url).netloc,
                model=switch.identity.model or None,
                firmware=switch.identity.firmware or None,
                ports=[PortView(port.port, port.device, _names(port)) for port in shown],
                points={key: name for key, name in own.items() if name in table},
            )
        )
    return PoeView([RoomView(name, switches) for name, switches in rooms.items()], left_out)


def _names(port: PortPoints) -> Mapping[str, str]:
    """Return the points of a port: "Sel" of PwrState-Sel, "Power" of Power-Mon."""
    names = (point.name for point in port.points)
    return {name.rpartition(":")[2].removeprefix("PwrState-").removesuffix("-Mon"): name for name in names}
