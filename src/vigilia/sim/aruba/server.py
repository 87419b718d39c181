"""A simulated switch: an HTTP server that treats one request at a time, as slowly and as badly as it is told."""

import asyncio
import logging
import ssl
import sys
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self, TypedDict, Unpack
from urllib.parse import unquote

from aiohttp import ClientError, web

from vigilia.addresses import join_address
from vigilia.sim.aruba.delivery import cut, drip, no_answer, whole
from vigilia.sim.aruba.faults import REQUEST_FAULTS, Fault, Faults
from vigilia.sim.aruba.listener import Connection, Listener
from vigilia.sim.aruba.model import Fields, SwitchModel
from vigilia.sim.aruba.rest import Call, Firmware, Rest, faulty_answer
from vigilia.sim.aruba.sessions import Sessions

LOG_LENGTH = 100_000
# Long enough for the client to have read the answer before the connection is closed under it.
CLOSE_IDLE_S = 0.02
_RETRY_LISTEN_S = 0.2

_log = logging.getLogger(__name__)


class FaultOptions(TypedDict, total=False):
    """The parameters of a fault; which of them a fault takes says `FAULTS`."""

    duration_s: float | None
    count: int | None
    path: str | None
    method: str | None
    ports: Iterable[str]
    location: str | None


@dataclass(slots=True)
class RequestRecord:
    """One request in the log. `status` is None while unanswered, and for good if no answer was begun."""

    monotonic: float
    time: float
    method: str
    path: str
    status: int | None = None


