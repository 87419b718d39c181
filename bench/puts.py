"""How fast a put goes to its switch, and what it waits for there."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from figures import Figure, median, percentile
from programs import Bench, BenchError
from rig import Service, Simulator
from timing import SCAN_S, Log, arrivals, is_scan
from watch import Watch, is_good, put, pvs

SENDING_S = 0.005
"""What a request may take from the service to the simulator's log. A scan that arrives in the first so many seconds
after a put was queued may have been sent before it."""

Order = Callable[[int, int], Awaitable[float]]
"""Asks for a port (number of the switch, of the port) to be switched off; returns the moment just before."""


@dataclass(frozen=True)
class Put:
    """A put that was asked for at `began`, and the request that it became, as its switch logged it."""

    switch: int
    port: int
    began: float
    request: dict[str, Any]

    @property
    def wait_s(self) -> float:
        """From the put to the arrival of its request at the switch."""
        return self.request["monotonic"] - self.began

    def excess_s(self, log: Log, latency_s: float) -> float:
        """What of the wait was not for the request in flight, which takes the switch `latency_s` at least."""
        before = [moment for moment in arrivals(log) if moment < self.request["monotonic"]]
        free = max(self.began, before[-1] + latency_s) if before else self.began
        return self.request["monotonic"] - free

    def is_behind(self, log: Log, queued: float) -> bool:
        """Whether a scan was sent after the service had queued the put (at `queued`, UTC), and yet before it."""
        times = (request["time"] for request in log if is_scan(request))
        return any(queued + SENDING_S < moment < self.request["time"] for moment in times)


async def writes(bench: Bench) -> list[Figure]:
    """Puts over Channel Access, until their request arrives at the switch; with the collection and without it."""
    count = int(bench.take(100, 20))
    async with Simulator(bench) as sim, Service(bench, sim, api=True) as service, _all_choices(sim) as choices:
        await choices.until(is_good, 10, "readable")
        turns = _turns(sim)
        between = [1000 * found.wait_s for found in await _between_scans(bench, sim, turns)]
        anytime = await _at_random("at random", bench, sim, service, turns, count)
    figures = [
        Figure("between scans: put to the request's arrival, median", median(between), "ms", 5),
        Figure("between scans: put to the request's arrival, 99th percentile", percentile(between, 99), "ms"),
        *anytime,
    ]
    if bench.short:
        return figures
    async with (
        Simulator(bench, options=("--no-collection",)) as sim,
        Service(bench, sim, api=True) as service,
        _all_choices(sim) as choices,
    ):
        await choices.until(is_good, 10, "readable")
        when = "without the collection, at random"
        return figures + await _at_random(when, bench, sim, service, _turns(sim), count)


def _all_choices(sim: Simulator) -> Watch:
    return Watch([name for number in range(1, len(sim.names) + 1) for name in pvs(number, sim.ports, "PwrState-Sel")])


def _turns(sim: Simulator) -> Iterator[tuple[int, int]]:
    """Every port of every switch once, one switch after another: no request can be taken for another's."""
    return ((number, port) for port in range(1, sim.ports + 1) for number in range(1, len(sim.names) + 1))


async def _between_scans(bench: Bench, sim: Simulator, turns: Iterator[tuple[int, int]]) -> list[Put]:
    """Puts in the middle between two scans of their switch."""
    found: list[Put] = []
    for number, port in (next(turns) for _ in range(int(bench.take(100, 5)))):
        scans = arrivals(await sim.log(f"sw-{number}", time.monotonic() - 2 * SCAN_S))
        if not scans:
            raise BenchError(f"sw-{number} is not scanned")
        due = scans[-1] + SCAN_S / 2 - time.monotonic()
        await asyncio.sleep((due + bench.chance.uniform(-0.1, 0.1)) % SCAN_S)
        began = await over_epics(number, port)
        await asyncio.sleep(0.1)
        found.append(_find(await sim.log(f"sw-{number}", began), number, port, began))
    return found


async def _at_random(
    when: str, bench: Bench, sim: Simulator, service: Service, turns: Iterator[tuple[int, int]], count: int
) -> list[Figure]:
    """Puts at any moment, and what they had to wait for."""
    found, logs = await put_at_random(bench, sim, over_epics, [next(turns) for _ in range(count)])
    queued = await service.asked_at()
    excess = [1000 * one.excess_s(logs[f"sw-{one.switch}"], sim.latency_s) for one in found]
    behind = [
        one.is_behind(logs[f"sw-{one.switch}"], queued[pvs(one.switch, one.port, "PwrState-Sel")[-1]]) for one in found
    ]
    return [
        Figure(f"{when}: beyond the request in flight, median", median(excess), "ms", 5),
        Figure(f"{when}: beyond the request in flight, 99th percentile", percentile(excess, 99), "ms"),
        Figure(f"{when}: put to the request's arrival, longest", 1000 * max(one.wait_s for one in found), "ms"),
        Figure(f"{when}: puts that came behind a waiting scan", sum(behind), "", 0),
    ]


async def over_epics(number: int, port: int) -> float:
    """Switch a port off over Channel Access."""
    return await put(pvs(number, port, "PwrState-Sel")[-1], 0)


async def put_at_random(
    bench: Bench, sim: Simulator, order: Order, turns: list[tuple[int, int]]
) -> tuple[list[Put], dict[str, Log]]:
    """Have ports switched off at any moment; return what became of it, and the logs of all switches."""
    asked: list[tuple[int, int, float]] = []
    for number, port in turns:
        await asyncio.sleep(bench.chance.uniform(0.02, 0.25))
        asked.append((number, port, await order(number, port)))
    await asyncio.sleep(2)
    logs = await sim.logs(asked[0][2] - SCAN_S)
    return [_find(logs[f"sw-{number}"], number, port, began) for number, port, began in asked], logs


def _find(log: Log, number: int, port: int, began: float) -> Put:
    """Find the request of a put in its switch's log: the port's object, or any CLI command."""
    path = re.compile(rf"/rest/v\d/(ports/{port}/poe|cli)")
    for request in log:
        if request["monotonic"] >= began and request["method"] != "GET" and path.fullmatch(request["path"]):
            return Put(number, port, began, request)
    raise BenchError(f"a put to port {port} of sw-{number} never reached it")
