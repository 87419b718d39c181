"""The agent's worker: all that an agent does, from start to stop, in one straight line. The guardian starts it.

Run it as `python -m vigilia.agent.worker [CONFIG]`. Exit codes: 0 it was told to stop; 2 the configuration, or
something it needs, is not usable; 3 another agent holds the data; 4 its guardian was gone, or stood still; 5 its disk
was full, busy, or mounted read-only, which may pass.
"""

import asyncio
import errno
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from vigilia import __version__
from vigilia.agent.assembly import Restoring, calibrations_of, make_parts, make_uplink
from vigilia.agent.clocking import LOOK_PERIOD_S, Clocking, kernel_synchronised, machine_boot
from vigilia.agent.config import AgentConfig, find_config, load_config
from vigilia.agent.crew import Crew
from vigilia.agent.desk import Desk
from vigilia.agent.health import AgentPart
from vigilia.agent.holding import held
from vigilia.agent.memory import Memory
from vigilia.agent.parts import Measured, Part
from vigilia.agent.samples import SampleStore
from vigilia.agent.spare import spare_memory
from vigilia.clock import Clock, parse_clock
from vigilia.errors import AlreadyRunning, ConfigError, VigiliaError
from vigilia.language import use
from vigilia.logs import hide, set_up_logs
from vigilia.redaction import redact
from vigilia.systemd import NotifySocket, ServiceManager

if TYPE_CHECKING:
    from vigilia.agent.ledger import Ledger
    from vigilia.agent.outputs import Guard
    from vigilia.agent.uplink import Uplink

_logger = logging.getLogger(__name__)

EXIT_UNUSABLE = 2
EXIT_RUNNING = 3
EXIT_LATER = 5
"""The guardian tries again, ever more slowly: nobody may be near the reactor."""
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_PASSING_IN_SQLITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR)
EXIT_ALONE = 4
"""A guardian that only stood still starts a worker anew."""
_THREADS = 4
_SETTLED_S = 20.0
"""Real seconds after which everything was done once: registered, read, reported, delivered."""
_HANGS_S = 60.0
"""Real seconds after which a disk that gives no answer is a reason to be started anew."""


class _Ears:
    """Hears what parts do: samples go to the store, changes to the server."""

    def __init__(self, store: SampleStore) -> None:
        self.uplink: Uplink | None = None
        """None until it is made."""
        self._store = store

    def changed(self, part: Part) -> None:
        """Have the server told soon."""
        del part
        if self.uplink is not None:
            self.uplink.changed()

    def sampled(self, part: Part, samples: Sequence[Measured]) -> None:
        """Keep samples."""
        self._store.take(part, samples)

    def decided(self) -> None:
        """Have the server told at once."""
        if self.uplink is not None:
            self.uplink.urgent()


