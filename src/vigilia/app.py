"""The service from start to stop: one straight line that makes the parts and connects them, and its way back."""

import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vigilia import __version__
from vigilia.alarms.config import adjust
from vigilia.alerting import Alerting
from vigilia.clock import Clock
from vigilia.config import Config
from vigilia.datadir import hold, make_data_dir
from vigilia.declarations import Declarations
from vigilia.drivers import Driver, Listening, Recalling, Surroundings
from vigilia.errors import StartError
from vigilia.health import Health
from vigilia.history.archive import History
from vigilia.interfaces.epics.archiver.retrieval import ArchivedReadings
from vigilia.interfaces.epics.server import EpicsServer
from vigilia.language import tr
from vigilia.link import Contact, Link
from vigilia.notify.notifier import Notifier
from vigilia.ownpoints import Counts, HistoryCounts, OwnPoints
from vigilia.ping import Ping
from vigilia.rehearsal import build_drivers, complete_points, rehearse, rules_declared
from vigilia.rules import AlarmStates
from vigilia.spool import Spool
from vigilia.store import Store, StoreError, WriteJournal, incidents, notices
from vigilia.store.alarms import load_checkpoints
from vigilia.supervise import Supervisor
from vigilia.systemd import NotifySocket, ServiceManager
from vigilia.table import PointTable
from vigilia.webparts import fleet_of, vitals_of

if TYPE_CHECKING:
    from vigilia.interfaces.api.server import WebServer

_logger = logging.getLogger(__name__)

AUDIT_SPOOL_BYTES = 50_000_000
_LAST_DRAIN_S = 1.0
_PROBES_AT_ONCE = 16
_COLLECT_AFTER = (20_000, 20, 10)
"""Objects made and not dropped, and smaller collections, after which Python looks for garbage."""
_MALLOPT = {-8: 1, -3: 131_072, -1: 131_072}
"""M_ARENA_MAX; M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in bytes (glibc's malloc.h)."""
_SWITCH_S = 0.0005
"""How long the event loop waits for a thread that computes. Python's own 5 ms, for each piece of a large answer that
comes in, are more than the answer takes."""


async def serve(config: Config, clock: Clock, announce: Callable[[str], None]) -> None:
    """Run the service until SIGTERM or SIGINT; `announce` gets the ready line when every interface accepts clients.

    Raises ConfigError or StartError where it cannot start.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    socket = NotifySocket.take(os.environ)
    async with AsyncExitStack() as cleanup:
        store, journal = await _open_state(config, clock, cleanup)
        table = PointTable(clock, journal)
        history = await _open_history(config, table, clock, cleanup)
        alerting = Alerting(config, table, store, clock, journal)
        drivers = await _make_drivers(config, table, store, clock, alerting.engine)
        links = [link for driver in drivers.values() for link in driver.links]
        epics = EpicsServer(config.epics, table, config.data_dir, config.outside_epics) if config.epics else None
        own = OwnPoints(config.site.instance, links, table, clock, _counts(journal, alerting, epics, history))
        complete_points(config, table, own)
        await alerting.start(rules_declared(drivers, config))
        listening = {name: driver for name, driver in drivers.items() if isinstance(driver, Listening)}
        others = [alerting.missing, *([history.missing] if history else []), *(d.missing for d in listening.values())]
        health = Health(links, store, journal, clock, epics.ready.is_set if epics else None, others)
        web = _bind_web(config, table, drivers, store, health, clock, alerting, history)
        if web:
            cleanup.push_async_callback(web.stop)
        if epics:
            epics.prepare()
        for driver in listening.values():
            cleanup.push_async_callback(driver.close)
            await driver.listen()

        supervisor = Supervisor(table, own, links)
        cleanup.push_async_callback(_keep_the_last, journal, alerting)
        supervisor.start_service("journal", journal.run())
        supervisor.start_service("staleness", table.watch_staleness())
        supervisor.start_service("own points", own.run())
        services = alerting.services(links, health) | (history.services() if history else {})
        services |= {f"{name} listener": driver.serve() for name, driver in listening.items()}
        for name, service in services.items():
            supervisor.start_service(name, service)
        _start_recalling(drivers, supervisor)
        cleanup.push_async_callback(_stop_everything, supervisor, table, web)
        manager = ServiceManager(socket, health.stuck, lambda: _status(links, alerting, health))
        cleanup.callback(manager.stopping)
        await supervisor.start_links()
        if epics:
            supervisor.start_service("epics", epics.run())
            await supervisor.wait_for(epics.started(), stop)
        if web and not stop.is_set():
            await web.start()
            supervisor.start_service("web", web.wait())
        _spare_the_collector()
        if not stop.is_set():
            _start_signs_of_life(config, clock, socket, manager, health, supervisor)
            announce("\n".join((f"vigilia ready {web.address}", *web.greeting)) if web else "vigilia ready")
            await supervisor.wait_for(None, stop)
        _logger.info("stopping")


def _spare_memory() -> None:
    """Have large pieces of memory, an answer of some 100 kB above all, given back to the system when they are dropped.

    The C library otherwise comes to keep them, in pieces and for each thread apart. See mallopt(3); glibc only.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        for parameter, value in _MALLOPT.items():
            mallopt(parameter, value)


