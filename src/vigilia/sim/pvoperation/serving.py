"""What the simulated API and the Teams sink have in common: a socket, a log of requests, latency, and faults."""

import asyncio
import logging
import ssl
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, Unpack
from urllib.parse import unquote

from aiohttp import ClientError, web

from vigilia.addresses import join_address
from vigilia.clock import Clock
from vigilia.sim.aruba.delivery import no_answer, whole
from vigilia.sim.aruba.listener import Connection, Listener
from vigilia.sim.aruba.rest import Answer
from vigilia.sim.pvoperation.clock import HeldClock
from vigilia.sim.pvoperation.disturb import HUGE_BYTES
from vigilia.sim.pvoperation.faults import Fault, FaultOptions, Faults

LOG_LENGTH = 100_000
_CHUNK = b" " * 65_536
_LONGEST_BODY = 1_000_000
_RETRY_LISTEN_S = 0.2

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class RequestRecord:
    """One request in the log, by number and time. `status` is None while unanswered, and if none was begun."""

    number: int
    time: float
    method: str
    path: str
    plant: int | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read. `path` is percent-decoded and has no query; `plant`: the plant whose day it asks for."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    plant: int | None = None


class Serving(ABC):
    """An HTTP server on a socket that misbehaves when told: `async with … as server: … server.url`.

    `latency_s`: real seconds before each answer; `concurrency_limit`: more requests in hand at once are counted in
    `over_limit`, and answered. Faults last and the log counts by `clock`.
    """

    name: str

    def __init__(
        self, clock: Clock, faults: Faults, host: str, port: int, tls: ssl.SSLContext | None, latency_s: float
    ) -> None:
        self.clock = clock
        self.faults = faults
        self.latency_s = latency_s
        self.concurrency_limit: int | None = None
        self.requests: deque[RequestRecord] = deque(maxlen=LOG_LENGTH)
        self.total_requests = 0
        self.in_flight = 0
        self.max_in_flight = 0
        self.over_limit = 0
        self._address = (host, port)
        self._tls = tls
        self._listener: Listener | None = None
        self._listener_lock = asyncio.Lock()
        self._listener_due = asyncio.Event()
        self._in_hand: set[asyncio.Task[object]] = set()
        self._keeper: asyncio.Task[None] | None = None

    @abstractmethod
    def answer(self, call: Call, fault: Fault | None) -> Answer:
        """The answer to a request, which may be under a fault."""

    def plant_of(self, path: str, body: bytes) -> int | None:
        """The plant that a request concerns, if it concerns one."""
        return None

    # Life

    async def start(self) -> None:
        """Begin to listen; raises OSError when the address is not free."""
        self._listener = Listener(self._handle, *self._address, self._tls)
        try:
            await self._listener.listen()
        except BaseException:
            await self._listener.close()
            raise
        self._keeper = asyncio.create_task(self._keep_listener(), name=f"{self.name} listener")

    async def stop(self) -> None:
        """Close everything at once, requests in hand included."""
        tasks = [*([] if self._keeper is None else [self._keeper]), *self._in_hand]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            await self._listener.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def origin(self) -> str:
        """The address to reach it at, without a path."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{join_address(self._address[0], self._started().port)}"

    @property
    def listening(self) -> bool:
        """Whether connections are accepted now."""
        return self._started().listening

    # Misbehaviour

    async def inject(self, kind: str, **options: Unpack[FaultOptions]) -> Fault:
        """Put a fault in force; raises FaultError."""
        fault = self.faults.inject(kind, self.clock.monotonic(), **options)
        await self._settle()
        return fault

    async def clear_faults(self) -> None:
        """End all faults."""
        self.faults.clear()
        await self._settle()

    # Serving

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(self.clock, HeldClock):
            self.clock.release()
        path, _, query = request.raw_path.partition("?")
        self.total_requests += 1
        record = RequestRecord(self.total_requests, self.clock.now(), request.method, unquote(path))
        self.requests.append(record)
        connection = self._started().connection_of(request)
        task = asyncio.current_task()
        if connection is None or task is None:
            return no_answer()
        self._in_hand.add(task)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        if self.concurrency_limit is not None and self.in_flight > self.concurrency_limit:
            self.over_limit += 1
        try:
            return await self._treat(request, connection, record, query)
        except (ConnectionError, ClientError, web.RequestPayloadError):
            return no_answer()
        finally:
            self._in_hand.discard(task)
            self.in_flight -= 1

    async def _treat(
        self, request: web.BaseRequest, connection: Connection, record: RequestRecord, query: str
    ) -> web.StreamResponse:
        body = await _read(request)
        if body is None:
            record.status = 413
            return web.Response(status=413)
        record.plant = self.plant_of(record.path, body)
        call = Call(record.method, record.path, query, request.headers, body, record.plant)
        fault = self.faults.take(self.faults.whole, call.path, call.plant, self.clock.monotonic())
        kind = None if fault is None else fault.kind
        if kind == "hang":
            await connection.gone.wait()
            return no_answer()
        if self.latency_s > 0:
            await asyncio.sleep(self.latency_s)
        if kind == "reset":
            connection.reset()
            return no_answer()
        if kind in ("huge", "huge-stream"):
            record.status = 200
            return await _huge(request, announced=kind == "huge")
        answer = self.answer(call, fault)
        if kind == "lost-answer":
            connection.reset()
            return no_answer()
        record.status = answer.status
        return whole(answer)

    # Listening

    def _started(self) -> Listener:
        if self._listener is None:
            raise RuntimeError(f"{self.name} has not been started: use `async with`, or call start() first")
        return self._listener

    async def _settle(self) -> None:
        """Listen, or do not, as the faults have it now."""
        async with self._listener_lock:
            now = self.clock.monotonic()
            if self.faults.refused_until(now) > now:
                self._started().refuse()
            else:
                await self._started().listen()
        self._listener_due.set()

    async def _keep_listener(self) -> None:
        """Listen again when a refusal has lasted its time."""
        while True:
            self._listener_due.clear()
            wait = self.faults.refused_until(self.clock.monotonic()) - self.clock.monotonic()
            if wait <= 0 and not self.listening:
                await self._listen_again()
                continue
            try:
                async with asyncio.timeout(wait / self.clock.speed if 0 < wait < float("inf") else None):
                    await self._listener_due.wait()
            except TimeoutError:
                continue

    async def _listen_again(self) -> None:
        try:
            await self._settle()
        except OSError as error:
            _log.error("%s cannot listen again on %s: %s; trying on", self.name, self.origin, error)
            await asyncio.sleep(_RETRY_LISTEN_S)


async def _read(request: web.BaseRequest) -> bytes | None:
    """The body, or None where it is too long; read to its end all the same, or the client would not see the answer."""
    body = bytearray()
    is_too_long = False
    async for chunk in request.content.iter_any():
        is_too_long = is_too_long or len(body) + len(chunk) > _LONGEST_BODY
        if not is_too_long:
            body += chunk
    return None if is_too_long else bytes(body)


async def _huge(request: web.BaseRequest, *, announced: bool) -> web.StreamResponse:
    """Send a list that is mostly white space and far too long, as fast as it is taken."""
    response = web.StreamResponse()
    response.content_type = "application/json"
    if announced:
        response.content_length = HUGE_BYTES
    await response.prepare(request)
    await response.write(b"[")
    left = HUGE_BYTES - 2
    while left > 0:
        await response.write(_CHUNK[:left])
        left -= len(_CHUNK)
    await response.write(b"]")
    return response
