"""From points to rows: which template shows them, and the PVs it is given."""

from collections.abc import Mapping

from vigilia.interfaces.epics.screens.bob import SMALL, fitted
from vigilia.interfaces.epics.screens.layout import Row
from vigilia.interfaces.epics.screens.site import Device, Points, Served
from vigilia.interfaces.epics.screens.templates import (
    ACTUATOR,
    ACTUATOR_CHOICE,
    ACTUATOR_PICK,
    CLASSES,
    CONTACT,
    COUNTERS,
    DOSE,
    INVERTER,
    LOOP,
    NAME,
    NOTE_WIDTH,
    PORT,
    RELAY,
    RUN,
    SENSOR,
    SWITCH,
    TEXT,
    Template,
)
from vigilia.points import Kind, Point

_MOST_BUTTONS = 3
_BUTTON_CHARACTERS = 24
"""More, in all labels, are a list instead of buttons."""
_KINDS = {"Sel", "Sts", "SP", "RB", "Mon", "Cmd"}
_REPORTED = {"-SP": "-RB", "-Sel": "-Sts"}

_PORT = {
    "STS": "PwrState-Sts",
    "SEL": "PwrState-Sel",
    "RAW": "PwrState-Raw",
    "DESC": "PwrState-Desc",
    "POWER": "Power-Mon",
    "VOLTAGE": "Voltage-Mon",
}
_COUNTERS = {
    "CLASS": "PowerClass-Mon",
    "DENIED": "PowerDenied-Mon",
    "OVERCURRENT": "OverCurrent-Mon",
    "SHORT": "Short-Mon",
    "ABSENT": "MpsAbsent-Mon",
}
_CONTACT = {"LAMP": "Connected-Sts", "CONTACT": "Connected-Sts", "SINCE": "Since-Mon", "ERROR": "Error-Mon"}
_SWITCH = _CONTACT | {
    "ROUNDTRIP": "RoundTrip-Mon",
    "ROUNDTRIP99": "RoundTrip99-Mon",
    "RECONNECTS": "Reconnects-Mon",
    "SESSIONS": "Sessions-Mon",
}
_RELAY = {name.upper(): f"{name}-Sts" for name in CLASSES}
_INVERTER = {"LAMP": "State-Sts", "STATE": "State-Sts", "PAC": "Pac-Mon"}
_LOOP = {"SEL": "Enable-Sel", "STS": "Enable-Sts", "SP": "Setpoint-SP", "RB": "Setpoint-RB"}


def port_rows(device: Device) -> list[Row]:
    """Return the row of a PoE port."""
    return _row(PORT, device.title, device.points, _PORT, PORT=device.port) or generic_rows(device.title, device.points)


def counter_rows(device: Device) -> list[Row]:
    """Return the row of what a PoE port counts, where it has all of it."""
    return _row(COUNTERS, device.title, device.points, _COUNTERS, PORT=device.port)


def contact_rows(name: str, points: Points) -> list[Row]:
    """Return the row of a link: with its round trips, where it has any."""
    return _row(SWITCH, name, points, _SWITCH) or _row(CONTACT, name, points, _CONTACT)


def relay_rows(device: Device) -> list[Row]:
    """Return the row of a relay."""
    return _row(RELAY, device.title, device.points, _RELAY) or generic_rows(device.title, device.points)


def inverter_rows(device: Device) -> list[Row]:
    """Return the row of an inverter."""
    return _row(INVERTER, device.title, device.points, _INVERTER) or generic_rows(device.title, device.points)


def part_rows(device: Device) -> list[Row]:
    """Return the rows of a part of a reactor: a loop's first, then what else it has."""
    loop = _row(LOOP, device.title, device.points, _LOOP)
    shown = set(_LOOP.values()) if loop else set[str]()
    rest = {suffix: served for suffix, served in device.points.items() if suffix not in shown}
    return loop + generic_rows("", rest)


def generic_rows(title: str, points: Points) -> list[Row]:
    """Return a row for each point that needs one: a setting and what is reported of it share theirs."""
    reported = {_reported(suffix) for suffix, served in points.items() if served.point.writable} - {""}
    rows = [
        _of_point(f"{title}: {_parameter(suffix)}" if title else _parameter(suffix), suffix, served, points)
        for suffix, served in points.items()
        if suffix not in reported
    ]
    return sorted(rows, key=lambda row: _ORDER.index(row.template))


_ORDER = (SENSOR, ACTUATOR, ACTUATOR_CHOICE, ACTUATOR_PICK, DOSE, RUN, TEXT)


def _row(template: Template, name: str, points: Points, wanted: Mapping[str, str], **texts: str) -> list[Row]:
    """Return the row of a template, or none where a PV of it is missing."""
    if any(suffix not in points for suffix in wanted.values()):
        return []
    return [Row(template, {NAME: name, **texts, **{macro: points[suffix].pv for macro, suffix in wanted.items()}})]


def _of_point(name: str, suffix: str, served: Served, points: Points) -> Row:
    point, pv = served.point, served.pv
    texts = {NAME: name, "NOTE": fitted(_note(point), 2 * NOTE_WIDTH, SMALL)}
    if not point.writable:
        return Row(TEXT if point.long_text else SENSOR, {**texts, "PV": pv})
    back = points.get(_reported(suffix))
    is_choice = point.kind in (Kind.ENUM, Kind.BOOLEAN)
    if back is None and is_choice and not point.setpoint and len(point.labels) <= 2:
        return Row(RUN, {**texts, "CMD": pv})
    if back is None and not is_choice:
        return Row(DOSE, {**texts, "CMD": pv})
    template = ACTUATOR
    if is_choice:
        fits = len(point.labels) <= _MOST_BUTTONS and sum(map(len, point.labels)) <= _BUTTON_CHARACTERS
        template = ACTUATOR_CHOICE if fits else ACTUATOR_PICK
    return Row(template, {**texts, "SP": pv, "RB": back.pv if back else pv})


def _reported(suffix: str) -> str:
    """Return the name that what is reported of a setting has; empty for what is no setting."""
    for asked, told in _REPORTED.items():
        if suffix.endswith(asked):
            return suffix.removesuffix(asked) + told
    return ""


def _parameter(suffix: str) -> str:
    """Return what a point is called within its device: its name without the suffix that tells its kind."""
    head, _, kind = suffix.rpartition("-")
    return head if head and kind in _KINDS else suffix


def _note(point: Point) -> str:
    """Return what a point's description says besides its device, which stands before it or behind."""
    _, _, device = point.device.partition(":")
    if device and point.description.endswith(f": {device}"):
        return point.description.removesuffix(f": {device}")
    _, _, rest = point.description.partition(": ")
    return rest or point.description
