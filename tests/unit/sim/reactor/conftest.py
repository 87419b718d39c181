"""A reactor at work, reached by its sockets, ptys and files."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.unit.sim.reactor.bus import FAST, BusClient, SetClock
from vigilia.sim.reactor import Fleet, Options, SimReactor


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def reactor(tmp_path: Path, clock: SetClock) -> AsyncIterator[SimReactor]:
    """Reactor R1, whose world stands still unless the test moves its clock."""
    async with Fleet(["R1"], tmp_path / "sim", clock, Options(pace=FAST)) as fleet:
        yield fleet.reactors[0]


@pytest.fixture
async def bus(reactor: SimReactor) -> AsyncIterator[BusClient]:
    async with BusClient(reactor) as client:
        yield client


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session
