"""Sorts points into what a site has, by their names and by where they are."""

import re
from collections.abc import Iterable

from vigilia.interfaces.epics.screens.site import Device, Group, Plant, Served, Site, Switch, own_points, rest_of
from vigilia.language import tr
from vigilia.points import Point

_PORT = "PwrState-Sel"
_PLANT_DEVICE = re.compile(r"^([^:]+):(Relay|Inverter)-.+$")
_PLANT_POINTS = ("LastRecord-Mon", "LastRelayRecord-Mon")


def sort(instance: str, points: Iterable[Served]) -> Site:
    """Return what a site has. `instance` begins the names of the service's own points."""
    own, others = own_points(instance, points)
    devices: dict[str, list[Served]] = {}
    for served in others:
        devices.setdefault(served.point.device, []).append(served)
    rooms: dict[str, dict[str, Switch]] = {}
    plants: dict[str, Plant] = {}
    groups: dict[tuple[bool, str], Group] = {}
    for name, its in devices.items():
        points_of = {rest_of(served.point): served for served in its}
        point = its[0].point
        match = _PLANT_DEVICE.match(name)
        if _PORT in points_of:
            switches = rooms.setdefault(point.area, {})
            port = Device(name, name, points_of, _port_of(point))
            switches.setdefault(point.link, Switch(point.link)).ports.append(port)
        elif match or any(suffix in points_of for suffix in _PLANT_POINTS):
            plant_id = match[1] if match else name
            plant = plants.setdefault(plant_id, Plant(plant_id, point.area or plant_id))
            _add_to_plant(plant, match[2] if match else "", Device(name, point.equipment or name, points_of))
        else:
            of = point.area or point.link or name
            is_reactor = of in own and of == point.link
            title = point.equipment.removeprefix(f"{of}: ") or name
            groups.setdefault((is_reactor, of), Group(of)).devices.append(Device(name, title, points_of))
    return Site(
        {room: list(switches.values()) for room, switches in rooms.items()},
        list(plants.values()),
        [group for (is_reactor, _), group in groups.items() if is_reactor],
        [group for (is_reactor, _), group in groups.items() if not is_reactor],
        own,
    )


def _port_of(point: Point) -> str:
    """Return the id of the port that a description names, as drivers put it; empty where it names none."""
    before, after = tr("{title}, port {port} of {switch}").split("{port}")
    begin, end = before.partition("{title}")[2], after.replace("{switch}", point.link)
    _, found, rest = point.description.partition(begin)
    return rest.removesuffix(end) if found and rest.endswith(end) else ""


def _add_to_plant(plant: Plant, family: str, device: Device) -> None:
    match family:
        case "Relay":
            plant.relays.append(device)
        case "Inverter":
            plant.inverters.append(device)
        case _:
            plant.whole.update(device.points)
