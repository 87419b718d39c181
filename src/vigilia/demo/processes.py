"""The demonstration's processes: programs of the command `vigilia`, as they would run in the field."""

import asyncio
import contextlib
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from vigilia.errors import StartError
from vigilia.language import tr

_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 12.0
LAST_LINES = 20
"""As much of what a process said is told where it fails."""


class EpicsPorts:
    """Free loopback ports for Channel Access and PV Access, and the environment that leads there."""

    def __init__(self) -> None:
        self.channel_access = free_port()
        self.pv_access = free_port()
        self.search = free_port()
        self.server_environment = {"EPICS_PVAS_BROADCAST_PORT": str(self.search)}
        self.client_environment = {
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_ADDR_LIST": f"127.0.0.1:{self.search}",
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
            "EPICS_CA_ADDR_LIST": f"127.0.0.1:{self.channel_access}",
        }


def free_port() -> int:
    """Return a port that is free for TCP and UDP on all of loopback."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        ):
            stream.bind(("127.0.0.1", 0))
            port = stream.getsockname()[1]
            with contextlib.suppress(OSError):
                datagram.bind(("127.0.0.1", port))
                return port


def environment_of(outer: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process: `outer` and `more`, without the settings of another service.

    Whoever has an account or a webhook in their environment must not find the demonstration's cards there.
    """
    ours = ("VIGILIA_", "PVOP_", "TEAMS_")
    return {name: value for name, value in outer.items() if not name.startswith(ours)} | dict(more)


@asynccontextmanager
async def running(*arguments: str, environment: Mapping[str, str] | None = None) -> AsyncGenerator[Process, None]:
    """Run `vigilia` with `arguments` in a session of its own (Ctrl-C is ours to pass on); end it at the way out."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vigilia", *arguments),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env=environment_of(os.environ, environment or {}),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_DEADLINE_S):
                    await process.communicate()
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def drained(process: Process) -> AsyncGenerator[None, None]:
    """Let a process say what it will, which nobody reads: its log files have it as well."""

    async def read() -> None:
        while process.stdout and await process.stdout.readline():
            pass

    reading = asyncio.create_task(read(), name="drain")
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def lines_until(process: Process, beginning: str) -> list[str]:
    """Return what a process says up to the first line that begins so. Raises StartError with it where none comes."""
    said: list[str] = []
    try:
        async with asyncio.timeout(_START_DEADLINE_S):
            while process.stdout and (raw := await process.stdout.readline()):
                said.append(raw.decode(errors="replace").rstrip())
                if said[-1].startswith(beginning):
                    return said
    except TimeoutError:
        pass
    raise StartError(tr("the demonstration did not start:") + "\n" + "\n".join(said[-LAST_LINES:]))
