"""The IOC process as the service sees it: started, talked to, told to retire, ended."""

import asyncio
import ipaddress
import itertools
import logging
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import ExitStack

from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.interfaces.epics.pipe import Message, Pipe

_logger = logging.getLogger(__name__)

READY_DEADLINE_S = 60.0
_PING_EVERY_S = 2.0
_PONG_DEADLINE_S = 10.0
_END_DEADLINE_S = 2.0
_LONGEST_MESSAGE = 8192


class IocGone(Exception):
    """The IOC process ended, or does not answer any more; the text says how."""


class IocRetired(IocGone):
    """The IOC process ended because it was told to make room for one with other points."""


class IocProcess:
    """The IOC process and the pipe to it. Whatever goes wrong with either is IocGone."""

    def __init__(self, process: Process, pipe: Pipe) -> None:
        self.answers = asyncio.Event()
        """Set by each answer to a ping."""
        self._process = process
        self._pipe = pipe
        self._retiring = False
        self._log = asyncio.create_task(self._log_messages(), name="messages of the IOC")

    @classmethod
    async def start(cls, config: EpicsConfig) -> "IocProcess":
        """Start the process. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as unless_started:
            unless_started.callback(ours.close)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "vigilia.interfaces.epics.ioc", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                env={**os.environ, **_environment(config)},
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=PIPE,
            )
            unless_started.pop_all()
        return cls(process, await Pipe.open(ours))

    async def retire(self) -> None:
        """Have the IOC end once its clients have their answers; until then it serves."""
        self._retiring = True
        await self.send({"retire": True})

    async def send(self, message: Message) -> None:
        """Send one message."""
        try:
            async with asyncio.timeout(_PONG_DEADLINE_S):
                await self._pipe.send(message)
        except (ConnectionError, TimeoutError):
            raise await self._end() from None

    async def receive(self) -> Message:
        """Return the next message."""
        message = await self._pipe.receive()
        if message is None:
            raise await self._end()
        return message

    async def ping(self) -> None:
        """See that the IOC answers: a process may hang as well as die."""
        for number in itertools.count():
            self.answers.clear()
            await self.send({"ping": number})
            try:
                async with asyncio.timeout(_PONG_DEADLINE_S):
                    await self.answers.wait()
            except TimeoutError:
                raise IocGone(f"does not answer for {_PONG_DEADLINE_S:g} s") from None
            await asyncio.sleep(_PING_EVERY_S)

    async def confirm(self, what: str) -> None:
        """Wait until the process says that `what` is done."""
        try:
            async with asyncio.timeout(READY_DEADLINE_S):
                message = await self.receive()
        except TimeoutError:
            raise IocGone(f"was not {what} after {READY_DEADLINE_S:g} s") from None
        if what not in message:
            raise IocGone(f"failed: {message.get('failed', message)}")

    async def _log_messages(self) -> None:
        """Log what EPICS prints, until it ends, however long its lines are."""
        while self._process.stderr and (block := await self._process.stderr.read(_LONGEST_MESSAGE)):
            for line in block.decode(errors="replace").splitlines():
                if line.strip():
                    _logger.info("epics: %s", line.rstrip()[:500])

    async def end(self) -> None:
        """Close the pipe, upon which the process ends; kill it where it does not."""
        self._pipe.close()
        ended = asyncio.create_task(self._process.wait())
        if not (await asyncio.wait([ended], timeout=_END_DEADLINE_S))[0]:
            self._process.kill()
        await ended
        await self._log

    async def _end(self) -> IocGone:
        """Return how the IOC ended."""
        try:
            async with asyncio.timeout(_END_DEADLINE_S):
                code = await self._process.wait()
        except TimeoutError:
            return IocGone("does not take or give anything any more")
        if self._retiring and code == 0:
            return IocRetired("ended as it was told to")
        return IocGone(f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}")


def _environment(config: EpicsConfig) -> dict[str, str]:
    """Return what EPICS base and QSRV take from the environment."""
    environment = {
        "EPICS_CAS_SERVER_PORT": str(config.server_port),
        "EPICS_PVAS_SERVER_PORT": str(config.pva_port),
        # glibc keeps a heap for each of EPICS's many threads; two are plenty, and 20 MB smaller.
        "MALLOC_ARENA_MAX": "2",
    }
    if config.interfaces:
        addresses = " ".join(config.interfaces)
        environment |= {"EPICS_CAS_INTF_ADDR_LIST": addresses, "EPICS_PVAS_INTF_ADDR_LIST": addresses}
        if all(ipaddress.ip_address(address).is_loopback for address in config.interfaces):
            for server in ("CAS", "PVAS"):
                environment[f"EPICS_{server}_AUTO_BEACON_ADDR_LIST"] = "NO"
                environment[f"EPICS_{server}_BEACON_ADDR_LIST"] = "127.0.0.1"
    return environment
