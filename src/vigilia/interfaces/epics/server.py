"""Serves points over EPICS: starts the IOC process, feeds it, carries its puts, and replaces it if it dies.

It is replaced as well for points that were added, since EPICS takes none once it runs: with all those that came within
some seconds, and once no put is under way.

See docs/decisions/0002-epics-in-a-child-process.md for why it is a process of its own.
"""

import asyncio
import ipaddress
import itertools
import logging
import os
import re
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from vigilia.errors import StartError, WriteError
from vigilia.interfaces.epics.access import access_rules, with_read_group
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.interfaces.epics.names import check_names, epics_name, servable
from vigilia.interfaces.epics.pipe import Message, Pipe, pack_point, pack_reading
from vigilia.points import Origin, Point, Reading
from vigilia.table import PointTable, Subscription

_logger = logging.getLogger(__name__)

READY_DEADLINE_S = 60.0
_PING_EVERY_S = 2.0
_PONG_DEADLINE_S = 10.0
_END_DEADLINE_S = 2.0
_GATHER_STEP_S = 0.2
_SHORT_LIFE_S = 10.0
_RESTART_PAUSE_S = 5.0
_AT_ONCE = 2000
_POINTS_AT_ONCE = 200
"""Small messages: the memory that one of thousands of points needs for a moment would stay taken for good."""
_LONGEST_MESSAGE = 8192


GATHER_S = 5.0
"""New points are gathered for so long before the IOC is replaced for them, so that it is never replaced more often."""
BURST_PAUSE_S = 1.0
"""They are gathered until none came for so long,"""
LONGEST_GATHER_S = 30.0
"""but never for longer than this."""


class IocGone(Exception):
    """The IOC process ended, or does not answer any more; the text says how."""


class IocRetired(IocGone):
    """The IOC process ended because it was told to make room for one with other points."""


