"""The journal of alarms: what happened to each, when, by whom, and what they said. One entry for each change.

Entries are written in the transaction of the change they tell of, so that neither is ever there without the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.points import Origin, Severity
from vigilia.store import schema
from vigilia.store.database import Store

KEPT_S = 400 * 86_400.0
"""How long entries stay: a year, and some weeks to compare it with."""
MOST_KEPT = 2_000_000
"""Entries at most, some 500 MB: an alarm that comes and goes each second must not fill the disk within that time."""
_ROWS_AT_ONCE = 500
_NOBODY = Origin("")

_journal = schema.alarm_journal


class JournalEvent(StrEnum):
    """What happened to an alarm."""

    RAISED = "raised"
    WORSE = "worse"
    """It stands, and is more severe than before."""
    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"
    """It was taken back before anybody was told."""
    SUPPRESSED = "suppressed"
    RELEASED = "released"
    """Nothing suppresses it any more."""
    TOLD = "told"
    """A card reached its channel."""
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    """By somebody; by nobody where its time was over."""
    OUT_OF_SERVICE = "out-of-service"
    IN_SERVICE = "in-service"
    UNDONE = "undone"
    """What somebody did, the entry before, was refused after all: the store had not kept it in time."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing that happened to an alarm. Times in seconds UTC."""

    at: float
    """When, by the watch's clock."""
    alarm: str
    event: JournalEvent
    severity: Severity
    state: str = ""
    """The alarm's after it; empty: not known."""
    incident: str = ""
    happened_at: float | None = None
    """When the equipment says that it was."""
    by: Origin = _NOBODY
    """Who did it; `via` is empty where nobody did."""
    comment: str = ""
    until: float | None = None
    """The end of a shelving."""
    cause: str = ""
    """The id of the alarm that suppresses it."""
    detail: str = ""
    """What the equipment said besides; of `told`, which notice: "raised" or "cleared"."""
    channel: str = ""
    card: int | None = None
    id: int = 0
    """Given by the store."""


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which entries are wanted; what is left empty takes everything."""

    alarm: str = ""
    incident: str = ""
    event: str = ""
    user: str = ""
    start: float | None = None
    end: float | None = None
    """Before it."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row must be."""
        columns = _journal.c
        texts = (self.alarm, self.incident, self.event, self.user)
        pairs = zip((columns.alarm, columns.incident, columns.event, columns.user), texts, strict=True)
        found = [column == text for column, text in pairs if text]
        found += [columns.at >= self.start] if self.start is not None else []
        return found + ([columns.at < self.end] if self.end is not None else [])


@dataclass(frozen=True, slots=True)
class JournalPosition:
    """Where a page of the journal ended."""

    at: float
    id: int


_FIELDS = tuple(field.name for field in fields(JournalEntry) if field.name not in ("id", "by"))


async def write(connection: AsyncConnection, entries: Sequence[JournalEntry]) -> None:
    """Put entries into the journal, in their order, in the transaction of what they tell of."""
    for start in range(0, len(entries), _ROWS_AT_ONCE):
        rows = [_row(entry) for entry in entries[start : start + _ROWS_AT_ONCE]]
        await connection.execute(insert(_journal), rows)


async def newest(
    store: Store, wanted: JournalFilter, *, before: JournalPosition | None = None, limit: int = 100
) -> list[JournalEntry]:
    """Return the entries that are wanted, the newest first: after the position `before`, at most `limit`.

    Raises StoreError.
    """
    columns = _journal.c
    query = select(_journal).where(*wanted.conditions()).order_by(columns.at.desc(), columns.id.desc()).limit(limit)
    if before is not None:
        same = and_(columns.at == before.at, columns.id < before.id)
        query = query.where(columns.at <= before.at, or_(columns.at < before.at, same))
    async with store.reading() as connection:
        return [_entry(dict(row)) for row in (await connection.execute(query)).mappings()]


async def prune(store: Store, now: float) -> int:
    """Delete entries that are older than KEPT_S or more than MOST_KEPT; return how many. Raises StoreError."""
    last = select(func.max(_journal.c.id)).scalar_subquery()
    old = or_(_journal.c.at < now - KEPT_S, _journal.c.id <= last - MOST_KEPT)
    async with store.writing() as connection:
        return (await connection.execute(delete(_journal).where(old))).rowcount


def _row(entry: JournalEntry) -> dict[str, Any]:
    row = {field: getattr(entry, field) for field in _FIELDS}
    by = entry.by
    return row | {
        "event": str(entry.event),
        "severity": int(entry.severity),
        "via": by.via[:40],
        "user": by.user[:200],
        "host": by.host[:200],
    }


def _entry(row: dict[str, Any]) -> JournalEntry:
    row["by"] = Origin(row.pop("via"), row.pop("user"), row.pop("host"))
    row["event"], row["severity"] = JournalEvent(row["event"]), Severity(row["severity"])
    return JournalEntry(**row)
