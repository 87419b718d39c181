"""Samples into a history in PostgreSQL, through the door that it has for agents: the function vigilia_put.

The role may call that function and read the tables' revision, and nothing else: docs/reference/history.md has its SQL.
A connection lives for one call: hundreds of reactors that write now and then would else hold hundreds of them.
"""

import importlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from vigilia.agent.direct.rows import (
    MOST_AT_ONCE,
    DirectError,
    Refused,
    Row,
    StoredSample,
    check_revision,
    row_of,
    sort_out,
)
from vigilia.errors import StartError, printable
from vigilia.redaction import redact

_CONNECT_WAIT_S = 10.0
_ANSWER_WAIT_S = 20.0
_CLOSE_WAIT_S = 2.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PUT = "SELECT vigilia_put($1::text[], $2::timestamptz[], $3::float8[], $4::text[], $5::int2[], $6::int2[])"
_SESSION = {
    "application_name": "vigilia agent",
    "synchronous_commit": "on",  # what a call has returned from is on the disk
    "statement_timeout": str(int(_ANSWER_WAIT_S * 1000)),  # the server gives up before we do
    "lock_timeout": "5000",
}


class PostgresWriter:
    """A DirectWriter into PostgreSQL."""

    def __init__(self, url: str, reactor: str) -> None:
        """Raises StartError where the package asyncpg is missing."""
        parts = urlsplit(url)
        self.name = f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._url = url
        self._reactor = reactor
        self._asyncpg = _asyncpg()

    async def write(self, samples: Sequence[StoredSample]) -> Sequence[Refused]:
        """See DirectWriter."""
        good, refused = sort_out(samples)
        if not good:
            return refused
        with self._errors():
            connection = await self._connect()
            try:
                await self._check_revision(connection)
                for begin in range(0, len(good), MOST_AT_ONCE):
                    refused += await self._put(connection, good[begin : begin + MOST_AT_ONCE])
                with suppress(TimeoutError, OSError, self._asyncpg.InterfaceError):  # everything is there by now
                    await connection.close(timeout=_CLOSE_WAIT_S)
            finally:
                connection.terminate()  # a server that hangs would be waited for
        return refused

    async def _connect(self) -> Any:
        try:
            return await self._asyncpg.connect(
                self._url, timeout=_CONNECT_WAIT_S, command_timeout=_ANSWER_WAIT_S + 2, server_settings=_SESSION
            )
        except ValueError:  # whose text may have the address in it
            raise self._error("cannot be reached: check the address that the server tells") from None

    async def _check_revision(self, connection: Any) -> None:
        """Raise DirectError or OtherRevision unless the tables are those that this agent knows."""
        try:
            found = await connection.fetchval("SELECT max(revision) FROM history_version")
        except self._asyncpg.UndefinedTableError:
            raise self._error("has no tables of a history: start the server on it once") from None
        except self._asyncpg.InsufficientPrivilegeError:
            raise self._error(
                "does not tell its revision: GRANT SELECT ON history_version to the agents' role"
            ) from None
        check_revision(self.name, found)

    async def _put(self, connection: Any, samples: Sequence[StoredSample]) -> list[Refused]:
        """Write samples; return those that are refused, found by halving what they came with."""
        rows = [row_of(self._reactor, sample) for sample in samples]
        try:
            await connection.fetchval(_PUT, *_arrays(rows))
        except (self._asyncpg.DataError, self._asyncpg.IntegrityConstraintViolationError) as error:
            if len(samples) == 1:
                return [Refused(samples[0], _words(error))]
            middle = len(samples) // 2
            return [*await self._put(connection, samples[:middle]), *await self._put(connection, samples[middle:])]
        return []

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Raise DirectError for what goes wrong between us and the server."""
        known = self._asyncpg
        try:
            yield
        except known.InsufficientPrivilegeError as error:
            raise self._error(f"refuses: {_words(error)}; the role must be the one made for agents") from error
        except known.UndefinedFunctionError as error:
            raise self._error("has no vigilia_put(): start the server on it once") from error
        except (TimeoutError, known.QueryCanceledError) as error:
            raise self._error("gives no answer in time") from error
        except (known.PostgresError, known.InterfaceError, OSError) as error:
            raise self._error(_words(error) or "the connection is lost") from error

    def _error(self, what: str) -> DirectError:
        return DirectError(f"the history {self.name}: {what}")


def _arrays(rows: Sequence[Row]) -> tuple[list[Any], ...]:
    return (
        [row.point for row in rows],
        [_EPOCH + timedelta(milliseconds=row.time_ms) for row in rows],
        [row.value for row in rows],
        [row.text for row in rows],
        [row.severity for row in rows],
        [row.status for row in rows],
    )


def _words(error: Exception) -> str:
    return redact(printable(str(error)))[:400]


def _asyncpg() -> Any:
    """Return the package, whose types are not declared. Raises StartError where it is missing."""
    try:
        return importlib.import_module("asyncpg")
    except ModuleNotFoundError as error:
        raise StartError(
            "to write samples to PostgreSQL the agent needs the extra [postgres]: pip install 'vigilia[agent,postgres]'"
        ) from error