def _spare_the_collector() -> None:
    """Have Python's garbage collector look no more at what was made at the start, and stays until the end.

    Each of its full collections stops everything: with 5,000 ports for a fifth of a second, each second or two. What
    is made and dropped by the thousand, a plant's day of readings, would start it dozens of times each second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    sys.setswitchinterval(_SWITCH_S)


def check(config: Config) -> None:
    """Check what only the parts themselves know: that the points can be made, and served as PVs.

    Touches no equipment and no file. Raises ConfigError or StartError.
    """
    adjust(rules_declared(rehearse(config).drivers, config), config.alarms, config.source)


async def check_online(config: Config) -> dict[str, str]:
    """Try every login, and send a test card to every channel; return what is wrong with each, or an empty text.

    Raises ConfigError or StartError.
    """
    links = [link for driver in rehearse(config).drivers.values() for link in driver.links]
    room = asyncio.Semaphore(_PROBES_AT_ONCE)

    async def probe(link: Link) -> str:
        async with room:
            return await link.probe()

    answers = await asyncio.gather(*(probe(link) for link in links))
    found = {tr("link {name}").format(name=link.name): answer for link, answer in zip(links, answers, strict=True)}
    cards = await Notifier.test_card(config.notify, config.site.name, config.web.public_url, config.data_dir)
    return found | {tr("channel {name}").format(name=name): answer for name, answer in cards.items()}


def run(config: Config, clock: Clock) -> None:
    """Run the service in this process until it is told to stop. Raises ConfigError or StartError."""
    _spare_memory()
    asyncio.run(serve(config, clock, _print_lines))


async def _make_drivers(
    config: Config, table: PointTable, store: Store, clock: Clock, alarms: AlarmStates
) -> dict[str, Driver]:
    """Make the configured drivers as they were when they stopped, and remember the points they have now."""
    surroundings: dict[str, Surroundings] = {}
    common = Surroundings(table, clock, await store.chosen(), config.site.instance, config.zone, store=store)
    common = replace(common, alarms=alarms, archive=ArchivedReadings(config.epics))
    for name, (plugin, _) in config.drivers.items():
        its = surroundings[name] = replace(common, checkpoints=await load_checkpoints(store, name))
        if plugin.grows:
            declare = Declarations(name, table, store, clock)
            surroundings[name] = replace(its, known=await store.known_points(name), declare=declare)
    drivers = build_drivers(config, surroundings)
    for name, driver in drivers.items():
        declare = surroundings[name].declare
        if isinstance(declare, Declarations):
            declare.writer = driver.write
        changes = await store.remember_points(name, driver.points, clock.now())
        _logger.info("%s: %d points, %d new, %d gone", name, len(driver.points), changes.new, changes.gone)
    return drivers


def _counts(journal: WriteJournal, alerting: Alerting, epics: EpicsServer | None, history: History | None) -> Counts:
    """Say how to find what the service's own points show."""
    engine, notifier = alerting.engine, alerting.notifier
    return Counts(
        audit_waiting=lambda: journal.waiting_bytes,
        audit_dropped=lambda: journal.dropped,
        alarms_active=lambda: engine.active,
        alarms_waiting=lambda: engine.keeper.waiting,
        notices_waiting=lambda: notifier.waiting,
        oldest_notice_s=lambda: notifier.oldest_unsent_s,
        epics_restarts=(lambda: epics.restarts) if epics else None,
        epics_renewals=(lambda: epics.renewals) if epics else None,
        history=_history_counts(history) if history else None,
    )


def _history_counts(history: History) -> HistoryCounts:
    return HistoryCounts(
        waiting_mb=lambda: history.waiting_mb,
        dropped=lambda: history.dropped,
        refused=lambda: history.refused,
        lag_s=lambda: history.lag_s,
    )


