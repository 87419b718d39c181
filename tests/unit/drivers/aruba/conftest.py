"""What the tests of the driver share: a way to wait, raw servers, certificates, and the driver at work."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
import trustme

from tests.conftest import until
from vigilia.clock import Clock
from vigilia.drivers import Surroundings
from vigilia.drivers.aruba.config import ArubaConfig
from vigilia.drivers.aruba.driver import ArubaDriver, build
from vigilia.interfaces.epics.archiver.retrieval import ArchivedReadings
from vigilia.link import Contact, Link
from vigilia.ownpoints import Counts, OwnPoints
from vigilia.points import Batch, Origin, Point, Reading, Severity, Status, Value
from vigilia.sim.aruba import SimSwitch
from vigilia.store import Chosen
from vigilia.supervise import Supervisor
from vigilia.table import PointTable

SPEED = 20.0
"""The driver's clock runs so much faster: a scan of 1 s takes 50 ms, a wait to reconnect 25 to 500 ms."""


class Notebook:
    """A journal in memory: outcomes in their order."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        return point.name

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        self.outcomes.append(outcome)


class Recorder:
    """A consumer that keeps every reading."""

    def __init__(self) -> None:
        self.readings: list[tuple[str, Reading]] = []

    async def take(self, batch: Batch) -> None:
        self.readings += [(sample.name, sample.reading) for sample in batch.samples]


@dataclass
class Site:
    """The driver at work on simulated switches, with table, staleness and supervisor as in the service."""

    driver: ArubaDriver
    table: PointTable
    recorder: Recorder = field(default_factory=Recorder)
    notebook: Notebook = field(default_factory=Notebook)

    @property
    def link(self) -> Link:
        return self.driver.links[0]

    def reading(self, name: str) -> Reading:
        return self.table.reading(name)

    def value(self, name: str) -> Value | None:
        return self.table.reading(name).value

    def alarm(self, name: str) -> tuple[Severity, Status]:
        return self.table.reading(name)[2:]

    def seen(self, name: str) -> list[Reading]:
        return [reading for point, reading in self.recorder.readings if point == name]

    async def write(self, name: str, value: object) -> Reading:
        async with asyncio.timeout(20):
            return await self.table.write(name, value, Origin("test"))

    async def connected(self) -> None:
        await until(lambda: all(link.contact is Contact.CONNECTED for link in self.driver.links))

    async def scans(self, count: int, name: str = "sw-1-P1:PwrState-Raw") -> None:
        """Wait until a point was read so many times more."""
        wanted = len(self.seen(name)) + count
        await until(lambda: len(self.seen(name)) >= wanted)


class MakeSite(Protocol):
    def __call__(
        self,
        *switches: SimSwitch,
        chosen: dict[str, Chosen] | None = None,
        ports: dict[str, list[str]] | None = None,
        speed: float = SPEED,
        **keys: Any,
    ) -> contextlib.AbstractAsyncContextManager[Site]: ...


@pytest.fixture
def site() -> MakeSite:
    """Run the driver on switches: ports named "1" of "sw-1" power the device "sw-1-P1". `ports`: others than all."""

    @contextlib.asynccontextmanager
    async def run(
        *switches: SimSwitch,
        chosen: dict[str, Chosen] | None = None,
        ports: dict[str, list[str]] | None = None,
        speed: float = SPEED,
        **keys: Any,
    ) -> AsyncIterator[Site]:
        entries: list[dict[str, Any]] = []
        for switch in switches:
            names = (ports or {}).get(switch.name) or list(switch.model.ports)
            entry: dict[str, Any] = {"name": switch.name, "url": switch.url}
            entry["ports"] = [{"port": name, "device": f"{switch.name}-P{name}"} for name in names]
            if switch.firmware.username is not None:
                entry |= {"username": switch.firmware.username, "password": switch.firmware.password}
            entries.append(entry)
        config = ArubaConfig.model_validate({"timeout_s": 0.5, "switches": entries, **keys}).resolved(Path("/"))
        clock, notebook = Clock(speed=speed), Notebook()
        table = PointTable(clock, notebook)
        driver = build(config, Surroundings(table, clock, chosen or {}, archive=ArchivedReadings(None)))
        table.add(driver.points, driver.write)
        own = OwnPoints("vigilia", driver.links, table, clock, Counts(int, int, int, int, int, float))
        table.add(own.points)
        site = Site(driver, table, notebook=notebook)
        table.add_consumer(site.recorder)
        supervisor = Supervisor(table, own, driver.links)
        supervisor.start_service("staleness", table.watch_staleness())
        supervisor.start_errand("recall", driver.recall())
        await supervisor.start_links()
        try:
            yield site
        finally:
            await supervisor.stop_links()
            await supervisor.stop_services()

    return run


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def raw_server(handler: Handler) -> AsyncIterator[str]:
    """A server that answers as `handler` does; gives its address."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Certificates:
    """A private authority, a server's certificate of it, and the authority's file."""

    server: ssl.SSLContext
    ca_file: Path


@pytest.fixture
def certificates(tmp_path: Path) -> Iterator[Callable[[str], Certificates]]:
    """Make a certificate for a host name or address, of an authority of its own."""

    def make(host: str = "127.0.0.1") -> Certificates:
        authority = trustme.CA()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(server)
        path = tmp_path / f"{host}.pem"
        authority.cert_pem.write_to_path(str(path))
        return Certificates(server, path)

    return make
