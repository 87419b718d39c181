"""The reactors' rig: simulated reactors, the service that they call, and their agents: processes that may be killed."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import aiohttp
import psutil

from programs import Bench, BenchError, Program
from rig import web_section

_PORTS = (15_000, 32_000)
"""Below those that Linux hands out by itself, so that a program that is killed finds its own free again."""
_ASK_S = 40.0
"""Longer than the service waits for a reactor."""
Config = dict[str, Any]


class Mortal(Program):
    """A program that is killed, and started again in the same folder."""

    waits = True
    """Whether a start waits for the ready line."""

    @property
    def pid(self) -> int:
        """Of the process that was started, and not of its children."""
        return self._running().pid

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self._process is None or self._process.returncode is not None

    async def kill(self) -> None:
        """End it without any warning. Raises BenchError where it has ended by itself."""
        process = self._running()
        if process.returncode is not None:
            raise BenchError(f"{self.name} ended by itself with {process.returncode}{self._last_words()}")
        process.kill()
        await process.wait()

    async def start_again(self) -> None:
        """Start it anew."""
        self.lines.clear()
        await Program.__aenter__(self)

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> None:
        if self.waits:
            await super()._wait_ready(process)


class SimReactors(Program):
    """`vigilia sim reactor`, and its control service."""

    def __init__(self, bench: Bench, *, reactors: int = 1, options: tuple[str, ...] = ()) -> None:
        folder = bench.folder("sim")
        self.configs = folder / "configs"
        """Of an agent for each reactor, as the simulator writes them."""
        sizes = ("--reactors", str(reactors), "--no-uart", "--folder", str(folder / "world"))
        arguments = ("-m", "vigilia", "sim", "reactor", *sizes, "--write-config", str(self.configs), *options)
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

    async def truth(self, reactor: str = "R1") -> dict[str, Any]:
        """What truly is and was; its `…monotonic` moments are those of this machine, as `time.monotonic()` has them."""
        return await self.ask("GET", f"/reactors/{reactor}/truth")

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the control service."""
        assert self._http is not None, "the simulator was not started"
        async with self._http.request(method, path, json=body) as answer:
            return await answer.json()

    def config(self, reactor: str = "R1") -> Config:
        """The configuration that the simulator writes for an agent."""
        return tomllib.loads((self.configs / reactor / "vigilia-agent.toml").read_text())


class ReactorService(Mortal):
    """`vigilia run` with the section `[reactor]`: every reactor is accepted, and EPICS is off."""

    def __init__(self, bench: Bench, *, interval_s: float = 5.0) -> None:
        folder = bench.folder("service")
        self.port, self.manager_port, self.web_port = free_port(), free_port(), free_port()
        reactor = {
            "listen": f"127.0.0.1:{self.port}",
            "manager_ports": str(self.manager_port),
            "status_interval_s": interval_s,
            "accept": "all",
        }
        web = web_section(on=True).replace("127.0.0.1:0", f"127.0.0.1:{self.web_port}")
        config = folder / "vigilia.toml"
        config.write_text('[site]\nlanguage = "en"\ntimezone = "UTC"\n' + web + _table("[reactor]", reactor))
        super().__init__("the service", ("-m", "vigilia", "run", str(config)), folder, "vigilia ready")
        self._http: aiohttp.ClientSession | None = None

    @property
    def history(self) -> Path:
        """Its history."""
        return self.folder / "state" / "history.db"

    async def stop(self) -> tuple[int, float]:
        """Close what asks it, then end the program."""
        if self._http is not None:
            await self._http.close()
            self._http = None
        return await super().stop()

    async def put(self, point: str, value: object) -> tuple[int, Any]:
        """Write to a point as a page does; return the status, and the answer. Raises aiohttp.ClientError."""
        return await self._ask("PUT", f"/api/v1/points/{point}/value", {"value": value})

    async def point(self, point: str) -> dict[str, Any] | None:
        """What a point shows; None where there is none, or no service."""
        try:
            status, found = await self._ask("GET", f"/api/v1/points/{point}")
        except (aiohttp.ClientError, TimeoutError):
            return None
        return found if status == 200 else None

    async def until(self, point: str, holds: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any]:
        """Wait until a point shows something. Raises BenchError."""
        give_up = time.monotonic() + within_s
        while True:
            found = await self.point(point)
            if found is not None and holds(found):
                return found
            if time.monotonic() > give_up:
                raise BenchError(f"{point} shows {found} after {within_s:g} s{self._last_words()}")
            await asyncio.sleep(0.05)

    async def _ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=_ASK_S)
            self._http = aiohttp.ClientSession(f"http://127.0.0.1:{self.web_port}", timeout=timeout)
        async with self._http.request(method, path, json=body) as answer:
            return answer.status, await answer.json()


class Agent(Mortal):
    """`vigilia agent`: the guardian, and its worker. It prints nothing when it is ready."""

    waits = False

    def __init__(self, bench: Bench, config: Config) -> None:
        folder = bench.folder("agent")
        self.config = folder / "vigilia-agent.toml"
        self.config.write_text(agent_toml(config))
        super().__init__("the agent", ("-m", "vigilia", "agent", str(self.config)), folder, "")

    @property
    def data(self) -> Path:
        """Where it keeps what it must not forget."""
        return self.folder / "agent-state"

    def worker(self) -> psutil.Process | None:
        """Its worker; None while there is none."""
        try:
            found = psutil.Process(self.pid).children()
        except psutil.NoSuchProcess:
            return None
        return next((child for child in found if child.is_running() and child.status() != psutil.STATUS_ZOMBIE), None)

    def kill_worker(self) -> bool:
        """Kill the worker alone; return whether there was one."""
        worker = self.worker()
        if worker is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()
        return True

    async def kill_guardian(self, *, worker_too: bool = False) -> None:
        """Kill the guardian, and the worker in the same moment where that is asked; wait until both are gone."""
        worker = self.worker()
        if worker_too and worker is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
        await self.kill()
        if worker is not None:
            await asyncio.to_thread(_wait_gone, worker)


async def make_safe(agent: Agent) -> None:
    """Do what systemd does after an agent has ended, however it did: `vigilia agent safe`. Raises BenchError."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vigilia", "agent", "safe", str(agent.config)),
        cwd=agent.folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if await process.wait():
        raise BenchError(f"vigilia agent safe ended with {process.returncode}")


def agent_toml(config: Config) -> str:
    """A configuration as a file has it."""
    tables = [_table("[agent]", config["agent"])]
    for kind in ("buses", "sensors", "actuators", "loops"):
        tables += [_table(f"[[{kind}]]", entry) for entry in config.get(kind, ())]
    return "\n".join(tables)


def named(config: Config, kind: str, name: str) -> Config:
    """One of the entries of a configuration, to be changed."""
    return next(entry for entry in config[kind] if entry["name"] == name)


def free_port(*hosts: str) -> int:
    """A port that is free on these addresses of loopback, and given to nobody who asks for any."""
    while True:
        port = random.randrange(*_PORTS)
        with contextlib.ExitStack() as taken, contextlib.suppress(OSError):
            for host in hosts or ("127.0.0.1",):
                stream = taken.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                stream.bind((host, port))
            return port


def _table(head: str, values: Config) -> str:
    return "\n".join([head, *(f"{name} = {_toml(value)}" for name, value in values.items()), ""])


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    return json.dumps(value)


def _wait_gone(process: psutil.Process) -> None:
    try:
        process.wait(15)
    except psutil.TimeoutExpired as error:
        raise BenchError("a worker whose guardian was killed does not end") from error
