"""The alarm state machine of ISA-18.2: pure, a table of transitions and one rule for telling.

An alarm has a base state (normal, unacknowledged, acknowledged, returned) and what keeps it quiet: shelved by an
operator, suppressed by design, out of service. The process goes on being judged while it is quiet; when nothing keeps
it quiet any more, what still holds is told. What was told is always told to be over. See docs/explanation/alarms.md.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple


class Base(StrEnum):
    """ISA-18.2's states A to D."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    """The condition is over; nobody has acknowledged that it was."""


class Event(StrEnum):
    """What can happen to an alarm."""

    RAISE = "raise"
    CLEAR = "clear"
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    OUT_OF_SERVICE = "out-of-service"
    IN_SERVICE = "in-service"
    SUPPRESS = "suppress"
    RELEASE = "release"
    WITHDRAW = "withdraw"
    """It is taken back before anybody was told: it counts as if it had not been."""


class Tell(StrEnum):
    """What people are to be told because of an event."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class State:
    """How an alarm stands."""

    base: Base = Base.NORMAL
    told: bool = False
    """A notice that it was raised is on its way or delivered, and none yet that it is over."""
    shelved: bool = False
    suppressed: bool = False
    out_of_service: bool = False

    @property
    def active(self) -> bool:
        """Whether the condition holds."""
        return self.base in (Base.UNACKNOWLEDGED, Base.ACKNOWLEDGED)

    @property
    def quiet(self) -> bool:
        """Whether anything keeps it from being told."""
        return self.shelved or self.suppressed or self.out_of_service

    @property
    def name(self) -> str:
        """The one word for it: what keeps it quiet comes before the base state."""
        if self.out_of_service:
            return "out-of-service"
        if self.shelved:
            return "shelved"
        return "suppressed" if self.suppressed and self.active else str(self.base)


class Step(NamedTuple):
    """The state after an event, and what is to be told."""

    state: State
    tell: Tell | None


_BASE: dict[tuple[Base, Event], Base] = {
    (Base.NORMAL, Event.RAISE): Base.UNACKNOWLEDGED,
    (Base.RETURNED, Event.RAISE): Base.UNACKNOWLEDGED,
    (Base.UNACKNOWLEDGED, Event.CLEAR): Base.RETURNED,
    (Base.ACKNOWLEDGED, Event.CLEAR): Base.NORMAL,
    (Base.UNACKNOWLEDGED, Event.ACKNOWLEDGE): Base.ACKNOWLEDGED,
    (Base.RETURNED, Event.ACKNOWLEDGE): Base.NORMAL,
    (Base.UNACKNOWLEDGED, Event.WITHDRAW): Base.NORMAL,
    (Base.ACKNOWLEDGED, Event.WITHDRAW): Base.NORMAL,
    (Base.RETURNED, Event.WITHDRAW): Base.NORMAL,
}
"""The base state after an event; with any other pair it stays."""

_QUIET: dict[Event, tuple[str, bool]] = {
    Event.SHELVE: ("shelved", True),
    Event.UNSHELVE: ("shelved", False),
    Event.OUT_OF_SERVICE: ("out_of_service", True),
    Event.IN_SERVICE: ("out_of_service", False),
    Event.SUPPRESS: ("suppressed", True),
    Event.RELEASE: ("suppressed", False),
}


def step(state: State, event: Event) -> Step:
    """Return what an event makes of an alarm. An event that means nothing in its state changes nothing."""
    base = _BASE.get((state.base, event), state.base)
    if base is Base.RETURNED and event is Event.CLEAR and not state.told:
        base = Base.NORMAL  # nobody was told of it: there is nothing to acknowledge
    after = replace(state, base=base)
    if event in _QUIET:
        flag, value = _QUIET[event]
        after = replace(after, **{flag: value})
    if event is Event.WITHDRAW:
        return Step(replace(after, told=False), None)
    if after.active and not after.told and not after.quiet:
        return Step(replace(after, told=True), Tell.RAISED)
    if after.told and not after.active:
        return Step(replace(after, told=False), Tell.CLEARED)
    return Step(after, None)


def allows(state: State, event: Event) -> bool:
    """Say whether an operator's event means anything in that state."""
    return step(state, event).state != state
