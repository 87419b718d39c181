"""What the tests of the driver share: the API, and the driver at work on it."""

import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.conftest import until
from tests.unit.drivers.pvoperation.api import EMAIL, PASSWORD, ZONE, Api, serving, utc
from tests.unit.tables import Notebook, Recorder
from vigilia.clock import Clock
from vigilia.drivers import Surroundings
from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.drivers.pvoperation.driver import PvOperationDriver, build
from vigilia.errors import VigiliaError
from vigilia.link import Contact, Link
from vigilia.ownpoints import Counts, OwnPoints
from vigilia.points import Point, Reading, Sample
from vigilia.rules import Standing
from vigilia.supervise import Supervisor
from vigilia.table import PointTable

NOON = "2026-03-10 12:00:00"
SPEED = 60.0


@dataclass
class Alarms:
    """How alarms stand, by rule and point, as the test has it."""

    standings: dict[tuple[str, str], Standing] = field(default_factory=dict)

    def standing(self, rule: str, point: str) -> Standing:
        return self.standings.get((rule, point), Standing.NORMAL)


class Diary(logging.Handler):
    """Counts the scans that the logs tell of."""

    def __init__(self) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and "scan: %d plants" in str(record.msg):
            self.done[str(record.args[0])] += 1


@dataclass
class Site:
    """The driver at work, with table, staleness and supervisor as in the service."""

    driver: PvOperationDriver
    table: PointTable
    clock: Clock
    recorder: Recorder
    alarms: Alarms
    declared: list[Point]
    refusals: list[VigiliaError]
    """Errors that the next declarations raise."""
    diary: "Diary"

    @property
    def link(self) -> Link:
        return self.driver.links[0]

    def value(self, name: str) -> object:
        return self.table.reading(name).value

    def reading(self, name: str) -> Reading:
        return self.table.reading(name)

    def has(self, name: str) -> bool:
        return any(point.name == name for point in self.table.points())

    @property
    def samples(self) -> list[Sample]:
        return [sample for batch in self.recorder.batches for sample in batch.every()]

    def seen(self, name: str) -> list[Reading]:
        return [sample.reading for sample in self.samples if sample.name == name]

    @property
    def checkpoints(self) -> dict[str, Any]:
        """The last of each key: what a restart is given."""
        kept = [batch.checkpoint for batch in self.recorder.batches if batch.checkpoint is not None]
        return {checkpoint.key: checkpoint.value for checkpoint in kept}

    async def connected(self) -> None:
        await until(lambda: self.link.contact is Contact.CONNECTED)

    async def scans(self, path: str, count: int = 1) -> None:
        """Wait until so many scans more of a path were begun and went well."""
        family = {"day_relay": "relay", "day_inverter": "inverter"}[path]
        wanted = self.diary.done[family] + count + 1
        await until(lambda: self.diary.done[family] >= wanted, 20)


class MakeSite(Protocol):
    def __call__(
        self,
        api: Api,
        *,
        at: str = NOON,
        speed: float = SPEED,
        checkpoints: Mapping[str, Any] | None = None,
        known: Sequence[Point] = (),
        standings: Mapping[tuple[str, str], Standing] | None = None,
        taken: Sequence[Point] = (),
        **keys: Any,
    ) -> contextlib.AbstractAsyncContextManager[Site]: ...


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as api:
        yield api


def make_config(base: str, **keys: Any) -> PvOperationConfig:
    content = {"base_url": base, "email": EMAIL, "password": PASSWORD, **keys}
    return PvOperationConfig.model_validate(content).resolved(Path("/"))


@pytest.fixture
def site() -> MakeSite:
    """Run the driver on the API, from the local time `at` on and `speed` times as fast as real time."""

    @contextlib.asynccontextmanager
    async def run(
        api: Api,
        *,
        at: str = NOON,
        speed: float = SPEED,
        checkpoints: Mapping[str, Any] | None = None,
        known: Sequence[Point] = (),
        standings: Mapping[tuple[str, str], Standing] | None = None,
        taken: Sequence[Point] = (),
        **keys: Any,
    ) -> AsyncIterator[Site]:
        keys = {"relay_interval_s": 6.0, "inverter_interval_s": 9.0, **keys}
        clock = Clock(utc(at), speed)
        table, alarms, recorder = PointTable(clock, Notebook()), Alarms(dict(standings or {})), Recorder()
        declared: list[Point] = []
        refusals: list[VigiliaError] = []

        async def declare(points: Sequence[Point]) -> None:
            if refusals:
                raise refusals.pop(0)
            declared.extend(table.define(points, None, "pvoperation"))

        surroundings = Surroundings(
            table,
            clock,
            {},
            zone=ZONE,
            known=known,
            checkpoints=checkpoints or {},
            alarms=alarms,
            declare=declare,
        )
        driver = build(make_config(api.base, **keys), surroundings)
        table.add(driver.points, driver.write, "pvoperation")
        own = OwnPoints("vigilia", driver.links, table, clock, Counts(int, int, int, int, int, float))
        table.add(own.points)
        table.add(taken, system="other")
        table.add_consumer(recorder)
        supervisor = Supervisor(table, own, driver.links)
        diary, log = Diary(), logging.getLogger("vigilia.log")
        log.addHandler(diary)
        log.setLevel(logging.INFO)
        await supervisor.start_links()
        try:
            yield Site(driver, table, clock, recorder, alarms, declared, refusals, diary)
        finally:
            log.removeHandler(diary)
            log.setLevel(logging.NOTSET)
            await supervisor.stop_links()
            await supervisor.stop_services()

    return run
