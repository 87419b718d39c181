"""Two hundred reactors of ten points on one service: what it takes of the machine, and how soon a setting is back."""

import asyncio
import json
import math
import time
from pathlib import Path
from typing import Any

from figures import Figure, median, percentile
from fleetagent import STATUS_S
from programs import Bench, BenchError, Program, measure_cpu
from reactorrig import ReactorService

REACTORS = 200
_PAUSE_S = 0.05
"""Between two settings."""


class Fleet(Program):
    """Agents from a script, all in a process of their own."""

    def __init__(self, bench: Bench, service: ReactorService, reactors: int) -> None:
        folder = bench.folder("fleet")
        self._file = folder / "seen.json"
        script = Path(__file__).with_name("fleetagent.py")
        arguments = (str(script), f"127.0.0.1:{service.port}", str(reactors), str(self._file))
        super().__init__("the fleet", arguments, folder, "fleet ready")

    async def seen(self) -> dict[str, Any]:
        """End it; return what its agents measured. Raises BenchError where one of them failed."""
        await self.stop()
        if not self._file.exists():
            raise BenchError(f"the fleet ended badly{self._last_words()}")
        found = json.loads(self._file.read_text())
        if found["failures"]:
            raise BenchError(f"{len(found['failures'])} agents failed, the first with {found['failures'][0]}")
        return found


async def fleet(bench: Bench) -> list[Figure]:
    """All report and bring samples each 5 s; then settings, one after another, to reactors at random."""
    async with ReactorService(bench, interval_s=STATUS_S) as service, Fleet(bench, service, REACTORS) as agents:
        await asyncio.sleep(2 * STATUS_S)
        cpu = await measure_cpu(service, bench.take(60, 10))
        used, alone = service.usage(), service.memory_alone_mb()
        waits, refused = await _set(bench, service, round(bench.take(1000, 100)))
        after = service.usage()
        seen = await agents.seen()
    return [
        Figure(f"{REACTORS} reactors: CPU of the service", cpu, "% of a core", 50),
        Figure("memory, proportional set size", max(used.pss_mb, after.pss_mb), "MB", 300),
        Figure("memory, if no other program shared pages", alone, "MB", 300),
        Figure("status to its answer, median", 1000 * median(seen["waits"]), "ms"),
        Figure("status to its answer, 99th percentile", 1000 * percentile(seen["waits"], 99), "ms"),
        Figure("status interval, longest", max(seen["intervals"], default=math.nan), "s", STATUS_S + 1),
        Figure("samples acknowledged", seen["samples"], "", 1, at_least=True),
        Figure("settings that were not applied", refused, "", 0),
        Figure("setting asked for to reported back, median", 1000 * median(waits), "ms", 100),
        Figure("setting asked for to reported back, 99th percentile", 1000 * percentile(waits, 99), "ms", 250),
    ]


async def _set(bench: Bench, service: ReactorService, count: int) -> tuple[list[float], int]:
    """Set so many duties; return how long each took until it was reported back, and how many were not."""
    waits: list[float] = []
    refused = 0
    for number in range(count):
        reactor = f"R{bench.chance.randrange(REACTORS):03d}"
        duty = 1.0 + number % 99
        began = time.monotonic()
        status, said = await service.put(f"{reactor}:heater:Duty-SP", duty)
        shown = await service.point(f"{reactor}:heater:Duty-RB") if status == 200 else None
        waits.append(time.monotonic() - began)
        if status != 200 or shown is None or shown["value"] != duty:
            refused += 1
            print(f"{reactor}: {duty:g} was answered {status}: {said}; it shows {shown}", flush=True)
        await asyncio.sleep(bench.chance.uniform(0, 2 * _PAUSE_S))
    return waits, refused
