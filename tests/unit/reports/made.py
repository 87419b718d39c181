"""Incidents made for tests."""

from typing import Any

from vigilia.points import Severity
from vigilia.store.incidents import Incident


def incident(began_at: float, ended_at: float | None, name: str = "a", **other: Any) -> Incident:
    values: dict[str, Any] = {
        "id": name,
        "alarm": f"relay@{name}",
        "rule": "relay",
        "system": "pvoperation",
        "point": "1:Relay-1:Overvoltage-Sts",
        "device": "1:Relay-1",
        "area": "UFV Sol",
        "equipment": "Relé 1",
        "family": "Relay alarms",
        "label": "OVERVOLTAGE",
        "severity": Severity.MAJOR,
        "last_seen_at": began_at,
        "detail": "r59A",
        "suppressed_by": "",
        "brief": False,
        "told": True,
        "outage": True,
        "found_at": began_at if ended_at is None else ended_at,
    }
    return Incident(**(values | {"began_at": began_at, "ended_at": ended_at} | other))
