"""How fast: the refresh of every port, and what a hanging switch does to the others and to its own PVs."""

import asyncio
import re
import time
from collections.abc import Iterable
from typing import Any

from figures import Figure, gaps, median, percentile, steps
from programs import Bench, BenchError
from rig import Service, Simulator
from watch import Watch, is_good, is_lost, pvs

SCAN_S = 1.0
TIMEOUT_S = 0.6
"""The service's own defaults, which the generated configuration leaves as they are."""
BACKOFF_S = 10.0

_ONE_PORT = re.compile(r"/rest/v\d/ports/[^/]+/poe/stats")
_ALL_PORTS = re.compile(r"/rest/v\d/poe/ports/stats")

Log = list[dict[str, Any]]


async def refresh(bench: Bench) -> list[Figure]:
    """10 switches of 48 ports at 38 ms an answer, with the collection endpoint and without it."""
    seconds = bench.take(35, 6)
    async with Simulator(bench) as sim, Service(bench, sim):
        times = await scan_times(sim, seconds)
    intervals = [interval for found, end in times.values() for interval in gaps(found, end)]
    figures = [
        Figure("refresh interval of a port, 99th percentile", percentile(intervals, 99), "s", 1.10),
        Figure("refresh interval, median", median(intervals), "s"),
        Figure("refresh interval, longest", max(intervals), "s"),
    ]
    if bench.short:
        return figures
    async with Simulator(bench, options=("--no-collection",)) as sim, Service(bench, sim):
        times = await scan_times(sim, seconds)
        every = await sim.logs(time.monotonic() - seconds)
    intervals = [interval for found, end in times.values() for interval in gaps(found, end)]
    idle = [interval - sim.latency_s for log in every.values() for interval in steps(arrivals(log))]
    return [
        *figures,
        Figure("without the collection: refresh interval, 99th percentile", percentile(intervals, 99), "s"),
        Figure("without the collection: refresh interval, median (48 × 38 ms = 1.82 s)", median(intervals), "s"),
        Figure("without the collection: from one answer to the next request, median", median(idle) * 1000, "ms", 5),
    ]


async def scan_times(
    sim: Simulator, seconds: float, *, settle_s: float = 2.0
) -> dict[tuple[str, str], tuple[list[float], float]]:
    """Watch the simulator's log for `seconds`: for each switch and path of a scan the arrivals, and the end."""
    await asyncio.sleep(settle_s)
    began = time.monotonic()
    await asyncio.sleep(seconds)
    end = time.monotonic()
    return times_between(await sim.logs(began), end)


def times_between(logs: dict[str, Log], end: float) -> dict[tuple[str, str], tuple[list[float], float]]:
    """The arrivals of answered scan requests up to `end`, by switch and path."""
    found: dict[tuple[str, str], tuple[list[float], float]] = {}
    for name, log in logs.items():
        for request in log:
            if is_scan(request) and request["status"] == 200 and request["monotonic"] <= end:
                found.setdefault((name, request["path"]), ([], end))[0].append(request["monotonic"])
    if {name for name, _ in found} != set(logs):
        raise BenchError(f"only {len({name for name, _ in found})} of {len(logs)} switches were scanned")
    return found


def is_scan(request: dict[str, Any]) -> bool:
    """Whether a request reads the ports' present state."""
    return request["method"] == "GET" and bool(
        _ALL_PORTS.fullmatch(request["path"]) or _ONE_PORT.fullmatch(request["path"])
    )


def arrivals(log: Iterable[dict[str, Any]]) -> list[float]:
    """When the scan requests in a log arrived."""
    return [request["monotonic"] for request in log if is_scan(request)]


async def isolation(bench: Bench) -> list[Figure]:
    """One switch hangs: the others' refresh, its own PVs, and its return."""
    rounds = [1] if bench.short else [1, 4, 7]
    seconds = bench.take(20, 7)
    calm: list[float] = []
    hanging: list[float] = []
    lost: list[float] = []
    tried: list[float] = []
    back: list[float] = []
    async with Simulator(bench) as sim, Service(bench, sim):
        times = await scan_times(sim, bench.take(30, 7))
        calm += [interval for found, end in times.values() for interval in gaps(found, end)]
        for number in rounds:
            name = f"sw-{number}"
            watched = pvs(number, sim.ports, "PwrState-Sts") + pvs(number, sim.ports, "Power-Mon")
            async with Watch(watched) as watch:
                await watch.until(is_good, 5, "good before the hang")
                began = time.monotonic()
                await sim.inject(name, "hang")
                lost.append(await watch.until(is_lost, 10, "TIMEOUT/INVALID") - began)
                await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
                end = time.monotonic()
                logs = await sim.logs(began)
                others = {other: log for other, log in logs.items() if other != name}
                times = times_between(others, end)
                hanging += [interval for found, end in times.values() for interval in gaps(found, end)]
                await sim.clear(name)
                cleared = time.monotonic()
                good = await watch.until(is_good, BACKOFF_S + 10, "good again")
            first = next(request for request in await sim.log(name, cleared) if (request["status"] or 999) < 300)
            tried.append(first["monotonic"] - cleared)
            back.append(good - first["monotonic"] - sim.latency_s)
    growth = 1000 * (percentile(hanging, 99) - percentile(calm, 99))
    return [
        Figure("other switches' refresh interval grows by (99th percentile)", growth, "ms", 10),
        Figure("other switches' refresh interval grows by (longest)", 1000 * (max(hanging) - max(calm)), "ms"),
        Figure("PVs of the hanging switch all TIMEOUT/INVALID after", max(lost), "s", SCAN_S + TIMEOUT_S + 0.2),
        Figure("all its PVs good again, after its first good answer", max(back), "s", 1),
        Figure("the switch answers again: tried again after", max(tried), "s", BACKOFF_S),
    ]
