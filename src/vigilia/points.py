"""Points, readings and batches: the frozen data that flows through Vigilia.

A *point* is one named value of the field (EPICS calls it a PV, OPC a tag); a *reading* is its value at a time with
an alarm severity and status in EPICS terms; a *batch* is what a driver publishes at once.
See docs/explanation/architecture.md.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

from vigilia.errors import InvalidValue
from vigilia.language import tr

Value = bool | int | float | str
"""What a point can hold. An enum's value is the index of its label."""

INTEGER_RANGE = (-(2**31), 2**31 - 1)
"""Smallest and largest integer a point carries: what EPICS `longin` and `longout` hold."""

LONGEST_TEXT = 1024
"""Most characters a text point carries."""


class Kind(StrEnum):
    """What sort of value a point has."""

    ENUM = "enum"
    NUMBER = "number"
    INTEGER = "integer"
    TEXT = "text"
    BOOLEAN = "boolean"


class Severity(IntEnum):
    """EPICS alarm severities, with their numbers (epics-base `alarm.h`)."""

    NO_ALARM = 0
    MINOR = 1
    MAJOR = 2
    INVALID = 3


class Status(IntEnum):
    """The EPICS alarm statuses Vigilia uses, with their numbers (epics-base `alarm.h`)."""

    NO_ALARM = 0
    READ = 1
    WRITE = 2
    HIHI = 3
    HIGH = 4
    LOLO = 5
    LOW = 6
    STATE = 7
    COMM = 9
    TIMEOUT = 10
    UDF = 17


class Reading(NamedTuple):
    """A point's value at a time (seconds UTC since 1970). Both are None when it was never read."""

    value: Value | None
    time: float | None
    severity: Severity = Severity.NO_ALARM
    status: Status = Status.NO_ALARM


NEVER_READ = Reading(None, None, Severity.INVALID, Status.UDF)
"""What a point holds before its first reading: undefined, not zero."""


@dataclass(frozen=True, slots=True)
class Window:
    """The local hours of a day within which a point's readings mean something to alarms; both ends belong to it."""

    start: str
    """Local time of day, "HH:MM"."""
    end: str
    zone: str
    """The name of the time zone, such as "America/Sao_Paulo"."""
    latitude: float | None = None
    """Degrees north. With both coordinates a failure counts only while the sun is up enough there."""
    longitude: float | None = None
    """Degrees east."""
    least_irradiance: float = 50.0
    """Clear-sky irradiance above which the sun is up enough, W/m²."""


