"""Histories in line-protocol engines, each running as long as the tests of a process."""

from collections.abc import Iterator

import pytest

from tests.unit.history.engines import EngineProgram, PromptVictoria, find, running_influx, running_victoria
from tests.unit.history.places import Place
from vigilia.history.influx import InfluxHistory


@pytest.fixture(scope="session")
def influx() -> Iterator[EngineProgram]:
    program = find("influxd")
    if program is None:
        pytest.skip("InfluxDB is not installed; on Debian: apt-get install influxdb")
    with running_influx(program) as engine:
        yield engine


@pytest.fixture(scope="session")
def victoria() -> Iterator[EngineProgram]:
    program = find("victoria-metrics")
    if program is None:
        pytest.skip("VictoriaMetrics is not installed; on Debian: apt-get install victoria-metrics")
    with running_victoria(program) as engine:
        yield engine


@pytest.fixture
def influx_place(influx: EngineProgram) -> Place:
    return Place(InfluxHistory, influx.fresh(), rolls_up=False)


@pytest.fixture
def victoria_place(victoria: EngineProgram) -> Place:
    return Place(
        PromptVictoria, victoria.fresh(), rolls_up=False, keeps_text=False, replaces=False, exact_numbers=False
    )
