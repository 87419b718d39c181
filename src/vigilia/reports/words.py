"""How reports say times, durations and texts that come from equipment."""

from datetime import UTC, date, datetime, tzinfo

from vigilia.errors import printable
from vigilia.language import tr

_LONGEST = 32_000
"""A cell of a workbook takes 32,767 characters."""


def said_day(day: date) -> str:
    """Return a day as people write it."""
    return day.strftime(tr("%Y-%m-%d"))


def said_moment(moment: float, zone: tzinfo) -> str:
    """Return a moment (seconds UTC) as people write it, in `zone`, to the second."""
    return local(moment, zone).strftime(tr("%Y-%m-%d %H:%M:%S"))


def said_duration(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds: 123:04:05."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def local(moment: float, zone: tzinfo) -> datetime:
    """Return a moment (seconds UTC) to the second as the local time of `zone`, without it."""
    return datetime.fromtimestamp(round(moment), UTC).astimezone(zone).replace(tzinfo=None)


def plain(text: str) -> str:
    """Return a text that may hold anything as a cell can show it."""
    return printable(text)[:_LONGEST]
