"""The demonstration's reactors: two of them, one with a network that fails now and then.

Their clock is the plants', so that a day of their water lasts 24 minutes as well: it goes alkaline all the time, and
each doses acid by itself, whether it has a server or not.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from vigilia.demo.network import Network
from vigilia.demo.processes import free_port
from vigilia.errors import VigiliaError, printable
from vigilia.language import tr

STEADY, SHAKY = "R1", "R2"
"""The reactor that keeps its network, and the one that loses it now and then."""
_HOST, _FAR_HOST = "127.0.0.1", "127.0.0.2"
"""Where the service listens, and where the network that can be cut leads there from."""
_STATUS_INTERVAL_S = 2.0
_FAILSAFE_AFTER_S = 8
_FIRST_LOSS_S = 20.0
_LOST_S = 20.0
_WELL_S = 70.0
_DRIFT_MMOL_L_H = 0.6
"""What life in the water does: some 0.6 pH in an hour of its own, which is a minute of ours."""
_HEATER_PERCENT = 40
_CONNECTED_S = 60.0
_ASK_S = 0.3

_AGENT = """
[agent]
id = {name}
name = {title}
coordinator = {coordinator}
language = {language}
failsafe_after_s = {failsafe_after_s}
[[buses]]
name = "i2c-1"
kind = "sim"
address = {bus}
[[sensors]]
name = "ph"
kind = "ezo-ph"
bus = "i2c-1"
compensate_with = "rtd"
sample_s = 60
[[sensors]]
name = "rtd"
kind = "ezo-rtd"
bus = "i2c-1"
sample_s = 60
[[actuators]]
name = "heater"
kind = "pwm"
chip = {chip}
channel = 0
max_on_s = 0
[[actuators]]
name = "acid"
kind = "ezo-pmp"
bus = "i2c-1"
max_dose_ml_hour = 500
max_dose_ml_day = 5000
[[loops]]
name = "ph-control"
kind = "ph-dosing"
sensor = "ph"
actuator = "acid"
setpoint = 7.0
direction = "down"
dead_band = 0.1
dose_ml = 2.0
min_interval_s = 3
max_day_ml = 5000
enabled = true
"""


class ReactorPorts:
    """Free loopback ports for the coordinator and the manager, and where each reactor finds the first."""

    def __init__(self) -> None:
        self.coordinator = free_port()
        self.manager = free_port()

    @property
    def section(self) -> str:
        """The service's `[reactor]` section."""
        return (
            f'[reactor]\nlisten = "{_HOST}:{self.coordinator}"\nmanager_ports = "{self.manager}"\naccept = "all"\n'
            f"status_interval_s = {_STATUS_INTERVAL_S}\n"
        )

    def coordinator_of(self, reactor: str) -> str:
        """Return the address at which a reactor finds the coordinator."""
        return f"{_FAR_HOST if reactor == SHAKY else _HOST}:{self.coordinator}"

    def network(self) -> Network:
        """Return the network of the reactor that loses it now and then: there its server has another address."""
        return Network(_FAR_HOST, _HOST, [self.coordinator, self.manager])


def sim_options(folder: Path, speed: int) -> list[str]:
    """Return the options of the command that simulates them."""
    return [
        *("--reactors", "2", "--no-uart", "--pace", "0.1"),
        *("--clock", f"x{speed}", "--folder", str(folder / "reactors")),
    ]


def write_configs(folder: Path, said: Sequence[str], ports: ReactorPorts, language: str) -> Mapping[str, Path]:
    """Write each agent's configuration, with what the simulator said of its equipment; return where they are."""
    configs: dict[str, Path] = {}
    places = dict(line.split(maxsplit=1) for line in said if line.startswith((f"{STEADY} ", f"{SHAKY} ")))
    for name, place in places.items():
        bus, equipment = place.split(maxsplit=1)
        values: dict[str, str | int] = {
            "name": name,
            "title": tr("Reactor {name}").format(name=name),
            "coordinator": ports.coordinator_of(name),
            "language": language,
            "failsafe_after_s": _FAILSAFE_AFTER_S,
            "bus": bus,
            "chip": str(Path(equipment, "pwm", "pwmchip0")),
        }
        configs[name] = folder / "agents" / name / "vigilia-agent.toml"
        configs[name].parent.mkdir(parents=True)
        # A JSON string of these is a TOML one.
        quoted = {key: json.dumps(value) for key, value in values.items()}
        configs[name].write_text(_AGENT.format(**quoted), encoding="utf-8")
    return configs


async def live(url: str, control: str, network: Network) -> None:
    """Set the reactors going, as somebody at the page would, and cut the network of one now and then; until cancelled.

    `url` is the service's, `control` the simulator's. Raises VigiliaError where they do not get going.
    """
    timeout = aiohttp.ClientTimeout(total=30)
    try:
        async with aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as http:
            for name in (STEADY, SHAKY):
                await http.patch(f"{control}/reactors/{name}/vessel", json={"drift_mmol_l_h": _DRIFT_MMOL_L_H})
            async with asyncio.timeout(_CONNECTED_S):
                await _connected(http, url)
            for setting, value in (("Duty-SP", _HEATER_PERCENT), ("Power-Sel", "On")):
                await http.put(f"{url}/api/v1/points/{SHAKY}:heater:{setting}/value", json={"value": value})
    except (aiohttp.ClientError, TimeoutError) as error:
        reason = printable(str(error) or type(error).__name__)
        raise VigiliaError(tr("the reactors do not get going ({reason})").format(reason=reason)) from error
    await asyncio.sleep(_FIRST_LOSS_S)
    while True:
        network.cut()
        print("  " + tr("The network of {name} is cut: it goes on by itself.").format(name=SHAKY), flush=True)
        await asyncio.sleep(_LOST_S)
        network.heal()
        print("  " + tr("{name} has its network again.").format(name=SHAKY), flush=True)
        await asyncio.sleep(_WELL_S)


async def _connected(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        async with http.get(f"{url}/api/v1/reactors") as answer:
            items = (await answer.json())["items"]
        if {item["id"] for item in items if item["state"] == "connected"} == {STEADY, SHAKY}:
            return
        await asyncio.sleep(_ASK_S)
