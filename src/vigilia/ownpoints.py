"""What Vigilia knows of itself, as points like any other: EPICS, API and metrics get it for nothing."""

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vigilia.clock import Clock, iso
from vigilia.language import tr
from vigilia.link import Contact, Link
from vigilia.points import Batch, Kind, Point, Reading, Sample, Severity, Status, Value
from vigilia.table import PointTable

PERIOD_S = 1.0
_PAGE_BYTES = resource.getpagesize()

Gauge = tuple[str, Kind, str, str | None, Callable[[], Value | None]]
"""Suffix, kind, title, units, and how to find the value (None: not known yet)."""


@dataclass(frozen=True, slots=True)
class HistoryCounts:
    """How to find what the points of the history show."""

    waiting_mb: Callable[[], float]
    dropped: Callable[[], int]
    refused: Callable[[], int]
    lag_s: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Counts:
    """How to find what the service's own points show."""

    audit_waiting: Callable[[], int]
    audit_dropped: Callable[[], int]
    alarms_active: Callable[[], int]
    alarms_waiting: Callable[[], int]
    notices_waiting: Callable[[], int]
    oldest_notice_s: Callable[[], float]
    epics_restarts: Callable[[], int] | None = None
    """None where EPICS is not served."""
    epics_renewals: Callable[[], int] | None = None
    history: HistoryCounts | None = None
    """None where no history is kept."""


class OwnPoints:
    """The points of the service and of its links, and what publishes them."""

    def __init__(
        self,
        instance: str,
        links: Sequence[Link],
        table: PointTable,
        clock: Clock,
        counts: Counts,
    ) -> None:
        self._table = table
        self._clock = clock
        self._links = links
        self._devices = {link.name: f"{instance}:{link.name}" for link in links}
        self._gauges: dict[str, Callable[[], Value | None]] = {}
        self.points: list[Point] = []
        """All of them, to be added to the table."""
        own: list[Gauge] = [
            ("Memory-Mon", Kind.NUMBER, "Resident memory of the service", "MB", resident_mb),
            ("Replaced-Mon", Kind.INTEGER, "Values viewers did not fetch in time", None, lambda: table.replaced),
            ("AuditWaiting-Mon", Kind.INTEGER, "Audit not yet in the store", "B", counts.audit_waiting),
            ("AuditDropped-Mon", Kind.INTEGER, "Audit records lost", None, counts.audit_dropped),
            ("AlarmsActive-Mon", Kind.INTEGER, "Alarms active", None, counts.alarms_active),
            ("AlarmsWaiting-Mon", Kind.INTEGER, "Changes of alarms not yet in the store", None, counts.alarms_waiting),
            ("NoticesWaiting-Mon", Kind.INTEGER, "Notices not yet delivered", None, counts.notices_waiting),
            ("OldestNotice-Mon", Kind.NUMBER, "Age of the oldest notice not delivered", "s", counts.oldest_notice_s),
        ]
        if counts.epics_restarts and counts.epics_renewals:
            own += [
                ("EpicsRestarts-Mon", Kind.INTEGER, "Restarts of the EPICS IOC", None, counts.epics_restarts),
                ("EpicsRenewals-Mon", Kind.INTEGER, "EPICS IOC renewed for new points", None, counts.epics_renewals),
            ]
        if counts.history:
            own += _history_gauges(counts.history)
        self._declare(instance, "", own)
        for link in links:
            self._declare(self._devices[link.name], link.name, _link_gauges(link))
            self._declare_contact(link)

    async def run(self) -> None:
        """Publish everything each second, until cancelled."""
        while True:
            samples = [
                Sample(name, Reading(value, self._clock.now()))
                for name, find in self._gauges.items()
                if (value := find()) is not None
            ]
            for link in self._links:
                samples += self._contact_samples(link)
            await self._table.publish(Batch("vigilia", samples))
            await self._clock.sleep(PERIOD_S)

    async def publish_contact(self, link: Link) -> None:
        """Publish a link's state of contact, at once."""
        await self._table.publish(Batch("vigilia", self._contact_samples(link)))

    def _contact_samples(self, link: Link) -> list[Sample]:
        """Return a link's state of contact and last error; a link without contact is a MAJOR alarm."""
        device = self._devices[link.name]
        connected = link.contact is Contact.CONNECTED
        alarm = (Severity.NO_ALARM, Status.NO_ALARM) if connected else (Severity.MAJOR, Status.STATE)
        now = self._clock.now()
        return [
            Sample(f"{device}:Connected-Sts", Reading(int(connected), now, *alarm)),
            Sample(f"{device}:Since-Mon", Reading(iso(link.since), now)),
            Sample(f"{device}:Error-Mon", Reading(link.error, now, *alarm)),
        ]

    def _declare(self, device: str, link: str, gauges: Sequence[Gauge]) -> None:
        for suffix, kind, title, units, find in gauges:
            name = f"{device}:{suffix}"
            description = f"{tr(title)}: {link}" if link else tr(title)
            self.points.append(Point(name, kind, device, description=description, units=units, precision=1))
            self._gauges[name] = find

    def _declare_contact(self, link: Link) -> None:
        """Declare a link's contact; an alarm of that suppresses those of all points that are read through the link."""
        device = self._devices[link.name]
        labels = ("Disconnected", "Connected")

        def point(suffix: str, kind: Kind, title: str, **more: object) -> Point:
            return Point(f"{device}:{suffix}", kind, device, description=f"{tr(title)}: {link.name}", **more)  # type: ignore[arg-type]

        self.points += [
            point(
                "Connected-Sts",
                Kind.ENUM,
                "Contact",
                labels=labels,
                area=link.area,
                equipment=link.name,
                covers=f"link:{link.name}",
            ),
            point("Since-Mon", Kind.TEXT, "In this state of contact since"),
            point("Error-Mon", Kind.TEXT, "Last error", long_text=True),
        ]


def _history_gauges(counts: HistoryCounts) -> list[Gauge]:
    return [
        ("HistoryWaiting-Mon", Kind.NUMBER, "History not yet in its database", "MB", counts.waiting_mb),
        ("HistoryLag-Mon", Kind.NUMBER, "Age of the oldest reading not in the database", "s", counts.lag_s),
        ("HistoryDropped-Mon", Kind.INTEGER, "Readings lost to the history", None, counts.dropped),
        ("HistoryRefused-Mon", Kind.INTEGER, "Readings that no database takes", None, counts.refused),
    ]


def _link_gauges(link: Link) -> list[Gauge]:
    return [
        ("RoundTrip-Mon", Kind.NUMBER, "Round trip, median", "ms", lambda: link.round_trips().median_ms),
        ("RoundTrip99-Mon", Kind.NUMBER, "Round trip, 99th percentile", "ms", lambda: link.round_trips().p99_ms),
        ("Reconnects-Mon", Kind.INTEGER, "Reconnections", None, lambda: link.reconnects),
        ("BadAnswers-Mon", Kind.INTEGER, "Answers discarded", None, lambda: link.bad_answers),
        ("Sessions-Mon", Kind.INTEGER, "Open login sessions", None, lambda: link.sessions),
        ("Queue-Mon", Kind.INTEGER, "Writes waiting", None, lambda: link.waiting),
    ]


def resident_mb() -> float:
    """Return the resident set size of this process in megabytes (Linux: /proc/self/statm, second field)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * _PAGE_BYTES / 1e6, 1)