class SimSwitch:
    """An ArubaOS-Switch on a socket: `async with SimSwitch(name="sw-1", ports=24) as switch: … switch.url`.

    `port` 0 takes a free one. `ports` is a number (named "1", "2" …) or the ports' names. Without `username` REST is
    anonymous. `latency_s` is the time in service of each request; `detect_s` the time from searching to delivering.
    The remaining options are those of `Firmware` and `SwitchModel`.
    """

    def __init__(  # noqa: PLR0913 - the options of a whole device, all by name
        self,
        name: str = "sw-1",
        ports: int | Iterable[str] = 24,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        username: str | None = None,
        password: str | None = None,
        latency_s: float = 0.0,
        detect_s: float = 0.2,
        fields: Fields = "full",
        versions: Iterable[int] = range(1, 8),
        collection: bool = True,
        put: bool = True,
        login_refusal: Literal["401", "html"] = "401",
        version_needs_session: bool = False,
        stacked: bool = False,
        session_idle_s: float = 120.0,
        max_sessions: int = 5,
    ) -> None:
        self.name = name
        self.latency_s = latency_s
        self.model = SwitchModel(ports, detect_s=detect_s, fields=fields)
        self.sessions = Sessions(max_sessions, session_idle_s)
        self.faults = Faults()
        self.firmware = Firmware(
            username, password, frozenset(versions), collection, put, login_refusal, version_needs_session, stacked
        )
        self.requests: deque[RequestRecord] = deque(maxlen=LOG_LENGTH)
        self.overlapping = 0
        self.reboots = 0
        self._rest = Rest(self.firmware, self.model, self.sessions, self.faults)
        self._address = (host, port)
        self._tls = tls
        self._listener: Listener | None = None
        self._service = asyncio.Lock()
        self._listener_lock = asyncio.Lock()
        self._listener_due = asyncio.Event()
        self._down_until = 0.0
        self._in_hand: set[asyncio.Task[object]] = set()
        self._keeper: asyncio.Task[None] | None = None

    # Life

    async def start(self) -> None:
        """Begin to listen; raises OSError when the address is not free."""
        host, port = self._address
        self._listener = Listener(self._handle, host, port, self._tls)
        try:
            await self._listener.listen()
        except BaseException:
            await self._listener.close()
            raise
        self._keeper = asyncio.create_task(self._keep_listener(), name=f"{self.name} listener")

    async def stop(self) -> None:
        """Close everything at once, requests in hand included."""
        keeper = [] if self._keeper is None else [self._keeper]
        self._keeper = None
        tasks = [*keeper, *self._in_hand]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            await self._listener.close()
        for task in keeper:
            if not task.cancelled():
                task.result()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The address to reach it at, without a path."""
        return f"{self.scheme}://{join_address(self._address[0], self._started_listener().port)}"

    @property
    def scheme(self) -> str:
        """The URL's scheme: http or https."""
        return "http" if self._tls is None else "https"

    # Misbehaviour

    async def inject(self, kind: str, **options: Unpack[FaultOptions]) -> None:
        """Put a fault in force (see `FAULTS`); raises FaultError, UnknownPortError."""
        for port_id in options.get("ports", ()):
            self.model.port(port_id)
        self.faults.inject(kind, time.monotonic(), **options)
        if kind == "expire":
            self.sessions.clear()
        elif kind == "close-idle":
            for connection in self._started_listener().connections():
                self._close_idle(connection)
        elif kind == "refuse":
            await self._settle_listener()

    async def clear_faults(self) -> None:
        """End all faults; a reboot goes on."""
        self.faults.clear()
        await self._settle_listener()

    async def reboot(self, down_s: float = 1.0, boot_s: float = 1.0) -> None:
        """Lose sessions and connections, refuse for `down_s`, then start the services one by one for `boot_s`."""
        up_at = time.monotonic() + down_s
        self.reboots += 1
        self._down_until = up_at
        self.sessions.clear()
        self._rest.boot(up_at, up_at + boot_s)
        self.model.restart(up_at + boot_s)
        self._started_listener().refuse()
        await self._settle_listener()

    # Bookkeeping

    @property
    def open_sessions(self) -> int:
        """Sessions open now."""
        return self.sessions.count(time.monotonic())

    @property
    def max_open_sessions(self) -> int:
        """The most sessions that were ever open at the same time."""
        return self.sessions.max_open

    @property
    def logins(self) -> int:
        """Successful logins."""
        return self.sessions.logins

    @property
    def open_connections(self) -> int:
        """TCP connections open now."""
        return self._started_listener().open_count()

    @property
    def max_open_connections(self) -> int:
        """The most TCP connections that were ever open at the same time."""
        return self._started_listener().max_open

    @property
    def total_connections(self) -> int:
        """TCP connections accepted so far."""
        return self._started_listener().accepted

    @property
    def listening(self) -> bool:
        """Whether connections are accepted now."""
        return self._started_listener().listening

    # Serving

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = sys.intern(request.raw_path)
        record = RequestRecord(time.monotonic(), time.time(), request.method, path)
        self.requests.append(record)
        if self._in_hand:
            self.overlapping += 1
        connection = self._started_listener().connection_of(request)
        task = asyncio.current_task()
        if connection is None or task is None:
            return no_answer()
        self._in_hand.add(task)
        connection.busy = True
        try:
            return await self._treat(request, connection, record)
        except (ConnectionError, ClientError, web.RequestPayloadError):
            return no_answer()
        finally:
            self._in_hand.discard(task)
            connection.busy = False
            if self.faults.active(time.monotonic()):
                asyncio.get_running_loop().call_later(CLOSE_IDLE_S, self._close_idle, connection)

    async def _treat(
        self, request: web.BaseRequest, connection: Connection, record: RequestRecord
    ) -> web.StreamResponse:
        path = unquote(request.raw_path.partition("?")[0])
        call = Call(request.method, path, request.headers.get("Cookie", ""), await request.read())
        fault = self.faults.take(REQUEST_FAULTS, call.method, path, time.monotonic())
        if fault is not None and fault.kind == "hang":
            await connection.gone.wait()
            return no_answer()
        reboots = self.reboots
        async with self._service:
            if self.latency_s > 0:
                await asyncio.sleep(self.latency_s)
            if self.reboots != reboots:
                return no_answer()
            return await self._serve(request, connection, record, call, fault)

    async def _serve(
        self,
        request: web.BaseRequest,
        connection: Connection,
        record: RequestRecord,
        call: Call,
        fault: Fault | None,
    ) -> web.StreamResponse:
        kind = None if fault is None else fault.kind
        if kind == "reset":
            connection.reset()
            return no_answer()
        if kind == "cut-before":
            connection.close()
            return no_answer()
        answer = None if fault is None else faulty_answer(fault, request.raw_path, self.scheme)
        if answer is None:
            answer = self._rest.answer(call, time.monotonic())
        record.status = answer.status
        if kind == "cut":
            return await cut(request, answer, connection)
        if kind == "drip":
            return await drip(request, answer)
        return whole(answer)

    def _close_idle(self, connection: Connection) -> None:
        """Close the connection if it is idle and the fault for that is in force."""
        if connection.busy or not connection.is_open():
            return
        if self.faults.take({"close-idle"}, "", "", time.monotonic()) is not None:
            connection.close()

    # Listening

    def _started_listener(self) -> Listener:
        if self._listener is None:
            raise RuntimeError(f"{self.name} has not been started: use `async with`, or call start() first")
        return self._listener

    def _refused_until(self) -> float:
        return max(self._down_until, self.faults.refused_until(time.monotonic()))

    async def _settle_listener(self) -> None:
        """Listen, or do not, as reboots and faults have it now."""
        listener = self._started_listener()
        async with self._listener_lock:
            if self._refused_until() > time.monotonic():
                listener.refuse()
            else:
                await listener.listen()
        self._listener_due.set()

    async def _keep_listener(self) -> None:
        """Listen again when a reboot or a refusal has lasted its time."""
        while True:
            self._listener_due.clear()
            wait = self._refused_until() - time.monotonic()
            if wait <= 0 and not self.listening:
                await self._listen_again()
                continue
            try:
                async with asyncio.timeout(wait if 0 < wait < float("inf") else None):
                    await self._listener_due.wait()
            except TimeoutError:
                continue

    async def _listen_again(self) -> None:
        try:
            await self._settle_listener()
        except OSError as error:
            _log.error("%s cannot listen again on %s: %s; trying on", self.name, self.url, error)
            await asyncio.sleep(_RETRY_LISTEN_S)
