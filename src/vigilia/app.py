"""The service from start to stop: one straight line that makes the parts and connects them, and its way back."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from vigilia import __version__
from vigilia.clock import Clock
from vigilia.config import Config
from vigilia.drivers import Surroundings
from vigilia.errors import AlreadyRunning, ConfigError, StartError
from vigilia.health import Health
from vigilia.interfaces.epics.names import check_names
from vigilia.interfaces.epics.server import EpicsServer
from vigilia.language import tr
from vigilia.link import Link
from vigilia.ownpoints import OwnPoints
from vigilia.spool import Spool
from vigilia.store import Store, StoreError, WriteJournal
from vigilia.supervise import Supervisor
from vigilia.table import PointTable

_logger = logging.getLogger(__name__)

AUDIT_SPOOL_BYTES = 50_000_000
_LAST_DRAIN_S = 2.0


async def serve(config: Config, clock: Clock, announce: Callable[[str], None]) -> None:
    """Run the service until SIGTERM or SIGINT; `announce` gets the ready line when every interface accepts clients.

    Raises ConfigError or StartError where it cannot start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as cleanup:
        data_dir = _make_data_dir(config.data_dir)
        cleanup.enter_context(_hold(data_dir))
        store = await Store.open(config.store.url)
        cleanup.push_async_callback(store.close)
        spool = _open_spool(data_dir / "audit.spool")
        cleanup.callback(spool.close)
        journal = WriteJournal(spool, store, clock)
        await _take_over(store, journal)

        table = PointTable(clock, journal)
        surroundings = Surroundings(table, clock, await store.chosen())
        links: list[Link] = []
        for name, (plugin, section) in config.drivers.items():
            driver = plugin.build(section, surroundings)
            table.add(driver.points, driver.write)
            links += driver.links
            changes = await store.remember_points(name, driver.points, clock.now())
            _logger.info("%s: %d points, %d new, %d gone", name, len(driver.points), changes.new, changes.gone)
        epics = EpicsServer(config.epics, table, data_dir) if config.epics else None
        own = OwnPoints(
            config.site.instance,
            links,
            table,
            clock,
            lambda: journal.waiting_bytes,
            (lambda: epics.restarts) if epics else None,
        )
        _add_own(table, own)
        if config.epics:
            problems = list(check_names(config.epics.prefix, table.points()))
            if problems:
                raise ConfigError(problems)
        health = Health(links, store, clock, epics.ready.is_set if epics else None)
        web = None
        if config.web.enabled:
            from vigilia.interfaces.api.app import ApiParts
            from vigilia.interfaces.api.server import WebServer

            web = WebServer(config.web, ApiParts(table, links, store.audit, health.missing, clock, __version__))
            web.bind()
            cleanup.push_async_callback(web.stop)
        if epics:
            epics.prepare()

        supervisor = Supervisor(table, own, links)
        cleanup.push_async_callback(_drain, journal)
        cleanup.push_async_callback(supervisor.stop_services)
        supervisor.start_service("journal", journal.run())
        supervisor.start_service("staleness", table.watch_staleness())
        supervisor.start_service("own points", own.run())
        cleanup.push_async_callback(table.drain_writes)
        cleanup.push_async_callback(supervisor.stop_links)
        await supervisor.start_links()
        if epics:
            supervisor.start_service("epics", epics.run())
            await epics.started()
        if web:
            await web.start()
        announce(f"vigilia ready {web.address}" if web else "vigilia ready")
        await supervisor.wait(stop)
        _logger.info("stopping")


def run(config: Config, clock: Clock) -> None:
    """Run the service in this process until it is told to stop. Raises ConfigError or StartError."""
    asyncio.run(serve(config, clock, _print_line))


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
    holder.write_text(f"{os.getpid()}\n")
    return lock


def _open_spool(path: Path) -> Spool:
    try:
        return Spool(path, AUDIT_SPOOL_BYTES)
    except OSError as error:
        raise StartError(f"{path} cannot be written ({error.strerror}): check its rights") from error


async def _take_over(store: Store, journal: WriteJournal) -> None:
    """Bring into the store what the run before left behind."""
    try:
        await journal.drain()
        await store.close_orphans()
    except (StoreError, OSError) as error:
        raise StartError(f"the store does not take the audit of the last run: {error}") from error


def _add_own(table: PointTable, own: OwnPoints) -> None:
    try:
        table.add(own.points)
    except ValueError as error:
        raise StartError(f"[site] instance: {error}: choose a name that no device has") from error


async def _drain(journal: WriteJournal) -> None:
    """Give the audit of the last writes to the store; what it does not take waits on disk for the next start."""
    try:
        async with asyncio.timeout(_LAST_DRAIN_S):
            await journal.drain()
    except (StoreError, OSError, TimeoutError) as error:
        _logger.error("the audit waits on disk for the next start: %s", error)
