"""The fleet: reactors that call the service, as people see and admit them. Frozen data, and who keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from vigilia.calibration import CalibrationItem
from vigilia.points import Origin, Value


class Presence(StrEnum):
    """How it stands with a reactor."""

    WAITING = "waiting"
    """It called, and nobody has accepted it yet."""
    AWAY = "away"
    """It is accepted, and does not report."""
    CONNECTED = "connected"


class SettingState(StrEnum):
    """How it stands with a desired setting."""

    PENDING = "pending"
    """It is kept, and the reactor has not decided on it yet."""
    APPLIED = "applied"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class SettingItem:
    """A setting that somebody asked for and that does not hold, or not yet."""

    point: str
    value: Value
    state: SettingState
    reason: str
    """Why it was rejected; empty: it was not."""
    at: float
    """When it was asked for, seconds UTC."""
    by: str


@dataclass(frozen=True, slots=True)
class ReactorItem:
    """A reactor as people see it in lists."""

    id: str
    name: str
    version: str
    """Of its agent."""
    presence: Presence
    since: float
    """When it came into that presence, seconds UTC."""
    reported: float | None
    """When it last said anything, seconds UTC; None: not since the start of the service."""
    address: str
    """Where it calls from; empty: it has not called since the start."""
    enrolled: bool
    """Whether it has a token, and must show it."""
    points: int
    settings: Sequence[SettingItem]
    """Those that do not hold."""
    samples_waiting: int | None
    """Samples on its disk; None: it has not said."""
    oldest_waiting_s: float | None
    samples_dropped: int | None
    """In all, by its agent's own count; None: it has never said."""
    trouble: str
    """Why it was refused last; empty: it was not."""


@runtime_checkable
class Fleet(Protocol):
    """Who knows the reactors, and admits them."""

    def reactors(self) -> Sequence[ReactorItem]:
        """Return every reactor that is accepted or waits to be, by id."""
        ...

    async def accept(self, reactor: str, by: Origin) -> ReactorItem:
        """Accept a reactor that waits; one that is accepted already stays so.

        Raises UnknownReactor, or StoreError: then it is not accepted.
        """
        ...

    def calibration(self, reactor: str, part: str) -> CalibrationItem:
        """Return all that is needed to calibrate a part; from now on its readings are watched for being steady.

        Raises UnknownReactor or UnknownPart.
        """
        ...

    async def enrol(self, reactor: str, by: Origin) -> str:
        """Accept a reactor, whether it has called or not, and return a new token for it, which is not kept.

        A token that it had is worth nothing from then on. Raises UnknownReactor for what cannot be an id, StoreError.
        """
        ...
