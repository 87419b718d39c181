"""All displays of a site: an index, and one for each room, switch, plant and reactor, and for the watch itself."""

from collections.abc import Sequence

from vigilia.interfaces.epics.screens.bob import Trace, plain
from vigilia.interfaces.epics.screens.files import MARK, file_names
from vigilia.interfaces.epics.screens.layout import INDEX, Chart, Index, Screen, Section, Tile
from vigilia.interfaces.epics.screens.rows import (
    contact_rows,
    counter_rows,
    generic_rows,
    inverter_rows,
    part_rows,
    port_rows,
    relay_rows,
)
from vigilia.interfaces.epics.screens.site import Device, Group, Plant, Points, Served, Site, Switch
from vigilia.interfaces.epics.screens.templates import ALL
from vigilia.language import tr
from vigilia.points import Kind

WATCH = "watch.bob"
_MOST_TRACES = 12
Titled = tuple[str, Served]
"""A point and what its line in a chart is called."""


def render(title: str, site: Site) -> dict[str, bytes]:
    """Return the files of a site's displays by their paths; what a display refers to comes before it."""
    files = {template.file: template.display().xml(MARK) for template in ALL}
    screens, index = _screens(title, site)
    files |= {screen.file: screen.display().xml(MARK) for screen in screens}
    files[INDEX] = index.display().xml(MARK)
    return files


def _screens(title: str, site: Site) -> tuple[list[Screen], Index]:
    switches = _whole_switches(site)
    switch_files = file_names("switch", switches)
    room_files = file_names("room", site.rooms)
    plants = {plant.id: plant for plant in site.plants}
    plant_files = file_names("plant", plants)
    reactors = {group.name: group for group in site.reactors}
    reactor_files = file_names("reactor", reactors)
    others = {group.name: group for group in site.others}
    other_files = file_names("device", others)
    screens = [_room(room_files[name], name, room, site, switch_files) for name, room in site.rooms.items()]
    screens += [_switch(switch_files[name], switch, site) for name, switch in switches.items()]
    screens += [_plant(plant_files[name], plant) for name, plant in plants.items()]
    screens += [_group(reactor_files[name], group, site) for name, group in reactors.items()]
    screens += [_group(other_files[name], group, site) for name, group in others.items()]
    groups: list[tuple[str, Sequence[Tile]]] = [
        (tr("Rooms"), [Tile(name or _no_room(), room_files[name]) for name in site.rooms]),
        (tr("Switches"), [Tile(name, file, _contact(site, name)) for name, file in switch_files.items()]),
        (tr("Plants"), [Tile(plants[name].name, file) for name, file in plant_files.items()]),
        (tr("Reactors"), [Tile(name, file, _contact(site, name)) for name, file in reactor_files.items()]),
        (tr("Devices"), [Tile(name, file) for name, file in other_files.items()]),
    ]
    watch = _watch(site, {*switches, *reactors})
    if watch.sections:
        screens.append(watch)
        groups.append((tr("The watch itself"), [Tile(tr("The service"), watch.file)]))
    return screens, Index(title, groups)


def _no_room() -> str:
    return tr("Without a room")


def _whole_switches(site: Site) -> dict[str, Switch]:
    """Return every switch with its ports of all rooms."""
    switches: dict[str, Switch] = {}
    for room in site.rooms.values():
        for switch in room:
            switches.setdefault(switch.name, Switch(switch.name)).ports.extend(switch.ports)
    return switches


def _contact(site: Site, link: str) -> str:
    """Return the PV of a link's contact, or an empty text."""
    served = site.own.get(link, {}).get("Connected-Sts")
    return served.pv if served else ""


def _room(file: str, name: str, switches: Sequence[Switch], site: Site, switch_files: dict[str, str]) -> Screen:
    sections = [
        Section(
            switch.name,
            [
                *contact_rows(switch.name, site.own.get(switch.name, {})),
                *(row for port in switch.ports for row in port_rows(port)),
            ],
            switch_files[switch.name],
        )
        for switch in switches
    ]
    return Screen(file, name or _no_room(), sections)


