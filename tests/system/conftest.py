"""What system tests share: the service and the simulator as processes, and EPICS clients that are not ours.

Each xdist worker takes one set of EPICS ports for all its tests, one after another, because the Channel Access client
library knows one environment in a process.
"""

import asyncio
import contextlib
import json
import os
import random
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

DEADLINE_S = 30.0
_PORTS = (15_000, 32_000)
"""Below those that Linux hands out by itself (net.ipv4.ip_local_port_range), so that no other test is given one."""
T = TypeVar("T")


def free_port() -> int:
    """A port that is free for TCP and UDP on loopback, and that the system gives to nobody who asks for any."""
    while True:
        port = random.randrange(*_PORTS)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
            contextlib.suppress(OSError),
        ):
            stream.bind(("127.0.0.1", port))
            datagram.bind(("127.0.0.1", port))
            return port


CA_PORT, PVA_PORT, PVA_SEARCH_PORT = free_port(), free_port(), free_port()
CLIENT_ENVIRONMENT = {
    "EPICS_CA_AUTO_ADDR_LIST": "NO",
    "EPICS_CA_ADDR_LIST": f"127.0.0.1:{CA_PORT}",
    "EPICS_CA_REPEATER_PORT": str(free_port()),
    "EPICS_PVA_AUTO_ADDR_LIST": "NO",
    "EPICS_PVA_ADDR_LIST": f"127.0.0.1:{PVA_SEARCH_PORT}",
}


@pytest.fixture(autouse=True)
def _epics_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead the client libraries to this worker's ports; Channel Access reads the environment at its first search."""
    for name, value in CLIENT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


async def until(
    condition: Callable[[], Any] | Callable[[], Coroutine[Any, Any, Any]], deadline_s: float = DEADLINE_S
) -> Any:
    """Wait until `condition` gives something true, and return it."""
    async with asyncio.timeout(deadline_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.02)


class Program:
    """`vigilia …` as a process, with what it printed."""

    def __init__(self, *arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> None:
        self.arguments = arguments
        self.cwd = cwd
        self.environment = {**os.environ, "EPICS_PVAS_BROADCAST_PORT": str(PVA_SEARCH_PORT), **(environment or {})}
        self.lines: list[str] = []
        self.process: asyncio.subprocess.Process
        self._reader: asyncio.Task[None]

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vigilia", *self.arguments),
            cwd=self.cwd,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read())

    async def line(self, beginning: str, deadline_s: float = DEADLINE_S) -> str:
        """Wait for a line that begins so, and return it."""
        return await self._find(lambda line: line.startswith(beginning), deadline_s)

    async def line_with(self, part: str, deadline_s: float = DEADLINE_S) -> str:
        """Wait for a line with `part` in it, and return it."""
        return await self._find(lambda line: part in line, deadline_s)

    async def _find(self, matches: Callable[[str], bool], deadline_s: float) -> str:
        def find() -> str | None:
            return next((line for line in self.lines if matches(line)), None)

        async with asyncio.timeout(deadline_s):
            while (found := find()) is None:
                if self._reader.done():
                    raise AssertionError(f"{self.arguments} ended:\n" + "\n".join(self.lines))
                await asyncio.sleep(0.02)
        return found

    async def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait for the end and return the exit code."""
        async with asyncio.timeout(deadline_s):
            # Shielded: cancelled with the wait, it would end the fixture's own stop with CancelledError.
            await asyncio.shield(self._reader)
            return await self.process.wait()

    async def stop(self) -> int:
        """End it as an operator would, and return the exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        return await self.wait()

    async def kill(self) -> None:
        """End it without any warning."""
        if self.process.returncode is None:
            self.process.kill()
        await self.wait()

    async def _read(self) -> None:
        assert self.process.stdout
        async for raw in self.process.stdout:
            self.lines.append(raw.decode(errors="replace").rstrip())

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Simulator:
    """`vigilia sim aruba` as a process, and its control service."""

    def __init__(self, program: Program, control: str, urls: dict[str, str], config: str) -> None:
        self.program = program
        self.control = control
        self.urls = urls
        self.config = config
        """A complete `[aruba]` section for its switches."""

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, self.control + path, json=body) as answer,
        ):
            assert answer.status < 300, await answer.text()
            return await answer.json(content_type=None) if answer.status != 204 else None

    async def switch(self, name: str) -> dict[str, Any]:
        return await self._call("GET", f"/switches/{name}")

    async def requests(self, name: str, since: float = 0.0) -> list[dict[str, Any]]:
        return (await self._call("GET", f"/switches/{name}/requests?since={since}"))["items"]

    async def port(self, name: str, port: str) -> dict[str, Any]:
        return next(item for item in (await self.switch(name))["ports"] if item["port"] == port)

    async def fault(self, name: str, fault: str, **more: Any) -> None:
        await self._call("POST", f"/switches/{name}/faults", {"fault": fault, **more})

    async def clear(self, name: str) -> None:
        await self._call("DELETE", f"/switches/{name}/faults")

    async def set_port(self, name: str, port: str, **what: Any) -> None:
        await self._call("PUT", f"/switches/{name}/ports/{port}", what)

    async def tune(self, name: str, **what: Any) -> None:
        await self._call("PATCH", f"/switches/{name}", what)

    async def reboot(self, name: str, **what: Any) -> None:
        await self._call("POST", f"/switches/{name}/reboot", what)


