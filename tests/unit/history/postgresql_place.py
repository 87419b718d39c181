"""A history in a database of its own on a PostgreSQL server that lives as long as the tests."""

import pytest

from tests.unit.history.places import Place
from tests.unit.store.conftest import cluster
from tests.unit.store.postgresql import Cluster
from vigilia.history.postgresql import PostgresHistory

__all__ = ["cluster"]


@pytest.fixture
def postgresql_place(cluster: Cluster) -> Place:
    return Place(PostgresHistory, cluster.fresh())
