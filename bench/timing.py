"""How fast: the refresh of every port, the way of a put to its switch, and what a hanging switch does to the others."""

import asyncio
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from figures import Figure, gaps, median, percentile, steps
from rig import Bench, BenchError, Service, Simulator
from watch import Watch, is_good, is_lost, put, pvs

SCAN_S = 1.0
TIMEOUT_S = 0.6
"""The service's own defaults, which the generated configuration leaves as they are."""
BACKOFF_S = 10.0
TRANSIT_S = 0.005
"""What a put may take on its way to the link. A scan that begins meanwhile was not queued before it."""

_ONE_PORT = re.compile(r"/rest/v\d/ports/[^/]+/poe/stats")
_ALL_PORTS = re.compile(r"/rest/v\d/poe/ports/stats")

Log = list[dict[str, Any]]


async def refresh(bench: Bench) -> list[Figure]:
    """10 switches of 48 ports at 38 ms an answer, with the collection endpoint and without it."""
    seconds = bench.take(35, 8)
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
    sim: Simulator, seconds: float, *, settle_s: float = 3.0
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


async def writes(bench: Bench) -> list[Figure]:
    """Puts over Channel Access, until their request arrives at the switch; with the collection and without it."""
    count = int(bench.take(100, 25))
    async with Simulator(bench) as sim, Service(bench, sim), _all_choices(sim) as choices:
        await choices.until(is_good, 10, "readable")
        turns = _turns(sim)
        between = await _between_scans(bench, sim, turns, count)
        anytime = await at_random(bench, sim, turns, count)
    figures = [*_idle_figures(between), *write_figures("at random", anytime)]
    if bench.short:
        return figures
    async with Simulator(bench, options=("--no-collection",)) as sim, Service(bench, sim), _all_choices(sim) as choices:
        await choices.until(is_good, 10, "readable")
        anytime = await at_random(bench, sim, _turns(sim), count)
    return [*figures, *write_figures("without the collection, at random", anytime)]


@dataclass(frozen=True)
class Put:
    """A put and what the switch saw. Times are seconds; `wait_s` is from the put to the arrival of its request."""

    wait_s: float
    excess_s: float
    """What of the wait was not for the request in flight."""
    overtaking: int
    """Scans that began after the put had had its time to reach the link, and yet came before it."""


def _all_choices(sim: Simulator) -> Watch:
    return Watch([name for number in range(1, len(sim.names) + 1) for name in pvs(number, sim.ports, "PwrState-Sel")])


def _turns(sim: Simulator) -> Iterator[tuple[int, int]]:
    """Every port of every switch once, one switch after another: no request can be taken for another's."""
    return ((number, port) for port in range(1, sim.ports + 1) for number in range(1, len(sim.names) + 1))


async def _between_scans(bench: Bench, sim: Simulator, turns: Iterator[tuple[int, int]], count: int) -> list[Put]:
    """Puts in the middle between two scans of their switch."""
    found: list[Put] = []
    for number, port in (next(turns) for _ in range(count)):
        scans = arrivals(await sim.log(f"sw-{number}", time.monotonic() - 2 * SCAN_S))
        if not scans:
            raise BenchError(f"sw-{number} is not scanned")
        due = scans[-1] + SCAN_S / 2 - time.monotonic()
        await asyncio.sleep((due + bench.chance.uniform(-0.1, 0.1)) % SCAN_S)
        began = await put(pvs(number, port, "PwrState-Sel")[-1], 0)
        await asyncio.sleep(0.1)
        found.append(_seen(sim, await sim.log(f"sw-{number}", began - 0.5), port, began))
    return found


async def at_random(bench: Bench, sim: Simulator, turns: Iterator[tuple[int, int]], count: int) -> list[Put]:
    """Puts at any moment."""
    asked: list[tuple[int, int, float]] = []
    for number, port in (next(turns) for _ in range(count)):
        await asyncio.sleep(bench.chance.uniform(0.02, 0.25))
        asked.append((number, port, await put(pvs(number, port, "PwrState-Sel")[-1], 0)))
    await asyncio.sleep(1)
    logs = await sim.logs(asked[0][2] - 1)
    return [_seen(sim, logs[f"sw-{number}"], port, began) for number, port, began in asked]


def _seen(sim: Simulator, log: Log, port: int, began: float) -> Put:
    """Find the request of a put in its switch's log."""
    path = re.compile(rf"/rest/v\d/ports/{port}/poe")
    arrival = next(
        (
            request["monotonic"]
            for request in log
            if request["method"] == "PUT" and path.fullmatch(request["path"]) and request["monotonic"] >= began
        ),
        None,
    )
    if arrival is None:
        raise BenchError(f"a put to port {port} never reached its switch")
    before = [moment for moment in arrivals(log) if moment < arrival]
    free = max(began, before[-1] + sim.latency_s) if before else began
    late = sum(moment > began + TRANSIT_S for moment in before)
    return Put(arrival - began, arrival - free, late)


def _idle_figures(puts: list[Put]) -> list[Figure]:
    waits = [1000 * found.wait_s for found in puts]
    return [
        Figure("between scans: put to the request's arrival, median", median(waits), "ms", 5),
        Figure("between scans: put to the request's arrival, 99th percentile", percentile(waits, 99), "ms"),
    ]


def write_figures(when: str, puts: list[Put]) -> list[Figure]:
    """What puts at any moment had to wait for."""
    excess = [1000 * found.excess_s for found in puts]
    return [
        Figure(f"{when}: beyond the request in flight, median", median(excess), "ms", 5),
        Figure(f"{when}: beyond the request in flight, 99th percentile", percentile(excess, 99), "ms"),
        Figure(f"{when}: put to the request's arrival, longest", max(1000 * found.wait_s for found in puts), "ms"),
        Figure(f"{when}: puts that came behind a waiting scan", sum(found.overtaking > 0 for found in puts), "", 0),
    ]


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
