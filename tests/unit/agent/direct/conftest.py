"""Histories that agents write into by themselves, with the service's own back end to read them back by."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from tests.unit.history.engine_place import influx, influx_place, victoria, victoria_place
from tests.unit.history.places import Place
from tests.unit.history.postgresql_place import cluster, postgresql_place
from vigilia.agent.direct import DirectWriter, make_direct
from vigilia.history.backend import Backend, Row
from vigilia.history.ladder import LATEST_MS
from vigilia.history.postgresql_schema import agents_role

__all__ = ["cluster", "influx", "influx_place", "postgresql_place", "victoria", "victoria_place"]

SECRET = "hush/agent@7"
_numbers = itertools.count()


@dataclass(frozen=True)
class Door:
    """A history, and the address at which an agent gets to it."""

    place: Place
    backend: Backend
    url: str

    def writer(self) -> DirectWriter:
        return make_direct(self.url, "R1")

    async def rows(self, point: str) -> list[Row]:
        await self.backend.write([])  # an engine is asked to show what it has
        return list(await self.backend.rows(point, 0, LATEST_MS, 100_000))


async def agents_url(place: Place) -> str:
    """Make a role for agents, and return the address by which it connects."""
    role = f"agent_{next(_numbers)}"
    owner = await asyncpg.connect(place.url)
    await owner.execute(agents_role(role))
    await owner.execute(f"ALTER ROLE {role} PASSWORD '{SECRET}'")
    await owner.close()
    return f"postgresql://{role}:hush%2Fagent%407@{place.url.rpartition('@')[2]}"


@pytest.fixture(params=["postgresql", "influx", "victoria"])
async def door(request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    """An empty history of each kind that agents write to."""
    place: Place = request.getfixturevalue(f"{request.param}_place")
    backend = await place.open()
    url = await agents_url(place) if request.param == "postgresql" else place.url
    yield Door(place, backend, url)
    await backend.close()
