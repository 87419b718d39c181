"""A web server on a free port over a real point table; equipment is a function that takes writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from vigilia.backoff import Backoff
from vigilia.clock import Clock
from vigilia.errors import ConnectionLost
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.api.parts import ApiParts
from vigilia.interfaces.api.server import WebServer
from vigilia.link import Link
from vigilia.points import Batch, Kind, Origin, Point, Reading, Sample, Severity, Status, Value
from vigilia.table import PointTable, Subscription

STATES = ("Disabled", "Searching", "Delivering", "Fault")

POINTS = (
    Point("T1:PwrState-Raw", Kind.ENUM, "T1", "sw-1", "Power state of Câmera 1", labels=STATES),
    Point("T1:PwrState-Sel", Kind.BOOLEAN, "T1", "sw-1", labels=("Off", "On"), writable=True, setpoint=True),
    Point("T1:Power-Mon", Kind.NUMBER, "T1", "sw-1", "Power drawn", units="W"),
    Point("T2:Level-SP", Kind.NUMBER, "T2", "sw-2", units="%", limits=(0.0, 100.0), writable=True),
    Point("T2:Count-Mon", Kind.INTEGER, "T2", "sw-2"),
    Point("T2:Desc-SP", Kind.TEXT, "T2", "sw-2", "Free text", writable=True),
    Point("odd/name with%2F#and?ü:X-SP", Kind.INTEGER, "odd/1", "sw-2", writable=True),
    Point("ends/value", Kind.INTEGER, "odd/1", "sw-2", writable=True),
)


class Journal:
    """Keeps in memory what the table notes of writes."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, Value | None, Origin]] = []
        self.answers: list[str] = []

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        self.writes.append((point.name, value, origin))
        return str(len(self.writes))

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        self.answers.append(outcome)


class Equipment:
    """Takes writes and shows them as read; `behave` replaces what it does."""

    def __init__(self, table: PointTable) -> None:
        self.table = table
        self.writes: list[tuple[str, Value]] = []
        self.behave: Callable[[Point, Value], Awaitable[None]] | None = None

    async def write(self, point: Point, value: Value, _origin: Origin) -> None:
        self.writes.append((point.name, value))
        if self.behave:
            await self.behave(point, value)
        elif not point.setpoint:
            await self.table.publish(Batch("test", [Sample(point.name, Reading(value, 1_700_000_000.25))]))


class WatchedTable(PointTable):
    """A point table that tells how many viewers it feeds."""

    viewers = 0

    def subscribe(
        self, names: Iterable[str] | None = None, *, where: Callable[[Point], bool] | None = None
    ) -> Subscription:
        self.viewers += 1
        return super().subscribe(names, where=where)

    def unsubscribe(self, viewer: Subscription) -> None:
        self.viewers -= 1
        super().unsubscribe(viewer)


class QuietSession:
    """A conversation with nothing to say; `refuse` makes it fail to open."""

    deadline_s = open_deadline_s = 1.0

    def __init__(self) -> None:
        self.refuse = ""
        self.opened = False

    @property
    def sessions(self) -> int:
        return int(self.opened)

    async def open(self) -> None:
        if self.refuse:
            raise ConnectionLost(self.refuse)
        self.opened = True

    async def close(self, *, lost: bool) -> None:
        self.opened = False


@dataclass
class Service:
    """A server under test, and a client of it."""

    server: WebServer
    table: WatchedTable
    equipment: Equipment
    journal: Journal
    parts: ApiParts
    client: aiohttp.ClientSession
    links: list[Link] = field(default_factory=list)

    async def get(self, path: str, **parameters: Any) -> Any:
        """Return the JSON of a GET that must succeed."""
        async with self.client.get(path, params=parameters) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def failing(self, method: str, path: str, **kwargs: Any) -> tuple[int, dict[str, str]]:
        """Return status and body of a request that must fail in the API's one shape."""
        async with self.client.request(method, path, **kwargs) as answer:
            assert answer.status >= 400
            assert answer.content_type == "application/json"
            body = await answer.json()
            assert body.keys() == {"error", "detail"}
            assert body["error"] == body["error"].lower()
            assert body["detail"]
            return answer.status, body

    async def publish(self, name: str, value: Value, time: float = 1_700_000_000.0, **alarm: Any) -> None:
        await self.table.publish(Batch("test", [Sample(name, Reading(value, time, **alarm))]))


async def healthy() -> list[str]:
    return []


async def no_audit(*_: Any, **__: Any) -> list[dict[str, Any]]:
    return []


@asynccontextmanager
async def serving(config: WebConfig | None = None, **parts: Any) -> AsyncIterator[Service]:
    """Serve a fresh table until the context ends."""
    journal, clock = Journal(), Clock()
    table = WatchedTable(clock, journal)
    equipment = Equipment(table)
    table.add(POINTS, equipment.write)
    links: list[Link] = []
    made = ApiParts(
        **(
            {"table": table, "links": links, "audit": no_audit, "health": healthy, "clock": clock, "version": "1.2"}
            | parts
        )
    )
    server = WebServer(config or WebConfig(listen="127.0.0.1:0"), made)
    server.bind()
    try:
        await server.start()
        async with aiohttp.ClientSession(server.address, timeout=aiohttp.ClientTimeout(total=10)) as client:
            yield Service(server, table, equipment, journal, made, client, links)
    finally:
        await server.stop()


@asynccontextmanager
async def running(name: str, session: QuietSession) -> AsyncIterator[Link]:
    """Run a link until the context ends."""
    link = Link(name, session, Clock(), Backoff(first_s=0.01, most_s=0.02))
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        await link.stop()
        await task


async def wait_until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    return wait_until


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving() as served:
        yield served


@pytest.fixture
def server_factory() -> Callable[..., Any]:
    return serving


@pytest.fixture
def run_link() -> Callable[..., Any]:
    return running


@pytest.fixture
def quiet_session() -> QuietSession:
    return QuietSession()


@pytest.fixture
async def alarmed(service: Service) -> Service:
    """The service with some points read."""
    await service.publish("T1:PwrState-Raw", 2)
    await service.publish("T1:Power-Mon", 12.5, severity=Severity.MINOR, status=Status.HIGH)
    return service
