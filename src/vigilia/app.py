"""The service from start to stop: one straight line that makes the parts and connects them, and its way back."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from vigilia import __version__
from vigilia.clock import Clock
from vigilia.config import Config
from vigilia.drivers import Driver, Surroundings
from vigilia.errors import AlreadyRunning, ConfigError, Problem, StartError
from vigilia.health import Health
from vigilia.interfaces.epics.names import check_names
from vigilia.interfaces.epics.server import EpicsServer
from vigilia.language import tr
from vigilia.link import Link
from vigilia.ownpoints import OwnPoints
from vigilia.points import Origin, Point, Value
from vigilia.spool import Spool
from vigilia.store import Store, StoreError, WriteJournal
from vigilia.supervise import Supervisor
from vigilia.table import PointTable

if TYPE_CHECKING:
    from vigilia.interfaces.api.server import WebServer

_logger = logging.getLogger(__name__)

AUDIT_SPOOL_BYTES = 50_000_000
_LAST_DRAIN_S = 1.0


async def serve(config: Config, clock: Clock, announce: Callable[[str], None]) -> None:
    """Run the service until SIGTERM or SIGINT; `announce` gets the ready line when every interface accepts clients.

    Raises ConfigError or StartError where it cannot start.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as cleanup:
        store, journal = await _open_state(config, clock, cleanup)
        table = PointTable(clock, journal)
        drivers = _build_drivers(config, Surroundings(table, clock, await store.chosen()))
        links = [link for driver in drivers.values() for link in driver.links]
        for name, driver in drivers.items():
            changes = await store.remember_points(name, driver.points, clock.now())
            _logger.info("%s: %d points, %d new, %d gone", name, len(driver.points), changes.new, changes.gone)
        epics = EpicsServer(config.epics, table, config.data_dir) if config.epics else None
        own = OwnPoints(
            config.site.instance,
            links,
            table,
            clock,
            lambda: journal.waiting_bytes,
            lambda: journal.dropped,
            (lambda: epics.restarts) if epics else None,
        )
        _complete_points(config, table, own)
        health = Health(links, store, journal, clock, epics.ready.is_set if epics else None)
        web = _bind_web(config, table, links, store, health, clock)
        if web:
            cleanup.push_async_callback(web.stop)
        if epics:
            epics.prepare()

        supervisor = Supervisor(table, own, links)
        cleanup.push_async_callback(_drain, journal)
        supervisor.start_service("journal", journal.run())
        supervisor.start_service("staleness", table.watch_staleness())
        supervisor.start_service("own points", own.run())
        cleanup.push_async_callback(_stop_everything, supervisor, table, web)
        await supervisor.start_links()
        if epics:
            supervisor.start_service("epics", epics.run())
            await supervisor.wait_for(epics.started(), stop)
        if web and not stop.is_set():
            await web.start()
            supervisor.start_service("web", web.wait())
        if not stop.is_set():
            announce(f"vigilia ready {web.address}" if web else "vigilia ready")
            await supervisor.wait_for(None, stop)
        _logger.info("stopping")


def check(config: Config) -> None:
    """Check what only the parts themselves know: that the points can be made, and served as PVs.

    Touches no equipment and no file. Raises ConfigError or StartError.
    """
    clock = Clock()
    table = PointTable(clock, _NoJournal())
    drivers = _build_drivers(config, Surroundings(table, clock, {}))
    links = [link for driver in drivers.values() for link in driver.links]
    _complete_points(config, table, OwnPoints(config.site.instance, links, table, clock, int, int, int))


def run(config: Config, clock: Clock) -> None:
    """Run the service in this process until it is told to stop. Raises ConfigError or StartError."""
    asyncio.run(serve(config, clock, _print_line))


class _NoJournal:
    """The journal of a table that nobody writes to."""

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        raise NotImplementedError

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        raise NotImplementedError


