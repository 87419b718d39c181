"""What the worker is made of: parts from their configuration, and the talk with the server around them."""

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from vigilia import __version__
from vigilia.agent.channel import Line
from vigilia.agent.clocking import Clocking
from vigilia.agent.config import AgentConfig
from vigilia.agent.desk import Desk, checked
from vigilia.agent.memory import Key, Memory, remembered
from vigilia.agent.parts import Access, Failed, Part, Rejected, Role
from vigilia.agent.samples import SampleStore
from vigilia.clock import Clock
from vigilia.errors import ConfigError, Problem

if TYPE_CHECKING:
    from vigilia.agent.calibrating import Calibrations
    from vigilia.agent.ledger import Ledger
    from vigilia.agent.outputs import Contact, Gear
    from vigilia.agent.uplink import Uplink

_logger = logging.getLogger(__name__)

_AT_ONCE_S = 0.5
_SOON_S = 15.0
_AGAIN_S = 5.0
_MACHINE_ID = Path("/etc/machine-id")


def make_parts(config: AgentConfig, gear: "Gear", cleanup: AsyncExitStack) -> list[Part]:
    """Return sensors, outputs and loops, untouched. Raises ConfigError, or StartError where a library is missing."""
    from vigilia.agent.buses import open_buses
    from vigilia.agent.ezo.circuit import circuit_on
    from vigilia.agent.loops import make_loops
    from vigilia.agent.outputs import make_outputs, pump_addresses
    from vigilia.agent.sensors import make_sensors

    buses = open_buses(config.buses)
    for bus in buses.values():
        cleanup.push_async_callback(bus.close)
    try:
        sensors = make_sensors(config.sensors, buses, gear.clock, pump_addresses(config.actuators))
        outputs = make_outputs(config.actuators, lambda bus, address: circuit_on(buses[bus], address), gear)
        loops = make_loops(config.loops, sensors, outputs, gear.clock, gear.ledger)
    except ConfigError as error:  # it names the section, and not the file
        problems = [Problem(config.source, found.key, found.wrong, found.right) for found in error.problems]
        raise ConfigError(problems) from error
    return [*sensors, *outputs, *loops]


def calibrations_of(parts: Sequence[Part], ledger: "Ledger") -> "Calibrations":
    """Return what keeps across restarts which probes are being calibrated."""
    from vigilia.agent.calibrating import Calibrations
    from vigilia.agent.sensors.ezo import EzoSensor

    return Calibrations([part for part in parts if isinstance(part, EzoSensor)], ledger)


def make_uplink(
    config: AgentConfig,
    parts: Sequence[Part],
    desk: Desk,
    kept: tuple[SampleStore, Memory, Clocking],
    contact: "Contact",
    faulty: Callable[[str], str],
    clock: Clock,
) -> "Uplink":
    """Return the talk with the server. Raises StartError where gRPC is missing."""
    line = Line(config.agent)  # sees to it that gRPC is there
    from vigilia.agent.reports import Reporter
    from vigilia.agent.shipping import Shipper
    from vigilia.agent.uplink import Identity, Inside, Uplink

    store, memory, clocking = kept
    reporter = Reporter(parts, desk, store, clocking, clock, faulty)
    shipper = Shipper(store, clock, config.agent.id)
    identity = Identity(
        config.agent.id, config.agent.name, __version__, uuid.uuid4().hex, machine_id(memory, config.data_dir)
    )
    return Uplink(identity, line, Inside(parts, desk, reporter, memory, clocking, contact, shipper), clock)


def machine_id(memory: Memory, data_dir: Path) -> str:
    """Return what tells this agent from another with its id: the computer, and the folder of its data."""
    try:
        machine = _MACHINE_ID.read_text().strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    seed = f"vigilia agent {machine or memory.machine} {data_dir.resolve()}"
    return hashlib.sha256(seed.encode(errors="replace")).hexdigest()[:32]


class Restoring:
    """What was set last, as the agent remembers it, before the server is reached.

    Outputs are left out: they remember by themselves, and `restore` in their configuration says how much of it holds
    after a restart.
    """

    def __init__(self, parts: Sequence[Part], memory: Memory, desk: Desk) -> None:
        self._parts = {part.declaration.name: part for part in parts if part.declaration.role is not Role.ACTUATOR}
        self._memory = memory
        self._desk = desk
        self._rest: list[Key] = []

    async def begin(self) -> None:
        """Have settings hold before anything works: no loop may act by those of its configuration meanwhile."""
        for name in self._parts:
            for parameter in remembered(self._memory.decisions, name):
                if not await self._hold((name, parameter), _AT_ONCE_S):
                    self._rest.append((name, parameter))

    async def run(self) -> None:
        """Have the others hold, now that parts work: a loop that was on is so once its output is there."""
        told: set[Key] = set()
        while self._rest:
            rest, self._rest = self._rest, []
            for key in rest:
                if not await self._hold(key, _SOON_S, tell=key not in told):
                    told.add(key)
                    self._rest.append(key)
            await asyncio.sleep(_AGAIN_S if self._rest else 0)
        await asyncio.Event().wait()

    async def _hold(self, key: Key, within_s: float, *, tell: bool = False) -> bool:
        """Have a setting hold; return whether there is no more to be done for it."""
        name, parameter = key
        try:
            async with asyncio.timeout(within_s), self._desk.turn(name):
                await self._apply(name, parameter)
        except (Rejected, Failed, TimeoutError) as error:
            if tell:
                _logger.warning("%s %s is not set as it was before, yet: %s", name, parameter, error or "it takes long")
            return False
        return True

    async def _apply(self, name: str, parameter: str) -> None:
        """Apply what is remembered by now, where it does not hold. Raises Rejected or Failed: to be tried again."""
        part, decision = self._parts[name], self._memory.decisions[name, parameter]
        declared = {it.name: it for it in part.declaration.parameters if it.access is Access.SETTING}
        if parameter not in declared or decision.value is None or part.settings().get(parameter) == decision.value:
            return
        try:
            value = checked(name, declared[parameter], decision.value)
        except Rejected as error:  # for ever: the configuration is another
            _logger.warning("%s %s is not set as it was before: %s", name, parameter, error)
            return
        await part.apply(parameter, value)
