"""Migrations: from nothing to what the program declares, all or nothing, and never from the future."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from vigilia import store as package
from vigilia.errors import StartError
from vigilia.store import Store, migrate, schema


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/vigilia.db"


@pytest.fixture
def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).with_name("migrations")))
    return ScriptDirectory.from_config(config)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_newest_is_the_head_of_the_migrations_and_they_are_one_line(scripts: ScriptDirectory) -> None:
    assert scripts.get_heads() == [migrate.NEWEST]
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True), "revisions are numbers that grow"


@pytest.mark.parametrize("way", [migrate.migrate, migrate.upgrade])
def test_an_empty_store_and_the_migrations_lead_to_the_same_tables(
    way: Callable[[Connection], None], connection: Connection
) -> None:
    way(connection)
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, schema.metadata) == []
    assert context.get_current_revision() == migrate.NEWEST


def test_the_comparison_would_see_a_difference(connection: Connection) -> None:
    differences = compare_metadata(MigrationContext.configure(connection), schema.metadata)
    assert {change[1].name for change in differences if change[0] == "add_table"} == set(schema.metadata.tables)


async def test_opening_again_keeps_what_is_there(url: str, connection: Connection) -> None:
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


async def test_a_store_newer_than_the_program_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    await (await Store.open(url)).close()
    with sqlite3.connect(tmp_path / "vigilia.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(
        StartError, match=r"vigilia\.db has revision 9999, newer than this program's \d+: start the newer"
    ):
        await Store.open(url)
    with sqlite3.connect(tmp_path / "vigilia.db") as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    database.close()


@pytest.mark.parametrize("way", [migrate.migrate, migrate.upgrade])
async def test_a_migration_that_breaks_off_leaves_nothing_behind(
    way: Callable[[Connection], None], url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(connection: Connection) -> None:
        way(connection)
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr("vigilia.store.database.migrate", break_off)
        with pytest.raises(StartError, match="the power went"):
            await Store.open(url)
    database = sqlite3.connect(tmp_path / "vigilia.db")
    assert database.execute("SELECT name FROM sqlite_master").fetchall() == []
    database.close()
    await (await Store.open(url)).close()


async def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.db").write_bytes(b"\x00\xff" * 5000)
    (tmp_path / "file").touch()
    for path, reason in (
        (tmp_path / "binary.db", "file is not a database"),
        (tmp_path, "unable to open database file"),
        (tmp_path / "file" / "below" / "x.db", "Not a directory"),
    ):
        with pytest.raises(StartError) as raised:
            await Store.open(f"sqlite:///{path}")
        assert str(raised.value).startswith(f"the store {path} cannot be opened: ")
        assert reason in str(raised.value)
        assert str(raised.value).endswith(": check the file and its rights")
