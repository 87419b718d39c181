"""What the entries of an agent's configuration say of each other: names, buses, addresses, pins, loops."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vigilia.agent.outputs.config import PMP_ADDRESS
from vigilia.agent.sensors.config import Ds18b20Config, circuit_address, sensor_problems
from vigilia.agent.sensors.kinds import THERMOMETERS
from vigilia.errors import Problem

RESERVED = "agent"
"""The part that the agent itself is."""
_EZO_BUSES = ("i2c", "uart", "sim")
_SENSORS_OF = {"ph-dosing": ("ezo-ph",), "thermostat": tuple(THERMOMETERS)}
_ACTUATORS_OF = {"ph-dosing": ("ezo-pmp",), "thermostat": ("pwm", "relay")}

Entries = Mapping[str, Sequence[Any]]
"""The entries, each in order by itself, by the name of their list."""
_Found = Iterator[tuple[str, str, str]]
"""A key, what is wrong with it, and what would be right."""


def check_references(place: str, entries: Entries) -> list[Problem]:
    """Return what is wrong between entries; `place` is the file."""
    buses = {bus.name: bus.kind for bus in entries["buses"]}
    found = [*_names(entries), *_circuits(entries, buses), *_pins(entries), *_loops(entries)]
    problems = [Problem(place, key, wrong, right) for key, wrong, right in found]
    return problems + sensor_problems(entries["sensors"], buses, place)


def _names(entries: Entries) -> _Found:
    """Two buses may not share a name, nor two parts, whatever they are."""
    for lists in (("buses",), ("sensors", "actuators", "loops")):
        seen: dict[str, str] = {}
        for key, entry in _each(entries, *lists):
            if lists != ("buses",) and entry.name == RESERVED:
                yield f"{key}.name", f"is {RESERVED!r}, which is the agent itself", "choose another"
            elif entry.name in seen:
                yield f"{key}.name", f"is {entry.name!r}, as that of {seen[entry.name]}", "choose another"
            seen.setdefault(entry.name, key)


def _circuits(entries: Entries, buses: Mapping[str, str]) -> _Found:
    """A pump's bus is there, and nothing else is at its address, or on its serial line."""
    taken: dict[tuple[str, object], str] = {}
    for key, sensor in _each(entries, "sensors"):
        if not isinstance(sensor, Ds18b20Config) and sensor.bus in buses:
            taken[sensor.bus, circuit_address(sensor, buses[sensor.bus])] = key
    for key, pump in _each(entries, "actuators"):
        if pump.kind != "ezo-pmp":
            continue
        kind = buses.get(pump.bus)
        if kind not in _EZO_BUSES:
            wrong = f"names {pump.bus!r}, which is {'no bus' if kind is None else f'of kind {kind}'}"
            yield f"{key}.bus", wrong, _choice((bus for bus in buses if buses[bus] in _EZO_BUSES), "[[buses]]")
            continue
        if kind == "uart" and pump.address is not None:
            yield f"{key}.address", "is given for a circuit on a serial line", "remove it: a line has one circuit"
        address = None if kind == "uart" else PMP_ADDRESS if pump.address is None else pump.address
        if other := taken.get((pump.bus, address)):
            yield f"{key}.address", f"is where {other} is already", "give each circuit an address or line of its own"
        taken[pump.bus, address] = key


def _pins(entries: Entries) -> _Found:
    """One actuator on a pin, and on a channel of a PWM chip."""
    taken: dict[tuple[object, ...], str] = {}
    for key, entry in _each(entries, "actuators"):
        for name, place in (
            ("pin", (getattr(entry, "pin", None),)),
            ("channel", (getattr(entry, "chip", None), getattr(entry, "channel", None))),
        ):
            where = (name, *place)
            if None in place:
                continue
            if where in taken:
                yield f"{key}.{name}", f"is that of {taken[where]} too", f"give each actuator a {name} of its own"
            taken[where] = key


def _loops(entries: Entries) -> _Found:
    """A loop needs a sensor and an actuator of kinds that it can work with; an actuator follows one loop at most."""
    driven: dict[str, str] = {}
    for key, loop in _each(entries, "loops"):
        for name, named, of, able in (
            ("sensor", loop.sensor, "sensors", _SENSORS_OF),
            ("actuator", loop.actuator, "actuators", _ACTUATORS_OF),
        ):
            kinds = {entry.name: entry.kind for entry in entries[of]}
            wanted = able[loop.kind]
            right = _choice((it for it, kind in kinds.items() if kind in wanted), f"one of kind {', '.join(wanted)}")
            if named not in kinds:
                yield f"{key}.{name}", f"names {named!r}, which is no {name}", right
            elif kinds[named] not in wanted:
                yield f"{key}.{name}", f"names {named!r}, which is of kind {kinds[named]}", right
        if loop.actuator in driven:
            yield f"{key}.actuator", f"is driven by {driven[loop.actuator]} already", "give each loop one of its own"
        driven.setdefault(loop.actuator, key)


def _each(entries: Entries, *lists: str) -> Iterator[tuple[str, Any]]:
    """Give each entry of the lists, with its place in the file."""
    for name in lists:
        for index, entry in enumerate(entries[name]):
            yield f"{name}[{index}]", entry


def _choice(names: Iterable[str], missing: str) -> str:
    """Say what could be written; `missing`: what must be added where there is nothing to choose from."""
    listed = sorted(names)
    return f"write {' or '.join(listed)}" if listed else f"add {missing}"
