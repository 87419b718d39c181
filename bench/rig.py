"""The rig: the simulator and the service, what they are told, and what is seen of them from outside.

Nothing here imports the service: it is measured as its users meet it. Times are `time.monotonic()` seconds, which on
Linux is one clock for all processes, so that a moment in the simulator's request log compares with one taken here.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import aiohttp

from programs import Bench, Program

API = True
"""Whether the service has its REST API on, wherever "the whole service" is measured."""

LOGIN = ("--username", "operator", "--password", "bench")


class Simulator(Program):
    """`vigilia sim aruba`, and its control service."""

    def __init__(
        self, bench: Bench, *, switches: int = 10, ports: int = 48, latency_ms: float = 38, options: Sequence[str] = ()
    ) -> None:
        folder = bench.folder("sim")
        self._config = folder / "aruba.toml"
        self.names = [f"sw-{number}" for number in range(1, switches + 1)]
        self.ports = ports
        self.latency_s = latency_ms / 1000
        sizes = ("--switches", str(switches), "--ports", str(ports), "--latency-ms", str(latency_ms))
        arguments = ("-m", "vigilia", "sim", "aruba", *sizes, "--config-out", str(self._config), *options)
        super().__init__("the simulator", arguments, folder, "vigilia sim ready")
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        control = next(line.partition(" ")[2] for line in self.lines if line.startswith("control "))
        self._http = aiohttp.ClientSession(control, raise_for_status=True, timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def stop(self) -> tuple[int, float]:
        """Close the control connection, then end the program."""
        if self._http is not None:
            await self._http.close()
        return await super().stop()

    @property
    def config(self) -> str:
        """The [aruba] section for these switches."""
        return self._config.read_text()

    async def log(self, name: str, since: float) -> list[dict[str, Any]]:
        """The requests that a switch received since then, in order: monotonic, method, path, status."""
        return (await self._ask("GET", f"/switches/{name}/requests?since={since!r}"))["items"]

    async def logs(self, since: float) -> dict[str, list[dict[str, Any]]]:
        """The requests of all switches since then."""
        return {name: await self.log(name, since) for name in self.names}

    async def show(self, name: str) -> dict[str, Any]:
        """What a switch says of itself."""
        return await self._ask("GET", f"/switches/{name}")

    async def show_all(self) -> list[dict[str, Any]]:
        """What all switches say of themselves."""
        return (await self._ask("GET", "/switches"))["items"]

    async def inject(self, name: str, fault: str, **options: object) -> None:
        """Put a fault in force."""
        await self._ask("POST", f"/switches/{name}/faults", {"fault": fault, **options})

    async def clear(self, name: str) -> None:
        """End a switch's faults."""
        await self._ask("DELETE", f"/switches/{name}/faults")

    async def reboot(self, name: str, down_s: float, boot_s: float) -> None:
        """Reboot a switch."""
        await self._ask("POST", f"/switches/{name}/reboot", {"down_s": down_s, "boot_s": boot_s})

    async def change_port(self, name: str, port: int, **changes: object) -> None:
        """Change a port's state."""
        await self._ask("PUT", f"/switches/{name}/ports/{port}", changes)

    async def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        assert self._http is not None, "the simulator was not started"
        async with self._http.request(method, path, json=body) as answer:
            return await answer.json()


class Service(Program):
    """`vigilia run` with the switches of a simulator."""

    def __init__(
        self, bench: Bench, sim: Simulator, *, epics: bool = True, api: bool = API, cores: int = 0, more: str = ""
    ) -> None:
        """`more`: sections of the configuration besides."""
        folder = bench.folder("service")
        parts = ['[site]\nlanguage = "en"\ntimezone = "UTC"\n', web_section(on=api), sim.config, more]
        if epics:
            parts.insert(2, epics_section())
        config = folder / "vigilia.toml"
        config.write_text("\n".join(parts))
        arguments = ("-m", "vigilia", "run", str(config))
        super().__init__("the service", arguments, folder, "vigilia ready", cores=cores)

    async def asked_at(self) -> dict[str, float]:
        """When the service took the last write to each point, in seconds UTC, from its audit. Needs the API."""
        address = self.lines[-1].removeprefix("vigilia ready").strip()
        async with (
            aiohttp.ClientSession(address, raise_for_status=True) as http,
            http.get("/api/v1/audit?limit=10000") as answer,
        ):
            items = (await answer.json())["items"]
        return {item["point"]: datetime.fromisoformat(item["time"]).timestamp() for item in reversed(items)}


def web_section(*, on: bool) -> str:
    """The pages and the REST API on a free port of loopback, or off."""
    return '[web]\nlisten = "127.0.0.1:0"\n' if on else "[web]\nenabled = false\n"


def epics_section() -> str:
    """EPICS on the ports that were chosen."""
    ports = (os.environ["EPICS_CA_SERVER_PORT"], os.environ["EPICS_PVA_SERVER_PORT"])
    return '[epics]\ninterfaces = ["127.0.0.1"]\nserver_port = {}\npva_port = {}\n'.format(*ports)


async def warm_up(bench: Bench) -> None:
    """Start everything once, so that Python's modules are compiled, as an installation leaves them."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(bench.folder("modules"))
    async with Simulator(bench, switches=1, ports=1) as sim, Service(bench, sim, api=True):
        await asyncio.sleep(1)


def choose_epics_ports() -> None:
    """Have servers and clients of EPICS use free ports of loopback. To be called before an EPICS client is loaded."""
    channel_access, repeater, pv_access, broadcast = (str(port) for port in _free_ports(4))
    os.environ |= {
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_SERVER_PORT": channel_access,
        "EPICS_CA_REPEATER_PORT": repeater,
        "EPICS_CAS_SERVER_PORT": channel_access,
        "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_SERVER_PORT": pv_access,
        "EPICS_PVA_BROADCAST_PORT": broadcast,
    }


def _free_ports(count: int) -> list[int]:
    """Ports of loopback that are free now, for TCP and for UDP."""
    with contextlib.ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            stream = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            datagram = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            stream.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                datagram.bind(stream.getsockname())
                found.append(stream.getsockname()[1])
        return found
