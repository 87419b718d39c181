"""Sending a notice once more, because somebody asks for it: as a new row, which says what it is."""

import math
from dataclasses import replace
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.errors import NoticeRefused, UnknownNotice
from vigilia.language import tr
from vigilia.notices import Notice
from vigilia.store import schema
from vigilia.store.database import Store
from vigilia.store.outbox import notice_of, row_of

PAUSE_S = 60.0
"""So long after a repetition there is no other of the same notice: nobody wants two for a second click."""

_outbox = schema.outbox


async def repeat(store: Store, number: int, channels: tuple[str, ...], by: str, now: float) -> int:
    """Queue the notice of that row once more, for the same channel; return the id of the new row.

    `channels` are those there are, `by` is who asks. Raises UnknownNotice, NoticeRefused or StoreError; then nothing
    was queued.
    """
    async with store.writing() as connection:
        row = await _row(connection, number)
        if row is None:
            raise UnknownNotice(tr("no notice has the number {number}").format(number=number))
        _refuse_waiting(row, channels)
        root = number if row.repeats is None else row.repeats
        await _refuse_second(connection, root, now)
        first = await _row(connection, root) if root != number else row
        notice = _repetition(notice_of(first.notice), by) if first else _repeated(notice_of(row.notice), by)
        values = row_of(notice, row.channel, now) | {"repeats": root}
        return (await connection.execute(insert(_outbox).values(values).returning(_outbox.c.id))).scalar_one()


async def _row(connection: AsyncConnection, number: int) -> Any:
    return (await connection.execute(select(_outbox).where(_outbox.c.id == number))).one_or_none()


def _refuse_waiting(row: Any, channels: tuple[str, ...]) -> None:
    """Raise NoticeRefused for a notice that will still be sent, or whose channel there is no more."""
    if row.channel not in channels:
        text = tr("{channel} is not among the channels any more: the notice cannot be sent there")
        raise NoticeRefused(text.format(channel=row.channel))
    if row.delivered_at is None:
        text = tr("notice {number} waits to be sent, and is tried again by itself")
        why = ": " + tr("its last attempt failed: {error}").format(error=row.error) if row.error else ""
        raise NoticeRefused(text.format(number=row.id) + why)


async def _refuse_second(connection: AsyncConnection, root: int, now: float) -> None:
    """Raise NoticeRefused where a repetition of the notice waits, or was asked for just before."""
    others = _outbox.c.repeats == root
    waits = select(_outbox.c.id).where(others, _outbox.c.delivered_at.is_(None)).limit(1)
    if (other := await connection.scalar(waits)) is not None:
        text = tr("notice {number} says it once more already, and waits to be sent")
        raise NoticeRefused(text.format(number=other))
    newest = await connection.scalar(select(func.max(_outbox.c.created_at)).where(others))
    if newest is not None and newest <= now < newest + PAUSE_S:
        text = tr("notice {number} was sent once more less than a minute ago: wait {seconds} s")
        raise NoticeRefused(text.format(number=root, seconds=math.ceil(newest + PAUSE_S - now)))


def _repetition(notice: Notice, by: str) -> Notice:
    """Return the notice as it is said once more: nobody may take it for news."""
    title = tr("Repetition: {title}").format(title=notice.title)
    return replace(notice, title=title, facts=((tr("Sent once more for"), by), *notice.facts))


def _repeated(notice: Notice, by: str) -> Notice:
    """Return a repetition, the first of which is gone, as it is said once more for somebody else."""
    return replace(notice, facts=((tr("Sent once more for"), by), *notice.facts[1:]))
