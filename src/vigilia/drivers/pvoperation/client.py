"""The PVOperation API client: token, retries, limits, and the requests themselves.

It knows the protocol and no points. Any number of callers share one token and one limit of requests in flight; see
docs/explanation/pvoperation.md.
"""

import asyncio
import logging
import random
import ssl
from collections import deque
from datetime import date
from typing import Any, cast

from vigilia.clock import Clock
from vigilia.drivers.pvoperation.http import Answer, Connections, TimedOut
from vigilia.errors import BadAnswer, ConnectionLost, LinkError, LoginRefused

_logger = logging.getLogger(__name__)

RETRIES = 3
LONGEST_RETRY_AFTER_S = 120.0
_FIRST_WAIT_S = 1.0
_LOGIN_S = 20.0
_PLANTS_S = 20.0
_DAY_S = 30.0
_LARGEST_LOGIN_BYTES = 65_536
_LARGEST_PLANTS_BYTES = 8_000_000
LARGEST_DAY_BYTES = 32_000_000
"""A day of 20 inverters at one record in 5 minutes is about 3 MB."""
_RENEWALS = 2
_HOUR_S = 3600.0
_HOURS_KEPT = 24
_LONGEST_TOKEN = 16_384


class TokenRefused(LoginRefused):
    """A request is refused with a token that was obtained just before: the account may not make it, or no other."""


class SuccessRate:
    """How many requests were answered as they should be, in the last 24 hours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hours: deque[list[int]] = deque(maxlen=_HOURS_KEPT)
        """For each hour with requests: its number, those that went well, and all."""

    def count(self, *, well: bool) -> None:
        """Count a request."""
        hour = int(self._clock.monotonic() // _HOUR_S)
        if not self._hours or self._hours[-1][0] != hour:
            self._hours.append([hour, 0, 0])
        self._hours[-1][1] += well
        self._hours[-1][2] += 1

    def counts(self) -> tuple[int, int]:
        """Return how many went well, and how many there were."""
        oldest = int(self._clock.monotonic() // _HOUR_S) - _HOURS_KEPT
        kept = [hour for hour in self._hours if hour[0] > oldest]
        return sum(hour[1] for hour in kept), sum(hour[2] for hour in kept)


class PvOperationClient:
    """One account."""

    def __init__(
        self,
        base_url: str,
        *,
        email: str,
        password: str,
        concurrency: int,
        tls: ssl.SSLContext | None,
        clock: Clock,
    ) -> None:
        self.success = SuccessRate(clock)
        self._base = base_url
        self._email = email
        self._password = password
        self._clock = clock
        self._connections = Connections(tls)
        self._in_flight = asyncio.Semaphore(concurrency)
        self._logging_in = asyncio.Lock()
        self._token: str | None = None
        self._wait_until = 0.0
        """When the API is willing to listen again, by the clock's monotonic time."""
        self._login_trouble = ""

    @property
    def sessions(self) -> int:
        """How many tokens of ours are in use: 0 or 1."""
        return int(self._token is not None)

    async def log_in(self) -> None:
        """Get a token, in place of any before. Raises LoginRefused, BadAnswer or ConnectionLost; logs each once."""
        async with self._logging_in:
            await self._log_in()

    async def plants(self) -> Any:
        """Return the account's list of plants, as JSON. Raises LinkError."""
        answer = await self._call("GET", "plants", deadline_s=_PLANTS_S, most_bytes=_LARGEST_PLANTS_BYTES)
        return await asyncio.to_thread(answer.expect().json)

    async def day(self, path: str, plant: int | str, day: date) -> Answer:
        """Return the answer that holds a plant's records of one local day. Raises LinkError."""
        body = {"id": plant, "date": day.isoformat()}
        answer = await self._call("POST", path, body, deadline_s=_DAY_S, most_bytes=LARGEST_DAY_BYTES)
        return answer.expect()

    async def close(self) -> None:
        """Close the connections and forget the token; the API has no logout."""
        self._token = None
        await self._connections.close()

    async def _call(self, method: str, path: str, body: object = None, *, deadline_s: float, most_bytes: int) -> Answer:
        """Send a request with the token; where that is refused, log in anew once for it, whoever notices first."""
        for _ in range(_RENEWALS + 1):
            token = self._token
            if token is None:
                token = await self._renew(None)
            answer = await self._persist(method, path, body, token=token, deadline_s=deadline_s, most_bytes=most_bytes)
            if answer.status != 401:
                return answer
            await self._renew(token)
        raise TokenRefused(f"the token is refused again, just after a login ({method} {path})")

    async def _renew(self, refused: str | None) -> str:
        """Return another token than `refused`: one login for all who were refused it."""
        async with self._logging_in:
            if self._token is None or self._token == refused:
                await self._log_in()
            return cast(str, self._token)

    async def _log_in(self) -> None:
        self._token = None
        try:
            self._token = await self._ask_token()
        except LinkError as error:
            trouble = str(error)
            level = logging.WARNING if trouble != self._login_trouble else logging.DEBUG
            _logger.log(level, "[PVOP] Falha ao logar: %s", trouble)
            self._login_trouble = trouble
            raise
        self._login_trouble = ""

    async def _ask_token(self) -> str:
        body = {"username": self._email, "password": self._password}
        answer = await self._persist(
            "POST", "authenticate", body, token=None, deadline_s=_LOGIN_S, most_bytes=_LARGEST_LOGIN_BYTES
        )
        if answer.status in (400, 401, 403):
            raise LoginRefused(f"the login is refused (status {answer.status}): check email and password")
        content = answer.expect().json()
        token = cast(dict[str, Any], content).get("token") if isinstance(content, dict) else None
        if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN or not token.isascii():
            raise BadAnswer("the answer to the login has no token")
        if not token.isprintable() or " " in token:
            raise BadAnswer("the answer to the login has a token that no header can carry")
        return token

    async def _persist(
        self, method: str, path: str, body: object, *, token: str | None, deadline_s: float, most_bytes: int
    ) -> Answer:
        """Send a request, and up to RETRIES times more where it may well be answered better."""
        for attempt in range(RETRIES + 1):
            last = attempt == RETRIES
            await self._clock.sleep(self._wait_until - self._clock.monotonic())
            wait_s = _FIRST_WAIT_S * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - chance, no secret
            try:
                async with self._in_flight:
                    answer = await self._connections.request(
                        method,
                        f"{self._base}/{path}",
                        request=f"{method} {path}",
                        deadline_s=deadline_s,
                        most_bytes=most_bytes,
                        token=token,
                        body=body,
                    )
            except LinkError as error:
                self.success.count(well=False)
                if last or isinstance(error, TimedOut) or not isinstance(error, ConnectionLost):
                    raise
            else:
                self.success.count(well=200 <= answer.status < 300)
                if last or not answer.is_worth_repeating:
                    return answer
                wait_s = self._heed(answer, wait_s)
            await self._clock.sleep(wait_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _heed(self, answer: Answer, wait_s: float) -> float:
        """Return how long to wait before trying again; a wait that the API asks for holds for every request."""
        asked_s = answer.retry_after_s(self._clock.now())
        if asked_s is None:
            return wait_s
        asked_s = min(asked_s, LONGEST_RETRY_AFTER_S)
        if answer.status == 429:
            self._wait_until = max(self._wait_until, self._clock.monotonic() + asked_s)
        return max(asked_s, wait_s)
