"""The dashboards of Vigilia itself, and of any one point."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from builder.history import RECORDS_GAP_S, Column, History, Points
from builder.panels import CONTACT, SEVERITIES, dashboard, grid, lines, severity_cell, timeline, variable

_OWN = (("device", "instance"),)
_LINKS = (("device", "link"),)
_NAMED = (("name", "point"),)


def make(history: History) -> Dashboard:
    """Return the dashboard of the service for one kind of history."""
    source = history.source

    def own(number: int, title: str, *suffixes: str, unit: str = "", **more: str) -> object:
        label = "device" if len(suffixes) == 1 else "name"
        return lines(number, title, source, history.numbers(Points(suffixes, _OWN, label)), unit=unit, **more)

    def links(number: int, title: str, *suffixes: str, unit: str = "") -> object:
        label = "device" if len(suffixes) == 1 else "name"
        return lines(number, title, source, history.numbers(Points(suffixes, _LINKS, label)), unit=unit)

    return dashboard(
        "vigilia-own",
        "Vigilia itself",
        "The service: its memory, its links, what it has yet to tell and to keep.",
        [
            variable("instance", "Instance", source, *history.values_of("device", Points(("NoticesWaiting-Mon",)))),
            variable("link", "Link", source, *history.values_of("device", Points(("Connected-Sts",)))),
        ],
        [
            timeline(1, "Links", source, history.flags(Points(("Connected-Sts",), _LINKS)), CONTACT),
            links(2, "Round trip, median and 99th percentile", "RoundTrip-Mon", "RoundTrip99-Mon", unit="ms"),
            links(3, "Reconnections and answers discarded since the start", "Reconnects-Mon", "BadAnswers-Mon"),
            links(4, "Writes waiting", "Queue-Mon"),
            own(5, "Memory", "Memory-Mon", unit="decmbytes"),
            own(6, "Alarms active, and changes not yet in the store", "AlarmsActive-Mon", "AlarmsWaiting-Mon"),
            own(7, "Notices waiting", "NoticesWaiting-Mon"),
            own(8, "Age of the oldest notice", "OldestNotice-Mon", unit="s"),
            own(9, "Audit not yet in the store", "AuditWaiting-Mon", unit="decbytes"),
            own(10, "History not yet in its database", "HistoryWaiting-Mon", unit="decmbytes"),
            own(11, "How far the history lags behind", "HistoryLag-Mon", unit="s"),
            own(12, "Readings lost to the history since the start", "HistoryDropped-Mon", "HistoryRefused-Mon"),
        ],
    )


def make_point(history: History) -> Dashboard:
    """Return the dashboard of any one point: where a link leads that no other dashboard is for."""
    source = history.source
    points = Points((), _NAMED, "name", RECORDS_GAP_S)
    now = history.newest(
        points,
        (
            Column("value", ("%",), "value"),
            Column("label", ("%",), "label"),
            Column("text", ("%",), "text"),
            Column("severity", ("%",), "severity"),
            Column("read", ("%",), "time"),
        ),
    )
    panels = [
        lines(2, "Value", source, history.numbers(points), width=24, gap_s=RECORDS_GAP_S),
        timeline(3, "Worst severity", source, history.severities(points), SEVERITIES, gap_s=RECORDS_GAP_S),
    ]
    if now:
        cells = {"severity": severity_cell(), "read": {"unit": "dateTimeAsIso"}}
        panels.insert(0, grid(1, "Now", source, now, columns=cells, height=5))
    return dashboard(
        "vigilia-point",
        "Points",
        "Any points, by name.",
        [variable("point", "Point", source, *history.values_of("name", Points(())), whole=False)],
        panels,
        hours=6,
    )
