"""What a reactor's agent declares, as points: checked, bounded, and named by one rule.

`<reactor>:<part>:<Parameter>` and a suffix by access and kind: a reading `-Mon` (enum and boolean `-Sts`), a setting
`-SP` desired and `-RB` reported (`-Sel` and `-Sts`), a command `-SP` for a number, else `-Cmd`. See
docs/reference/points.md.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf import json_format

from vigilia.errors import printable
from vigilia.language import tr
from vigilia.points import Kind, Point, shorten
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

MOST_PARTS = 100
MOST_PARAMETERS = 100
"""Of one part."""
MOST_POINTS = 1000
"""Of one reactor, those that the service adds included."""
LONGEST_ID = 24
"""Characters of a reactor's id, and of a part's name."""
LONGEST_POINT_NAME = 60
"""As long as EPICS takes a name (`dbBase.h`, PVNAME_STRINGSZ)."""
MOST_LABELS, LONGEST_LABEL = 16, 25
"""As EPICS takes an enum (`mbbiRecord.dbd`, DBR_ENUM strings of 26 bytes)."""
_LONGEST_PARAMETER = 40
_LONGEST_TEXT = 200
_LONGEST_UNITS = 15
COMM = "Comm"
"""The parameter that the service adds to each sensor and actuator: whether its agent can talk to it."""
COMM_LABELS = ("Normal", "Failed")
_TRIGGER_LABELS = ("Idle", "Run")

_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_ID}}}")
_PARAMETER = re.compile(rf"[A-Za-z][A-Za-z0-9]{{0,{_LONGEST_PARAMETER - 1}}}")
_KINDS = {
    wire.KIND_NUMBER: Kind.NUMBER,
    wire.KIND_INTEGER: Kind.INTEGER,
    wire.KIND_TEXT: Kind.TEXT,
    wire.KIND_ENUM: Kind.ENUM,
    wire.KIND_BOOLEAN: Kind.BOOLEAN,
}
_CHOICES = (Kind.ENUM, Kind.BOOLEAN)
_AT_BUSES = (wire.ROLE_SENSOR, wire.ROLE_ACTUATOR)

Key = tuple[str, str]
"""A part's name and a parameter's: which one is meant."""


class BadInventory(ValueError):
    """A declaration that breaks a limit; the text names the thing and the limit."""


class Setting(NamedTuple):
    """The two points of a setting."""

    desired: Point
    reported: Point


class Command(NamedTuple):
    """The point of a command."""

    point: Point
    takes_value: bool
    at_once: bool
    """Whether no other may keep it back."""


class Inventory:
    """What one reactor has. Raises BadInventory for a declaration that breaks a limit.

    Parameters of a kind or access that this version does not know are left out: the agent is newer.
    """

    def __init__(self, reactor: str, parts: Sequence[wire.Part]) -> None:
        self.reactor = reactor
        self.parts: Sequence[wire.Part] = ()
        self.readings: dict[Key, Point] = {}
        self.settings: dict[Key, Setting] = {}
        self.commands: dict[Key, Command] = {}
        self.contacts: dict[str, Point] = {}
        """By part: whether the agent can talk to it."""
        self.unknown = 0
        """Parameters that were left out."""
        self._meant: dict[str, Key] = {}
        self._points: dict[str, Point] = {}
        check_count("parts", len(parts), MOST_PARTS, reactor)
        self.parts = list(parts)
        for part in self.parts:
            self._take(part)

    @property
    def points(self) -> list[Point]:
        """All of them."""
        return list(self._points.values())

    def key(self, point: str) -> Key | None:
        """Return which parameter a point that can be written to stands for; None where the reactor lacks it now."""
        return self._meant.get(point)

    def packed(self) -> list[dict[str, Any]]:
        """Return the declaration as JSON holds it."""
        return [json_format.MessageToDict(part) for part in self.parts]

    def _take(self, part: wire.Part) -> None:
        if not _ID.fullmatch(part.name):
            raise BadInventory(
                f"{self.reactor}: a part is named {shorten(part.name)}: use 1 to {LONGEST_ID} letters, digits, - and _"
            )
        where = f"{self.reactor}:{part.name}"
        for what, text in (("kind", part.kind), ("place", part.place), ("title", part.title)):
            check_length(f"the {what} of {where}", text, _LONGEST_TEXT)
        check_count("parameters", len(part.parameters), MOST_PARAMETERS, where)
        for parameter in part.parameters:
            self._declare(part, parameter)
        if part.role in _AT_BUSES:
            contact = self._point(part, COMM, "-Sts", Kind.ENUM, COMM_LABELS, tr("Contact with its agent"))
            self.contacts[part.name] = contact

    def _declare(self, part: wire.Part, parameter: wire.Parameter) -> None:
        where = f"{self.reactor}:{part.name}:{parameter.name[:_LONGEST_PARAMETER]}"
        if not _PARAMETER.fullmatch(parameter.name):
            raise BadInventory(
                f"{self.reactor}:{part.name}: a parameter is named {shorten(parameter.name)}: use CamelCase of "
                f"letters and digits such as Duty or pH, at most {_LONGEST_PARAMETER}"
            )
        declared = _KINDS.get(parameter.kind)
        if declared is None:
            self.unknown += 1
            return
        kind: Kind = declared
        if parameter.access == wire.ACCESS_COMMAND and not parameter.takes_value:
            kind = Kind.BOOLEAN
        labels = _labels(parameter, kind, where)
        if parameter.access == wire.ACCESS_COMMAND and not parameter.takes_value:
            labels = labels or _TRIGGER_LABELS
        check_length(f"the description of {where}", parameter.description, _LONGEST_TEXT)
        check_length(f"the unit of {where}", parameter.units, _LONGEST_UNITS)
        more: dict[str, Any] = {
            "units": printable(parameter.units) or None,
            "precision": min(parameter.precision, 15),
        }
        key = (part.name, parameter.name)
        choice = kind in _CHOICES
        title = printable(parameter.description) or parameter.name

        def point(suffix: str, **options: Any) -> Point:
            return self._point(part, parameter.name, suffix, kind, labels, title, **more, **options)

        match parameter.access:
            case wire.ACCESS_READING:
                self.readings[key] = point(
                    "-Sts" if choice else "-Mon",
                    long_text=kind is Kind.TEXT,
                    sampled=parameter.sampled,
                    limits=_limits(parameter, where),
                )
            case wire.ACCESS_SETTING:
                asked = {"limits": _limits(parameter, where), "writable": True, "guarded": True}
                desired = point("-Sel" if choice else "-SP", setpoint=True, **asked)
                self.settings[key] = Setting(desired, point("-Sts" if choice else "-RB"))
                self._meant[desired.name] = key
            case wire.ACCESS_COMMAND:
                asked = {"limits": _limits(parameter, where), "writable": True, "guarded": True}
                number = parameter.takes_value and kind in (Kind.NUMBER, Kind.INTEGER)
                command = point("-SP" if number else "-Cmd", **asked)
                self.commands[key] = Command(command, parameter.takes_value, parameter.at_once)
                self._meant[command.name] = key
            case _:
                self.unknown += 1

    def _point(
        self,
        part: wire.Part,
        parameter: str,
        suffix: str,
        kind: Kind,
        labels: tuple[str, ...],
        title: str,
        **more: Any,
    ) -> Point:
        device = f"{self.reactor}:{part.name}"
        name = f"{device}:{parameter}{suffix}"
        if len(name) > LONGEST_POINT_NAME:
            raise BadInventory(f"{name[:80]} is longer than {LONGEST_POINT_NAME} characters: shorten the part's name")
        if name in self._points:
            raise BadInventory(f"{name} is declared twice: give each parameter and part a name of its own")
        check_count("points", len(self._points) + 1, MOST_POINTS, self.reactor)
        called = printable(part.title) or part.name
        point = self._points[name] = Point(
            name,
            kind,
            device,
            self.reactor,
            f"{called}: {title}",
            labels=labels,
            area=self.reactor,
            equipment=f"{self.reactor}: {called}",
            **more,
        )
        return point


def unpack(reactor: str, packed: Iterable[Mapping[str, Any]]) -> Inventory:
    """Return the inventory that `packed` gave. Raises BadInventory where this version cannot read it."""
    try:
        parts = [json_format.ParseDict(dict(part), wire.Part(), ignore_unknown_fields=True) for part in packed]
    except json_format.ParseError as error:
        raise BadInventory(f"{reactor}: what is kept of its inventory cannot be read: {error}") from error
    return Inventory(reactor, parts)


def is_id(text: str) -> bool:
    """Say whether a text can be a reactor's id."""
    return _ID.fullmatch(text) is not None


