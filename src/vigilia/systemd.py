"""What the service tells its service manager: that it is ready, how it fares, that it is not stuck, that it stops.

The protocol is systemd's sd_notify: datagrams of `NAME=value` lines to the socket that $NOTIFY_SOCKET names (a path, or
`@` and an abstract name). Without that variable nothing is sent; what cannot be sent never harms the watch.

The watchdog is fed at half of $WATCHDOG_USEC while nothing is *stuck*. That is less than healthy: systemd answers a
watchdog that starves by killing the service, so only what a restart may cure counts (`Health.stuck`).
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping

from vigilia.errors import printable

_logger = logging.getLogger(__name__)

STATUS_PERIOD_S = 10.0
"""Real seconds between two looks at what to say in STATUS."""
_STATUS_DEADLINE_S = 10.0
_LONGEST_STATUS = 400


class NotifySocket:
    """One end of the notification socket. `watchdog_s`: how often the manager wants a sign of life; None: never."""

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s if address else None
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._failure = ""

    @classmethod
    def take(cls, environment: MutableMapping[str, str]) -> "NotifySocket":
        """Return the notifier that `environment` asks for, and take its variables away from our children."""
        address = environment.pop("NOTIFY_SOCKET", "")
        period = environment.pop("WATCHDOG_USEC", "")
        process = environment.pop("WATCHDOG_PID", "")
        if not address.startswith(("/", "@")):
            if address:
                _logger.warning("NOTIFY_SOCKET names a kind of socket that is not supported: nothing is told")
            return cls()
        ours = process in ("", str(os.getpid()))
        wanted = ours and period.isascii() and period.isdigit() and int(period) > 0
        return cls(address, int(period) / 1e6 if wanted else None)

    @property
    def wanted(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._address)

    def send(self, *lines: str) -> bool:
        """Send `lines` at once, or not at all; return whether they were taken. Never waits and never raises."""
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as end:
                end.setblocking(False)
                end.sendto("\n".join(lines).encode(errors="replace"), self._address)
        except OSError as error:
            reason = error.strerror or str(error)
            if reason != self._failure:
                _logger.warning("the service manager does not take what it is told: %s", reason)
            self._failure = reason
            return False
        self._failure = ""
        return True


class ServiceManager:
    """Keeps the service manager informed. Made before the start; `run` and `feed_watchdog` are two services.

    `stuck` gives a sentence for each thing that a restart may cure, at once; `status` one sentence on how all fares.
    """

    def __init__(
        self, notifier: NotifySocket, stuck: Callable[[], list[str]], status: Callable[[], Awaitable[str]]
    ) -> None:
        self._notifier = notifier
        self._stuck = stuck
        self._status = status

    @property
    def watchdog_wanted(self) -> bool:
        """Whether the manager wants signs of life."""
        return self._notifier.watchdog_s is not None

    async def run(self) -> None:
        """Say that the service is ready, until that is taken; then how it fares, whenever it changes."""
        ready = self._notifier.send("READY=1")
        told = ""
        while True:
            ready = ready or self._notifier.send("READY=1")
            status = await self._sentence()
            if ready and status != told and self._notifier.send(f"STATUS={status}"):
                told = status
            await asyncio.sleep(STATUS_PERIOD_S)

    async def feed_watchdog(self) -> None:
        """Give signs of life while nothing is stuck."""
        if self._notifier.watchdog_s is None:
            return
        was_stuck = False
        while True:
            stuck = self._stuck()
            if not stuck:
                self._notifier.send("WATCHDOG=1")
            elif not was_stuck:
                _logger.critical("the watchdog is not fed, so that the service is restarted: %s", "; ".join(stuck))
            if was_stuck and not stuck:
                _logger.warning("the watchdog is fed again")
            was_stuck = bool(stuck)
            await asyncio.sleep(self._notifier.watchdog_s / 2)

    def stopping(self) -> None:
        """Say that the service stops."""
        self._notifier.send("STOPPING=1")

    async def _sentence(self) -> str:
        try:
            async with asyncio.timeout(_STATUS_DEADLINE_S):
                text = await self._status()
        except TimeoutError:
            text = f"no evidence within {_STATUS_DEADLINE_S:g} s"
        return printable(text)[:_LONGEST_STATUS]
