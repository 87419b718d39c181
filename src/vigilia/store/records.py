"""How one record of the journal becomes rows of the audit and of the chosen set points."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.spool import Record
from vigilia.store import schema
from vigilia.store.upsert import insert

_logger = logging.getLogger(__name__)

_LATEST_S = 32_503_680_000.0
"""The year 3000: a time that no calendar has could be stored, and never be shown."""

_NUMBER = (int, float)
_VALUE = (int, float, str, type(None))
_ASKED: Mapping[str, Any] = {
    "write_id": str,
    "asked_at": _NUMBER,
    "point": str,
    "value": _VALUE,
    "previous": _VALUE,
    "via": str,
    "user": str,
    "host": str,
}
_ANSWERED: Mapping[str, Any] = {"write_id": str, "outcome": str, "detail": str, "answered_at": _NUMBER}


class RefusedRecordError(ValueError):
    """A record that no store takes, now or later; it is never seen outside the store."""


async def put(connection: AsyncConnection, record: Record) -> None:
    """Put `record` into the tables. Raises RefusedRecordError, or DBAPIError where the database is not able to."""
    try:
        if record.get("event") == "asked":
            await _put_asked(connection, record)
        else:
            await _put_answered(connection, record)
    except StatementError as error:
        if not _speaks_of_the_record(error):
            raise
        raise RefusedRecordError(str(error.orig)) from error
    except (OverflowError, UnicodeError) as error:
        raise RefusedRecordError(str(error)) from error


async def put_or_skip(connection: AsyncConnection, record: Record) -> None:
    """Put `record` into the tables, or log it and leave no trace of it. Raises DBAPIError."""
    savepoint = await connection.begin_nested()
    try:
        await put(connection, record)
    except RefusedRecordError as error:  # it must not hold up all that follow it, at this start and at every other
        await savepoint.rollback()
        _logger.error("a damaged record of the journal is skipped (%s): %.1000s", error, record)
    else:  # after any other error there may be no savepoint left: a full disk has SQLite roll everything back itself
        await savepoint.commit()


async def _put_asked(connection: AsyncConnection, record: Record) -> None:
    row = _fields(record, _ASKED)
    chosen = record.get("chosen")
    if not isinstance(chosen, bool) or (chosen and row["value"] is None):
        raise RefusedRecordError("chosen does not fit")
    # Looked for first: "on conflict do nothing" would use up one of PostgreSQL's ids, and they say how many rows there
    # are.
    known = select(exists().where(schema.audit.c.write_id == row["write_id"]))
    if await connection.scalar(known):
        return
    await connection.execute(schema.audit.insert().values(row))
    if not chosen:
        return
    choice = {
        "value": row["value"],
        "chosen_at": row["asked_at"],
        "write_id": row["write_id"],
        "confirmed": False,
    }
    await connection.execute(
        insert(connection, schema.chosen)
        .values(point=row["point"], **choice)
        .on_conflict_do_update(index_elements=[schema.chosen.c.point], set_=choice)
    )


async def _put_answered(connection: AsyncConnection, record: Record) -> None:
    row = _fields(record, _ANSWERED)
    write_id = row.pop("write_id")
    await connection.execute(update(schema.audit).where(schema.audit.c.write_id == write_id).values(row))
    if row["outcome"] == "confirmed":
        await connection.execute(
            update(schema.chosen).where(schema.chosen.c.write_id == write_id).values(confirmed=True)
        )


def _speaks_of_the_record(error: StatementError) -> bool:
    """Say whether a database refused what a record says; locked, full, missing and away are the database's own."""
    if not isinstance(error, DBAPIError):
        return True
    if error.connection_invalidated:
        return False
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):  # PostgreSQL: data exceptions, constraints, and triggers that raise
        return state[:2] in ("22", "23", "P0")
    return isinstance(error, IntegrityError | DataError | InterfaceError | ProgrammingError)


def _fields(record: Record, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `record` that `kinds` names. SQLite checks no types, and what reads them relies on them."""
    for name, kind in kinds.items():
        if name not in record or not isinstance(record[name], kind):
            raise RefusedRecordError(f"{name} is missing or does not fit")
        if kind is _NUMBER and not (math.isfinite(record[name]) and 0 <= record[name] < _LATEST_S):
            raise RefusedRecordError(f"{name} is no time")
    return {name: record[name] for name in kinds}
