"""What the worker is made of: parts from their configuration, and the talk with the server around them."""

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
from vigilia.agent.memory import Memory, remembered
from vigilia.agent.parts import Access, Failed, Part, Rejected, Role
from vigilia.agent.samples import SampleStore
from vigilia.clock import Clock
from vigilia.errors import ConfigError, Problem

if TYPE_CHECKING:
    from vigilia.agent.outputs import Contact, Gear
    from vigilia.agent.uplink import Uplink

_logger = logging.getLogger(__name__)

_MACHINE_ID = Path("/etc/machine-id")


def make_parts(config: AgentConfig, gear: "Gear", cleanup: AsyncExitStack) -> list[Part]:
    """Return sensors, outputs and loops, untouched. Raises ConfigError, or StartError where a library is missing."""
    from vigilia.agent.buses import open_buses
    from vigilia.agent.ezo.circuit import circuit_on
    from vigilia.agent.loops import make_loops
    from vigilia.agent.outputs import make_outputs
    from vigilia.agent.sensors import make_sensors

    buses = open_buses(config.buses)
    for bus in buses.values():
        cleanup.push_async_callback(bus.close)
    try:
        sensors = make_sensors(config.sensors, buses, gear.clock)
        outputs = make_outputs(config.actuators, lambda bus, address: circuit_on(buses[bus], address), gear)
        loops = make_loops(config.loops, sensors, outputs, gear.clock, gear.ledger)
    except ConfigError as error:  # it names the section, and not the file
        problems = [Problem(config.source, found.key, found.wrong, found.right) for found in error.problems]
        raise ConfigError(problems) from error
    return [*sensors, *outputs, *loops]


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


async def restore(parts: Sequence[Part], memory: Memory) -> None:
    """Have what was set last hold again, as the agent remembers it, before the server is reached.

    Outputs are left out: they remember by themselves, and `restore` in their configuration says how much of it holds
    after a restart.
    """
    for part in parts:
        declaration = part.declaration
        settings = {it.name: it for it in declaration.parameters if it.access is Access.SETTING}
        for name, value in remembered(memory.decisions, declaration.name).items():
            if declaration.role is Role.ACTUATOR or name not in settings:
                continue
            try:
                await part.apply(name, checked(declaration.name, settings[name], value))
            except (Rejected, Failed) as error:
                _logger.warning("%s %s was not set as it was before: %s", declaration.name, name, error)
