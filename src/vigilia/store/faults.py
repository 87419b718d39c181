"""What goes wrong between us and a database, as StoreError."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from vigilia.errors import VigiliaError


class StoreError(VigiliaError):
    """The database did not take or give something; it may later."""


@contextmanager
def store_errors() -> Generator[None]:
    """Raise StoreError for what the database refuses within."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(reason(error)) from error
    except NoFreeConnection as error:
        raise StoreError("it answers too slowly: no connection was free in time") from error
    except (TimeoutError, ConnectionError) as error:  # asyncpg's, where the server is silent or gone
        raise StoreError(f"the connection is lost: {str(error) or 'no answer in time'}") from error


def reason(error: BaseException) -> str:
    """Return the database's own words, without SQLAlchemy's statement and parameters."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return str(error)
    return str(error.orig.__cause__ or error.orig)  # of asyncpg's the cause is the error itself, without its class
