"""What the tests of the simulated PVOperation API share: a client, and the API at a time that the test sets."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.unit.sim.pvoperation.plants import CUIABA, ClockAt, a_plant, a_script, at, log_in
from vigilia.sim.pvoperation import SimPvOperation, TeamsSink


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


@pytest.fixture
def clock() -> ClockAt:
    """It is 10:02 at the plants of the site."""
    return ClockAt(at("10:02"))


@pytest.fixture
async def api(clock: ClockAt) -> AsyncIterator[SimPvOperation]:
    """Plant 1 in the site's zone and plant 2 an hour behind, all well."""
    async with SimPvOperation(a_script(a_plant(1), a_plant(2, CUIABA)), clock) as api:
        yield api


@pytest.fixture
async def token(http: aiohttp.ClientSession, api: SimPvOperation) -> dict[str, str]:
    return await log_in(http, api)


@pytest.fixture
async def teams(clock: ClockAt) -> AsyncIterator[TeamsSink]:
    async with TeamsSink(clock) as teams:
        yield teams
