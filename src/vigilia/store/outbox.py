"""The outbox: notices on their way to people, one row for each channel, delivered at least once.

A notice is queued in the transaction of the change that caused it. Before the first attempt its row is *claimed*: it
gets the number of the card that will carry it, and keeps it through retries and restarts; so a card that arrives twice
is known by its number. It is recorded as delivered after the channel has taken it.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.errors import printable
from vigilia.notices import Notice, NoticeKind
from vigilia.points import Severity
from vigilia.store import alarmjournal, schema
from vigilia.store.alarmjournal import JournalEntry, JournalEvent
from vigilia.store.database import Store

_logger = logging.getLogger(__name__)

KEPT_S = 30 * 86_400.0
"""How long delivered notices stay to be looked at."""
_LONGEST_AREA = 200
_LONGEST_ERROR = 500

_outbox = schema.outbox
_channels = schema.channels


class Waiting(NamedTuple):
    """A notice that a channel has not delivered yet."""

    id: int
    notice: Notice
    created_at: float
    card: int | None
    """The number of the card that carries it; None: nobody can have seen it."""
    attempts: int


async def queue(connection: AsyncConnection, notices: Iterable[tuple[Notice, Sequence[str]]], now: float) -> int:
    """Put notices into the outbox, each for the channels beside it; return how many rows that made.

    The end of an alarm goes to exactly the channels that its beginning was queued for; where the outbox never had
    that (a state taken over from another monitor), to the channels beside it.
    """
    rows: list[dict[str, Any]] = []
    for notice, named in notices:
        channels = named
        if notice.kind is NoticeKind.CLEARED and notice.incident:
            channels = await _raised_on(connection, notice.incident) or named
        if not channels:
            _logger.info(
                "not told to anybody: %s: %s", " - ".join(filter(None, (notice.title, notice.area))), notice.line
            )
        rows += [row_of(notice, channel, now) for channel in channels]
    if rows:
        await connection.execute(insert(_outbox), rows)
    return len(rows)


async def withdraw(connection: AsyncConnection, incident: str) -> bool:
    """Drop the notice of an incident's beginning if nobody can have seen it, and say whether it is so.

    False: at least one channel has claimed or delivered it, and all its rows stay; its end must be told.
    """
    raised = and_(_outbox.c.incident == incident, _outbox.c.kind == NoticeKind.RAISED.value)
    query = select(_outbox.c.card, _outbox.c.delivered_at).where(raised).with_for_update()
    rows = (await connection.execute(query)).all()
    if any(row.card is not None or row.delivered_at is not None for row in rows):
        return False
    await connection.execute(delete(_outbox).where(raised))
    return True


async def waiting(store: Store, channel: str, most: int) -> list[Waiting]:
    """Return what a channel has not delivered yet, the oldest first, at most so many. Raises StoreError."""
    query = select(_outbox).where(_undelivered([channel])).order_by(_outbox.c.id).limit(most)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [Waiting(row.id, notice_of(row.notice), row.created_at, row.card, row.attempts) for row in rows]


async def backlog(store: Store, channels: Sequence[str]) -> tuple[int, float | None]:
    """Return how many notices `channels` have not delivered, and when the oldest was queued. Raises StoreError."""
    query = select(func.count(), func.min(_outbox.c.created_at)).where(_undelivered(channels))
    async with store.reading() as connection:
        count, oldest = (await connection.execute(query)).one()
    return count, oldest


async def backlog_of_all(store: Store) -> tuple[int, float | None]:
    """Return how many notices no channel has delivered, whether it is still configured or not; see `backlog`."""
    query = select(func.count(), func.min(_outbox.c.created_at)).where(_outbox.c.delivered_at.is_(None))
    async with store.reading() as connection:
        count, oldest = (await connection.execute(query)).one()
    return count, oldest


async def claim(store: Store, channel: str, parts: Sequence[Sequence[int]], now: float) -> list[int] | None:
    """Give each of `parts`, which are row ids, a card's number; return the numbers, in order.

    None: a row was withdrawn or claimed since it was read, and nothing was changed. Raises StoreError.
    """
    ids = [number for part in parts for number in part]
    async with store.writing() as connection:
        free = select(_outbox.c.id).where(_outbox.c.id.in_(ids), _outbox.c.card.is_(None)).with_for_update()
        if len((await connection.execute(free)).all()) != len(ids):
            return None
        first = await _take_numbers(connection, channel, len(parts))
        for card, part in enumerate(parts, first):
            await connection.execute(update(_outbox).where(_outbox.c.id.in_(part)).values(card=card, claimed_at=now))
    return list(range(first, first + len(parts)))


async def reclaim(store: Store, channel: str, ids: Sequence[int], now: float) -> int:
    """Give rows whose card was refused for its size a card of their own; return its number. Raises StoreError."""
    async with store.writing() as connection:
        card = await _take_numbers(connection, channel, 1)
        await connection.execute(
            update(_outbox).where(_outbox.c.id.in_(ids)).values(card=card, claimed_at=now, attempts=0)
        )
    return card


async def attempt(store: Store, channel: str, card: int, sent: Sequence[float]) -> None:
    """Note that a card is about to be sent, and with it when the channel sent lately. Raises StoreError."""
    async with store.writing() as connection:
        await connection.execute(
            update(_outbox)
            .where(_outbox.c.channel == channel, _outbox.c.card == card)
            .values(attempts=_outbox.c.attempts + 1)
        )
        await connection.execute(update(_channels).where(_channels.c.name == channel).values(sent=list(sent)))


async def delivered(store: Store, channel: str, card: int, now: float) -> None:
    """Note that a channel took a card, also in the journal of the alarms that it tells of. Raises StoreError."""
    rows_of = _waiting_on(channel, card)
    async with store.writing() as connection:
        query = select(_outbox.c.kind, _outbox.c.alarm, _outbox.c.incident, _outbox.c.notice).where(rows_of)
        told = [_told(row, channel, card, now) for row in await connection.execute(query) if row.alarm]
        await connection.execute(update(_outbox).where(rows_of).values(delivered_at=now, error=""))
        await alarmjournal.write(connection, told)


async def failed(store: Store, channel: str, card: int, error: str) -> None:
    """Note why a channel did not take a card. Raises StoreError."""
    async with store.writing() as connection:
        said = update(_outbox).where(_waiting_on(channel, card)).values(error=printable(error)[:_LONGEST_ERROR])
        await connection.execute(said)


async def sent_lately(store: Store, channel: str) -> list[float]:
    """Return when a channel sent lately, as `attempt` noted it. Raises StoreError."""
    async with store.reading() as connection:
        sent: list[float] | None = await connection.scalar(select(_channels.c.sent).where(_channels.c.name == channel))
    return sent or []


async def prune(store: Store, now: float) -> int:
    """Delete what was delivered long ago; return how many rows. Raises StoreError.

    The beginning of an alarm stays until its incident is over: it says where the end must be told.
    """
    incidents = schema.incidents
    going_on = exists().where(incidents.c.id == _outbox.c.incident, incidents.c.ended_at.is_(None))
    old = and_(_outbox.c.delivered_at < now - KEPT_S, or_(_outbox.c.kind != NoticeKind.RAISED.value, ~going_on))
    async with store.writing() as connection:
        return (await connection.execute(delete(_outbox).where(old))).rowcount


def _undelivered(channels: Sequence[str]) -> Any:
    return and_(_outbox.c.channel.in_(channels), _outbox.c.delivered_at.is_(None))


async def _raised_on(connection: AsyncConnection, incident: str) -> list[str]:
    """Return the channels that the beginning of an incident was queued for."""
    query = select(_outbox.c.channel).where(_outbox.c.incident == incident, _outbox.c.kind == NoticeKind.RAISED.value)
    return sorted(set(await connection.scalars(query)))


async def _take_numbers(connection: AsyncConnection, channel: str, count: int) -> int:
    """Take the next `count` card numbers of a channel, which start at 1; return the first."""
    query = select(_channels.c.next_card).where(_channels.c.name == channel).with_for_update()
    first = await connection.scalar(query)
    if first is None:
        await connection.execute(insert(_channels).values(name=channel, next_card=1 + count, sent=[]))
        return 1
    await connection.execute(update(_channels).where(_channels.c.name == channel).values(next_card=first + count))
    return int(first)


def _waiting_on(channel: str, card: int) -> ColumnElement[bool]:
    return and_(_outbox.c.channel == channel, _outbox.c.card == card, _outbox.c.delivered_at.is_(None))


def _told(row: Any, channel: str, card: int, now: float) -> JournalEntry:
    severity = Severity(row.notice["severity"])
    return JournalEntry(
        now, row.alarm, JournalEvent.TOLD, severity, incident=row.incident, detail=row.kind, channel=channel, card=card
    )


def row_of(notice: Notice, channel: str, now: float) -> dict[str, Any]:
    """Return the row that queues a notice for a channel."""
    return {
        "channel": channel,
        "kind": notice.kind.value,
        "alarm": notice.alarm,
        "incident": notice.incident,
        "area": printable(notice.area)[:_LONGEST_AREA],  # for looking at; the notice itself has it as it is
        "notice": {**asdict(notice), "kind": notice.kind.value, "severity": int(notice.severity)},
        "created_at": now,
        "attempts": 0,
        "error": "",
    }


def notice_of(stored: dict[str, Any]) -> Notice:
    """Return the notice that a row holds."""
    values = dict(stored)
    values["routing"] = tuple(str(name) for name in stored["routing"])
    values["facts"] = tuple((str(title), str(text)) for title, text in stored["facts"])
    values["kind"], values["severity"] = NoticeKind(stored["kind"]), Severity(stored["severity"])
    return Notice(**values)