def _switch(file: str, switch: Switch, site: Site) -> Screen:
    own = site.own.get(switch.name, {})
    counters = [row for port in switch.ports for row in counter_rows(port)]
    sections = [
        Section(tr("Contact"), contact_rows(switch.name, own)),
        Section(tr("Ports"), [row for port in switch.ports for row in port_rows(port)]),
        Section(tr("Counters"), counters),
        Section(tr("The link"), generic_rows("", _beside_contact(own))),
    ]
    trips = {"RoundTrip-Mon": tr("Round trip"), "RoundTrip99-Mon": tr("Slowest 1 %")}
    charts = _charts(tr("Round trip"), "1 hour", [(title, own[name]) for name, title in trips.items() if name in own])
    charts += _charts(tr("Power"), "1 hour", _of(switch.ports, "Power-Mon"))
    return Screen(file, switch.name, [section for section in sections if section.rows], charts)


def _plant(file: str, plant: Plant) -> Screen:
    whole, relays, inverters = plant.whole, plant.relays, plant.inverters
    sections = [
        Section(tr("Data"), generic_rows("", whole)),
        Section(tr("Relays"), [row for relay in relays for row in relay_rows(relay)]),
        Section(tr("Inverters"), [row for inverter in inverters for row in inverter_rows(inverter)]),
    ]
    charts = _charts(tr("Active power"), "1 day", _of(inverters, "Pac-Mon"))
    return Screen(file, plant.name, [section for section in sections if section.rows], charts)


def _group(file: str, group: Group, site: Site) -> Screen:
    own = site.own.get(group.name, {})
    sections = [Section(tr("Contact"), [*contact_rows(group.name, own), *generic_rows("", _beside_contact(own))])]
    sections += [Section(device.title, part_rows(device)) for device in group.devices]
    shown = [section for section in sections if section.rows]
    return Screen(file, group.name, shown, _reading_charts(group.devices), charts_first=True)


def _watch(site: Site, drawn: set[str]) -> Screen:
    """Return the screen of the service itself, and of links that have none of their own."""
    sections = [
        Section(link or tr("The service"), [*contact_rows(link, points), *generic_rows("", _beside_contact(points))])
        for link, points in site.own.items()
        if link not in drawn
    ]
    return Screen(WATCH, tr("The watch itself"), sections)


_IN_CONTACT_ROWS = {"Connected-Sts", "Since-Mon", "Error-Mon"}
_IN_SWITCH_ROWS = {*_IN_CONTACT_ROWS, "RoundTrip-Mon", "RoundTrip99-Mon", "Reconnects-Mon", "Sessions-Mon"}


def _beside_contact(points: Points) -> Points:
    """Return those of a link's points that its row of contact lacks."""
    has_round_trips = points.keys() >= _IN_SWITCH_ROWS
    shown = (
        _IN_SWITCH_ROWS if has_round_trips else _IN_CONTACT_ROWS if points.keys() >= _IN_CONTACT_ROWS else set[str]()
    )
    return {suffix: served for suffix, served in points.items() if suffix not in shown}


def _reading_charts(devices: Sequence[Device]) -> list[Chart]:
    """Return charts of what is read, one for each unit: of what an agent samples, where it samples anything."""
    read = [
        (f"{device.title}: {suffix.removesuffix('-Mon')}", served)
        for device in devices
        for suffix, served in device.points.items()
        if served.point.kind is Kind.NUMBER and suffix.endswith("-Mon")
    ]
    if any(served.point.sampled for _, served in read):
        read = [(title, served) for title, served in read if served.point.sampled]
    by_unit: dict[str, list[Titled]] = {}
    for title, served in read:
        by_unit.setdefault(served.point.units or "", []).append((title, served))
    return [chart for its in by_unit.values() for chart in _charts(tr("Readings"), "1 hour", its)]


def _of(devices: Sequence[Device], suffix: str) -> list[Titled]:
    """Return one point of each device that has it, called as the device."""
    return [(device.title, device.points[suffix]) for device in devices if suffix in device.points]


def _charts(title: str, since: str, points: Sequence[Titled]) -> list[Chart]:
    """Return charts of points that share an axis, of as many lines as can be told apart."""
    charts: list[Chart] = []
    for start in range(0, len(points), _MOST_TRACES):
        some = points[start : start + _MOST_TRACES]
        unit = next((served.point.units for _, served in some if served.point.units), None)
        axis = plain(f"{title} ({unit})" if unit else title)
        charts.append(Chart(axis, since, [axis], [Trace(served.pv, plain(name), 0) for name, served in some]))
    return charts