async def _open_state(config: Config, clock: Clock, cleanup: AsyncExitStack) -> tuple[Store, WriteJournal]:
    """Take the data directory, open the store, and bring into it what the run before left behind."""
    data_dir = make_data_dir(config.data_dir)
    cleanup.callback(hold(data_dir).release)
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


async def _open_history(config: Config, table: PointTable, clock: Clock, cleanup: AsyncExitStack) -> History | None:
    """Open the history, and have it see every reading from now on; None where none is to be kept."""
    if not config.history.enabled:
        return None
    history = History(config.history, config.data_dir, config.site.instance, table, clock)
    cleanup.push_async_callback(history.close)
    await history.start()
    return history


def _bind_web(
    config: Config,
    table: PointTable,
    drivers: Mapping[str, Driver],
    store: Store,
    health: Health,
    clock: Clock,
    alerting: Alerting,
    history: History | None,
) -> "WebServer | None":
    """Take the web listener's address, so that a port taken is known before anything runs. Raises StartError."""
    if not config.web.enabled:
        return None
    from vigilia.interfaces.api.parts import ApiParts
    from vigilia.interfaces.api.server import WebServer
    from vigilia.interfaces.auth.auth import SignIn

    parts = ApiParts(
        table,
        [link for driver in drivers.values() for link in driver.links],
        store.audit,
        health.missing,
        clock,
        __version__,
        alarms=alerting.desk,
        records=alerting.records,
        incidents=partial(incidents.newest, store),
        outbox=partial(notices.newest, store),
        channels=partial(notices.channels, store),
        history=history,
        sign_in=SignIn.of(config.web, config.site, store, clock, config.data_dir),
        fleet=fleet_of(drivers.values()),
        vitals=vitals_of(alerting, store, clock),
        systems=drivers,
    )
    web = WebServer(config.web, parts)
    web.bind()
    return web


async def _stop_everything(supervisor: Supervisor, table: PointTable, web: "WebServer | None") -> None:
    """Log out of all equipment, part from all clients and end the services, side by side: a stop has 10 s in all."""
    await asyncio.gather(supervisor.stop_links(), supervisor.stop_services(), *([web.stop()] if web else []))
    await table.drain_writes()


def _start_recalling(drivers: Mapping[str, Driver], supervisor: Supervisor) -> None:
    """Have set points that start from an archive be looked up there."""
    for name, driver in drivers.items():
        if isinstance(driver, Recalling):
            supervisor.start_errand(f"{name} recall", driver.recall())


def _start_signs_of_life(
    config: Config, clock: Clock, socket: NotifySocket, manager: ServiceManager, health: Health, supervisor: Supervisor
) -> None:
    """Start what tells the service manager and the outside watcher, where there are any."""
    if socket.wanted:
        supervisor.start_service("service manager", manager.run())
    if manager.watchdog_wanted:
        supervisor.start_service("store watch", health.watch_store())
        supervisor.start_service("watchdog", manager.feed_watchdog())
    if config.health.ping_url:
        supervisor.start_service("ping", Ping(config.health.ping_url, health.missing, clock).run())


async def _status(links: Sequence[Link], alerting: Alerting, health: Health) -> str:
    """Return how the watch fares, in one sentence for a list of services."""
    text = tr("{connected} of {links} links connected, {alarms} alarms active, {notices} notices waiting").format(
        connected=sum(link.contact is Contact.CONNECTED for link in links),
        links=len(links),
        alarms=alerting.engine.active,
        notices=alerting.notifier.waiting,
    )
    missing = await health.missing()
    return tr("{summary}; not healthy: {missing}").format(summary=text, missing="; ".join(missing)) if missing else text


def _print_lines(lines: str) -> None:
    """Print them at one go: `print` ends its last line by a second write, before which the log may come."""
    sys.stdout.write(lines + "\n")
    sys.stdout.flush()


def _open_spool(path: Path) -> Spool:
    try:
        return Spool(path, AUDIT_SPOOL_BYTES)
    except OSError as error:
        raise StartError(f"{path} cannot be written ({error.strerror}): check its rights") from error


async def _keep_the_last(journal: WriteJournal, alerting: Alerting) -> None:
    """Give what came last to the store. Audit that it does not take waits on disk; alarms are judged anew."""
    try:
        async with asyncio.timeout(_LAST_DRAIN_S):
            await journal.drain()
            await alerting.engine.keeper.drain()
    except (StoreError, OSError, TimeoutError) as error:
        _logger.error("the store did not take what came last: %s", error or "it gave no answer in time")
