"""Brings a store to the newest schema, and refuses one that is newer than the program."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from vigilia.errors import StartError

NEWEST = "0001"
"""The newest migration's revision; a test holds it against the migrations. Revisions are numbers that grow."""


def migrate(connection: Connection) -> None:
    """Run the migrations that `connection`'s database still lacks. Raises StartError where it is too new.

    Alembic is imported only when there is something to do: an ordinary start does not pay for it.
    """
    present = _revision(connection)
    if present == NEWEST:
        return
    if present is not None and present > NEWEST:
        raise StartError(
            f"the store {connection.engine.url.database} has revision {present}, newer than this program's {NEWEST}: "
            "start the newer program, or restore the store from before its upgrade"
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
