"""A whole site in processes: simulated switches, plants and reactors, and the service that watches them."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import requests

from tests.system.conftest import free_port

DEADLINE_S = 60.0
T = TypeVar("T")
CLOCK = "2026-03-10T11:20:00 x1"
"""The site's time when the service starts: the sun shines on its plants, whenever the tests run."""

FAILED, RELAY = "194787002", "194799001"
"""The inverter that is out of order, and the relay that has tripped."""
PLANTS = {
    "day": "2026-03-10",
    "plants": [
        {
            "id": 19478,
            "name": "UFV Alvorada",
            "relays": [{"id": "194789001"}],
            "inverters": [
                {"id": "194787001"},
                {"id": FAILED, "outages": [{"from": "10:00", "to": "18:00"}]},
                {"id": "194787003"},
            ],
        },
        {
            "id": 19479,
            "name": "UFV Boa Vista",
            "relays": [{"id": RELAY, "trips": [{"flags": ["r59A"], "from": "10:30", "to": "18:00"}]}],
            "inverters": [{"id": "194797001", "outages": [{"from": "10:31", "to": "18:00"}]}],
        },
    ],
}
AGENT = """
[agent]
id = {name}
name = {title}
coordinator = {coordinator}
language = "en"
[[buses]]
name = "i2c-1"
kind = "sim"
address = {bus}
[[sensors]]
name = "ph"
kind = "ezo-ph"
bus = "i2c-1"
compensate_with = "rtd"
sample_s = 2
[[sensors]]
name = "rtd"
kind = "ezo-rtd"
bus = "i2c-1"
sample_s = 2
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
min_interval_s = 30
max_day_ml = 5000
enabled = false
"""


def wait_for(find: Callable[[], T], what: str, deadline_s: float = DEADLINE_S) -> T:
    """Wait until `find` gives something true, and return it."""
    deadline = time.monotonic() + deadline_s
    while not (found := find()):
        assert time.monotonic() < deadline, f"{what}: not within {deadline_s:g} s"
        time.sleep(0.05)
    return found


