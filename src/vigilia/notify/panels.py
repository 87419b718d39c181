"""Where in Grafana the readings behind an alarm are shown: an address of one panel, at the time of the alarm.

Dashboards and panels have fixed identities, whatever database the history is in: deploy/grafana makes them.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from vigilia.notices import Notice, NoticeKind

AROUND_S = 1800.0
"""What is shown before an alarm's beginning and after its end."""
_MOST_VALUES = 20
"""So many devices at most are named in one address: a card's size is bounded, and so is what people can tell apart."""


class Panel(NamedTuple):
    """A panel, and the variable of its dashboard that chooses what it shows."""

    dashboard: str
    """Its uid."""
    number: int
    variable: str
    """It takes devices; "point" takes names of points, "plant" the names of plants."""


ANY_POINT = Panel("vigilia-point", 2, "point")
"""What there is for every point."""

_STATES = Panel("vigilia-poe", 10, "device")
_COUNTERS = Panel("vigilia-poe", 6, "device")
_RELAYS = Panel("vigilia-plants", 5, "relay")
_RECORDS = Panel("vigilia-plants", 6, "plant")
_LINKS = Panel("vigilia-own", 1, "link")

PANELS: dict[str, Panel] = {
    "PwrState-Raw": _STATES,
    "PwrState-Sts": _STATES,
    "Power-Mon": Panel("vigilia-poe", 4, "device"),
    "Voltage-Mon": Panel("vigilia-poe", 5, "device"),
    **dict.fromkeys(("PowerDenied-Mon", "OverCurrent-Mon", "Short-Mon", "MpsAbsent-Mon"), _COUNTERS),
    "Pac-Mon": Panel("vigilia-plants", 3, "inverter"),
    "State-Sts": Panel("vigilia-plants", 4, "inverter"),
    **{f"{name}-Sts": _RELAYS for name in ("Overvoltage", "Undervoltage", "Frequency", "Thermal", "Lockout", "Other")},
    "LastRecord-Mon": _RECORDS,
    "Connected-Sts": _LINKS,
    "LastScan-Mon": _LINKS,
}
"""By the last part of a point's name. Of reactors' points, and of any other, there is ANY_POINT."""


def panel_url(base: str, points: Sequence[str], area: str, start: float, end: float | None) -> str:
    """Return the address of the panel that shows `points`, at least one, or of those that the first one's panel shows.

    `base` is Grafana's own address, `area` the plant's name; the times are those of an alarm, in seconds UTC, and an
    `end` of None is now. With an empty `base` there is no address: the answer is empty.
    """
    if not base:
        return ""
    panel = _panel(points[0], area)
    shown = [point for point in points if _panel(point, area) == panel]
    values = dict.fromkeys(_value(panel, point, area) for point in shown)
    query = [
        ("from", f"{round((start - AROUND_S) * 1000)}"),
        ("to", "now" if end is None else f"{round((end + AROUND_S) * 1000)}"),
        *((f"var-{panel.variable}", value) for value in list(values)[:_MOST_VALUES]),
        ("viewPanel", str(panel.number)),
    ]
    return f"{base.rstrip('/')}/d/{panel.dashboard}?{urlencode(query, quote_via=quote)}"


def panel_of(base: str, notices: Sequence[Notice]) -> str:
    """Return the address of the panel behind the alarms that `notices` of one card tell of; empty where there is none.

    It shows from the first beginning to the last end, or to now where one of them goes on.
    """
    alarms = [notice for notice in notices if "@" in notice.alarm]
    if not alarms:
        return ""
    start = min(notice.at if notice.began is None else notice.began for notice in alarms)
    goes_on = any(notice.kind is NoticeKind.RAISED for notice in alarms)
    points = [notice.alarm.partition("@")[2] for notice in alarms]
    return panel_url(base, points, alarms[0].area, start, None if goes_on else max(notice.at for notice in alarms))


def _panel(point: str, area: str) -> Panel:
    panel = PANELS.get(point.rpartition(":")[2], ANY_POINT)
    return ANY_POINT if panel.variable == "plant" and not area else panel


def _value(panel: Panel, point: str, area: str) -> str:
    if panel.variable == "point":
        return point
    return area if panel.variable == "plant" else point.rpartition(":")[0]
