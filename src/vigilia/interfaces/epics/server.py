"""Serves points over EPICS: starts the IOC process, feeds it, carries its puts, and replaces it if it dies.

It is replaced as well for points that were added, since EPICS takes none once it runs: with all those that came within
some seconds, and once no put is under way.

See docs/decisions/0002-epics-in-a-child-process.md for why it is a process of its own.
"""

import asyncio
import logging
import re
import socket
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vigilia.errors import StartError, WriteError
from vigilia.interfaces.epics.access import access_rules, with_read_group, without_open_puts
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.interfaces.epics.names import check_names, epics_name, servable
from vigilia.interfaces.epics.pipe import pack_point, pack_reading
from vigilia.interfaces.epics.process import READY_DEADLINE_S, IocGone, IocProcess, IocRetired
from vigilia.points import Origin, Point, Reading
from vigilia.table import PointTable, Subscription

_logger = logging.getLogger(__name__)

_GATHER_STEP_S = 0.2
_SHORT_LIFE_S = 10.0
_RESTART_PAUSE_S = 5.0
_AT_ONCE = 2000
_POINTS_AT_ONCE = 200
"""Small messages: the memory that one of thousands of points needs for a moment would stay taken for good."""


GATHER_S = 5.0
"""New points are gathered for so long before the IOC is replaced for them, so that it is never replaced more often."""
BURST_PAUSE_S = 1.0
"""They are gathered until none came for so long,"""
LONGEST_GATHER_S = 30.0
"""but never for longer than this."""


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
        self._successor: _Ioc | None = None
        self._access_file = data_dir / "access.acf"
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def prepare(self) -> None:
        """Write the access security file and see that the ports are free. Raises StartError."""
        rules = _rules(self._config)
        if self._config.open_to_all and any(point.guarded for point in self._table.points()):
            _logger.warning(
                "EPICS takes no puts to settings and commands of reactors: anybody could put; name the [epics] writers"
            )
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
        try:
            while True:
                began = loop.time()
                if await self._live():
                    continue
                self.restarts += 1
                short_lives = short_lives + 1 if loop.time() - began < _SHORT_LIFE_S else 0
                if short_lives:
                    await asyncio.sleep(_RESTART_PAUSE_S if short_lives > 2 else 0)
        finally:
            if self._successor:
                await self._successor.end()

    async def _live(self) -> bool:
        """Have one IOC serve until it is gone; return whether it retired for another with other points."""
        ioc: _Ioc | None = None
        try:
            ioc, self._successor = self._successor, None
            ioc = ioc or await self._prepare()
            await self._serve(ioc)
        except IocRetired:
            self.renewals += 1
            self.ready.clear()
            _logger.info("the EPICS IOC is replaced for points that were added or changed")
            return True
        except (IocGone, OSError) as gone:
            first = not self.ready.is_set() and self.restarts == self.renewals == 0
            self.ready.clear()
            if first and not self._failed.done():
                self._failed.set_exception(StartError(f"the EPICS IOC did not start: {gone}"))
            _logger.error("the EPICS IOC %s: starting another", gone)
        finally:
            if ioc:
                await ioc.end()
        return False

    async def _prepare(self) -> "_Ioc":
        """Start a process and have it make the records of the present points; it serves nobody yet. Raises IocGone."""
        process = await IocProcess.start(self._config)
        viewer = self._table.subscribe()
        ioc = _Ioc(process, self._served(), self._table.version, viewer)
        try:
            snapshot = await viewer.changes()
            for start in range(0, len(ioc.points), _POINTS_AT_ONCE):
                some = ioc.points[start : start + _POINTS_AT_ONCE]
                await process.send(
                    {
                        "points": [pack_point(point) for point in some],
                        "names": [epics_name(self._config.prefix, point.name) for point in some],
                        "readings": [pack_reading(snapshot[point.name]) for point in some],
                    }
                )
            await process.send({"load": True})
            await process.confirm("loaded")
        except BaseException:
            await ioc.end()
            raise
        return ioc

    def _served(self) -> list[Point]:
        """Return the points that are to be PVs. What cannot be one is logged, once, and left out.

        Guarded points take no puts where anybody could put: EPICS knows no sign-in.
        """
        prefix = self._config.prefix
        points = [point for point in self._table.points() if self._table.system(point.name) not in self._outside]
        if self._config.open_to_all:
            points = without_open_puts(points)
        for problem in check_names(prefix, points):
            complaint = str(problem)
            if complaint not in self._complaints:
                self._complaints.add(complaint)
                _logger.error("not served over EPICS: %s", complaint)
        return servable(prefix, points)

    async def _serve(self, ioc: "_Ioc") -> None:
        """Have the IOC serve: send it values and take its puts until it is gone, which raises IocGone."""
        await ioc.send(ioc.viewer.fetch())
        await ioc.process.send({"start": str(self._access_file)})
        await ioc.process.confirm("ready")
        self.ready.set()
        _logger.info("EPICS serves %d PVs", len(ioc.points))
        await _until_one_fails(
            self._pump(ioc), self._take_puts(ioc.process, ioc.points), ioc.process.ping(), self._renew(ioc)
        )

    async def _renew(self, ioc: "_Ioc") -> None:
        """Prepare another IOC when there are points that make other PVs; then have this one retire."""
        version = ioc.version
        while True:
            version = await self._gather(await self._table.wait_for_version(version))
            if _make_the_same(ioc.points, self._served()):
                continue
            try:
                self._successor = await self._prepare()
            except (IocGone, OSError) as gone:
                _logger.error("the new points are not served over EPICS until others come: their IOC %s", gone)
                continue
            await ioc.process.retire()
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

    async def _pump(self, ioc: "_Ioc") -> None:
        """Send every change to the IOC, the newest value of each point."""
        while True:
            await ioc.send(await ioc.viewer.changes())

    async def _take_puts(self, ioc: IocProcess, points: Sequence[Point]) -> None:
        """Carry puts to the table, which bounds how many are under way."""
        writes: set[asyncio.Task[None]] = set()
        try:
            while True:
                message = await ioc.receive()
                if "pong" in message:
                    ioc.answers.set()
                if "put" in message:
                    number, index, value, user, host = message["put"]
                    point = points[int(index)]
                    write = self._write(ioc, number, index, point, value, Origin("epics", user, host))
                    task = asyncio.create_task(write, name=f"put {point.name}")
                    writes.add(task)
                    task.add_done_callback(writes.discard)
        finally:
            await _cancel(*writes)

    async def _write(
        self, ioc: IocProcess, number: int, index: int, point: Point, value: object, origin: Origin
    ) -> None:
        with suppress(WriteError):  # the table has logged it, and shows what came of it
            await self._table.write(point.name, value, origin)
        with suppress(IocGone):  # whoever receives from the IOC finds that out as well
            await ioc.send({"answer": [number, index, *pack_reading(self._table.reading(point.name))]})


class _Ioc:
    """An IOC process with the points whose records it has made, and what is new of them."""

    def __init__(self, process: IocProcess, points: Sequence[Point], version: int, viewer: Subscription) -> None:
        self.process = process
        self.points = points
        self.version = version
        """That of the table's points."""
        self.viewer = viewer
        self._indexes = {point.name: index for index, point in enumerate(points)}

    async def send(self, changes: Mapping[str, Reading]) -> None:
        """Send what has changed."""
        indexes = self._indexes
        packed = [[indexes[name], *pack_reading(reading)] for name, reading in changes.items() if name in indexes]
        for start in range(0, len(packed), _AT_ONCE):
            await self.process.send({"set": packed[start : start + _AT_ONCE]})

    async def end(self) -> None:
        """End the process."""
        self.viewer.close()
        await self.process.end()


def _make_the_same(before: Sequence[Point], after: Sequence[Point]) -> bool:
    """Say whether points make the same records as others."""
    return len(before) == len(after) and all(
        old is new or pack_point(old) == pack_point(new) for old, new in zip(before, after, strict=True)
    )


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