class Process:
    """`vigilia …`, with what it printed in a file."""

    def __init__(self, *arguments: str, folder: Path, name: str, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._log = folder / f"{name}.out"
        with self._log.open("ab") as written:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vigilia", *arguments],
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def lines(self) -> list[str]:
        """What it has printed so far."""
        return self._log.read_text(errors="replace").splitlines()

    def line(self, beginning: str) -> str:
        """Wait for a line that begins so; return what follows."""

        def find() -> list[str]:
            found = [line.removeprefix(beginning).strip() for line in self.lines if line.startswith(beginning)]
            assert found or self.process.poll() is None, f"{self.name} has ended:\n" + "\n".join(self.lines)
            return found

        return wait_for(find, f"{self.name} says {beginning!r}")[0]

    def stop(self) -> None:
        """End it as an operator would; kill it where that takes too long."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it, and all that it started, without any warning."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(15)


class Service:
    """`vigilia run`: its address, and its API."""

    def __init__(self, folder: Path, configuration: str, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self._environment = {"VIGILIA_CLOCK": CLOCK, **(environment or {})}
        web = f'[web]\nlisten = "127.0.0.1:{self.port}"\n'
        (folder / "vigilia.toml").write_text(web + configuration, encoding="utf-8")
        self._process = self._start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _start(self) -> Process:
        started = Process("run", folder=self.folder, name=f"service-{free_port()}", environment=self._environment)
        assert started.line("vigilia ready ") == self.url
        return started

    def stop(self) -> None:
        """End it."""
        self._process.stop()

    def kill(self) -> None:
        """End it without any warning."""
        self._process.kill()

    def start_again(self) -> None:
        """Start it where it was, once it has ended."""
        self._process = self._start()

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Ask the API; return the status and what it answered."""
        answer = requests.request(method, self.url + path, json=body, timeout=30)
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.status_code, answer.json() if is_json else answer.text

    def get(self, path: str) -> Any:
        """Return what the API gives at `path`."""
        status, answer = self.call("GET", path)
        assert status == 200, answer
        return answer

    def point(self, name: str) -> dict[str, Any]:
        """Return a point."""
        return self.get(f"/api/v1/points/{requests.utils.quote(name, safe='')}")

    def put(self, name: str, value: object) -> tuple[int, Any]:
        """Write to a point."""
        return self.call("PUT", f"/api/v1/points/{requests.utils.quote(name, safe='')}/value", {"value": value})

    def until(self, path: str, holds: Callable[[Any], Any]) -> Any:
        """Wait until `holds` gives something true of what the API gives at `path`; return that."""
        return wait_for(lambda: holds(self.get(path)), f"GET {path}")


class Control:
    """A simulator's control service."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        """Ask it; return what it answers."""
        answer = requests.request(method, self.url + path, json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content and answer.status_code != 204 else None


def _connected(link: Mapping[str, Any]) -> bool:
    return link["contact"] == "connected"


class Site(Service):
    """The service with all its simulated equipment. R1 is accepted and connected; R2 waits."""

    def __init__(self, folder: Path, more: str = "") -> None:
        """`more`: what stands in the configuration besides, from within `[web]`."""
        self._equipment: list[Process] = []
        (folder / "plants.json").write_text(json.dumps(PLANTS))
        switches = self._simulate(
            folder,
            *("aruba", "--switches", "2", "--ports", "6", "--latency-ms", "5", "--config-out", "aruba.toml"),
        )
        plants = self._simulate(folder, "pvoperation", "--script", "plants.json", "--clock", CLOCK)
        reactors = self._simulate(
            folder, *("reactor", "--reactors", "2", "--no-uart", "--pace", "0.1", "--folder", "reactors")
        )
        for simulator in (switches, plants, reactors):
            simulator.line("vigilia sim ready")
        self.switches, self.plants, self.reactors = (
            Control(simulator.line("control ")) for simulator in (switches, plants, reactors)
        )
        self.coordinator = free_port()
        given = (shlex.split(line)[0] for line in plants.lines if "=" in line and line.split("=", 1)[0].isupper())
        super().__init__(folder, more + self._configuration(folder), dict(pair.split("=", 1) for pair in given))
        self._start_agents(folder, reactors.lines)
        self._settle()

    def _simulate(self, folder: Path, *arguments: str) -> Process:
        started = Process("sim", *arguments, folder=folder, name=arguments[0])
        self._equipment.append(started)
        return started

    def _configuration(self, folder: Path) -> str:
        return f"""
[site]
name = "Site"
language = "en"
[pvoperation]
relay_interval_s = 20
inverter_interval_s = 20
failure_readings = 1
recovery_readings = 1
[pvoperation.plants."19478"]
latitude = -22.81
longitude = -47.07
[pvoperation.plants."19479"]
latitude = -23.55
longitude = -46.63
[reactor]
listen = "127.0.0.1:{self.coordinator}"
manager_ports = "{free_port()}"
status_interval_s = 1
{(folder / "aruba.toml").read_text()}"""

    def _start_agents(self, folder: Path, said: list[str]) -> None:
        places = dict(line.split(maxsplit=1) for line in said if line.startswith(("R1 ", "R2 ")))
        for name, place in places.items():
            bus, equipment = place.split(maxsplit=1)
            values = {
                "name": name,
                "title": f"Reactor {name}",
                "coordinator": f"127.0.0.1:{self.coordinator}",
                "bus": bus,
                "chip": str(Path(equipment, "pwm", "pwmchip0")),
            }
            place_of = folder / name
            place_of.mkdir()
            config = AGENT.format(**{key: json.dumps(value) for key, value in values.items()})
            (place_of / "vigilia-agent.toml").write_text(config)
            agent = Process("agent", f"{name}/vigilia-agent.toml", folder=folder, name=f"agent-{name}")
            self._equipment.append(agent)

    def _settle(self) -> None:
        """Wait until everything is as tests expect it."""
        self.until("/api/v1/reactors", lambda page: len(page["items"]) == 2)
        self.call("POST", "/api/v1/reactors/R1/accept")
        self.until(
            "/api/v1/links",
            lambda page: page["items"] and all(item["contact"] == "connected" for item in page["items"]),
        )
        self.until("/api/v1/reactors", lambda page: any(item["state"] == "connected" for item in page["items"]))
        self.until("/api/v1/alarms", lambda page: any(FAILED in item["id"] for item in page["items"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for process in reversed(self._equipment):
            process.stop()