class EpicsServer:
    """The EPICS interface. `prepare` before anything runs, `run` in a task, `started` to wait for the first PVs.

    It serves all points but those of the drivers that are `outside`, named by their sections.
    """

    def __init__(
        self, config: EpicsConfig, table: PointTable, data_dir: Path, outside: frozenset[str] = frozenset()
    ) -> None:
        self.restarts = 0
        """How often the IOC process had to be replaced because it died or hung."""
        self.renewals = 0
        """How often it was replaced for points that were added or changed."""
        self.ready = asyncio.Event()
        """Set while the IOC serves clients."""
        self._config = config
        self._table = table
        self._outside = outside
        self._complaints: set[str] = set()
        self._access_file = data_dir / "access.acf"
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def prepare(self) -> None:
        """Write the access security file and see that the ports are free. Raises StartError."""
        rules = _rules(self._config)
        try:
            self._access_file.write_text(rules)
        except OSError as error:
            raise StartError(f"{self._access_file} cannot be written ({error.strerror}): check its rights") from error
        for port, purpose in ((self._config.server_port, "server_port"), (self._config.pva_port, "pva_port")):
            for interface in self._config.interfaces or ["0.0.0.0"]:  # noqa: S104 - what the setting stands for
                _check_port(interface, port, purpose)

    async def started(self) -> None:
        """Wait until the IOC serves clients. Raises StartError where it cannot."""
        ready = asyncio.create_task(self.ready.wait())
        try:
            await asyncio.wait({ready, self._failed}, timeout=READY_DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self._failed.done():
            self._failed.result()
        if not self.ready.is_set():
            raise StartError(f"the EPICS IOC is not ready after {READY_DEADLINE_S:g} s: its messages stand above")

    async def run(self) -> None:
        """Keep an IOC process going until cancelled."""
        loop = asyncio.get_running_loop()
        short_lives = 0
        while True:
            began = loop.time()
            try:
                await self._live()
            except IocRetired:
                self.renewals += 1
                self.ready.clear()
                _logger.info("the EPICS IOC is replaced for points that were added or changed")
                continue
            except (IocGone, OSError) as gone:
                first = not self.ready.is_set() and self.restarts == self.renewals == 0
                self.ready.clear()
                if first and not self._failed.done():
                    self._failed.set_exception(StartError(f"the EPICS IOC did not start: {gone}"))
                _logger.error("the EPICS IOC %s: starting another", gone)
            self.restarts += 1
            short_lives = short_lives + 1 if loop.time() - began < _SHORT_LIFE_S else 0
            if short_lives:
                await asyncio.sleep(_RESTART_PAUSE_S if short_lives > 2 else 0)

    async def _live(self) -> None:
        """Start one IOC process and serve it until it is gone, which raises IocGone."""
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as unless_started:
            unless_started.callback(ours.close)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "vigilia.interfaces.epics.ioc", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                env={**os.environ, **_environment(self._config)},
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=PIPE,
            )
            unless_started.pop_all()
        child = _Child(process, await Pipe.open(ours))
        viewer = self._table.subscribe()
        try:
            await _until_one_fails(child.log_messages(), self._converse(child, viewer))
        finally:
            viewer.close()
            await child.end()

    async def _converse(self, child: "_Child", viewer: Subscription) -> None:
        """Set the IOC up; then send it values and take its puts until it is gone."""
        version = self._table.version
        points = self._served()
        await self._set_up(child, points, await viewer.changes())
        await _until_one_fails(
            self._pump(child, points, viewer),
            self._take_puts(child, points),
            child.ping(),
            self._retire(child, points, version),
        )

    def _served(self) -> list[Point]:
        """Return the points that are to be PVs. What cannot be one is logged, once, and left out."""
        prefix = self._config.prefix
        points = [point for point in self._table.points() if self._table.system(point.name) not in self._outside]
        for problem in check_names(prefix, points):
            complaint = str(problem)
            if complaint not in self._complaints:
                self._complaints.add(complaint)
                _logger.error("not served over EPICS: %s", complaint)
        return servable(prefix, points)

    async def _retire(self, child: "_Child", points: Sequence[Point], version: int) -> None:
        """Have the IOC end, which serves `points`, when points of a later `version` make other PVs."""
        served = [pack_point(point) for point in points]
        while True:
            version = await self._gather(await self._table.wait_for_version(version))
            if [pack_point(point) for point in self._served()] != served:
                await child.retire()
                return

    async def _gather(self, version: int) -> int:
        """Wait until the points have come that come together; return the version they make."""
        loop = asyncio.get_running_loop()
        began = changed = loop.time()
        while (now := loop.time()) < min(max(began + GATHER_S, changed + BURST_PAUSE_S), began + LONGEST_GATHER_S):
            if self._table.version != version:
                version, changed = self._table.version, now
            await asyncio.sleep(_GATHER_STEP_S)
        return self._table.version

    async def _set_up(self, child: "_Child", points: Sequence[Point], snapshot: Mapping[str, Reading]) -> None:
        """Have the IOC make its records, with the readings they begin with, and wait until it serves them."""
        for start in range(0, len(points), _POINTS_AT_ONCE):
            some = points[start : start + _POINTS_AT_ONCE]
            await child.send(
                {
                    "points": [pack_point(point) for point in some],
                    "names": [epics_name(self._config.prefix, point.name) for point in some],
                    "readings": [pack_reading(snapshot[point.name]) for point in some],
                }
            )
        await child.send({"start": str(self._access_file)})
        try:
            async with asyncio.timeout(READY_DEADLINE_S):
                first = await child.receive()
        except TimeoutError:
            raise IocGone(f"was not ready after {READY_DEADLINE_S:g} s") from None
        if "failed" in first:
            raise IocGone(f"failed: {first['failed']}")
        self.ready.set()
        _logger.info("EPICS serves %d PVs", len(points))

    async def _pump(self, child: "_Child", points: Sequence[Point], viewer: Subscription) -> None:
        """Send every change to the IOC, the newest value of each point."""
        indexes = {point.name: index for index, point in enumerate(points)}
        while True:
            changes = await viewer.changes()
            packed = [[indexes[name], *pack_reading(reading)] for name, reading in changes.items() if name in indexes]
            for start in range(0, len(packed), _AT_ONCE):
                await child.send({"set": packed[start : start + _AT_ONCE]})

    async def _take_puts(self, child: "_Child", points: Sequence[Point]) -> None:
        """Carry puts to the table, which bounds how many are under way."""
        writes: set[asyncio.Task[None]] = set()
        try:
            while True:
                message = await child.receive()
                if "pong" in message:
                    child.answers.set()
                if "put" in message:
                    number, index, value, user, host = message["put"]
                    point = points[int(index)]
                    write = self._write(child, number, index, point, value, Origin("epics", user, host))
                    task = asyncio.create_task(write, name=f"put {point.name}")
                    writes.add(task)
                    task.add_done_callback(writes.discard)
        finally:
            await _cancel(*writes)

    async def _write(
        self, child: "_Child", number: int, index: int, point: Point, value: object, origin: Origin
    ) -> None:
        with suppress(WriteError):  # the table has logged it, and shows what came of it
            await self._table.write(point.name, value, origin)
        with suppress(IocGone):  # whoever receives from the IOC finds that out as well
            await child.send({"answer": [number, index, *pack_reading(self._table.reading(point.name))]})


