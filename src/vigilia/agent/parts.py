"""What a reactor is made of: parts, and the parameters they declare.

A *part* is a sensor, an actuator, a control loop, or the agent itself. What can be read, set or asked of it is declared
once, as parameters; reports, points, pages and commands are made from that declaration alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from vigilia.errors import VigiliaError
from vigilia.points import Kind, Severity, Status, Value


class Rejected(VigiliaError):
    """A setting or command that the reactor does not take; nothing was changed. The text says why."""

    def __init__(self, reason: str, *, over_limit: bool = False) -> None:
        """`over_limit`: its value breaks a limit, whatever the state of the part."""
        super().__init__(reason)
        self.over_limit = over_limit


class Failed(VigiliaError):
    """Equipment that did not do what it was asked, or not all of it. The text says what is known."""


class Access(StrEnum):
    """What may be done with a parameter."""

    READING = "reading"
    """It is measured or counted."""
    SETTING = "setting"
    """It can be set, durably and as often as one likes."""
    COMMAND = "command"
    """It can be asked for, once."""


class Role(StrEnum):
    """What a part is."""

    SENSOR = "sensor"
    ACTUATOR = "actuator"
    LOOP = "loop"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that can be read, set or asked for."""

    name: str
    """CamelCase, such as "Duty"; unique within its part and access."""
    kind: Kind
    access: Access
    units: str = ""
    limits: tuple[float, float] | None = None
    """Smallest and largest value that a setting or command may ask for."""
    labels: tuple[str, ...] = ()
    """Of an enum or boolean, by index."""
    precision: int = 3
    description: str = ""
    takes_value: bool = True
    """Of a command: one that takes none is given True, and is a boolean."""
    at_once: bool = False
    """Of a command: it makes safe, and may be done twice. It is done whatever state the disk is in."""
    sampled: bool = False
    """Of a reading: whether it is stored, each time that its part takes a sample."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a part is and can do."""

    name: str
    role: Role
    kind: str
    """As the configuration says it: "ezo-ph", "pwm", "ph-dosing"."""
    place: str
    """Where it is, for people: "i2c-1, address 99"."""
    parameters: tuple[Parameter, ...]
    title: str = ""
    """What people call it; empty: its name."""


class Measured(NamedTuple):
    """The value of one READING at a time."""

    parameter: str
    value: Value | None
    time: float
    """Seconds UTC, by the agent's clock."""
    severity: Severity = Severity.NO_ALARM
    status: Status = Status.NO_ALARM
    detail: str = ""
    """Why it is no good, above all."""


class Part(Protocol):
    """A part at work. It is made without touching equipment; `run` is what works it."""

    @property
    def declaration(self) -> Declaration:
        """What it is and can do. It stays the same but for title and limits, which a setting may change."""
        ...

    def readings(self) -> Sequence[Measured]:
        """Return the newest of every READING that has one; what is lost keeps its last value, INVALID."""
        ...

    def settings(self) -> Mapping[str, Value]:
        """Return what holds now of every SETTING."""
        ...

    async def apply(self, parameter: str, value: Value) -> None:
        """Have a SETTING hold from now on; its kind and limits were checked.

        Raises Rejected, and then nothing has changed.
        """
        ...

    async def command(self, parameter: str, value: Value, command_id: str) -> str:
        """Do what a COMMAND asks; return what there is to say of it when it has ended.

        Its kind and limits were checked, its id was never seen before. Raises Rejected or Failed.
        """
        ...

    async def run(self, listener: "Listener") -> None:
        """Work until cancelled; on the way out an output is left safe."""
        ...


class Listener(Protocol):
    """Who hears of what parts do. Neither call waits or raises."""

    def changed(self, part: Part) -> None:
        """A reading, or what holds of a setting, is another: the next report should not wait."""
        ...

    def sampled(self, part: Part, samples: Sequence[Measured]) -> None:
        """A sample was taken: to be stored. What could not be read is a sample too, INVALID."""
        ...
