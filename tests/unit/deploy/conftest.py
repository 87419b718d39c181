"""Histories and stores for Grafana to look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from tests.unit.deploy import grafana
from tests.unit.deploy.filling import KEEPING, fill
from tests.unit.deploy.grafana import View
from tests.unit.store.conftest import cluster
from tests.unit.store.postgresql import Cluster, in_own_loop
from vigilia.history.postgresql import PostgresHistory
from vigilia.history.sqlite import SqliteHistory

__all__ = ["cluster"]


@dataclass(frozen=True)
class Source:
    """A database as a data source of Grafana."""

    kind: str
    place: str
    """A path, or an address."""

    async def ask(self, target: Mapping[str, Any], view: View) -> list[dict[str, Any]]:
        """What a panel's query answers."""
        if self.kind == "sqlite":
            return grafana.ask_sqlite(self.place, target, view)
        connection = await asyncpg.connect(self.place)
        try:
            async with connection.transaction(readonly=True):
                statement = await connection.prepare(grafana.postgresql_text(target["rawSql"], view))
                names = [attribute.name for attribute in statement.get_attributes()]
                rows = [tuple(row) for row in await statement.fetch()]
        finally:
            await connection.close()
        return grafana.postgresql_answer(target, names, rows)

    async def values(self, query: str, view: View) -> list[Any]:
        """What a variable offers."""
        if self.kind == "sqlite":
            return grafana.sqlite_values(self.place, query, view)
        connection = await asyncpg.connect(self.place)
        try:
            rows = await connection.fetch(grafana.postgresql_text(query, view))
        finally:
            await connection.close()
        assert all(len(row) == 1 for row in rows)
        return [row[0] for row in rows]


async def _filled(kind: type[SqliteHistory | PostgresHistory], url: str) -> None:
    history = await kind.open(url, KEEPING)
    try:
        await fill(history)
    finally:
        await history.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Source]:
    """Both kinds of history, filled once; nothing here writes to them."""
    path = tmp_path_factory.mktemp("grafana") / "history.db"
    in_own_loop(lambda: _filled(SqliteHistory, f"sqlite:///{path}"))
    own: Cluster = request.getfixturevalue("cluster")
    url = own.fresh()
    in_own_loop(lambda: _filled(PostgresHistory, url))
    return {"sqlite": Source("sqlite", str(path)), "postgresql": Source("postgresql", url)}


@pytest.fixture(params=["sqlite", "postgresql"])
def history(request: pytest.FixtureRequest, filled: dict[str, Source]) -> Source:
    """A history of one kind."""
    return filled[request.param]