def _build_drivers(config: Config, surroundings: Surroundings) -> dict[str, Driver]:
    """Make the configured drivers, and put their points into the table."""
    drivers: dict[str, Driver] = {}
    for name, (plugin, section) in config.drivers.items():
        driver = drivers[name] = plugin.build(section, surroundings)
        surroundings.table.add(driver.points, driver.write)
    return drivers


def _complete_points(config: Config, table: PointTable, own: OwnPoints) -> None:
    """Put the service's own points into the table, and see that EPICS can serve them all. Raises ConfigError."""
    try:
        table.add(own.points)
    except ValueError as error:
        right = "choose an instance name that no device has"
        raise ConfigError([Problem(config.source, "site.instance", str(error), right)]) from error
    problems = list(check_names(config.epics.prefix, table.points())) if config.epics else []
    if problems:
        raise ConfigError(
            [
                Problem(config.source, f"{problem.place} {problem.key}", problem.wrong, problem.right)
                for problem in problems
            ]
        )


async def _open_state(config: Config, clock: Clock, cleanup: AsyncExitStack) -> tuple[Store, WriteJournal]:
    """Take the data directory, open the store, and bring into it what the run before left behind."""
    data_dir = _make_data_dir(config.data_dir)
    cleanup.callback(_hold(data_dir).release)
    store = await Store.open(config.store.url.get_secret_value())
    cleanup.push_async_callback(store.close)
    spool = _open_spool(data_dir / "audit.spool")
    cleanup.callback(spool.close)
    journal = WriteJournal(spool, store, clock)
    try:
        await journal.drain()
        await store.close_orphans()
    except (StoreError, OSError) as error:
        raise StartError(f"the store does not take the audit of the last run: {error}") from error
    return store, journal


def _bind_web(
    config: Config, table: PointTable, links: Sequence[Link], store: Store, health: Health, clock: Clock
) -> "WebServer | None":
    """Take the web listener's address, so that a port taken is known before anything runs. Raises StartError."""
    if not config.web.enabled:
        return None
    from vigilia.interfaces.api.parts import ApiParts
    from vigilia.interfaces.api.server import WebServer

    web = WebServer(config.web, ApiParts(table, links, store.audit, health.missing, clock, __version__))
    web.bind()
    return web


async def _stop_everything(supervisor: Supervisor, table: PointTable, web: "WebServer | None") -> None:
    """Log out of all equipment, part from all clients and end the services, side by side: a stop has 10 s in all."""
    await asyncio.gather(supervisor.stop_links(), supervisor.stop_services(), *([web.stop()] if web else []))
    await table.drain_writes()


def _print_line(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the ready line is part of the outside contract


def _make_data_dir(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"[site] data_dir: {path} cannot be made ({error.strerror}): name another") from error
    return path


def _hold(data_dir: Path) -> FileLock:
    """Take the lock on the data directory: the kernel releases it when the process dies, however it dies."""
    holder = data_dir / "vigilia.pid"
    lock = FileLock(data_dir / "vigilia.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = holder.read_text().strip() if holder.is_file() else "?"
        raise AlreadyRunning(
            tr("Another instance is running: PID {pid} holds {data_dir}").format(pid=pid, data_dir=data_dir)
        ) from None
    except OSError as error:
        raise StartError(
            f"[site] data_dir: {data_dir} cannot be written ({error.strerror}): check its rights"
        ) from error
    try:
        holder.write_text(f"{os.getpid()}\n")
    except OSError as error:
        lock.release()
        raise StartError(f"{holder} cannot be written ({error.strerror}): make room or check its rights") from error
    return lock


def _open_spool(path: Path) -> Spool:
    try:
        return Spool(path, AUDIT_SPOOL_BYTES)
    except OSError as error:
        raise StartError(f"{path} cannot be written ({error.strerror}): check its rights") from error


async def _drain(journal: WriteJournal) -> None:
    """Give the audit of the last writes to the store; what it does not take waits on disk for the next start."""
    try:
        async with asyncio.timeout(_LAST_DRAIN_S):
            await journal.drain()
    except (StoreError, OSError, TimeoutError) as error:
        _logger.error("the audit waits on disk for the next start: %s", error or "the store gave no answer in time")