async def serve(config: AgentConfig, clock: Clock, environment: MutableMapping[str, str]) -> bool:
    """Work until SIGTERM, SIGINT, or the guardian's end; return whether it was told to stop.

    Raises ConfigError or StartError where it cannot start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, "work"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    from vigilia.agent.ledger import Ledger
    from vigilia.agent.outputs import Contact, Gear, Guard

    socket = _notify_socket(environment)
    async with AsyncExitStack() as cleanup:
        guard = Guard.take(environment)
        cleanup.callback(guard.bye)  # not close: the guardian would end us before it is said why we cannot start
        boot = machine_boot()
        store = SampleStore(config.data_dir / "samples.db", boot)
        cleanup.push_async_callback(store.close)
        memory = Memory(config.data_dir / "memory.json")
        drill = bool(environment.get("VIGILIA_CLOCK"))
        clocking = Clocking(clock, store, boot, (lambda: False) if drill else kernel_synchronised, store.last_seen())
        store.use_clock(clocking)
        contact = Contact(config.agent.failsafe_after_s)
        ledger = Ledger(config.data_dir / "ledger.db")
        cleanup.push_async_callback(ledger.close)
        parts = make_parts(config, Gear(guard, contact, ledger, clock), cleanup)
        crew = Crew(parts)
        parts.append(AgentPart(__version__, store, clocking, clock, lambda: crew.faults))
        ears = _Ears(store)
        desk = Desk(parts, memory, ears.decided)
        uplink = make_uplink(config, parts, desk, (store, memory, clocking), contact, crew.faulty, clock)
        ears.uplink = uplink
        cleanup.push_async_callback(_stop, crew, desk, guard)
        restoring = Restoring(parts, memory, desk)
        calibrations = calibrations_of(parts, ledger)
        calibrations.resume()
        await restoring.begin()
        crew.start(ears)
        for name, service in {
            "samples' store": store.run,
            "the talk with the server": uplink.run,
            "what was set before": restoring.run,
            "calibrations": calibrations.run,
            "clock": partial(_watch_clock, clocking),
            "ledger": partial(_watch_ledger, ledger),
        }.items():
            crew.keep(name, service)
        manager = ServiceManager(socket, partial(_stuck, store), partial(_status, uplink, store, crew))
        cleanup.callback(manager.stopping)
        if socket.wanted:
            crew.keep("service manager", manager.run)
        if manager.watchdog_wanted:
            crew.keep("watchdog", manager.feed_watchdog)
        spare_memory()
        loop.call_later(_SETTLED_S, spare_memory)
        _logger.info("agent %s of Vigilia %s at work: %d parts", config.agent.id, __version__, len(parts))
        told = await _until_stop(stop, guard)
        _logger.info("the agent stops")
        return told


def main(arguments: Sequence[str]) -> int:
    """Run the worker with `arguments`, a configuration or none; return the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):  # until the loop sees to them: nothing has begun to be stopped
        signal.signal(number, _leave)
    try:
        config = load_config(find_config(arguments[0] if arguments else None, os.environ))
        hide(config.secrets(), lasting=True)
        use(config.agent.language)
        clock = parse_clock(os.environ.get("VIGILIA_CLOCK", ""), ZoneInfo("UTC"))
        with held(config.data_dir), set_up_logs(config.data_dir / "logs"):
            return 0 if asyncio.run(serve(config, clock, os.environ)) else EXIT_ALONE
    except ConfigError as error:
        for problem in error.problems:
            _say(str(problem))
        return EXIT_UNUSABLE
    except AlreadyRunning as error:
        _say(f"vigilia agent: {error}")
        return EXIT_RUNNING
    except VigiliaError as error:
        _say(f"vigilia agent: {error}")
        return EXIT_LATER if _heals(error.__cause__) else EXIT_UNUSABLE


def _heals(cause: BaseException | None) -> bool:
    """Say whether what is in the way of a start may end by itself: a disk that is full, busy, or read-only by now."""
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _PASSING_IN_SQLITE
    return isinstance(cause, OSError) and cause.errno in _PASSING


def _leave(_number: int, _frame: object) -> None:
    """End in good order, by a signal that comes before anything has begun."""
    sys.exit(0)


def _say(line: str) -> None:
    sys.stderr.write(f"{redact(line)}\n")


def _notify_socket(environment: MutableMapping[str, str]) -> NotifySocket:
    """Return the way to the service manager, which knows the guardian as its service: we speak for it."""
    if environment.get("WATCHDOG_PID") == str(os.getppid()):
        del environment["WATCHDOG_PID"]
    return NotifySocket.take(environment)


async def _until_stop(stop: asyncio.Event, guard: "Guard") -> bool:
    """Return when the agent is told to stop, or the guardian is gone: nothing may be on without it. Say which."""
    waits: list[asyncio.Task[object]] = [
        asyncio.create_task(stop.wait(), name="stop"),
        asyncio.create_task(guard.wait_gone(), name="guardian"),
    ]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    if not stop.is_set():
        _logger.critical("the guardian is gone: the agent makes everything safe, and ends")
    return stop.is_set()


async def _stop(crew: Crew, desk: Desk, guard: "Guard") -> None:
    """Leave outputs safe first; where one did not end in time, the guardian makes all safe, and ends us."""
    await desk.stop()
    if not await crew.stop():
        guard.close()


async def _watch_clock(clocking: Clocking) -> None:
    while True:
        clocking.look()
        await asyncio.sleep(LOOK_PERIOD_S)


async def _watch_ledger(ledger: "Ledger") -> None:
    while True:
        await ledger.look()
        await asyncio.sleep(LOOK_PERIOD_S)


def _stuck(store: SampleStore) -> list[str]:
    """Return what a new start may cure; that nothing feeds the watchdog when the loop hangs goes without saying."""
    since = store.busy_since
    if since is None or asyncio.get_running_loop().time() - since < _HANGS_S:
        return []
    return [f"{store.path} has given no answer for {_HANGS_S:g} s"]


async def _status(uplink: "Uplink", store: SampleStore, crew: Crew) -> str:
    """Return how the agent fares, in one sentence."""
    server = uplink.state or "the server hears us"
    return "; ".join([server, f"{store.waiting} samples wait", *crew.idle])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
