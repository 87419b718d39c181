"""What is known at one time, and how it came to be known: what every page of the terminal view is drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from vigilia.clock import moment
from vigilia.language import tr
from vigilia.points import Value
from vigilia.tui.model import Alarm, Link, Point, System, Tree, glance, placed
from vigilia.tui.texts import age

_OWN = "vigilia"


class Life(Enum):
    """What is known of the service."""

    UNKNOWN = "unknown"
    """Nobody was asked yet, or nothing tells."""
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    CLOSED = "closed"
    """It answers, and wants a token."""
    SILENT = "silent"
    """Its process runs, and gives no answer."""
    DOWN = "down"


@dataclass(slots=True)
class Picture:
    """Everything that is known. Times are seconds UTC by the service's clock, as far as that is known."""

    life: Life = Life.UNKNOWN
    said: Sequence[str] = ()
    """What the service misses, or why it gives no answer: sentences."""
    pid: int = 0
    alarms: Sequence[Alarm] = ()
    links: Sequence[Link] = ()
    points: Mapping[str, Point] = field(default_factory=dict[str, Point])
    waiting: tuple[int, float | None] | None = None
    """Notices that are not delivered, and when the oldest was queued; None: not known."""
    store_trouble: str = ""
    history_trouble: str = ""
    live: bool = False
    """Whether values come from the service itself."""
    newest: float | None = None
    """The time of the newest reading or change that was found."""
    loaded: bool = False
    """Whether anything was read at all yet."""
    alarms_known: bool = False
    points_known: bool = False
    tree: Tree = field(default_factory=lambda: Tree({}))
    systems: Sequence[System] = ()

    def settle(self) -> None:
        """Draw the conclusions of what was put in."""
        self.alarms = placed(self.alarms, self.points)
        self.tree = Tree.of(self.alarms)
        self.links = _with_systems(self.links, self.points)
        self.systems = glance(self.points.values(), self.alarms, self.links)

    @property
    def running(self) -> bool:
        """Whether the service answers us."""
        return self.life in (Life.HEALTHY, Life.UNHEALTHY)

    def headline(self, now: float) -> str:
        """Return how the service fares, and how old this is where it does not say itself; some 60 characters."""
        match self.life:
            case Life.HEALTHY:
                return tr("service healthy")
            case Life.UNHEALTHY:
                return tr("service NOT HEALTHY: {count} missing").format(count=len(self.said))
            case Life.CLOSED:
                text = tr("service lives, and wants VIGILIA_TOKEN")
            case Life.SILENT:
                text = tr("service runs (PID {pid}), NO ANSWER").format(pid=self.pid)
            case Life.DOWN:
                text = tr("service DOWN")
            case Life.UNKNOWN:
                text = tr("NO ANSWER from the service") if self.loaded else tr("reading …")
        return f"{text}; {self.how_old(now)}" if self.loaded else text

    def how_old(self, now: float) -> str:
        """Return how old the newest is that is shown."""
        if self.newest is None:
            return tr("no data")
        return tr("data {age} old").format(age=age(now - self.newest))

    def troubles(self) -> list[str]:
        """Return a sentence for each thing that keeps the view from being whole."""
        found = [] if self.life is Life.HEALTHY else list(self.said)
        return found + [trouble for trouble in (self.store_trouble, self.history_trouble) if trouble]


def joined(
    declared: Mapping[str, Point], live: Mapping[str, Point], kept: Mapping[str, Point], *, running: bool
) -> dict[str, Point]:
    """Return all points: as the store declares them, with readings of the service, or of the history where it is down.

    While the service runs, what it does not have is gone, whatever the databases remember.
    """
    if running:
        return {
            name: replace(point, system=known.system, area=known.area) if (known := declared.get(name)) else point
            for name, point in live.items()
        }
    found: dict[str, Point] = {}
    for name, point in declared.items():
        last = kept.get(name)
        found[name] = (
            point
            if last is None
            else replace(point, value=last.value, severity=last.severity, status=last.status, time=last.time)
        )
    own = {name: point for name, point in kept.items() if point.system == _OWN or not point.system}
    return (found | own) if found else dict(kept)


def links_of(kept: Mapping[str, Point], instance: str) -> list[Link]:
    """Return the links as the service's own points last told of them."""
    begin, end = f"{instance}:", ":Connected-Sts"
    found: list[Link] = []
    for name, point in kept.items():
        if not (name.startswith(begin) and name.endswith(end) and len(name) > len(begin) + len(end)):
            continue
        link = name[len(begin) : -len(end)]
        since = kept.get(f"{begin}{link}:Since-Mon")
        error = kept.get(f"{begin}{link}:Error-Mon")
        contact = "unknown" if point.value is None else ("was connected" if point.value else "was disconnected")
        said = error.value if error is not None and isinstance(error.value, str) else ""
        found.append(Link(link, contact, _moment(since.value if since else None), said))
    return found


def _moment(value: Value | None) -> float | None:
    try:
        return moment(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _with_systems(links: Sequence[Link], points: Mapping[str, Point]) -> list[Link]:
    systems = {point.link: point.system for point in points.values() if point.link and point.system}
    return [replace(link, system=systems.get(link.name, link.system)) for link in links]
