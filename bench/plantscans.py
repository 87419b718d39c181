"""How fast and how large: a whole day of 300 plants beside a switch that is read each second, and 1,000 plants."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from figures import Figure, gaps, median, percentile
from plants import ANSWER_S, IN_FLIGHT, PlantService, PlantSimulator, watched
from programs import Bench, BenchError, Usage
from rig import Simulator
from timing import times_between

INVERTERS = 20
BOUND = 1.3
"""How much longer than the API's own time a scan may take."""
_PATHS = {"relay": "/day_relay", "inverter": "/day_inverter"}


async def scan(bench: Bench) -> list[Figure]:
    """A first scan in the evening: a day of 300 plants with 20 inverters, everything on, alarms judged and kept."""
    plants = int(bench.take(300, 30))
    async with PlantSimulator(bench, plants=plants) as sim, Simulator(bench, switches=1) as switches:
        await sim.warm_up()
        clock, _ = await sim.clock()
        since = await sim.last_number()
        async with PlantService(bench, sim, clock, switches) as service, watched(service) as used:
            began = time.monotonic()
            ends = {kind: await service.scanned(kind, 240) for kind in _PATHS}
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


def _scan_figures(what: str, requests: Sequence[dict[str, Any]], ends: dict[str, float], ahead: float) -> list[Figure]:
    """Compare the time of each scan with what the API alone takes for its requests."""
    figures: list[Figure] = []
    for kind, path in _PATHS.items():
        arrived = [request["time"] - ahead for request in requests if request["path"].endswith(path)]
        if not arrived:
            raise BenchError(f"no {kind} was asked for")
        bound_s = len(arrived) * ANSWER_S / IN_FLIGHT
        took_s = ends[kind] - min(arrived)
        figures += [
            Figure(f"{what}: scan of {kind}s", took_s, "s"),
            Figure(f"{what}: scan of {kind}s, of the API's own time", took_s / bound_s, "times", BOUND),
        ]
    return figures


def most_mb(used: Sequence[Usage]) -> float:
    """The largest proportional set size seen."""
    return max(usage.pss_mb for usage in used)


async def _differences(sim: PlantSimulator, service: PlantService) -> int:
    """How many alarms the service found and the simulator's script has not, and the other way round."""
    truth = await sim.ask("GET", "/truth")
    expected = Counter(
        (f"{a['plant']}", a["equipment"], a["relay_class"] or "", a["cleared"] is None) for a in truth["items"]
    )
    found = Counter(_name(incident) for incident in await service.all_of("/api/v1/incidents"))
    return (expected - found).total() + (found - expected).total()


def _name(incident: dict[str, Any]) -> tuple[str, str, str, bool]:
    plant, device = incident["device"].partition(":")[::2]
    return plant, device.partition("-")[2], incident["label"], incident["ended_at"] is None
