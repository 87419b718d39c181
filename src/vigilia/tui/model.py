"""What the terminal view shows, as plain data: wherever it came from, it looks the same."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vigilia.points import Severity, Status, Value

_RANKS = {
    "unacknowledged": 0,
    "returned": 1,
    "acknowledged": 2,
    "suppressed": 3,
    "shelved": 4,
    "out-of-service": 5,
    "normal": 6,
}
_STANDING = ("unacknowledged", "acknowledged")
_CONTACTS = ("connected", "connecting", "disconnected")
_OWN = "vigilia"


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that is not normal. Times in seconds UTC."""

    id: str
    point: str
    device: str
    name: str
    state: str
    """ISA-18.2, as the API spells it."""
    severity: Severity
    since: float
    system: str = ""
    area: str = ""
    suppressed_by: str = ""
    """The id of the alarm that keeps it quiet; empty: none."""
    acknowledged_by: str = ""
    shelved_until: float | None = None
    detail: str = ""
    told_at: float | None = None
    incident: str = ""
    latest: str = ""
    """The id of the newest incident, open or over; empty: there was none."""
    began: float | None = None
    """When the condition began; None: not known."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point and its newest reading."""

    name: str
    kind: str
    device: str = ""
    link: str = ""
    system: str = ""
    area: str = ""
    description: str = ""
    units: str = ""
    labels: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    writable: bool = False
    value: Value | None = None
    severity: Severity = Severity.INVALID
    status: Status = Status.UDF
    time: float | None = None
    """None: never read, as far as is known here."""


@dataclass(frozen=True, slots=True)
class Link:
    """A conversation with equipment."""

    name: str
    contact: str
    """connected, connecting, disconnected; "was connected" or "was disconnected" where the service is down; unknown."""
    since: float | None = None
    error: str = ""
    round_trip_ms: float | None = None
    system: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """One system at a glance."""

    name: str
    points: int
    worst: Severity
    """Of the alarms that stand and are not kept quiet."""
    new: int
    """Alarms that nobody has acknowledged, those that are over included."""
    standing: int
    quiet: int
    """Shelved, suppressed or out of service."""
    connected: int | None
    """None: that is not known now."""
    links: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list of alarms."""

    alarm: Alarm
    depth: int = 0
    """How deep it stands below the alarm that suppresses it."""
    hidden: int = 0
    """How many alarms that it suppresses are folded away."""


@dataclass(slots=True)
class Tree:
    """Alarms below the alarms that suppress them."""

    alarms: Mapping[str, Alarm]
    children: dict[str, list[Alarm]] = field(default_factory=dict[str, list[Alarm]])

    @classmethod
    def of(cls, alarms: Iterable[Alarm]) -> "Tree":
        """Return the tree of `alarms`."""
        tree = cls({alarm.id: alarm for alarm in alarms})
        for alarm in tree.alarms.values():
            if alarm.suppressed_by in tree.alarms and alarm.suppressed_by != alarm.id:
                tree.children.setdefault(alarm.suppressed_by, []).append(alarm)
        return tree

    def causes(self, alarm: Alarm) -> list[Alarm]:
        """Return what suppresses `alarm`, and what that, up to the root; the nearest first."""
        found: list[Alarm] = []
        while (cause := self.alarms.get(alarm.suppressed_by)) is not None and cause not in found:
            found.append(cause)
            alarm = cause
        return found

    def below(self, alarm: Alarm) -> int:
        """Return how many alarms stand below one, at any depth."""
        return sum(1 for _ in self.descend(alarm.id))

    def descend(self, root: str) -> Iterable[tuple[Alarm, int]]:
        """Give the alarms below one, each with its depth, each once."""
        seen = {root}
        waiting = [(child, 1) for child in reversed(self._sorted(root))]
        while waiting:
            alarm, depth = waiting.pop()
            if alarm.id in seen:
                continue
            seen.add(alarm.id)
            yield alarm, depth
            waiting += [(child, depth + 1) for child in reversed(self._sorted(alarm.id))]

    def rows(self, wanted: Iterable[Alarm], unfolded: Iterable[str]) -> list[Row]:
        """Return the lines of a list: what is urgent first, what is suppressed below its cause, folded or not."""
        keep = {alarm.id for alarm in wanted}
        opened = set(unfolded)
        roots = [self.alarms[key] for key in keep if not (set(self._above(key)) & keep)]
        rows: list[Row] = []
        for root in sorted(roots, key=urgency):
            below = [(alarm, depth) for alarm, depth in self.descend(root.id) if alarm.id in keep]
            if root.id in opened or not below:
                rows.append(Row(root))
                rows += [Row(alarm, depth) for alarm, depth in below]
            else:
                rows.append(Row(root, hidden=len(below)))
        return rows

    def _above(self, key: str) -> list[str]:
        return [cause.id for cause in self.causes(self.alarms[key]) if cause.id != key]

    def _sorted(self, key: str) -> list[Alarm]:
        return sorted(self.children.get(key, ()), key=urgency)


def urgency(alarm: Alarm) -> tuple[int, int, float, str]:
    """Return what sorts alarms: those that want a person first, of these the worst, of these the newest."""
    return _RANKS.get(alarm.state, 0), -int(alarm.severity), -alarm.since, alarm.id


def worst(alarms: Iterable[Alarm]) -> Severity:
    """Return the worst severity of the alarms that stand and are not kept quiet."""
    return max((alarm.severity for alarm in alarms if alarm.state in _STANDING), default=Severity.NO_ALARM)


def placed(alarms: Iterable[Alarm], points: Mapping[str, Point]) -> list[Alarm]:
    """Return alarms with the system and area of their points, where they have none of their own."""
    found: list[Alarm] = []
    for alarm in alarms:
        if alarm.system:
            found.append(alarm)
            continue
        point = points.get(alarm.point)
        system, area = (point.system, point.area) if point is not None else ("", "")
        found.append(replace(alarm, system=system or _OWN, area=alarm.area or area))
    return found


def glance(points: Iterable[Point], alarms: Sequence[Alarm], links: Sequence[Link]) -> list[System]:
    """Return each system at a glance, the service itself last."""
    counted = Counter(point.system or _OWN for point in points)
    by_system: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        by_system.setdefault(alarm.system or _OWN, []).append(alarm)
    names = {*counted, *by_system, *(link.system for link in links if link.system)}
    return [
        _system(name, counted[name], by_system.get(name, []), [link for link in links if (link.system or _OWN) == name])
        for name in sorted(names, key=lambda name: (name == _OWN, name))
    ]


def _system(name: str, points: int, alarms: Sequence[Alarm], links: Sequence[Link]) -> System:
    return System(
        name,
        points,
        worst(alarms),
        sum(alarm.state in ("unacknowledged", "returned") for alarm in alarms),
        sum(alarm.state in _STANDING for alarm in alarms),
        sum(alarm.state in ("shelved", "suppressed", "out-of-service") for alarm in alarms),
        _connected(links),
        len(links),
    )


def _connected(links: Sequence[Link]) -> int | None:
    if any(link.contact not in _CONTACTS for link in links):
        return None
    return sum(link.contact == "connected" for link in links)
