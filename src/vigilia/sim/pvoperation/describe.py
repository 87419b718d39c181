"""What the control service shows: the clock, the servers, cards and the truth, as JSON data."""

import math
import time
from dataclasses import asdict
from typing import Any

from vigilia.clock import iso
from vigilia.sim.pvoperation.api import SimPvOperation
from vigilia.sim.pvoperation.clock import HeldClock
from vigilia.sim.pvoperation.script import INTERVAL_S, Plant
from vigilia.sim.pvoperation.serving import Serving
from vigilia.sim.pvoperation.teams import Card, TeamsSink
from vigilia.sim.pvoperation.truth import MAJOR, Alarm


def describe_clock(api: SimPvOperation) -> dict[str, Any]:
    """The clock as JSON data; `text`: the VIGILIA_CLOCK for a service that starts now."""
    clock = api.clock
    now = clock.now()
    is_real = clock.speed == 1 and abs(now - time.time()) < 1
    return {
        "now": now,
        "iso": iso(now),
        "speed": clock.speed,
        "held": isinstance(clock, HeldClock) and clock.is_held,
        "text": "" if is_real else f"{iso(now)} x{clock.speed:g}",
    }


def describe_api(api: SimPvOperation) -> dict[str, Any]:
    """The API as JSON data."""
    return {
        "url": api.url,
        "plants": len(api.script.plants),
        "interval_s": INTERVAL_S,
        "token_life_s": api.token_life_s,
        "logins": api.logins,
        "refused_logins": api.refused_logins,
        "refused_tokens": api.refused_tokens,
        "counts": dict(api.counts),
        **describe_server(api),
    }


def describe_teams(teams: TeamsSink) -> dict[str, Any]:
    """The Teams sink as JSON data."""
    return {
        "url": teams.url,
        "taken": teams.taken,
        "refused": teams.refused,
        "kept": len(teams.cards),
        **describe_server(teams),
    }


def describe_alarm(alarm: Alarm, plant: Plant) -> dict[str, Any]:
    """An alarm of the truth as JSON data: times in seconds UTC, and plant-local as the records have them."""
    moments = {"raised": alarm.raised, "cleared": alarm.cleared, "suppressed": alarm.suppressed}
    locals_ = {
        f"{name}_local": None if moment is None else str(plant.local(moment)) for name, moment in moments.items()
    }
    severity = ("MAJOR" if alarm.relay_class in MAJOR else "MINOR") if alarm.kind == "relay" else None
    return asdict(alarm) | locals_ | {"severity": severity, "plant_name": plant.name}


def describe_server(server: Serving) -> dict[str, Any]:
    """What the API and the sink have in common, as JSON data."""
    now = server.clock.monotonic()
    return {
        "listening": server.listening,
        "latency_ms": server.latency_s * 1000,
        "requests": server.total_requests,
        "in_flight": server.in_flight,
        "max_in_flight": server.max_in_flight,
        "concurrency_limit": server.concurrency_limit,
        "over_limit": server.over_limit,
        "faults": [
            {
                "fault": fault.kind,
                "remaining_s": None if fault.until == math.inf else fault.until - now,
                "count": fault.left,
                "path": fault.path,
                "plants": sorted(fault.plants),
            }
            for fault in server.faults.active(now)
        ],
    }


def describe_card(card: Card) -> dict[str, Any]:
    """A card as JSON data, as text and as it was sent."""
    return {
        "number": card.number,
        "time": card.time,
        "size": card.size,
        **asdict(card.text),
        "body": card.body.decode(errors="replace"),
    }
