"""The IOC process: serves the service's points as PVs, and carries puts to it.

Run by `vigilia.interfaces.epics.server` as `python -m vigilia.interfaces.epics.ioc FD`, where FD is its end of the
pipe. A process of its own, because EPICS base starts once in a process and a fault in C must not end the watch. It
lives as long as the pipe: when the service is gone, so is the IOC.
"""

import asyncio
import ctypes
import importlib.util
import itertools
import logging
import os
import signal
import socket
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

from vigilia.interfaces.epics.pipe import Pipe, unpack_point, unpack_reading
from vigilia.points import Value

if TYPE_CHECKING:
    from vigilia.interfaces.epics.records import Database

_logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
"""`linux/prctl.h`."""
ANSWER_DEADLINE_S = 30.0
"""A put whose answer has not come by then completes with a WRITE alarm."""
_QUIET_S = 0.1
"""How long no put must have been under way before the IOC may end: its clients then have their answers."""


class Ioc:
    """Connects the database of records with the pipe."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._answers: dict[int, asyncio.Future[bool]] = {}
        self._put_numbers = itertools.count(1)
        self._retiring: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Make the records, start EPICS when told so, and serve until the service closes the pipe."""
        _leave_out_setuptools()
        from vigilia.interfaces.epics.records import Database

        database = Database(self._ask)
        try:
            access_file = await self._make_records(database)
            if access_file is None:
                return
            database.start(Path(access_file))
        except (OSError, AssertionError) as error:
            await self._pipe.send({"failed": str(error)})
            return
        await self._pipe.send({"ready": True})
        while (message := await self._pipe.receive()) is not None:
            for index, *reading in message.get("set", ()):
                database.show(index, unpack_reading(reading))
            if "answer" in message:
                # Shown in the order of the pipe, for a later change may stand in the next line; and shown even where
                # the put has given up waiting.
                number, index, *reading = message["answer"]
                database.show(index, unpack_reading(reading))
                if number in self._answers and not self._answers[number].done():
                    self._answers[number].set_result(True)
            if "ping" in message:
                await self._pipe.send({"pong": message["ping"]})
            if "retire" in message:
                self._retiring = asyncio.create_task(self._retire(), name="retire")

    async def _make_records(self, database: "Database") -> str | None:
        """Make the records; return the access security file to start with, None where the pipe is closed before."""
        while (message := await self._pipe.receive()) is not None:
            if "points" in message:
                made = zip(message["names"], message["points"], message["readings"], strict=True)
                for name, point, reading in made:
                    database.add(name, unpack_point(point), unpack_reading(reading))
            if "load" in message:
                database.load()
                await self._pipe.send({"loaded": True})
            for index, *reading in message.get("set", ()):
                database.show(index, unpack_reading(reading))
            if "start" in message:
                return message["start"]
        return None

    async def _retire(self) -> None:
        """Go on until no put is under way, or the last one's answer is overdue; then close the pipe, which ends all."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + ANSWER_DEADLINE_S
        quiet_since = loop.time()
        while loop.time() < min(quiet_since + _QUIET_S, latest):
            if self._answers:
                quiet_since = loop.time()
            await asyncio.sleep(_QUIET_S / 5)
        self._pipe.close()

    async def _ask(self, index: int, value: Value, user: str, host: str) -> bool:
        """Carry a put to the service; return whether its answer has come and been shown."""
        number = next(self._put_numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                await self._pipe.send({"put": [number, index, value, user, host]})
                return await answer
        except (TimeoutError, ConnectionError):
            return False
        finally:
            del self._answers[number]


def _leave_out_setuptools() -> None:
    """Have EPICS's packages find only what they need of setuptools_dso while they run.

    The whole package imports setuptools, which it needs for building: 9 MB, and twice that while an IOC is replaced.
    """
    spec = importlib.util.find_spec("setuptools_dso")
    if spec is None or spec.submodule_search_locations is None:
        return
    package = types.ModuleType(spec.name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[spec.name] = package
    try:
        runtime = importlib.import_module("setuptools_dso.runtime")
        vars(package).update({name: getattr(runtime, name) for name in ("dylink_prepare_dso", "find_dso")})
    except (ImportError, AttributeError):  # another version: as a whole it does as well
        del sys.modules[spec.name]


def _die_with_parent() -> None:
    """Have the kernel end this process when the service dies: a hanging IOC would not notice, and keep its ports."""
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is not None:  # Linux only
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def _main(sock: socket.socket) -> None:
    pipe = await Pipe.open(sock)
    try:
        await Ioc(pipe).run()
    finally:
        pipe.close()


def main(arguments: list[str]) -> None:
    """Serve on the pipe whose file descriptor is the only argument, then end the process at once."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s epics: %(message)s")
    _die_with_parent()
    # The terminal's Ctrl-C reaches the whole process group; it is the service that decides when the IOC ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(fileno=int(arguments[0]))
    # EPICS prints a banner on standard output, which belongs to the service.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    asyncio.run(_main(sock))
    # EPICS's threads may outlive an orderly exit of Python; nothing of theirs needs saving.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
