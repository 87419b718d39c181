"""Alarm rules as frozen data: what is an alarm, how sure one must be of it, and how it is told.

Drivers declare rules beside their points, and configuration adjusts them; `vigilia.alarms` judges by them. A rule and a
point make one alarm.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from vigilia.points import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. A reading is *bad* (speaks for an alarm), *good* (speaks against it) or neither.

    Bad is a label among `states`, or a value at or beyond a limit, as in EPICS (`value <= low`, `value >= high`). A
    reading of severity INVALID is neither: absence of data is not normality.
    """

    name: str
    """Unique. Configuration refers to the rule by it."""
    points: tuple[str, ...]
    """The names of the points it is for; `*`, `?` and `[…]` as in file names."""
    system: str
    """The section of the driver it belongs to; "vigilia" for the service itself."""
    severity: Severity = Severity.MAJOR
    states: frozenset[str] = frozenset()
    low: float | None = None
    high: float | None = None
    lolo: float | None = None
    """Beyond this the alarm is MAJOR at least."""
    hihi: float | None = None
    """Beyond this the alarm is MAJOR at least."""
    dead_band: float = 0.0
    """How far beyond a limit, on its good side, a value must be to be good."""
    on_count: int = 1
    """Bad readings in a row, by their own times, that make an alarm."""
    off_count: int = 1
    """Good readings in a row, by their own times, that end it."""
    on_delay_s: float = 0.0
    """How long the first and the last of the bad readings must be apart besides."""
    most_gap: float | None = None
    """A pause longer than so many usual intervals between two readings makes both counts start anew."""
    usual_interval_s: float = 300.0
    """The usual interval while too few readings are known for their median."""
    stale_s: float | None = None
    """The alarm is that no new reading came for so long, within the point's window; readings then are all good."""
    held_under_suppression: bool = False
    """While the point is suppressed nothing counts towards an alarm, one that nobody was told of is dropped, and
    afterwards only readings later than the suppression count. Otherwise what still holds afterwards is told."""
    title: str = "Alarm"
    """Begins the card of a new alarm, in English; the area or equipment follows it."""
    cleared_title: str = "Alarm back to normal"
    about_area: bool = False
    """Whether its cards are about the area as a whole, a line for each equipment; else about the equipment. Where the
    point has no area, they are about the system as a whole: nothing follows the title."""
    label: str = ""
    """What kind of alarm it is, in English, for a card's line: "OVERVOLTAGE"."""
    family: str = ""
    """The heading it is counted under in heartbeats and reports, in English: "Relay alarms"."""
    outage: bool = True
    """Whether the equipment counts as unavailable while it lasts, in reports."""
    log: str = ""
    """The log that tells of it besides the common one: a name under `log_dir`."""
    mark: str = "[ALARME]"
    """Begins its log lines when raised: what people search for. Never translated."""
    cleared_mark: str = "[ALARME] Normalizacao"
    """Begins its log lines when cleared."""
    own_points: bool = False
    """Whether it is for points of `system` only, whatever others have names that match."""


class Standing(StrEnum):
    """How an alarm stands, as far as a driver may know."""

    NORMAL = "normal"
    ACTIVE = "active"
    SUPPRESSED = "suppressed"
    """Suppressed by design, whether it was told before or not."""


class AlarmStates(Protocol):
    """What drivers may ask about alarms."""

    def standing(self, rule: str, point: str) -> Standing:
        """Return how the alarm that a rule makes of a point stands."""
        ...


class Act(NamedTuple):
    """What somebody did about an alarm."""

    by: str
    at: float
    """Seconds UTC."""
    comment: str


class Told(NamedTuple):
    """A card that told people of an alarm."""

    channel: str
    card: int
    """Its number."""
    at: float
    """When the channel took it, seconds UTC."""


@dataclass(frozen=True, slots=True)
class AlarmItem:
    """An alarm as people see it in lists."""

    id: str
    """The rule's name, "@", the point's name."""
    point: str
    device: str
    name: str
    """What it is called, in the site's language."""
    state: str
    """ISA-18.2: normal, unacknowledged, acknowledged, returned, shelved, suppressed, out-of-service."""
    severity: Severity
    since: float
    """When it came into this state: seconds UTC."""
    began: float | None = None
    """When the open incident began, by the equipment's time: seconds UTC; None: there is none."""
    suppressed_by: str | None = None
    """The id of the alarm that suppresses it by design."""
    acknowledged_by: str | None = None
    shelved_until: float | None = None
    """Seconds UTC."""
    detail: str = ""
    told_at: float | None = None
    """When people were first told of it: seconds UTC."""
    told: tuple[Told, ...] = ()
    """Every card that told that it was raised."""
    waiting: tuple[str, ...] = ()
    """The channels that have not taken the notice that it was raised, although it goes to them."""
    acknowledgement: Act | None = None
    """None where it is not acknowledged."""
    quieted: Act | None = None
    """Who shelved it or took it out of service; None where nobody did."""
    incident: str = ""
    """The id of the open incident; empty: there is none."""
    latest: str = ""
    """The id of the newest incident, open or over; empty: there was none."""
    area: str = ""
    system: str = ""
    """The system that its rule is of: the section of a driver, or "vigilia"."""