class _Child:
    """The IOC process and the pipe to it. Whatever goes wrong with either is IocGone."""

    def __init__(self, process: Process, pipe: Pipe) -> None:
        self.answers = asyncio.Event()
        """Set by each answer to a ping."""
        self._process = process
        self._pipe = pipe
        self._retiring = False

    async def retire(self) -> None:
        """Have the IOC end once its clients have their answers; until then it serves."""
        self._retiring = True
        await self.send({"retire": True})

    async def send(self, message: Message) -> None:
        try:
            async with asyncio.timeout(_PONG_DEADLINE_S):
                await self._pipe.send(message)
        except (ConnectionError, TimeoutError):
            raise await self._end() from None

    async def receive(self) -> Message:
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

    async def log_messages(self) -> None:
        """Log what EPICS prints, until it ends, however long its lines are."""
        while self._process.stderr and (block := await self._process.stderr.read(_LONGEST_MESSAGE)):
            for line in block.decode(errors="replace").splitlines():
                if line.strip():
                    _logger.info("epics: %s", line.rstrip()[:500])
        raise await self._end()

    async def end(self) -> None:
        """Close the pipe, upon which the process ends; kill it where it does not."""
        self._pipe.close()
        ended = asyncio.create_task(self._process.wait())
        if not (await asyncio.wait([ended], timeout=_END_DEADLINE_S))[0]:
            self._process.kill()
        await ended

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


async def _until_one_fails(*work: Coroutine[Any, Any, None]) -> None:
    """Run all of `work` until one of them raises; cancel the others, and raise that.

    Not a TaskGroup: before Python 3.11.4 that leaves its task marked as cancelled, and deadlines fail from then on.
    """
    tasks = [asyncio.create_task(part) for part in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        await _cancel(*tasks)


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _rules(config: EpicsConfig) -> str:
    """Return the access security rules in force. Raises StartError where the site's own cannot be read."""
    if config.access_file is None:
        return access_rules(config.writers)
    try:
        rules = Path(config.access_file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"[epics] access_file: {config.access_file} cannot be read: {error}") from error
    if re.search(r"RULE\s*\(\s*\d+\s*,\s*WRITE\s*(,\s*NOTRAPWRITE\s*)?\)", rules):
        raise StartError(
            f"[epics] access_file: {config.access_file} has a WRITE rule without TRAPWRITE, and so puts that nobody "
            "could tell the author of: write RULE(0, WRITE, TRAPWRITE)"
        )
    return with_read_group(rules)


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


def _check_port(interface: str, port: int, setting: str) -> None:
    """See that a TCP port is free: EPICS would take another one without a word. Raises StartError."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((interface, port))
        except OSError as error:
            raise StartError(
                f"[epics] {setting}: port {port} of {interface} cannot be had ({error.strerror}): "
                "end the program that has it, or set another"
            ) from error
