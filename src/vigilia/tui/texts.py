"""How things are put into words and cells of a terminal, from texts that equipment and people have chosen."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.cells import cell_len, set_cell_size

from vigilia.errors import printable
from vigilia.language import tr
from vigilia.points import Severity, Value

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_UNITS = {"m": _MINUTE_S, "h": _HOUR_S, "d": _DAY_S}

STYLES = {
    Severity.NO_ALARM: "",
    Severity.MINOR: "yellow",
    Severity.MAJOR: "bold red",
    Severity.INVALID: "bold magenta",
}
"""Colours beside the marks, never instead of them."""
_MARKS = {
    Severity.NO_ALARM: "   ok",
    Severity.MINOR: " ! MINOR",
    Severity.MAJOR: "!! MAJOR",
    Severity.INVALID: " ? INVALID",
}


def mark(severity: Severity) -> str:
    """Return a severity as a sign and EPICS's word for it, ten characters at most."""
    return _MARKS[severity]


def fit(text: str, width: int, *, middle: bool = False, right: bool = False) -> str:
    """Return `text`, made harmless, in exactly `width` cells; what is too long is cut, at its end or in the middle."""
    text = printable(text)
    length = cell_len(text)
    if length <= width:
        return " " * (width - length) + text if right else text + " " * (width - length)
    if width < 1:
        return ""
    if not middle or width < 8:
        return set_cell_size(text, width - 1) + "…"
    tail = text[-((width - 1) // 2) :]
    while cell_len(tail) > (width - 1) // 2:
        tail = tail[1:]
    return set_cell_size(text, width - 1 - cell_len(tail)) + "…" + tail


def age(seconds: float) -> str:
    """Return how long something lasts, in one or two units: "45 s", "12 min", "3 h 20 min", "5 d 2 h"."""
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    minutes, hours, days = whole // _MINUTE_S, whole // _HOUR_S, whole // _DAY_S
    if minutes < _MINUTE_S:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 and days < 100 else f"{days} d"


def short_age(seconds: float) -> str:
    """Return how long something lasts in six cells at most: "45s", "12m", "3h20", "5d02h"."""
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole}s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}m"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S}h{whole % _HOUR_S // _MINUTE_S:02}"
    days = whole // _DAY_S
    return f"{days}d{whole % _DAY_S // _HOUR_S:02}h" if days < 100 else f"{days}d"


def moment(time: float | None, zone: ZoneInfo, now: float) -> str:
    """Return a time as the site has it: the time of day, with the date where that is another day than `now`'s."""
    if time is None:
        return "-"
    try:
        then, today = datetime.fromtimestamp(time, zone), datetime.fromtimestamp(now, zone).date()
    except (OverflowError, ValueError, OSError):  # a clock that was far off, the equipment's or ours
        return "?"
    return f"{then:%H:%M:%S}" if then.date() == today else f"{then:%Y-%m-%d %H:%M:%S}"


def number(value: float) -> str:
    """Return a number in as many digits as say something."""
    if not math.isfinite(value):
        return "?"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e7 else f"{value:.5g}"


def value_text(value: Value | None, labels: tuple[str, ...], units: str) -> str:
    """Return a value for people: an enum's label, a number with its units; "-" where there is none."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if labels and math.isfinite(value) and 0 <= int(value) < len(labels):
        return labels[int(value)]
    return f"{number(value)} {units}".rstrip()


def duration_s(text: str) -> float | None:
    """Return the seconds that "30m", "2h", "1h30m" or "7d" are; None where `text` is none of these."""
    total, digits, given = 0, "", False
    for character in text.strip().lower().replace(" ", ""):
        if character.isascii() and character.isdigit() and len(digits) < 5:
            digits += character
        elif character in _UNITS and digits:
            total, digits, given = total + int(digits) * _UNITS[character], "", True
        else:
            return None
    return float(total) if given and not digits and total else None


def state_word(state: str) -> str:
    """Return a word for an alarm's state (ISA-18.2), ten cells at most."""
    match state:
        case "unacknowledged":
            return tr("NEW")
        case "acknowledged":
            return tr("acked")
        case "returned":
            return tr("returned")
        case "shelved":
            return tr("shelved")
        case "suppressed":
            return tr("suppressed")
        case "out-of-service":
            return tr("out of use")
        case _:
            return tr("normal")


def contact_word(contact: str) -> str:
    """Return a word for a link's state of contact, with a sign before it; a question mark: so it was."""
    match contact:
        case "connected":
            return "  " + tr("connected")
        case "connecting":
            return " ~" + tr("connecting")
        case "disconnected":
            return "!!" + tr("NO CONTACT")
        case "was connected":
            return " ?" + tr("connected")
        case "was disconnected":
            return " ?" + tr("no contact")
        case _:
            return " ?" + tr("unknown")
