"""What the tests of the driver share: the driver at work on a real store, and agents that call it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.drivers.reactor.agents import Agent
from tests.unit.tables import Notebook
from vigilia.clock import Clock
from vigilia.declarations import Declarations
from vigilia.drivers import Surroundings
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.drivers.reactor.driver import ReactorDriver
from vigilia.points import Batch, Origin, Reading, Sample, Severity, Status, Value
from vigilia.store import Store
from vigilia.store.alarms import load_checkpoints, save_checkpoints
from vigilia.table import PointTable

ANA = Origin("api", "ana", "console-1")
GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
LOST = (Severity.INVALID, Status.TIMEOUT)
REFUSED = (Severity.INVALID, Status.WRITE)
INTERVAL_S = 0.4


class Keeper:
    """A consumer that keeps checkpoints, as the alarms do, and remembers what it was given."""

    def __init__(self, store: Store) -> None:
        self.batches: list[Batch] = []
        self._store = store

    async def take(self, batch: Batch) -> None:
        self.batches.append(batch)
        if batch.checkpoint is not None:
            async with self._store.writing() as connection:
                await save_checkpoints(connection, [(batch.source, batch.checkpoint)], 0.0)

    def of(self, point: str) -> list[Sample]:
        return [sample for batch in self.batches for sample in batch.samples if sample.name == point]


@dataclass
class Site:
    """The driver at work, with its table and store."""

    driver: ReactorDriver
    table: PointTable
    store: Store
    keeper: Keeper
    notebook: Notebook

    @property
    def coordinator(self) -> str:
        host, port = self.driver.address
        return f"{host}:{port}"

    def agent(self, name: str = "R1", **more: Any) -> Agent:
        return Agent(self.coordinator, name, **more)

    async def write(self, point: str, value: Value, origin: Origin = ANA) -> Reading:
        return await self.table.write(point, value, origin)

    def value(self, point: str) -> Value | None:
        return self.table.reading(point).value

    def alarm(self, point: str) -> tuple[Severity, Status]:
        return self.table.reading(point)[2:]

    def shows(self, point: str, value: Value | None, alarm: tuple[Severity, Status] = GOOD) -> Callable[[], bool]:
        return lambda: point in self.table and (self.value(point), self.alarm(point)) == (value, alarm)


Run = Callable[..., contextlib.AbstractAsyncContextManager[Site]]


@pytest.fixture
def at_work(tmp_path: Path) -> Run:
    """Runs the driver until the end of a block; its store lasts from one block to the next."""

    @contextlib.asynccontextmanager
    async def run(*, clock: Clock | None = None, **keys: Any) -> AsyncIterator[Site]:
        settings = {
            "listen": "127.0.0.1:0",
            "manager_ports": "0",
            "status_interval_s": INTERVAL_S,
            "accept": "all",
        } | keys
        config = ReactorConfig.model_validate(settings).resolved(tmp_path)
        clock = clock or Clock()
        store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
        notebook, keeper = Notebook(), Keeper(store)
        table = PointTable(clock, notebook)
        declare = Declarations("reactor", table, store, clock)
        checkpoints = await load_checkpoints(store, "reactor")
        surroundings = Surroundings(table, clock, {}, checkpoints=checkpoints, declare=declare, store=store)
        driver = ReactorDriver(config, surroundings)
        declare.writer = driver.write
        table.add(driver.points, driver.write, "reactor")
        table.add_consumer(keeper)
        serving: asyncio.Task[None] | None = None
        try:
            await driver.listen()
            serving = asyncio.create_task(driver.serve())
            yield Site(driver, table, store, keeper, notebook)
        finally:
            if serving is not None:
                serving.cancel()
                await asyncio.wait([serving])
            await driver.close()
            await table.drain_writes()
            await store.close()
        if serving is not None and not serving.cancelled() and (error := serving.exception()):
            raise error

    return run
