"""Migrations: from nothing to what the program declares, all or nothing, and never from the future."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from vigilia import store as package
from vigilia.errors import StartError
from vigilia.store import Chosen, Store, migrate, schema

WAYS = pytest.mark.parametrize("way", [migrate.migrate, migrate.upgrade])


@pytest.fixture
def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).with_name("migrations")))
    return ScriptDirectory.from_config(config)


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """The database as another program sees it."""
    engine = create_async_engine(
        url.replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:")
    )
    yield engine
    await engine.dispose()


async def sql(engine: AsyncEngine, statement: str) -> list[tuple[Any, ...]]:
    async with engine.begin() as connection:
        result = await connection.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


def test_newest_is_the_head_of_the_migrations_and_they_are_one_line(scripts: ScriptDirectory) -> None:
    assert scripts.get_heads() == [migrate.NEWEST]
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True), "revisions are numbers that grow"


@WAYS
async def test_an_empty_store_and_the_migrations_lead_to_the_same_tables(
    way: Callable[[Connection], None], engine: AsyncEngine
) -> None:
    def differences(connection: Connection) -> object:
        way(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert context.get_current_revision() == migrate.NEWEST
        return compare_metadata(context, schema.metadata)

    async with engine.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_comparison_would_see_a_difference(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection), schema.metadata)

    async with engine.begin() as connection:
        found = await connection.run_sync(differences)
    assert {change[1].name for change in found if change[0] == "add_table"} == set(schema.metadata.tables)


async def test_a_store_of_the_first_revision_is_upgraded_with_what_is_in_it(url: str, engine: AsyncEngine) -> None:
    def first_revision(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(package.__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    async with engine.begin() as connection:
        await connection.run_sync(first_revision)
        assert "outbox" not in await connection.run_sync(lambda connection: inspect(connection).get_table_names())
    await sql(
        engine,
        'INSERT INTO audit (write_id, asked_at, point, value, via, "user", host) '
        "VALUES ('old', 1.5, 'T1:Sel', '1', 'api', 'ana', '')",
    )
    await sql(engine, "INSERT INTO chosen VALUES ('T1:Sel', '2.5', 1.5, 'old', true)")
    store = await Store.open(url)
    assert [(row["id"], row["point"], row["value"]) for row in await store.audit()] == [(1, "T1:Sel", 1)]
    assert await store.chosen() == {"T1:Sel": Chosen(2.5, confirmed=True)}
    await store.record_writes([asked("new", "T1:Sel", 0)])
    assert [row["id"] for row in await store.audit()] == [2, 1]
    await store.close()
    assert await sql(engine, "SELECT version_num FROM alembic_version") == [(migrate.NEWEST,)]


async def test_opening_again_keeps_what_is_there(url: str) -> None:
    store = await Store.open(url)
    await store.record_writes([asked("1", "T1:Sel", 1)])
    await store.close()
    store = await Store.open(url)
    assert [row["point"] for row in await store.audit()] == ["T1:Sel"]
    await store.close()


def asked(write_id: str, point: str, value: object) -> dict[str, object]:
    return {
        "event": "asked",
        "write_id": write_id,
        "asked_at": 1.0,
        "point": point,
        "value": value,
        "previous": None,
        "via": "api",
        "user": "",
        "host": "",
        "chosen": True,
    }


async def test_a_store_newer_than_the_program_is_refused_and_left_alone(url: str, engine: AsyncEngine) -> None:
    await (await Store.open(url)).close()
    await sql(engine, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(
        StartError,
        match=r"the store .*(vigilia\.db|PostgreSQL) has revision 9999, newer than this program's \d+: start",
    ):
        await Store.open(url)
    assert await sql(engine, "SELECT version_num FROM alembic_version") == [("9999",)]


@WAYS
async def test_a_migration_that_breaks_off_leaves_nothing_behind(
    way: Callable[[Connection], None], url: str, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(connection: Connection) -> None:
        way(connection)
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr("vigilia.store.database.migrate", break_off)
        with pytest.raises(StartError, match="the power went"):
            await Store.open(url)
    async with engine.begin() as connection:
        assert await connection.run_sync(lambda connection: inspect(connection).get_table_names()) == []
    await (await Store.open(url)).close()
