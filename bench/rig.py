"""The rig of the bench: the simulator and the service, started as processes, and what is seen of them from outside.

Nothing here imports the service: it is measured as its users meet it. Times are `time.monotonic()` seconds, which on
Linux is one clock for all processes, so that a moment in the simulator's request log compares with one taken here.
"""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import aiohttp
import psutil

API = True
"""Whether the service has its REST API on, wherever "the whole service" is measured."""

LOGIN = ("--username", "operator", "--password", "bench")
START_S = 60.0
STOP_S = 15.0


class BenchError(Exception):
    """A figure could not be measured: what was waited for did not come."""


@dataclass
class Bench:
    """What every measurement is given: a directory of its own, and how long to measure."""

    directory: Path
    short: bool = False
    minutes: float = 30.0
    """Length of the soak."""
    chance: random.Random = field(default_factory=lambda: random.Random(20))
    tables: list[str] = field(default_factory=list)
    """Markdown tables that a measurement has besides its figures."""

    def take(self, full: float, short: float) -> float:
        """How long to measure, or how often."""
        return short if self.short else full

    def folder(self, name: str) -> Path:
        """A new directory."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))


class Program:
    """A program that prints a line when it is ready and ends on SIGTERM: `async with Program(…) as program:`."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, ready: str, *, cores: int = 0) -> None:
        self.name = name
        self.ready_s = 0.0
        """Seconds from its start to its ready line."""
        self.started = 0.0
        self.lines: list[str] = []
        """What it printed until it was ready."""
        self.environment: dict[str, str] = {}
        self.folder = folder
        self._arguments = arguments
        self._ready = ready
        self._cores = cores
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with (self.folder / "stderr.txt").open("wb") as errors:
            self.started = time.monotonic()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        if self._cores and (psutil.cpu_count() or 1) > self._cores:
            psutil.Process(self._process.pid).cpu_affinity(list(range(self._cores)))
        try:
            async with asyncio.timeout(START_S):
                await self._wait_ready(self._process)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> tuple[int, float]:
        """End it with SIGTERM; return its exit code and how many seconds that took. Raises BenchError if it stays."""
        process = self._running()
        began = time.monotonic()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                code = await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise BenchError(f"{self.name} did not end within {STOP_S:g} s of SIGTERM") from None
        return code, time.monotonic() - began

    async def tell(self, line: str) -> None:
        """Give it a line on its standard input."""
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(line.encode() + b"\n")
        await stdin.drain()

    def usage(self) -> "Usage":
        """What the program and all its descendants use now. Raises BenchError if it has ended."""
        try:
            return Usage.of(self._running().pid)
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError) as error:
            raise BenchError(f"{self.name} ended while it was measured{self._last_words()}") from error

    def memory_alone_mb(self) -> float:
        """The memory of the program and its descendants if no other program shared a page with them.

        Simulator and bench run the same Python: what the service shares with them its proportional set size counts in
        part only. Here a file counts once, at the most that any one process of the tree has of it.
        """
        root = psutil.Process(self._running().pid)
        files: dict[str, int] = {}
        private = 0
        for process in (root, *root.children(recursive=True)):
            for mapping in process.memory_maps(grouped=True):
                written = mapping.private_dirty if mapping.path.startswith("/") else mapping.rss
                private += written
                files[mapping.path] = max(files.get(mapping.path, 0), mapping.rss - written)
        return (private + sum(files.values())) / 1e6

    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, f"{self.name} was not started"
        return self._process

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while not (self.lines and self.lines[-1].startswith(self._ready)):
            line = await process.stdout.readline()
            if not line:
                raise BenchError(f"{self.name} ended before it was ready{self._last_words()}")
            self.lines.append(line.decode().rstrip())
        self.ready_s = time.monotonic() - self.started

    def _last_words(self) -> str:
        text = (self.folder / "stderr.txt").read_text(errors="replace").strip()
        return f": {text[-600:]}" if text else ""


@dataclass(frozen=True)
class Usage:
    """What a tree of processes uses at a moment."""

    pss_mb: float
    """Proportional set size of all its processes: a page that N processes share counts 1/N in each."""
    cpu_s: float
    threads: int
    files: int
    processes: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Look at process `pid` and all its descendants."""
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
        times = [process.cpu_times() for process in tree]
        return cls(
            pss_mb=sum(_pss_kb(process.pid) for process in tree) * 1024 / 1e6,
            cpu_s=sum(spent.user + spent.system for spent in times),
            threads=sum(process.num_threads() for process in tree),
            files=sum(process.num_fds() for process in tree),
            processes=len(tree),
        )


def _pss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


async def measure_cpu(program: Program, seconds: float) -> float:
    """The CPU time a program takes for `seconds`, in percent of one core."""
    before, began = program.usage().cpu_s, time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (program.usage().cpu_s - before) / (time.monotonic() - began)


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

    def __init__(self, bench: Bench, sim: Simulator, *, epics: bool = True, api: bool = API, cores: int = 0) -> None:
        folder = bench.folder("service")
        parts = ['[site]\nlanguage = "en"\ntimezone = "UTC"\n', _web(on=api), sim.config]
        if epics:
            parts.insert(2, _epics())
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


def _web(*, on: bool) -> str:
    return '[web]\nlisten = "127.0.0.1:0"\n' if on else "[web]\nenabled = false\n"


def _epics() -> str:
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
