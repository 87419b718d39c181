"""The `[health]` section, and the call to an outside watcher each minute: who misses it raises the alarm we cannot.

The call is made only while the evidence is good (`Health.missing` is empty). The address is a secret: whoever has it
can keep the outside watcher quiet.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp
from pydantic import field_validator

from vigilia.addresses import is_loopback
from vigilia.clock import Clock
from vigilia.language import tr
from vigilia.settings import Secret, Section

_logger = logging.getLogger(__name__)

PERIOD_S = 60.0
"""Seconds of the service's clock from one call to the next."""
_DEADLINE_S = 10.0
"""Real seconds for one call as a whole, and for the evidence before it."""


class HealthConfig(Section):
    """The whole section."""

    ping_url: Secret | None = None
    """Called each minute while the watch is healthy; empty or not set: nothing is called."""

    @field_validator("ping_url")
    @classmethod
    def _check_ping_url(cls, url: Secret | None) -> Secret | None:
        """Take https, http on loopback, or nothing. No message repeats the address."""
        if url is None or not url.get_secret_value():
            return None
        right = 'write "https://HOST/…"; http only for an address of this machine'
        try:
            parts = urlsplit(url.get_secret_value())
            host = parts.hostname or ""
            valid = bool(host) and parts.port != 0
        except ValueError:  # its text may quote the address
            raise ValueError(f"is not an address; {right}") from None
        if not valid or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
            raise ValueError(f"is not an address that may be called; {right}")
        return url


class Ping:
    """Calls the outside watcher. `missing` gives a sentence for each piece of evidence that is not there."""

    def __init__(self, url: Secret, missing: Callable[[], Awaitable[list[str]]], clock: Clock) -> None:
        self._url = url.get_secret_value()
        self._missing = missing
        self._clock = clock
        self._failure = ""
        self._withheld = False

    async def run(self) -> None:
        """Call each minute, measured from start to start, until cancelled."""
        due = self._clock.monotonic()
        while True:
            if await self._healthy():
                self._tell(await self._call())
            due = max(due + PERIOD_S, self._clock.monotonic())
            await self._clock.sleep(due - self._clock.monotonic())

    async def _healthy(self) -> bool:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                missing = await self._missing()
        except TimeoutError:
            missing = [tr("no evidence within {seconds} s").format(seconds=f"{_DEADLINE_S:g}")]
        if missing and not self._withheld:
            _logger.warning(
                "[health] the outside watcher is not called, for the evidence lacks: %s", "; ".join(missing)
            )
        elif self._withheld and not missing:
            _logger.info("[health] the outside watcher is called again")
        self._withheld = bool(missing)
        return not missing

    async def _call(self) -> str:
        """Call once; return what went wrong, in words that do not tell the address, or nothing."""
        try:
            async with (
                asyncio.timeout(_DEADLINE_S),
                aiohttp.ClientSession() as http,
                http.get(self._url, allow_redirects=False) as answer,
            ):
                return "" if 200 <= answer.status < 300 else f"status {answer.status}"
        except TimeoutError:
            return f"no answer within {_DEADLINE_S:g} s"
        except aiohttp.ClientConnectorCertificateError:
            return "its certificate is not trusted"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return type(error).__name__

    def _tell(self, failure: str) -> None:
        """Log a change of how the calls end."""
        if failure and failure != self._failure:
            _logger.warning("[health] ping_url: the outside watcher was not reached: %s", failure)
        elif self._failure and not failure:
            _logger.info("[health] ping_url: the outside watcher is reached again")
        self._failure = failure
