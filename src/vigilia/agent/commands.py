"""The commands beside the agent itself: `vigilia agent scan`, `calibrate` and `safe`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from vigilia.agent.config import AgentConfig, find_config, load_config, load_outputs
from vigilia.agent.holding import held
from vigilia.errors import ConfigError, Problem
from vigilia.language import tr, use

NAMES = ("scan", "calibrate", "safe")
"""Words after `vigilia agent` that are no configuration."""
_CONFIG_HELP = "TOML file; default $VIGILIA_CONFIG, then ./vigilia-agent.toml"


@dataclass(frozen=True, slots=True)
class _Command:
    help: str
    work: Callable[[argparse.Namespace], int]
    takes_sensor: bool = False


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Run one of NAMES; return the exit code. Raises ConfigError or StartError."""
    command = _COMMANDS[name]
    parser = argparse.ArgumentParser(prog=f"vigilia agent {name}", description=command.help)
    if command.takes_sensor:
        parser.add_argument("sensor", metavar="SENSOR", help="its name in the configuration")
    parser.add_argument("config", nargs="?", metavar="CONFIG", help=_CONFIG_HELP)
    return command.work(parser.parse_args(list(arguments)))


def _scan(parsed: argparse.Namespace) -> int:
    from vigilia.agent.buses import open_buses
    from vigilia.agent.outputs.config import PMP_ADDRESS, PmpConfig
    from vigilia.agent.scan import Expected, buses_here, expected_of, run_scan

    path = find_config(parsed.config, os.environ)
    if path is None:  # before there is one
        use("pt-BR")
        return asyncio.run(run_scan(buses_here(), [], _say))
    config = load_config(path)
    use(config.agent.language)

    async def work() -> int:
        async with AsyncExitStack() as cleanup:
            buses = open_buses(config.buses)
            for bus in buses.values():
                cleanup.push_async_callback(bus.close)
            expected = expected_of(config.sensors, buses.values())
            for pump in config.actuators:
                if isinstance(pump, PmpConfig):
                    address = None if buses[pump.bus].kind == "uart" else pump.address or PMP_ADDRESS
                    expected.append(Expected(pump.bus, address, pump.name, "PMP"))
            return await run_scan(list(buses.values()), expected, _say)

    return _alone(config, lambda: asyncio.run(work()))


def _calibrate(parsed: argparse.Namespace) -> int:
    from vigilia.agent.buses import open_buses
    from vigilia.agent.calibrate import Terminal, run_calibration

    config = load_config(find_config(parsed.config, os.environ))
    use(config.agent.language)
    sensor = next((sensor for sensor in config.sensors if sensor.name == parsed.sensor), None)
    if sensor is None:
        right = f"name one of {', '.join(sorted(it.name for it in config.sensors)) or '[[sensors]]: there is none'}"
        raise ConfigError([Problem(config.source, "sensors", f"there is none called {parsed.sensor!r}", right)])

    async def work() -> int:
        async with AsyncExitStack() as cleanup:
            buses = open_buses(config.buses)
            for bus in buses.values():
                cleanup.push_async_callback(bus.close)
            return await run_calibration(sensor, buses[sensor.bus], Terminal())

    return _alone(config, lambda: asyncio.run(work()))


def _safe(parsed: argparse.Namespace) -> int:
    """Make every output safe, whatever became of the agent: systemd runs this when the service has ended."""
    from vigilia.agent.buses import open_buses
    from vigilia.agent.ezo import circuit_on
    from vigilia.agent.outputs import safe_operations
    from vigilia.agent.outputs.config import PmpConfig
    from vigilia.agent.safeops import SafeHands

    use("pt-BR")
    configs, actuators, problems = load_outputs(find_config(parsed.config, os.environ))
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    buses = open_buses(configs)
    able = [it for it in actuators if not isinstance(it, PmpConfig) or it.bus in buses]
    operations = safe_operations(able, lambda bus, address: circuit_on(buses[bus], address))
    failures = SafeHands().make_safe(operations)
    for name in operations:
        failure = failures.get(name)
        said = tr("{name}: NOT SAFE: {failure}") if failure else tr("{name}: safe")
        _say(said.format(name=name, failure=failure))
    return 1 if failures or problems or len(able) < len(actuators) else 0


def _alone(config: AgentConfig, work: Callable[[], int]) -> int:
    """Do something on the buses while no agent does: it holds its data directory. Raises AlreadyRunning."""
    if not config.data_dir.is_dir():
        return work()
    with held(config.data_dir):
        return work()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


_COMMANDS = {
    "scan": _Command("list what answers at which address, and what is missing there", _scan),
    "calibrate": _Command("lead through the calibration of a probe", _calibrate, takes_sensor=True),
    "safe": _Command("make every output safe; for systemd, after the agent has ended", _safe),
}
