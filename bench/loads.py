"""How much: memory, CPU and start of the whole service with 480 ports, and 5,040 ports on 105 switches."""

import asyncio
import time

from figures import Figure, gaps, median, percentile
from programs import Bench, measure_cpu
from rig import Service, Simulator
from timing import scan_times
from watch import Watch, is_good, pvs


async def resources(bench: Bench) -> list[Figure]:
    """480 ports with EPICS and the API: memory and CPU with nobody, with an operator, and with values that move."""
    seconds = bench.take(30, 4)
    async with Simulator(bench, options=("--life",)) as sim, Service(bench, sim) as service:
        await asyncio.sleep(bench.take(10, 3))
        alone = await measure_cpu(service, seconds)
        used = [service.usage()]
        names = [name for number in range(1, len(sim.names) + 1) for name in pvs(number, sim.ports, "PwrState-Sts")]
        async with Watch(names) as watch:
            await watch.until(is_good, 10, "readable")
            await asyncio.sleep(1)
            watched = await measure_cpu(service, seconds)
            used.append(service.usage())
            moving = await _measure_moving(sim, service, bench.take(20, 0))
            used.append(service.usage())
            by_itself = service.memory_alone_mb()
    figures = [
        Figure("480 ports, proportional set size", max(usage.pss_mb for usage in used), "MB", 180),
        Figure("480 ports, memory if no other program shared pages with it", by_itself, "MB"),
        Figure("480 ports, CPU", alone, "% of a core", 10),
        Figure("480 ports, CPU while a client monitors 480 PVs", watched, "% of a core", 10),
    ]
    if not bench.short:
        figures.append(Figure("480 ports, CPU while every port's power changes each second", moving, "% of a core"))
    return figures


async def _measure_moving(sim: Simulator, service: Service, seconds: float) -> float:
    """CPU while the power drawn by every port is another in each scan: the worst that a real installation can do."""
    if not seconds:
        return 0.0

    async def move(name: str) -> None:
        watts = 3
        while True:
            watts = watts % 12 + 1
            for port in range(1, sim.ports + 1):
                await sim.change_port(name, port, power_w=watts)
            await asyncio.sleep(0.5)

    tasks = [asyncio.create_task(move(name)) for name in sim.names]
    try:
        await asyncio.sleep(2)
        return await measure_cpu(service, seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def start(bench: Bench) -> list[Figure]:
    """From the start of the process to values over Channel Access, for 500 ports."""
    first: list[float] = []
    every: list[float] = []
    for _ in range(int(bench.take(5, 1))):
        async with Simulator(bench, ports=50) as sim, Service(bench, sim) as service:
            names = [name for number in range(1, len(sim.names) + 1) for name in pvs(number, sim.ports, "PwrState-Sts")]
            async with Watch(names) as watch:
                every.append(await watch.until(is_good, 30, "readable") - service.started)
                assert watch.first is not None
                first.append(watch.first - service.started)
    return [
        Figure("500 ports, from start to the first value over Channel Access", max(first), "s", 5),
        Figure("500 ports, from start to all values over Channel Access", max(every), "s", 5),
    ]


async def scale(bench: Bench) -> list[Figure]:
    """105 switches of 48 ports at 5 ms an answer, without EPICS, on two cores that the simulator shares."""
    async with (
        Simulator(bench, switches=105, latency_ms=5) as sim,
        Service(bench, sim, epics=False, cores=2) as service,
    ):
        await asyncio.sleep(5)
        before, began = service.usage().cpu_s, time.monotonic()
        times = await scan_times(sim, bench.take(30, 10), settle_s=0)
        used = service.usage()
        cpu = 100 * (used.cpu_s - before) / (time.monotonic() - began)
    intervals = [interval for found, end in times.values() for interval in gaps(found, end)]
    return [
        Figure("5,040 ports: refresh interval of a port, 99th percentile", percentile(intervals, 99), "s", 1.10),
        Figure("5,040 ports: refresh interval, median", median(intervals), "s"),
        Figure("5,040 ports: refresh interval, longest", max(intervals), "s"),
        Figure("5,040 ports: CPU", cpu, "% of a core"),
        Figure("5,040 ports: proportional set size", used.pss_mb, "MB"),
    ]
