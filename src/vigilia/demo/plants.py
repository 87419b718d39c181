"""The demonstration's solar plants: three of them, and a day on which something happens every minute or two.

The demo's clock runs at SPEED: a day of the plants lasts 24 minutes, and the service keeps its usual intervals.
"""

import shlex
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Sao_Paulo")
"""The site's time zone unless configured otherwise, and that of the plants."""
SPEED = 60
BEGINS = "11:20"
"""The demo's clock starts at this time of the day of today."""
FAILED = ("19480", "194807003")
"""A plant, and its inverter that is out of order from before the start until the afternoon."""
RELAY = ("19479", "194799001")
"""A plant, and its relay."""
_DAYS = 30
"""The script's length: half a day of watching."""

PLANTS = (("19478", "UFV Alvorada", 100.0, 4), ("19479", "UFV Boa Vista", 60.0, 3), ("19480", "UFV Cedro", 125.0, 4))
"""Id, name, rating of each inverter in kW, and how many of them."""
_TRIPS = (
    ("194799001", "09:02", "09:33", ["r81U"]),
    ("194799001", "11:42", "12:12", ["r59A", "r59B"]),
    ("194809001", "13:32", "13:37", ["r27A"]),  # came and went between two scans: a line of the next heartbeat
    ("194799001", "15:02", "15:33", ["rAR"]),
    ("194789001", "21:30", "22:15", ["r27A", "r27B", "r27C"]),
)
_OUTAGES = (
    ("194787002", "08:00", "08:40"),
    *((f"19479700{number}", "09:02", "09:34") for number in (1, 2, 3)),  # they stop with their relay
    ("194807003", "10:40", "16:20"),
    ("194787002", "11:00", "11:40"),
    *((f"19479700{number}", "11:42", "12:14") for number in (1, 2, 3)),
    ("194787004", "13:50", "14:30"),
    *((f"19479700{number}", "15:02", "15:34") for number in (1, 2, 3)),
    ("194787001", "16:10", "16:45"),
)
_SILENT = (("19478", "12:20", "13:25"),)


def script(first_day: date) -> dict[str, Any]:
    """Return the plants and what happens to them from a day on, as `vigilia sim pvoperation --script` reads it."""
    days = [first_day + timedelta(days=number) for number in range(_DAYS)]
    plants = [
        {
            "id": int(plant),
            "name": name,
            "timezone": ZONE.key,
            "capacity_kwp": round(rated * inverters * 1.2, 1),
            "stops": [_span(day, *times) for day in days for silent, *times in _SILENT if silent == plant],
            "relays": [_relay(f"{plant}9001", days)],
            "inverters": [_inverter(f"{plant}700{number}", rated, days) for number in range(1, inverters + 1)],
        }
        for plant, name, rated, inverters in PLANTS
    ]
    return {"day": str(first_day), "plants": plants}


def _relay(name: str, days: Sequence[date]) -> dict[str, Any]:
    trips = [
        _span(day, start, end) | {"flags": flags}
        for day in days
        for relay, start, end, flags in _TRIPS
        if relay == name
    ]
    return {"id": name, "trips": trips}


def _inverter(name: str, rated_kw: float, days: Sequence[date]) -> dict[str, Any]:
    outages = [_span(day, start, end) for day in days for inverter, start, end in _OUTAGES if inverter == name]
    return {"id": name, "rated_kw": rated_kw, "outages": outages}


def _span(day: date, start: str, end: str) -> dict[str, str]:
    return {"from": f"{day}T{start}", "to": f"{day}T{end}"}


def settings(lines: Sequence[str]) -> dict[str, str]:
    """Return the environment that the simulated plants print for the service that is to watch them."""
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: "".join(shlex.split(value)) for name, _, value in pairs if name.isupper()}