def check_length(what: str, text: str, most: int) -> None:
    """Raise BadInventory for a text of more than `most` characters."""
    if len(text) > most:
        raise BadInventory(f"{what} has {len(text)} characters: the limit is {most}")


def check_count(what: str, count: int, most: int, where: str) -> None:
    """Raise BadInventory for more than `most` of something."""
    if count > most:
        raise BadInventory(f"{where} has more than {most} {what}: the limit is {most}")


def _labels(parameter: wire.Parameter, kind: Kind, where: str) -> tuple[str, ...]:
    if kind not in _CHOICES:
        return ()
    labels = tuple(printable(label) for label in parameter.labels)
    if kind is Kind.BOOLEAN and len(labels) not in (0, 2):
        raise BadInventory(f"{where} is a boolean with {len(labels)} labels: give two, or none")
    if kind is Kind.ENUM and not labels:
        raise BadInventory(f"{where} is an enum without labels: give 1 to {MOST_LABELS}")
    if len(labels) > MOST_LABELS or any(len(label) > LONGEST_LABEL or not label for label in labels):
        raise BadInventory(f"{where}: labels are at most {MOST_LABELS}, of 1 to {LONGEST_LABEL} characters each")
    if len(set(labels)) < len(labels):
        raise BadInventory(f"{where} has a label twice: give each state a label of its own")
    return labels


def _limits(parameter: wire.Parameter, where: str) -> tuple[float, float] | None:
    given = [parameter.HasField(name) for name in ("minimum", "maximum")]
    if not any(given):
        return None
    low, high = parameter.minimum, parameter.maximum
    if not all(given) or not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise BadInventory(f"{where}: its limits are no range: give a finite minimum and a maximum that is not smaller")
    return low, high


def count(parts: Sequence[wire.Part]) -> Iterator[str]:
    """Give, for a log line, how many parts of each role there are."""
    names = {wire.ROLE_SENSOR: "sensors", wire.ROLE_ACTUATOR: "actuators", wire.ROLE_LOOP: "loops"}
    for role, name in names.items():
        yield f"{sum(part.role == role for part in parts)} {name}"
