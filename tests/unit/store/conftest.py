"""Stores of both kinds: an SQLite file, and a database on a PostgreSQL server that lives as long as the tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.unit.store.postgresql import Cluster, find_server, running_cluster
from vigilia.store import Store


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One for each process that runs tests."""
    programs = find_server()
    if programs is None:
        pytest.skip("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    with running_cluster(programs) as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/vigilia.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.fresh()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    yield store
    await store.close()
