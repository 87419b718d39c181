"""Brings a store to the newest schema, and refuses one that is newer than the program."""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from vigilia.errors import StartError
from vigilia.store import schema

NEWEST = "0006"
"""The newest migration's revision; a test holds it against the migrations. Revisions are numbers that grow."""

_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""Alembic's own table."""


def migrate(connection: Connection) -> None:
    """Bring `connection`'s database to the newest schema. Raises StartError where it is newer still.

    An empty database gets the tables as they are declared, an older one runs the migrations it lacks (a test holds the
    two ways against each other). Alembic, 10 MB in memory for as long as the service runs, is imported only for those.
    """
    present = _revision(connection)
    if present is None and not inspect(connection).get_table_names():
        schema.metadata.create_all(connection)
        _version.create(connection)
        connection.execute(_version.insert().values(version_num=NEWEST))
    elif present is not None and present > NEWEST:
        place = connection.engine.url.database or "in PostgreSQL"
        raise StartError(
            f"the store {place} has revision {present}, newer than this program's {NEWEST}: "
            "start the newer program, or restore the store from before its upgrade"
        )
    elif present != NEWEST:
        upgrade(connection)


def check_newest(connection: Connection) -> None:
    """Raise StartError unless `connection`'s database has the newest schema: a reader changes nothing."""
    present = _revision(connection)
    if present is not None and present > NEWEST:
        raise StartError(
            f"the store has revision {present}, newer than this program's {NEWEST}: use the program that wrote it"
        )
    if present != NEWEST:
        raise StartError(
            f"the store has revision {present or 'none'}, and this program reads {NEWEST}: start the service with this "
            "version once"
        )


def upgrade(connection: Connection) -> None:
    """Run the migrations that `connection`'s database lacks."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(_version.c.version_num)).scalar()
