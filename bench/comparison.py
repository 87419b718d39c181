"""The service beside the approach that it replaces: the same simulator, the same measurements, and the ratios."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from figures import Figure, gaps, markdown, median, percentile, with_unit
from programs import Bench, Program
from puts import Order, over_epics, put_at_random
from rig import LOGIN, Service, Simulator
from timing import scan_times, times_between
from watch import Watch, is_good, pvs

HANGING = "sw-1"


@dataclass(frozen=True)
class Measured:
    """How one program reads ten switches of 48 ports at 38 ms an answer."""

    refresh_s: float
    refresh99_s: float
    readings: float
    """Port readings a second."""
    requests: float
    """Requests a second, of any kind."""
    connections: float
    """Connections opened a second."""
    cpu: float
    pss_mb: float
    put_ms: float
    """NaN where nobody can put."""
    put99_ms: float
    growth_ms: float
    """How much the other switches' refresh interval (99th percentile) grows while one hangs."""

    @property
    def cpu_ms(self) -> float:
        """CPU time for 1,000 port readings, in milliseconds."""
        return 10 * self.cpu / self.readings * 1000


async def reference(bench: Bench) -> list[Figure]:
    """Measure the reference and the service in three ways; the figures are ratios, told for information."""
    old = await _measure(bench, "reference", ())
    alone = await _measure(bench, "alone", ("--no-collection",))
    whole = await _measure(bench, "whole", ("--no-collection",))
    both = await _measure(bench, "whole", ())
    bench.tables.append(_table(old, alone, whole, both))
    return [
        Figure("refresh interval (99th percentile), of the service's", old.refresh99_s / both.refresh99_s, "times"),
        Figure("put to switch (median), of the service's", old.put_ms / both.put_ms, "times"),
        Figure("CPU for the same readings, of the service's", old.cpu_ms / both.cpu_ms, "times"),
        Figure("the same, both port by port and without EPICS", old.cpu_ms / alone.cpu_ms, "times"),
        Figure("memory, of the service's", old.pss_mb / both.pss_mb, "times"),
    ]


async def _measure(bench: Bench, which: str, options: tuple[str, ...]) -> Measured:
    """Start a program of its kind with a simulator of its own, measure it, and have a switch hang at the end."""
    async with Simulator(bench, options=(*LOGIN, *options)) as sim, _program(bench, sim, which) as program:
        await asyncio.sleep(5)
        collection = "--no-collection" not in options and which != "reference"
        before, began = program.usage(), time.monotonic()
        connected = await _connections(sim)
        times = await scan_times(sim, bench.take(30, 8), settle_s=0)
        end = time.monotonic()
        used, opened = program.usage(), await _connections(sim) - connected
        logs = await sim.logs(began)
        waits = [] if which == "alone" else await _put_waits(bench, sim, _order(program, which))
        calm = [interval for found, until in times.values() for interval in gaps(found, until)]
        hanging = await _with_one_hanging(sim, bench.take(20, 8))
    seconds = end - began
    readings = sum(len(found) for found, _ in times.values()) * (sim.ports if collection else 1)
    return Measured(
        refresh_s=median(calm),
        refresh99_s=percentile(calm, 99),
        readings=readings / seconds,
        requests=sum(len(log) for log in logs.values()) / seconds,
        connections=opened / seconds,
        cpu=100 * (used.cpu_s - before.cpu_s) / seconds,
        pss_mb=used.pss_mb,
        put_ms=median(waits) * 1000,
        put99_ms=percentile(waits, 99) * 1000,
        growth_ms=1000 * (percentile(hanging, 99) - percentile(calm, 99)),
    )


def _program(bench: Bench, sim: Simulator, which: str) -> Program:
    if which != "reference":
        return Service(bench, sim, epics=which == "whole", api=which == "whole")
    folder = bench.folder("reference")
    config = folder / "aruba.toml"
    config.write_text(sim.config)
    script = Path(__file__).with_name("reference_ioc.py")
    return Program("the reference", (str(script), str(config)), folder, "reference ready")


def _order(program: Program, which: str) -> Order:
    async def by_line(number: int, port: int) -> float:
        began = time.monotonic()
        await program.tell(f"sw-{number} {port} off")
        return began

    return by_line if which == "reference" else over_epics


async def _put_waits(bench: Bench, sim: Simulator, order: Order) -> list[float]:
    """The seconds from a put at any moment to the arrival of its request."""
    numbers = range(1, len(sim.names) + 1)
    names = [name for number in numbers for name in pvs(number, sim.ports, "PwrState-Sel")]
    turns = [(number, port) for port in range(1, int(bench.take(9, 3))) for number in numbers]
    # No put may have to pay for the connection of its channel.
    async with Watch(names) if order is over_epics else nullcontext() as watch:
        if watch is not None:
            await watch.until(is_good, 10, "readable")
        found, _ = await put_at_random(bench, sim, order, turns)
    return [one.wait_s for one in found]


async def _connections(sim: Simulator) -> int:
    return sum(switch["total_connections"] for switch in await sim.show_all())


async def _with_one_hanging(sim: Simulator, seconds: float) -> list[float]:
    """The other switches' refresh intervals while one hangs."""
    began = time.monotonic()
    await sim.inject(HANGING, "hang")
    await asyncio.sleep(seconds)
    end = time.monotonic()
    logs = await sim.logs(began)
    times = times_between({name: log for name, log in logs.items() if name != HANGING}, end)
    return [interval for found, until in times.values() for interval in gaps(found, until)]


def _table(old: Measured, alone: Measured, whole: Measured, both: Measured) -> str:
    rows: list[list[str]] = []

    def add(what: str, of: Callable[[Measured], float], unit: str = "", *, better: int = 0) -> None:
        """`better`: -1 where less is better, 1 where more is; then the ratios say how many times better."""
        values = [of(measured) for measured in (old, alone, whole, both)]
        ratios = [(values[at] / values[0]) ** better for at in (1, 3)] if better else [math.nan, math.nan]
        rows.append([what, *(with_unit(value, unit) for value in values), *(with_unit(ratio, "×") for ratio in ratios)])

    add("refresh interval of a port, median", lambda m: m.refresh_s, "s", better=-1)
    add("refresh interval of a port, 99th percentile", lambda m: m.refresh99_s, "s", better=-1)
    add("port readings a second", lambda m: m.readings, better=1)
    add("requests a second", lambda m: m.requests)
    add("connections opened a second", lambda m: m.connections)
    add("CPU, of one core", lambda m: m.cpu, "%", better=-1)
    add("CPU for 1,000 port readings", lambda m: m.cpu_ms, "ms", better=-1)
    add("proportional set size", lambda m: m.pss_mb, "MB", better=-1)
    add("put to switch, median", lambda m: m.put_ms, "ms", better=-1)
    add("put to switch, 99th percentile", lambda m: m.put99_ms, "ms", better=-1)
    add("refresh of the others when one hangs, 99th percentile", lambda m: m.growth_ms, "ms more")
    head = (
        "10 switches × 48 ports, 38 ms an answer",
        "reference (A)",
        "Vigilia, port by port, no EPICS, no API (B)",
        "Vigilia, port by port, EPICS and API (C)",
        "Vigilia, collection, EPICS and API (D)",
        "B better than A",
        "D better than A",
    )
    return markdown(head, rows)