class Service:
    """`vigilia run` as a process, and its API."""

    def __init__(self, program: Program, url: str) -> None:
        self.program = program
        self.url = url

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        async with aiohttp.ClientSession() as http, http.request(method, self.url + path, json=body) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if "json" in answer.content_type else text

    async def point(self, name: str) -> dict[str, Any]:
        status, point = await self.call("GET", f"/api/v1/points/{name}")
        assert status == 200, point
        return point

    async def put(self, name: str, value: object) -> tuple[int, Any]:
        return await self.call("PUT", f"/api/v1/points/{name}/value", {"value": value})


class Epics:
    """A Channel Access client (aioca) on an event loop of its own, which one process may have only once."""

    def __init__(self) -> None:
        import aioca

        self.aioca = aioca
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop))

    async def get(self, pv: str, *, timeout: float = 10.0, **options: Any) -> Any:
        """The PV's augmented value: with severity, status and timestamp."""
        options.setdefault("format", self.aioca.FORMAT_TIME)
        return await self._run(lambda: self.aioca.caget(pv, timeout=timeout, **options))

    async def text(self, pv: str) -> str:
        return str(await self.get(pv, datatype=self.aioca.DBR_CHAR_STR))

    async def control(self, pv: str) -> Any:
        return await self.get(pv, format=self.aioca.FORMAT_CTRL)

    async def put(self, pv: str, value: Any, *, wait: bool = True, timeout: float = 20.0, **options: Any) -> Any:
        return await self._run(lambda: self.aioca.caput(pv, value, wait=wait, timeout=timeout, **options))

    async def monitor(self, pv: str) -> list[Any]:
        """A list that grows by each event of the PV."""
        events: list[Any] = []

        async def start() -> None:
            self.aioca.camonitor(pv, events.append, format=self.aioca.FORMAT_TIME, all_updates=True)

        await self._run(start)
        await until(lambda: events)
        return events

    def close(self) -> None:
        """End the client's event loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def forget(self) -> None:
        """Close all channels, so that the next test searches afresh."""

        async def purge() -> None:
            self.aioca.purge_channel_caches()

        await self._run(purge)


@pytest.fixture(scope="session")
def _epics_client() -> Generator[Epics, None, None]:
    client = Epics()
    yield client
    client.close()


@pytest.fixture
async def epics(_epics_client: Epics) -> AsyncGenerator[Epics, None]:
    yield _epics_client
    await _epics_client.forget()


@pytest.fixture
def pva() -> Generator[Any, None, None]:
    """A PV Access client (p4p)."""
    from p4p.client.thread import Context

    conf = {key: value for key, value in CLIENT_ENVIRONMENT.items() if key.startswith("EPICS_PVA_")}
    with Context("pva", conf=conf, useenv=False) as context:
        yield context


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncGenerator[Callable[..., Coroutine[Any, Any, Program]], None]:
    """Starts `vigilia` with arguments; whatever still runs at the end of the test is killed."""
    started: list[Program] = []

    async def start(*arguments: str, environment: dict[str, str] | None = None) -> Program:
        program = Program(*arguments, cwd=tmp_path, environment=environment)
        started.append(program)
        await program.start()
        return program

    yield start
    for program in reversed(started):
        await program.kill()


@pytest.fixture
async def simulate(programs: Any, tmp_path: Path) -> Callable[..., Coroutine[Any, Any, Simulator]]:
    """Starts simulated switches; options as of the command line."""

    async def start(
        *options: str, switches: int = 1, ports: int = 4, latency_ms: float = 5, name: str = "aruba.toml"
    ) -> Simulator:
        program = await programs(
            *("sim", "aruba", "--switches", str(switches), "--ports", str(ports), "--latency-ms", str(latency_ms)),
            *("--config-out", name, *options),
        )
        await program.line("vigilia sim ready")
        urls = dict(line.split() for line in program.lines if line.startswith("sw-"))
        control = (await program.line("control ")).removeprefix("control ")
        return Simulator(program, control, urls, (tmp_path / name).read_text())

    return start


@pytest.fixture
async def serve(programs: Any, tmp_path: Path) -> Callable[..., Coroutine[Any, Any, Service]]:
    """Starts the service with a configuration and waits until it is ready."""

    async def start(
        aruba: str, *, epics: str | None = "", environment: dict[str, str] | None = None, ready: bool = True
    ) -> Service:
        (tmp_path / "vigilia.toml").write_text(
            '[site]\nlanguage = "en"\n[web]\nlisten = "127.0.0.1:0"\n'
            + ("" if epics is None else epics_section(epics))
            + aruba
        )
        program = await programs("run", environment=environment)
        line = await program.line("vigilia ready") if ready else ""
        return Service(program, line.removeprefix("vigilia ready "))

    return start


def epics_section(more: str = "") -> str:
    return f'[epics]\nserver_port = {CA_PORT}\npva_port = {PVA_PORT}\ninterfaces = ["127.0.0.1"]\n{more}\n'
