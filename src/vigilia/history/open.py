"""Finds the back end that an address names, and loads no other."""

from vigilia.errors import StartError
from vigilia.history.backend import Backend, Keeping
from vigilia.history.config import LINE_PROTOCOL
from vigilia.store.url import POSTGRESQL, SQLITE


async def open_backend(url: str, keeping: Keeping) -> Backend:
    """Return the history at `url`, made where it is new, for the one who writes it.

    Raises StartError for an address that makes no sense, a schema newer than the program and a package that is
    missing; HistoryError where the database is not there now.
    """
    if url.startswith(SQLITE):
        from vigilia.history.sqlite import SqliteHistory

        return await SqliteHistory.open(url, keeping)
    if url.startswith(POSTGRESQL):
        from vigilia.history.postgresql import PostgresHistory

        return await PostgresHistory.open(url, keeping)
    if url.startswith(LINE_PROTOCOL):
        from vigilia.history.engine import open_engine

        return await open_engine(url, keeping)
    raise _no_history()


async def look(url: str) -> Backend:
    """Return the history at `url` for one who only reads; nothing is made there.

    Raises StartError as `open_backend` does, and HistoryError where there is no history.
    """
    if url.startswith(SQLITE):
        from vigilia.history.sqlite import SqliteHistory

        return await SqliteHistory.look(url)
    if url.startswith(POSTGRESQL):
        from vigilia.history.postgresql import PostgresHistory

        return await PostgresHistory.look(url)
    if url.startswith(LINE_PROTOCOL):
        from vigilia.history.engine import look_engine

        return await look_engine(url)
    raise _no_history()


def _no_history() -> StartError:
    return StartError("[history] url: names no database that a history can be in")
