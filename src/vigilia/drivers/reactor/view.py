"""The reactors as people look at them: parts and what can be read, set or asked of each, made from the declarations."""

import re
from collections.abc import Iterable, Iterator

from vigilia.drivers.reactor.inventory import Inventory
from vigilia.drivers.reactor.reactor import Reactor
from vigilia.errors import printable
from vigilia.fleet import ReactorItem
from vigilia.points import Kind, Point
from vigilia.views import (
    MOST_LISTED,
    CalibrationView,
    Names,
    ParameterView,
    PartKind,
    PartView,
    ReactorsView,
    ReactorView,
    Role,
)
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

_KINDS: dict[int, PartKind] = {
    wire.ROLE_SENSOR: "sensor",
    wire.ROLE_ACTUATOR: "actuator",
    wire.ROLE_LOOP: "loop",
    wire.ROLE_AGENT: "agent",
}
_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")


def view_of(items: Iterable[ReactorItem], reactors: dict[str, Reactor]) -> ReactorsView:
    """Return the reactors by id; one that waits to be accepted has no parts."""
    room, left_out = MOST_LISTED, 0
    shown: list[ReactorView] = []
    for item in items:
        reactor = reactors.get(item.id)
        parts = list(_parts(reactor.inventory)) if reactor else []
        needed = 1 + sum(len(part.parameters) for part in parts)
        if needed > room:
            left_out += needed
            continue
        room -= needed
        shown.append(ReactorView(item, _own(reactor) if reactor else {}, parts))
    return ReactorsView(shown, left_out)


def _own(reactor: Reactor) -> Names:
    """Return the points of what the service says of a reactor: "Connected" of Connected-Sts."""
    if not reactor.declared:
        return {}
    names = (point.name for point in reactor.points.all)
    return {re.sub(r"-(Sts|Mon)$", "", name.rpartition(":")[2]): name for name in names}


def _parts(inventory: Inventory) -> Iterator[PartView]:
    for part in inventory.parts:
        kind = _KINDS.get(part.role)
        if kind is None:  # the agent is newer
            continue
        contact = inventory.contacts.get(part.name)
        yield PartView(
            part.name,
            printable(part.title) or part.name,
            kind,
            printable(part.kind),
            printable(part.place),
            contact=contact.name if contact else None,
            parameters=[view for parameter in part.parameters if (view := _parameter(inventory, part, parameter))],
            calibration=_calibration(inventory, part),
        )


def _parameter(inventory: Inventory, part: wire.Part, parameter: wire.Parameter) -> ParameterView | None:
    key = (part.name, parameter.name)
    description = printable(parameter.description)
    match parameter.access:
        case wire.ACCESS_READING if (reading := inventory.readings.get(key)) is not None:
            return _shown(parameter.name, "reading", reading, description, reported=reading)
        case wire.ACCESS_SETTING if (setting := inventory.settings.get(key)) is not None:
            desired, reported = setting
            return _shown(parameter.name, "setting", desired, description, desired=desired, reported=reported)
        case wire.ACCESS_COMMAND if (command := inventory.commands.get(key)) is not None:
            takes = command.takes_value
            return _shown(
                parameter.name, "command", command.point, description, command=command.point, takes_value=takes
            )
        case _:
            return None  # the agent is newer


def _shown(
    name: str,
    role: Role,
    point: Point,
    description: str,
    *,
    desired: Point | None = None,
    reported: Point | None = None,
    command: Point | None = None,
    takes_value: bool = True,
) -> ParameterView:
    return ParameterView(
        name,
        _title(name),
        role,
        point.kind.value,
        point.units,
        point.limits,
        point.labels,
        _step(point),
        takes_value,
        desired=desired.name if desired else None,
        reported=reported.name if reported else None,
        command=command.name if command else None,
        description=description,
    )


def _title(name: str) -> str:
    """Return a parameter's name as words: "Dead band" of DeadBand; what is an abbreviation stays: pH, CO2."""
    first, *others = _NEXT_WORD.split(name)
    return " ".join((first, *(word.lower() for word in others)))


def _step(point: Point) -> float | None:
    match point.kind:
        case Kind.NUMBER:
            return float(f"1e-{point.precision}")
        case Kind.INTEGER:
            return 1.0
        case _:
            return None


def _calibration(inventory: Inventory, part: wire.Part) -> CalibrationView | None:
    """Return the points through which a part is calibrated; None where it cannot be."""
    command = inventory.commands.get((part.name, "Calibrate"))
    if command is None:
        return None

    def reading(name: str) -> str | None:
        point = inventory.readings.get((part.name, name))
        return point.name if point else None

    return CalibrationView(command.point.name, reading("Calibration"), reading("Calibrating"), reading("Export"))
