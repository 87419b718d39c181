"""Histories of every kind, for the tests that hold for all of them."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.history.engine_place import influx, influx_place, victoria, victoria_place
from tests.unit.history.places import Place
from tests.unit.history.sqlite_place import sqlite_place
from vigilia.history.backend import Backend

# a fixture is found by its name where it is imported
__all__ = ["influx", "influx_place", "sqlite_place", "victoria", "victoria_place"]


@pytest.fixture(params=["sqlite", "influx", "victoria"])
def place(request: pytest.FixtureRequest) -> Place:
    """An empty database: each kind has a fixture of its own name, with "_place"."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
async def backend(place: Place) -> AsyncIterator[Backend]:
    """A history that keeps everything for ever."""
    backend = await place.open()
    yield backend
    await backend.close()
