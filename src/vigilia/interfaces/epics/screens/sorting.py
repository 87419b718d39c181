"""Sorts what EPICS serves into what a site has: by what drivers say of their equipment, the rest by where it is."""

from collections.abc import Iterable, Mapping, Sequence

from vigilia.interfaces.epics.screens.site import Device, Group, Plant, Served, Site, Switch, own_points, rest_of
from vigilia.views import DriverView, Names, PlantsView, PoeView


def sort(instance: str, points: Iterable[Served], views: Sequence[DriverView]) -> Site:
    """Return what a site has. `instance` begins the names of the service's own points."""
    own, others = own_points(instance, points)
    views_of = _Views(others)
    for view in views:
        match view:
            case PoeView():
                views_of.add_rooms(view)
            case PlantsView():
                views_of.add_plants(view)
            case _:  # of reactors their service alone knows which are accepted: here, those whose points are known
                pass
    reactors, rest = _groups(views_of.left, own)
    return Site(views_of.rooms, views_of.plants, reactors, rest, own)


class _Views:
    """Takes the points out of what is served that views show."""

    def __init__(self, points: Sequence[Served]) -> None:
        self.rooms: dict[str, list[Switch]] = {}
        self.plants: list[Plant] = []
        self._left = {served.point.name: served for served in points}

    @property
    def left(self) -> list[Served]:
        """What no view has shown."""
        return list(self._left.values())

    def add_rooms(self, view: PoeView) -> None:
        """Take rooms, their switches and ports."""
        for room in view.rooms:
            for switch in room.switches:
                found = [
                    Device(port.device, port.device, its, port.id)
                    for port in switch.ports
                    if (its := self._take(port.points))
                ]
                if found:
                    self.rooms.setdefault(room.name, []).append(Switch(switch.link, found))

    def add_plants(self, view: PlantsView) -> None:
        """Take plants, their relays and inverters."""
        for plant in view.plants:
            relays = [Device(relay.id, relay.name, its) for relay in plant.relays if (its := self._take(relay.points))]
            inverters = [
                Device(inverter.id, inverter.name, its)
                for inverter in plant.inverters
                if (its := self._take(inverter.points))
            ]
            whole = self._take(plant.points)
            if whole or relays or inverters:
                self.plants.append(Plant(plant.id, plant.name, whole, relays, inverters))

    def _take(self, names: Names) -> dict[str, Served]:
        """Take those of a thing's points that are served."""
        found = [served for name in names.values() if (served := self._left.pop(name, None))]
        return {rest_of(served.point): served for served in found}


def _groups(points: Iterable[Served], own: Mapping[str, Mapping[str, Served]]) -> tuple[list[Group], list[Group]]:
    """Return the devices of points by where they are: reactors, which the service has a contact of, and others."""
    devices: dict[str, list[Served]] = {}
    for served in points:
        devices.setdefault(served.point.device, []).append(served)
    groups: dict[tuple[bool, str], Group] = {}
    for name, its in devices.items():
        point = its[0].point
        of = point.area or point.link or name
        is_reactor = of in own and of == point.link
        title = point.equipment.removeprefix(f"{of}: ") or name
        device = Device(name, title, {rest_of(served.point): served for served in its})
        groups.setdefault((is_reactor, of), Group(of)).devices.append(device)
    found = groups.items()
    return [group for (is_one, _), group in found if is_one], [group for (is_one, _), group in found if not is_one]
