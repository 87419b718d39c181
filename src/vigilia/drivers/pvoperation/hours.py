"""A plant's hours: whether its window is open, and how long its inverters may rightly be silent. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from vigilia.points import Window


def is_open(window: Window, now: float) -> bool:
    """Whether `now` (seconds UTC) lies in the window, both ends included."""
    opens, closes = _today(window, now)
    return opens <= now <= closes


def silence_s(window: Window, now: float, usual_s: float) -> float:
    """Return for how many seconds from `now` on silence is no sign of anything.

    That is `usual_s` while the window is open; where it closes before those have passed, they count from its next
    opening.
    """
    opens, closes = _today(window, now)
    if opens <= now and now + usual_s <= closes:
        return usual_s
    if now >= opens:
        opens, _ = _today(window, now, days_ahead=1)
    return opens - now + usual_s


def _today(window: Window, now: float, days_ahead: int = 0) -> tuple[float, float]:
    zone = ZoneInfo(window.zone)
    day = datetime.fromtimestamp(now, zone).date() + timedelta(days=days_ahead)
    opens, closes = (
        datetime.combine(day, time.fromisoformat(text), zone).timestamp() for text in (window.start, window.end)
    )
    return opens, closes
