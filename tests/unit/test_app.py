"""The service with a driver whose points come at run time: what it is given, and what a start makes of it."""

import asyncio
import gc
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from vigilia.alarms.config import AlarmsConfig
from vigilia.app import check, serve
from vigilia.clock import Clock
from vigilia.config import Config, SiteConfig, StoreConfig
from vigilia.drivers import Plugin, Surroundings
from vigilia.errors import ConfigError
from vigilia.history.config import HistoryConfig
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.link import Link
from vigilia.notify.config import NotifyConfig
from vigilia.ping import HealthConfig
from vigilia.points import Kind, Origin, Point, Value
from vigilia.rules import Rule
from vigilia.settings import Section

TOO_LONG = Point("P" * 61, Kind.NUMBER, "P", "cloud")
FOUND = Point("P:x", Kind.NUMBER, "P", "cloud")


class GrowingConfig(Section):
    epics: bool = True


class GrowingDriver:
    """Has what it is known to have; each start finds one point more."""

    links: Sequence[Link] = ()
    rules: Sequence[Rule] = ()

    def __init__(self, surroundings: Surroundings) -> None:
        self.given = surroundings
        self.points = surroundings.known

    async def write(self, point: Point, value: Value, _origin: Origin) -> None:
        raise NotImplementedError


def config(folder: Path, built: list[GrowingDriver], *, grows: bool = True, **more: object) -> Config:
    def build(_section: Section, surroundings: Surroundings) -> GrowingDriver:
        built.append(GrowingDriver(surroundings))
        return built[-1]

    section = GrowingConfig.model_validate(more)
    return Config(
        source="test",
        site=SiteConfig(data_dir=str(folder)),
        web=WebConfig(enabled=False),
        store=StoreConfig(url=f"sqlite:///{folder}/vigilia.db"),
        history=HistoryConfig(url=f"sqlite:///{folder}/history.db"),
        health=HealthConfig(),
        epics=None,
        notify=NotifyConfig(),
        alarms=AlarmsConfig(),
        drivers={"cloud": (Plugin(GrowingConfig, build, grows=grows), section)},
    )


async def run_once(settings: Config, built: list[GrowingDriver], points: Sequence[Point]) -> None:
    """Start the service, declare `points`, and stop it."""
    ready = asyncio.Event()
    service = asyncio.create_task(serve(settings, Clock(), lambda _line: ready.set()))
    try:
        await asyncio.wait_for(ready.wait(), 20)
        if points:
            declare = built[-1].given.declare
            assert declare is not None
            await declare(points)
            assert FOUND in built[-1].given.table.points()
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(service, 20)
        gc.unfreeze()


async def test_points_found_in_one_run_are_known_in_the_next(tmp_path: Path) -> None:
    built: list[GrowingDriver] = []
    settings = config(tmp_path, built)
    await run_once(settings, built, [FOUND, TOO_LONG])
    assert built[0].given.known == []
    await run_once(settings, built, [])
    assert sorted(point.name for point in built[1].given.known) == [FOUND.name, TOO_LONG.name]
    assert built[1].given.table.system(FOUND.name) == "cloud"


async def test_a_driver_that_does_not_grow_is_given_nothing_of_it(tmp_path: Path) -> None:
    built: list[GrowingDriver] = []
    await run_once(config(tmp_path, built), built, [FOUND])
    await run_once(config(tmp_path, built, grows=False), built, [])
    assert (built[1].given.known, built[1].given.declare) == ((), None)
    await run_once(config(tmp_path, built), built, [])
    assert built[2].given.known == [], "points that a start did not declare again are forgotten"


@pytest.mark.parametrize(("grows", "epics", "fatal"), [(False, True, True), (True, True, False), (False, False, False)])
def test_only_what_is_configured_must_be_servable(grows: bool, epics: bool, fatal: bool, tmp_path: Path) -> None:
    class Fixed(GrowingDriver):
        def __init__(self, surroundings: Surroundings) -> None:
            super().__init__(surroundings)
            self.points = [TOO_LONG]

    plugin = Plugin(GrowingConfig, lambda _section, surroundings: Fixed(surroundings), grows=grows)
    settings = Config(
        source="test",
        site=SiteConfig(data_dir=str(tmp_path)),
        web=WebConfig(enabled=False),
        store=StoreConfig(),
        history=HistoryConfig(),
        health=HealthConfig(),
        epics=EpicsConfig(),
        notify=NotifyConfig(),
        alarms=AlarmsConfig(),
        drivers={"cloud": (plugin, cast(Section, GrowingConfig(epics=epics)))},
    )
    if fatal:
        with pytest.raises(ConfigError, match="longer than 60"):
            check(settings)
    else:
        check(settings)
    assert settings.outside_epics == (frozenset() if epics else {"cloud"})
