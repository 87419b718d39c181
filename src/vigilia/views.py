"""Views: a driver's equipment as people look at it, for pages and screens. Frozen data, and who gives it.

A view names points; what they read and how they are defined is the table's. A driver that gives none is shown by its
points alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from vigilia.fleet import ReactorItem

MOST_LISTED = 20_000
"""Ports, relays and inverters, or parameters, that a view lists; it says how many it leaves out."""

Role = Literal["reading", "setting", "command"]
PartKind = Literal["sensor", "actuator", "loop", "agent"]
Names = Mapping[str, str]
"""Points' names by what they are: "Sts", "Power"."""


# Switches and what they power


@dataclass(frozen=True, slots=True)
class PortView:
    """A port of a switch, and the device that it powers."""

    id: str
    device: str
    points: Names


@dataclass(frozen=True, slots=True)
class SwitchView:
    """A switch."""

    name: str
    link: str
    host: str
    """Its address, without a login."""
    model: str | None
    """None: it has not said."""
    firmware: str | None
    ports: Sequence[PortView]
    points: Names
    """What is known of the conversation with it."""


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room, and its switches."""

    name: str
    """Empty: no room was given."""
    switches: Sequence[SwitchView]


@dataclass(frozen=True, slots=True)
class PoeView:
    """Ports that power devices."""

    rooms: Sequence[RoomView]
    left_out: int = 0
    kind: Literal["poe"] = "poe"


# Photovoltaic plants


@dataclass(frozen=True, slots=True)
class RelayView:
    """A protection relay; its points by the classes of its alarms."""

    id: str
    name: str
    points: Names


@dataclass(frozen=True, slots=True)
class InverterView:
    """An inverter."""

    id: str
    name: str
    points: Names
    suppressed_by: str | None
    """Why its failure is not told, for people; None: it is."""
    last_data: float | None = None
    """The time of its newest record, seconds UTC; None: there is none, or it is silent for too long."""


@dataclass(frozen=True, slots=True)
class PlantView:
    """A plant."""

    id: str
    name: str
    capacity: str
    """With its unit; empty: not known."""
    timezone: str
    window: tuple[str, str]
    """The local hours in which its inverters are judged, "HH:MM"."""
    in_window: bool
    sun_elevation_deg: float | None
    """None: the plant's coordinates are not known."""
    sunrise: float | None
    """Of this day there, seconds UTC; None: not known, or there is none on this day."""
    sunset: float | None
    last_data: float | None
    """The time of its newest record, seconds UTC."""
    points: Names
    relays: Sequence[RelayView]
    inverters: Sequence[InverterView]
    usual_silence_s: float
    """For how long an inverter may say nothing new before what it said last says nothing of now."""


@dataclass(frozen=True, slots=True)
class PlantsView:
    """Photovoltaic plants."""

    plants: Sequence[PlantView]
    left_out: int = 0
    kind: Literal["plants"] = "plants"


# Reactors


@dataclass(frozen=True, slots=True)
class ParameterView:
    """One thing of a part that can be read, set or asked for."""

    name: str
    title: str
    role: Role
    kind: str
    units: str | None
    limits: tuple[float, float] | None
    labels: Sequence[str]
    step: float | None
    """Between two values that a form should offer; None: it is no number."""
    takes_value: bool
    """Of a command: whether it takes one, or is only asked for."""
    desired: str | None
    reported: str | None
    """What holds of a setting; what is measured of a reading."""
    command: str | None
    description: str


@dataclass(frozen=True, slots=True)
class CalibrationView:
    """The points through which a part is calibrated."""

    command: str
    """Takes the steps, as texts."""
    state: str | None
    """Tells what is calibrated, and the slope."""
    calibrating: str | None
    """Says whether it is in calibration."""
    export: str | None
    """The calibration as the circuit exports it."""


@dataclass(frozen=True, slots=True)
class PartView:
    """A sensor, an actuator, a control loop, or the agent itself."""

    name: str
    title: str
    kind: PartKind
    model: str
    """Such as "ezo-ph", "pwm", "ph-dosing"."""
    place: str
    contact: str | None
    """The point that says whether its agent can talk to it."""
    parameters: Sequence[ParameterView]
    calibration: CalibrationView | None


@dataclass(frozen=True, slots=True)
class ReactorView:
    """A reactor and its parts."""

    item: ReactorItem
    points: Names
    """What the service says of it."""
    parts: Sequence[PartView]


@dataclass(frozen=True, slots=True)
class ReactorsView:
    """Reactors."""

    reactors: Sequence[ReactorView]
    left_out: int = 0
    kind: Literal["reactors"] = "reactors"


DriverView = PoeView | PlantsView | ReactorsView


@runtime_checkable
class Viewed(Protocol):
    """What a driver is besides, where it says how its equipment is to be looked at."""

    @property
    def title(self) -> str:
        """What people call what it watches."""
        ...

    def view(self) -> DriverView:
        """Return its equipment as it is now. Never waits."""
        ...
