"""Notices: what people are to be told, as frozen data. An alarm's change and its notice are stored together."""

from dataclasses import dataclass
from enum import StrEnum

from vigilia.points import Severity


class NoticeKind(StrEnum):
    """What a notice tells of."""

    RAISED = "raised"
    CLEARED = "cleared"
    HEARTBEAT = "heartbeat"
    REPORT = "report"
    SERVICE = "service"
    """Of the service itself: its state could not be saved, or was set aside."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to be told. Texts are in the site's language already."""

    kind: NoticeKind
    title: str
    """Begins the card: "Falha de relé". Notices of one title and area share a card."""
    area: str
    """What follows the title, after a dash: the plant's name, or the equipment's where it has no area. May be empty."""
    line: str
    """The equipment, and what of it: one line of a card, whole even where cards are summed up."""
    at: float
    """When it happened, by the equipment's time: seconds UTC."""
    severity: Severity = Severity.NO_ALARM
    system: str = "vigilia"
    facts: tuple[tuple[str, str], ...] = ()
    """What the card says of the area as a whole: title and text."""
    alarm: str = ""
    """The alarm's id; notices of one alarm are delivered in order."""
    incident: str = ""
    """The incident's id."""
    routing: tuple[str, ...] = ()
    """The names of areas and devices by which routes choose channels."""
    began: float | None = None
    """When what it tells of began, by the equipment's time: seconds UTC; None: at `at`, or it is not known."""
    attachment: str = ""
    """The name of a file in the data directory that belongs to it; channels that take files send it."""
