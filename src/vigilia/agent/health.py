"""The agent as a part of the reactor: how long it runs, how the computer fares, what waits to be delivered."""

import asyncio
import os
import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vigilia.agent.clocking import Clocking
from vigilia.agent.parts import Access, Declaration, Listener, Measured, Parameter, Rejected, Role
from vigilia.agent.references import RESERVED
from vigilia.agent.samples import SampleStore
from vigilia.clock import Clock
from vigilia.points import Kind, Severity, Status, Value

_PERIOD_S = 5.0
_MINUTE_S = 60.0
_THERMOMETER = Path("/sys/class/thermal/thermal_zone0/temp")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _reading(name: str, units: str, description: str, *, precision: int = 0, kind: Kind = Kind.NUMBER) -> Parameter:
    return Parameter(name, kind, Access.READING, units, precision=precision, description=description)


_PARAMETERS = (
    _reading("Uptime", "s", "Time since the agent started"),
    _reading("Load", "", "Programs that want the processor, mean of a minute", precision=2),
    _reading("Temp", "°C", "Temperature of the processor", precision=1),
    _reading("Memory", "MB", "Memory that the agent's worker takes", precision=1),
    _reading("Disk", "MB", "Free room on the disk that the agent keeps its data on"),
    _reading("Samples", "1/min", "Samples taken in the last minute"),
    _reading("Buffered", "", "Samples that wait to be delivered"),
    _reading("OldestWaiting", "s", "How long the oldest of them has waited"),
    _reading("Dropped", "", "Samples that were dropped in all: no room, damage, or nobody takes them"),
    _reading("Faults", "", "How often a part of the agent had to be started anew"),
    Parameter(
        "Clock", Kind.ENUM, Access.READING, labels=("Not set", "Right"), description="Whether the clock is right"
    ),
)


class AgentPart:
    """The agent itself. `faults` counts what had to be started anew."""

    def __init__(
        self, version: str, store: SampleStore, clocking: Clocking, clock: Clock, faults: Callable[[], int]
    ) -> None:
        self.declaration = Declaration(RESERVED, Role.AGENT, "agent", f"vigilia {version}", _PARAMETERS)
        self._store = store
        self._clocking = clocking
        self._clock = clock
        self._faults = faults
        self._began = clock.monotonic()
        self._taken: deque[tuple[float, int]] = deque([(self._began, 0)])
        self._measured: Sequence[Measured] = []

    def readings(self) -> Sequence[Measured]:
        """Return what was measured last."""
        return self._measured

    def settings(self) -> Mapping[str, Value]:
        """Return nothing: there is nothing to set."""
        return {}

    async def apply(self, parameter: str, value: Value) -> None:
        """Raise Rejected: there is nothing to set."""
        raise Rejected(f"the agent has no setting {parameter}: {value!r} was not taken")

    async def command(self, parameter: str, value: Value, command_id: str) -> str:
        """Raise Rejected: there is nothing to ask for."""
        del value, command_id
        raise Rejected(f"the agent has no command {parameter}")

    async def run(self, listener: Listener) -> None:
        """Measure every few seconds until cancelled."""
        del listener  # what is said here is no hurry
        while True:
            self.measure(await asyncio.to_thread(_free_mb, self._store.path.parent))
            await self._clock.sleep(_PERIOD_S)

    def measure(self, free_mb: float | None) -> None:
        """Take a look at everything."""
        now, mono = self._clock.now(), self._clock.monotonic()
        self._taken.append((mono, self._store.taken))
        while len(self._taken) > 2 and mono - self._taken[1][0] >= _MINUTE_S:
            self._taken.popleft()
        since, before = self._taken[0]
        oldest = self._store.oldest_ms
        waiting = self._store.waiting
        found: dict[str, Value | None] = {
            "Uptime": round(mono - self._began),
            "Load": os.getloadavg()[0],
            "Temp": _temperature(),
            "Memory": _memory_mb(),
            "Disk": free_mb,
            "Samples": (self._store.taken - before) * _MINUTE_S / max(_PERIOD_S, mono - since),
            "Buffered": waiting,
            "OldestWaiting": 0 if oldest is None else max(0.0, now - oldest / 1000),
            "Dropped": self._store.dropped,
            "Faults": self._faults(),
            "Clock": int(self._clocking.trusted),
        }
        self._measured = [
            Measured(name, float(value) if isinstance(value, int) and name != "Clock" else value, now)
            if value is not None
            else Measured(name, None, now, Severity.INVALID, Status.UDF, "this computer does not say")
            for name, value in found.items()
        ]


def _temperature() -> float | None:
    try:
        return int(_THERMOMETER.read_text()) / 1000
    except (OSError, ValueError):
        return None


def _memory_mb() -> float | None:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6
    except (OSError, ValueError, IndexError):
        return None


def _free_mb(folder: Path) -> float | None:
    try:
        return shutil.disk_usage(folder).free / 1e6
    except OSError:
        return None
