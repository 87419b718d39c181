"""The service beside the approach that it replaces: the same plants and the same day, and the ratios."""

import asyncio
import math
import time
from dataclasses import dataclass
from pathlib import Path

from figures import Figure, markdown, with_unit
from plants import EVENING, PlantService, PlantSimulator, watched
from plantscans import SCANS, most_mb
from programs import Bench, BenchError, Program


@dataclass(frozen=True)
class Measured:
    """What a program takes for the scans of a day."""

    relays_s: float
    inverters_s: float
    cpu_s: float
    """From its start to the end of both scans."""
    pss_mb: float


async def reference(bench: Bench) -> list[Figure]:
    """Measure the reference and the service, with and without EPICS; the figures are ratios, told for information."""
    plants = int(bench.take(300, 30))
    async with PlantSimulator(bench, plants=plants) as sim:
        await sim.warm_up()
        old = await _measure_reference(bench, sim)
        alone = await _measure_service(bench, sim, epics=False)
        whole = await _measure_service(bench, sim, epics=True)
    bench.tables.append(_table(plants, old, alone, whole))
    return [
        Figure("scan of relays, of the service's", old.relays_s / whole.relays_s, "times"),
        Figure("scan of inverters, of the service's", old.inverters_s / whole.inverters_s, "times"),
        Figure("CPU, of the service's", old.cpu_s / whole.cpu_s, "times"),
        Figure("CPU, of the service's without EPICS", old.cpu_s / alone.cpu_s, "times"),
        Figure("memory, of the service's", old.pss_mb / whole.pss_mb, "times"),
    ]


async def _measure_reference(bench: Bench, sim: PlantSimulator) -> Measured:
    folder = bench.folder("reference-pv")
    script = Path(__file__).with_name("reference_monitor.py")
    arguments = (str(script), str(folder / "monitor_state.json"), EVENING[:10])
    program = Program("the reference", arguments, folder, "reference ready")
    program.environment = sim.environment_of_service
    async with program, watched(program) as used:
        seconds = await _scans_said(program, folder / "stderr.txt", 600)
        cpu_s = program.usage().cpu_s
    return Measured(seconds["relay"], seconds["inverter"], cpu_s, most_mb(used))


async def _scans_said(program: Program, path: Path, within_s: float) -> dict[str, float]:
    """Wait for the lines "scan KIND SECONDS" of both kinds."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        lines = _scan_lines(path)
        if len(lines) == len(SCANS):
            return {kind: float(seconds) for _, kind, seconds in lines}
        program.usage()  # raises where it has ended
        await asyncio.sleep(0.1)
    raise BenchError(f"the reference has not ended its scans within {within_s:g} s: see {path}")


def _scan_lines(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines() if line.startswith("scan ")]


async def _measure_service(bench: Bench, sim: PlantSimulator, *, epics: bool) -> Measured:
    clock, _ = await sim.clock()
    since = await sim.last_number()
    async with PlantService(bench, sim, clock, epics=epics) as service, watched(service) as used:
        ends = {kind: await service.scanned(kind, 240) for kind in SCANS}
        cpu_s = service.usage().cpu_s
        _, ahead = await sim.clock()
        requests = await sim.requests(since)
    took = {
        kind: ends[kind] - min(r["time"] - ahead for r in requests if r["path"].endswith(path))
        for kind, path in SCANS.items()
    }
    return Measured(took["relay"], took["inverter"], cpu_s, most_mb(used))


def _table(plants: int, old: Measured, alone: Measured, whole: Measured) -> str:
    rows: list[list[str]] = []
    for what, name, unit in (
        (f"scan of the relays of {plants} plants", "relays_s", "s"),
        (f"scan of the inverters of {plants} plants", "inverters_s", "s"),
        ("CPU from the start to the end of both", "cpu_s", "s"),
        ("proportional set size at most", "pss_mb", "MB"),
    ):
        values: list[float] = [getattr(measured, name) for measured in (old, alone, whole)]
        ratios = [values[0] / value if value else math.nan for value in values[1:]]
        rows.append([what, *(with_unit(value, unit) for value in values), *(with_unit(ratio, "×") for ratio in ratios)])
    return markdown(("", "reference", "without EPICS", "whole service", "better without", "better, whole"), rows)