@dataclass(frozen=True, slots=True)
class Point:
    """One named value: what it is, where it lives, and what may be done with it."""

    name: str
    kind: Kind
    device: str
    link: str = ""
    """The link through which the device is reached; empty for points Vigilia keeps of itself."""
    description: str = ""
    units: str | None = None
    labels: tuple[str, ...] = ()
    """The texts of an enum, or of a boolean, by index."""
    precision: int = 3
    """Decimals that a display should show of a number."""
    limits: tuple[float, float] | None = None
    """Smallest and largest value a write may ask for, both allowed."""
    writable: bool = False
    setpoint: bool = False
    """True where the value is what somebody chose: scans, staleness and a lost link leave it alone."""
    sampled: bool = False
    """True where its history is the samples that an agent stores of it: what is read of it live moves only the present
    value, and every stored sample is kept."""
    guarded: bool = False
    """True where a write reaches something that doses, heats or pumps: no interface takes one from just anybody."""
    long_text: bool = False
    """True for a text that may exceed EPICS's 39 characters."""
    blank: Value | None = None
    """What an interface that has no null (EPICS) shows before the first reading."""
    max_age_s: float | None = None
    """Seconds after the last good contact at which the value is stale; None: never."""
    area: str = ""
    """The room, plant or reactor it belongs to, by the name people use; notices are grouped and routed by it."""
    equipment: str = ""
    """What people call the device on a card; empty: `device`."""
    facts: tuple[tuple[str, str], ...] = ()
    """What a card says of the area besides: title and text, such as ("Capacity", "2500 kWp")."""
    window: Window | None = None
    """When alarms judge its readings; None: always."""
    zone: str = ""
    """The time zone that its times are told in, where people there have another than the site; empty: the window's."""
    covers: str = ""
    """The group that an alarm of this point suppresses: alarms of the points that are `under` it."""
    under: tuple[str, ...] = ()
    """The groups it belongs to; besides those, every point is under "link:" and its link's name."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose alarm suppresses those of this point."""
        return (*self.under, f"link:{self.link}") if self.link else self.under

    @property
    def told_in(self) -> str:
        """The name of the time zone that its times are told in; empty: the site's."""
        return self.zone or (self.window.zone if self.window else "")

    def label(self, value: Value | None) -> str | None:
        """Return the text of an enum's or boolean's value, or None where it has none."""
        if value is None or not self.labels or isinstance(value, str):
            return None
        index = int(value)
        return self.labels[index] if 0 <= index < len(self.labels) else None

    def coerce(self, value: object) -> Value:
        """Return `value` as this point's kind of value.

        An enum takes an index or a label; a boolean takes true, false, 0, 1 or a label.
        Raises InvalidValue, saying what would be right.
        """
        match self.kind:
            case Kind.ENUM:
                return self._index(value)
            case Kind.BOOLEAN:
                return bool(self._index(value))
            case Kind.TEXT:
                return self._text(value)
            case Kind.INTEGER:
                return self._integer(value)
            case Kind.NUMBER:
                return self._number(value)

    def _index(self, value: object) -> int:
        labels = self.labels or ("False", "True")
        if isinstance(value, str) and value in labels:
            return labels.index(value)
        if isinstance(value, int) and (self.kind is Kind.BOOLEAN or not isinstance(value, bool)):
            if 0 <= value < len(labels):
                return int(value)
        elif isinstance(value, float) and value.is_integer() and 0 <= value < len(labels):
            return int(value)
        choices = ", ".join(f"{index} or {label!r}" for index, label in enumerate(labels))
        raise self._refusal(value, choices)

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise self._refusal(value, tr("a text"))
        if len(value) > LONGEST_TEXT:
            text = tr("{point} does not take {count} characters: write at most {most}")
            raise InvalidValue(text.format(point=self.name, count=len(value), most=LONGEST_TEXT))
        return value

    def _integer(self, value: object) -> int:
        number = self._number(value)
        if not number.is_integer():
            raise self._refusal(value, tr("a whole number"))
        low, high = INTEGER_RANGE
        if not low <= number <= high:
            raise self._refusal(value, tr("{low} to {high}").format(low=low, high=high))
        return int(number)

    def _number(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refusal(value, tr("a number"))
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._refusal(value, tr("a finite number"))
        if self.limits and not self.limits[0] <= number <= self.limits[1]:
            low, high = (f"{limit:g}" for limit in self.limits)
            right = tr("{low} to {high}").format(low=low, high=high)
            raise self._refusal(number, f"{right} {self.units}" if self.units else right)
        return number

    def _refusal(self, value: object, right: str) -> InvalidValue:
        """Return the error that says of a value that it is not taken, and what would be `right`."""
        shown = f"{value:g}" if isinstance(value, float) else shorten(value)
        return InvalidValue(
            tr("{point} does not take {value}: write {right}").format(point=self.name, value=shown, right=right)
        )


class Sample(NamedTuple):
    """One reading of one point, as it travels in a batch."""

    name: str
    reading: Reading
    detail: str = ""
    """What more the equipment said, for alarms and cards: the flags that are set, above all."""


class Run(NamedTuple):
    """Readings of one number, by the hundred: in the order of their times, and all of them without an alarm.

    What comes as a run could come as samples; a day of a plant's records is thousands of them.
    """

    name: str
    times: Sequence[float]
    """Seconds UTC."""
    values: Sequence[float]
    """One for each of `times`."""


class Checkpoint(NamedTuple):
    """How far a driver has come with one of its sources: kept if, and only if, what the batch caused is kept."""

    key: str
    """Which source, within the driver."""
    value: Any
    """What the driver needs to go on from there, as JSON holds it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a driver publishes at once, ordered by the equipment's time."""

    source: str
    """Which driver or part of Vigilia says so; for log lines."""
    samples: Sequence[Sample]
    live: bool = True
    """False for stored samples that arrive late and that alarms do not judge."""
    max_age_s: float | None = None
    """Overrides the points' own `max_age_s` where the pace is known only at run time."""
    checkpoint: Checkpoint | None = None
    runs: Sequence[Run] = ()
    """Readings besides those of `samples`, of other points."""

    def every(self) -> Iterator[Sample]:
        """Give every reading, those of the runs first, one point after another."""
        for name, times, values in self.runs:
            for time, value in zip(times, values, strict=True):
                yield Sample(name, Reading(value, time))
        yield from self.samples


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a write, and from where."""

    via: str
    """The interface: "epics", "api"."""
    user: str = ""
    host: str = ""

    def __str__(self) -> str:
        """Give `user@host (via)`, for log lines."""
        who = "@".join(part for part in (self.user, self.host) if part) or "unknown"
        return f"{who} ({self.via})"


def shorten(value: object, most: int = 60) -> str:
    """Return `repr(value)` cut to `most` characters, so that hostile input cannot flood a message."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list of a thousand levels
        text = f"a {type(value).__name__} too large to print"
    return text if len(text) <= most else text[: most - 1] + "…"
