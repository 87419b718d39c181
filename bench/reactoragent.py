"""One agent with its guardian on a simulated reactor, eight probes at one sample a second: its memory and processor."""

import asyncio

from figures import Figure
from programs import Bench, BenchError, measure_cpu
from reactorrig import Agent, Config, ReactorService, SimReactors

PROBES = 8
_READY_S = 60.0
_SHOWN = ("ph:pH", "ec:EC", "do:DO", "orp:ORP", "rtd:Temp", "hum:Hum", "co2:CO2", "ds-1:Temp")


async def agent(bench: Bench) -> list[Figure]:
    """The agent as `vigilia agent` starts it, reporting to a service and sending its samples there."""
    seconds = bench.take(120, 15)
    async with SimReactors(bench) as sim, ReactorService(bench) as service:
        config = eight_probes(sim.config(), service)
        async with Agent(bench, config) as measured:
            await service.until("R1:ph:pH-Mon", lambda point: point["severity"] == "NO_ALARM", _READY_S)
            await asyncio.sleep(bench.take(20, 5))
            cpu = await measure_cpu(measured, seconds)
            used, alone = measured.usage(), measured.memory_alone_mb()
            sampled = await _samples(service)
            code, took = await measured.stop()
    return [
        Figure("memory, proportional set size", used.pss_mb, "MB", 60),
        Figure("memory, if no other program shared pages", alone, "MB", 60),
        Figure("CPU", cpu, "% of a core", 3),
        Figure("processes", used.processes, "", 2),
        Figure("threads", used.threads, ""),
        Figure("probes that the service has a good reading of", sampled, "", PROBES, at_least=True),
        Figure("SIGTERM to the end", took if code == 0 else float("nan"), "s", 10),
    ]


def eight_probes(config: Config, service: ReactorService, *, sample_s: float = 1.0) -> Config:
    """The simulator's own configuration, for an agent of this service that samples each probe each second."""
    config["agent"] |= {"coordinator": f"127.0.0.1:{service.port}", "language": "en"}
    for sensor in config["sensors"]:
        sensor["sample_s"] = sample_s
    if len(config["sensors"]) != PROBES:
        raise BenchError(f"the simulator has {len(config['sensors'])} probes, not {PROBES}")
    return config


async def _samples(service: ReactorService) -> int:
    shown = {
        "ph": "pH",
        "ec": "EC",
        "do": "DO",
        "orp": "ORP",
        "rtd": "Temp",
        "hum": "Hum",
        "co2": "CO2",
        "ds-1": "Temp",
    }
    points = [await service.point(f"R1:{part}:{parameter}-Mon") for part, parameter in shown.items()]
    return sum(point is not None and point["severity"] == "NO_ALARM" for point in points)
