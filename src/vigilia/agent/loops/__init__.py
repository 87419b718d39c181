"""Control loops on the agent: they look at a sensor and act through an output, with or without a server."""

from collections.abc import Sequence

from vigilia.agent.ledger import Ledger
from vigilia.agent.loops.config import LoopConfig, PhDosingConfig, ThermostatConfig
from vigilia.agent.loops.loop import Loop, Probe
from vigilia.agent.loops.phdosing import PhDosing
from vigilia.agent.loops.thermostat import Thermostat
from vigilia.agent.outputs import Output
from vigilia.agent.outputs.pump import Pump
from vigilia.agent.outputs.switch import Switch
from vigilia.agent.parts import Access
from vigilia.clock import Clock
from vigilia.errors import ConfigError, Problem

__all__ = ["Loop", "LoopConfig", "Probe", "make_loops"]


def make_loops(
    configs: Sequence[LoopConfig], sensors: Sequence[Probe], outputs: Sequence[Output], clock: Clock, ledger: Ledger
) -> list[Loop]:
    """Return the loops, each with its sensor and output. Raises ConfigError where those do not fit."""
    by_name = {sensor.declaration.name: sensor for sensor in sensors}
    outputs_by_name = {output.name: output for output in outputs}
    loops: list[Loop] = []
    problems: list[Problem] = []
    for index, config in enumerate(configs):
        sensor, output = by_name.get(config.sensor), outputs_by_name.get(config.actuator)
        found = _make(config, sensor, output, clock, ledger)
        if isinstance(found, Loop):
            loops.append(found)
        else:
            key, wrong, right = found
            problems.append(Problem("[[loops]]", f"loops[{index}].{key}", wrong, right))
    if problems:
        raise ConfigError(problems)
    return loops


def _make(
    config: PhDosingConfig | ThermostatConfig,
    sensor: Probe | None,
    output: Output | None,
    clock: Clock,
    ledger: Ledger,
) -> Loop | tuple[str, str, str]:
    """Return a loop, or the key that is wrong, what is wrong, and what would be right."""
    measures = PhDosing.measures if isinstance(config, PhDosingConfig) else Thermostat.measures
    if sensor is None or not _reads(sensor, measures):
        return "sensor", f"{config.sensor} is no sensor that reads {measures}", "name one of [[sensors]] that does"
    if isinstance(config, PhDosingConfig):
        if isinstance(output, Pump):
            return PhDosing(config, sensor, output, clock, ledger)
        return "actuator", f"{config.actuator} is no dosing pump", "name one of [[actuators]] of kind ezo-pmp"
    if isinstance(output, Switch):
        return Thermostat(config, sensor, output, clock)
    return "actuator", f"{config.actuator} is no PWM output or relay", "name one of [[actuators]] of these kinds"


def _reads(sensor: Probe, measures: str) -> bool:
    parameters = sensor.declaration.parameters
    return any(parameter.name == measures and parameter.access is Access.READING for parameter in parameters)
