"""How fast and how large: a whole day of 300 plants beside a switch that is read each second, and 1,000 plants."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from figures import Figure, gaps, median, percentile
from plants import ANSWER_S, EVENING, IN_FLIGHT, PlantService, PlantSimulator, watched
from programs import Bench, BenchError, Usage
from rig import Simulator
from timing import times_between

INVERTERS = 20
INTERVAL_S = 900.0
BOUND = 1.3
"""How much longer than the API's own time a scan may take."""
SCANS = {"relay": "/day_relay", "inverter": "/day_inverter"}


async def scan(bench: Bench) -> list[Figure]:
    """A first scan in the evening: a day of 300 plants with 20 inverters, everything on, alarms judged and kept."""
    plants = int(bench.take(300, 30))
    async with PlantSimulator(bench, plants=plants) as sim, Simulator(bench, switches=1) as switches:
        await sim.warm_up()
        clock, _ = await sim.clock()
        since = await sim.last_number()
        async with PlantService(bench, sim, clock, switches) as service, watched(service) as used:
            began = time.monotonic()
            ends = {kind: await service.scanned(kind, 240) for kind in SCANS}
            end = time.monotonic()
            logs = await switches.logs(began)
            _, ahead = await sim.clock()
            requests = await sim.requests(since)
            await asyncio.sleep(bench.take(10, 3))  # what the scan left behind is part of what it takes
            wrong = await _differences(sim, service)
            cpu_s = service.usage().cpu_s
            alone_mb = service.memory_alone_mb()
    intervals = [i for found, until in times_between(logs, end).values() for i in gaps(found, until)]
    return [
        *_scan_figures(f"{plants} plants", requests, ends, ahead),
        Figure("memory at most, proportional set size", most_mb(used), "MB", 250),
        Figure("memory if no other program shared pages with it", alone_mb, "MB"),
        Figure("CPU from the start on", cpu_s, "s"),
        Figure("alarms that differ from the truth", wrong, "", 0),
        Figure("a switch beside it: refresh interval, 99th percentile", percentile(intervals, 99), "s", 1.10),
        Figure("a switch beside it: refresh interval, median", median(intervals), "s"),
        Figure("a switch beside it: refresh interval, longest", max(intervals), "s"),
    ]


def _scan_figures(
    what: str,
    requests: Sequence[dict[str, Any]],
    ends: dict[str, float],
    ahead: float,
    *,
    limit: float | None = BOUND,
) -> list[Figure]:
    """Compare the time of each scan with what the API alone takes for its requests."""
    figures: list[Figure] = []
    for kind, path in SCANS.items():
        arrived = [request["time"] - ahead for request in requests if request["path"].endswith(path)]
        if not arrived:
            raise BenchError(f"no {kind} was asked for")
        bound_s = len(arrived) * ANSWER_S / IN_FLIGHT
        took_s = ends[kind] - min(arrived)
        figures += [
            Figure(f"{what}: scan of {kind}s", took_s, "s"),
            Figure(f"{what}: scan of {kind}s, of the API's own time", took_s / bound_s, "times", limit),
        ]
    return figures


def most_mb(used: Sequence[Usage]) -> float:
    """The largest proportional set size seen."""
    return max(usage.pss_mb for usage in used)


async def _differences(sim: PlantSimulator, service: PlantService) -> int:
    """How many alarms the service found and the simulator's script has not, and the other way round.

    An alarm of a relay is known by its beginning and end; of an inverter, whose failure begins with the first of three
    readings, how many there were, and whether one stands.
    """
    truth = await sim.ask("GET", "/truth")
    expected: Counter[tuple[object, ...]] = Counter()
    for alarm in truth["items"]:
        name = str(alarm["plant"]), alarm["equipment"]
        if alarm["kind"] == "relay":
            expected[(*name, alarm["raised"], alarm["cleared"])] += 1
        else:
            expected[(*name, alarm["cleared"] is None)] += 1
    found: Counter[tuple[object, ...]] = Counter()
    for incident in await service.all_of("/api/v1/incidents"):
        plant, _, device = incident["device"].partition(":")
        kind, _, equipment = device.partition("-")
        began, ended = (_seconds(incident[name]) for name in ("began_at", "ended_at"))
        found[(plant, equipment, began, ended) if kind == "Relay" else (plant, equipment, ended is None)] += 1
    return (expected - found).total() + (found - expected).total()


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()


async def thousand(bench: Bench) -> list[Figure]:
    """A scan in the steady state of 1,000 plants: answers of a whole day, of which the last 15 minutes are new.

    The service has taken the day, is stopped, and is started again a quarter of an hour later by the clock: it goes on
    from its checkpoints.
    """
    plants = int(bench.take(1000, 100))
    async with PlantSimulator(bench, plants=plants) as sim:
        await sim.ask("PATCH", "/api", {"latency_ms": ANSWER_S * 1000})
        clock, _ = await sim.clock()
        async with PlantService(bench, sim, clock) as service, watched(service) as first:
            ends = {kind: await service.scanned(kind, 600) for kind in SCANS}
            first_s = max(ends.values()) - service.started
        await sim.ask("POST", "/clock", {"now": _later(EVENING, max(1200.0, first_s + 900))})
        clock, _ = await sim.clock()
        since = await sim.last_number()
        async with (
            PlantService(bench, sim, clock, folder=service.folder) as service,
            watched(service) as used,
        ):
            ends = {kind: await service.scanned(kind, 600, times=2) for kind in SCANS}
            _, ahead = await sim.clock()
            requests = await sim.requests(since)
            missed = await _not_taken(service, sim)
    began = min(request["time"] for request in requests if request["path"].endswith(SCANS["relay"])) - ahead
    return [
        Figure(f"{plants} plants: both scans of the steady state", max(ends.values()) - began, "s", INTERVAL_S),
        *_scan_figures(f"{plants} plants", requests, ends, ahead, limit=None),
        Figure("memory at most, proportional set size", most_mb(used), "MB", 250 if bench.short else None),
        Figure(f"{plants} plants: both scans of the first day", first_s, "s"),
        Figure("memory at most during the first day, proportional set size", most_mb(first), "MB"),
        Figure("plants whose newest record was not taken", missed, "", 0),
    ]


def _later(moment: str, seconds: float) -> str:
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


async def _not_taken(service: PlantService, sim: PlantSimulator) -> int:
    """How many plants the service knows no record of the last ten minutes of."""
    _, ahead = await sim.clock()
    oldest = time.monotonic() + ahead - INTERVAL_S
    points = await service.all_of("/api/v1/points?q=LastRecord-Mon")
    fresh = [p for p in points if p["value"] and datetime.fromisoformat(p["value"]).timestamp() >= oldest]
    return sim.plants - len(fresh)
