"""Weeks of the site, Monday to Sunday, and when the report of each is due. Pure functions of time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_DUE = time(0, 5)
"""Local time on Mondays at which the week before is reported."""
_DAYS = 7


@dataclass(frozen=True, slots=True)
class Week:
    """Seven local days. 167 or 169 hours where the clocks change among them."""

    first: date
    """Its Monday."""
    start: float
    """The beginning of Monday, local time, in seconds UTC."""
    end: float
    """The beginning of the next Monday."""

    @property
    def last(self) -> date:
        """Its Sunday."""
        return self.first + timedelta(days=_DAYS - 1)


def week_of(day: date, zone: tzinfo) -> Week:
    """Return the week of `zone` to which a day belongs."""
    monday = day - timedelta(days=day.weekday())
    return Week(monday, _moment(monday, time(), zone), _moment(monday + timedelta(days=_DAYS), time(), zone))


def due_week(now: float, zone: tzinfo) -> Week:
    """Return the newest week whose report is due at `now` (seconds UTC)."""
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    before = today - timedelta(days=today.weekday() + _DAYS)
    if now < _moment(before + timedelta(days=_DAYS), _DUE, zone):
        before -= timedelta(days=_DAYS)
    return week_of(before, zone)


def next_due(now: float, zone: tzinfo) -> float:
    """Return the moment after `now` at which the next report is due; both in seconds UTC."""
    return _moment(due_week(now, zone).first + timedelta(days=2 * _DAYS), _DUE, zone)


def _moment(day: date, at: time, zone: tzinfo) -> float:
    return datetime.combine(day, at, zone).timestamp()
