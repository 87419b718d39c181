"""Notices in the outbox, as people look at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from vigilia.clock import iso
from vigilia.store import schema
from vigilia.store.database import Row, Store

_outbox = schema.outbox.c


@dataclass(frozen=True, slots=True)
class NoticeFilter:
    """Which notices are wanted; what is left empty takes everything."""

    state: str = ""
    """Of the three: waiting for its first attempt, sent, or waiting for another after one that failed."""
    kind: str = ""
    area: str = ""
    """Part of the area, in either case."""
    channel: str = ""
    alarm: str = ""
    number: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row must be."""
        pairs = ((_outbox.kind, self.kind), (_outbox.channel, self.channel), (_outbox.alarm, self.alarm))
        found = [column == text for column, text in pairs if text]
        if self.area:
            found.append(_outbox.area.icontains(self.area, autoescape=True))
        if self.number is not None:
            found.append(_outbox.id == self.number)
        match self.state:
            case "sent":
                found.append(_outbox.delivered_at.is_not(None))
            case "waiting":
                found += [_outbox.delivered_at.is_(None), _outbox.error == ""]
            case "failed":
                found += [_outbox.delivered_at.is_(None), _outbox.error != ""]
            case _:
                pass
        return found


EVERY_NOTICE = NoticeFilter()


async def newest(
    store: Store, wanted: NoticeFilter = EVERY_NOTICE, *, before: int | None = None, limit: int = 100
) -> list[Row]:
    """Return the notices that are wanted, the newest first: with an id below `before`, at most `limit`.

    Raises StoreError.
    """
    query = select(schema.outbox).where(*wanted.conditions()).order_by(_outbox.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_outbox.id < before)
    async with store.reading() as connection:
        return [notice_row(row) for row in (await connection.execute(query)).mappings()]


async def channels(store: Store) -> list[Row]:
    """Return how each channel fares that ever had a notice, by name; see `ChannelAnswer`. Raises StoreError."""
    last = select(_outbox.channel, func.max(_outbox.delivered_at)).group_by(_outbox.channel).order_by(_outbox.channel)
    failed = _outbox.error != ""
    async with store.reading() as connection:
        sent = {row[0]: row[1] for row in await connection.execute(last)}
        open_ones = (
            select(
                _outbox.channel,
                func.count(),
                func.count().filter(failed),
                func.min(_outbox.created_at),
                func.max(_outbox.id).filter(failed),
            )
            .where(_outbox.channel.in_(sent), _outbox.delivered_at.is_(None))  # both: the index has them in this order
            .group_by(_outbox.channel)
        )
        waiting = {name: counted for name, *counted in await connection.execute(open_ones)}
        wanted = [_outbox.id == newest for *_, newest in waiting.values() if newest is not None]
        wanted += [
            and_(_outbox.channel == name, _outbox.delivered_at == time)
            for name, time in sent.items()
            if time is not None
        ]
        told = select(schema.outbox).where(or_(false(), *wanted)).order_by(_outbox.id)
        rows = [notice_row(row) for row in (await connection.execute(told)).mappings()]
    newest = {(row["channel"], row["state"]): row for row in rows}
    answer: list[Row] = []
    for name in sent:
        count, failures, oldest, _ = waiting.get(name, (0, 0, None, None))
        answer.append(
            {
                "name": name,
                "waiting": count,
                "failed": failures,
                "oldest": None if oldest is None else iso(oldest),
                "newest_failed": newest.get((name, "failed")),
                "newest_sent": newest.get((name, "sent")),
            }
        )
    return answer


def notice_row(row: Mapping[Any, Any]) -> Row:
    """Return a row of the outbox as people look at it."""
    notice, delivered = row["notice"], row["delivered_at"]
    return {
        "id": row["id"],
        "channel": row["channel"],
        "kind": row["kind"],
        "state": "sent" if delivered is not None else "failed" if row["error"] else "waiting",
        "title": notice["title"],
        "area": notice["area"],
        "line": notice["line"],
        "alarm": row["alarm"],
        "incident": row["incident"],
        "at": iso(notice["at"]),
        "created_at": iso(row["created_at"]),
        "card": row["card"],
        "attempts": row["attempts"],
        "delivered_at": None if delivered is None else iso(delivered),
        "error": row["error"],
        "repeats": row["repeats"],
    }
