"""The sun over a place: clear-sky irradiance, and when a point's readings mean something to alarms.

A fixed window of hours alarms every healthy inverter on a winter morning far from the equator, for the sun is not up
yet. With a plant's coordinates a reading counts towards a failure only while the sun is up enough there.
"""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from vigilia.points import Window

_DAY_S = 86_400
_MINUTE_S = 60
_LONGEST_STEADY_S = 6 * 3600.0
"""Offsets of zones are compared so far apart; none changes twice within it."""


def clear_sky_irradiance(moment: float, latitude: float, longitude: float) -> float:
    """Return the global horizontal irradiance under a clear sky in W/m² (Haurwitz 1945, constants as in pvlib).

    `moment` in seconds UTC, the place in degrees north and east. 0 while the sun is below the horizon.
    """
    from astral import Observer  # 4 MB, for those who give coordinates only
    from astral.sun import zenith

    # The geometric zenith: refraction lifts a sun at the horizon by half a degree, and gives 3 W/m² more at most.
    angle = zenith(Observer(latitude, longitude), datetime.fromtimestamp(moment, UTC), with_refraction=False)
    height = math.cos(math.radians(angle))
    return 1098.0 * height * math.exp(-0.059 / height) if height > 0 else 0.0


def elevation(moment: float, latitude: float, longitude: float) -> float:
    """Return how high the sun stands over a place at `moment` (seconds UTC), in degrees; below the horizon negative."""
    from astral import Observer
    from astral.sun import elevation as elevation_of

    return elevation_of(Observer(latitude, longitude), datetime.fromtimestamp(moment, UTC))


def day_of(moment: float, zone: tzinfo) -> date:
    """Return the local day of `moment` (seconds UTC)."""
    return datetime.fromtimestamp(moment, zone).date()


@lru_cache(maxsize=4_096)
def sunrise_and_sunset(day: date, latitude: float, longitude: float, zone: str) -> tuple[float | None, float | None]:
    """Return when the sun rises and sets at a place on a local day, seconds UTC; None: on that day it does not."""
    from astral import Observer
    from astral.sun import sunrise, sunset

    found: list[float | None] = []
    for event in (sunrise, sunset):
        try:
            found.append(event(Observer(latitude, longitude), day, tzinfo=ZoneInfo(zone)).timestamp())
        except ValueError:  # astral's word for a day or a night without an end
            found.append(None)
    return found[0], found[1]


def counts(window: Window, moment: float) -> tuple[bool, bool]:
    """Return whether a reading of `moment` (seconds UTC) may count towards a failure, and whether it may count at all.

    It may count at all inside the local hours of the window, both ends in; towards a failure, where the window has
    coordinates, only while the sun of that minute gives more than `least_irradiance` there.
    """
    local = datetime.fromtimestamp(moment, zone_of(window))
    second = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    if not seconds_of(window.start) <= second <= seconds_of(window.end):
        return False, False
    if window.latitude is None or window.longitude is None:
        return True, True
    minute = int(moment // _MINUTE_S)
    return _irradiance_of(minute, window.latitude, window.longitude) > window.least_irradiance, True


def openings(window: Window, start: float, end: float) -> list[tuple[float, float]]:
    """Return when the local hours of the window are open between `start` and `end`: (from, to), seconds UTC, in order.

    Changes of the clocks are followed: an hour that is skipped is not there, one that comes twice counts twice.
    """
    zone = zone_of(window)
    opens, closes = seconds_of(window.start), seconds_of(window.end)
    found: list[tuple[float, float]] = []
    for begin, stop, offset in _steady(zone, start, end):
        day = math.floor((begin + offset) / _DAY_S)
        while (midnight := day * _DAY_S - offset) < stop:
            piece = max(begin, midnight + opens), min(stop, midnight + closes)
            if piece[0] < piece[1]:
                found.append(piece)
            day += 1
    return found


@lru_cache(maxsize=64)
def seconds_of(time_of_day: str) -> int:
    """Return the seconds since midnight of "HH:MM"."""
    hours, _, minutes = time_of_day.partition(":")
    return int(hours) * 3600 + int(minutes) * 60


def zone_of(window: Window) -> tzinfo:
    """Return the window's time zone."""
    return ZoneInfo(window.zone)


@lru_cache(maxsize=32_768)
def _irradiance_of(minute: int, latitude: float, longitude: float) -> float:
    """Return the clear-sky irradiance at the start of a minute: the inverters of a plant are read in the same ones."""
    return clear_sky_irradiance(float(minute * _MINUTE_S), latitude, longitude)


def _steady(zone: tzinfo, start: float, end: float) -> Iterator[tuple[float, float, float]]:
    """Cut the time from `start` to `end` where the zone's clocks change; give (from, to, offset to UTC in seconds)."""
    begin = start
    while begin < end:
        offset = _offset(zone, begin)
        stop = begin
        while stop < end:
            ahead = min(stop + _LONGEST_STEADY_S, end)
            if _offset(zone, ahead) != offset:
                stop = _change(zone, stop, ahead)
                break
            stop = ahead
        yield begin, stop, offset
        begin = stop


def _change(zone: tzinfo, before: float, after: float) -> float:
    """Return the whole second between two moments from which on the zone's clocks are changed."""
    offset = _offset(zone, before)
    low, high = math.floor(before), math.ceil(after)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return float(high)


def _offset(zone: tzinfo, moment: float) -> float:
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    return offset.total_seconds() if offset else 0.0
