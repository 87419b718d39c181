"""The link that makes the first administrator: worth something once, for a time, and only while nobody exists."""

import hmac
from dataclasses import asdict

from sqlalchemy import delete, func, insert, select

from vigilia.errors import SignInRefused
from vigilia.language import tr
from vigilia.points import Origin
from vigilia.store import schema
from vigilia.store.accesslog import Access, note
from vigilia.store.accounts import SessionRow, UserRow
from vigilia.store.database import Store
from vigilia.store.marks import mark

_NAME = "first-admin"
_users, _marks = schema.users, schema.marks


async def keep_link(store: Store, token_hash: str, ends_at: float) -> bool:
    """Keep the hash of a new link's token in the place of the one before; False where somebody exists already.

    Raises StoreError.
    """
    async with store.writing() as connection:
        if await connection.scalar(select(func.count()).select_from(_users)):
            return False
        await mark(connection, _NAME, {"hash": token_hash, "ends_at": ends_at})
        return True


async def is_valid(store: Store, token_hash: str, now: float) -> bool:
    """Return whether a link's token would be taken now. Raises StoreError."""
    async with store.reading() as connection:
        kept = await connection.scalar(select(_marks.c.value).where(_marks.c.name == _NAME))
        nobody = not await connection.scalar(select(func.count()).select_from(_users))
    return nobody and _fits(kept, token_hash, now)


async def redeem(store: Store, token_hash: str, user: UserRow, session: SessionRow, by: Origin) -> None:
    """Make the first administrator, with a session, and the link worthless. Raises SignInRefused, StoreError."""
    async with store.writing() as connection:
        used = delete(_marks).where(_marks.c.name == _NAME).returning(_marks.c.value)
        kept = (await connection.execute(used)).scalar()
        somebody = await connection.scalar(select(func.count()).select_from(_users))
        if somebody or not _fits(kept, token_hash, user.created_at):
            raise refused()
        await connection.execute(insert(_users), [asdict(user)])
        await connection.execute(insert(schema.sessions), [asdict(session)])
        await note(connection, Access.USER_ADDED, user.name, by, user.created_at, user.role)
        await note(connection, Access.SIGNED_IN, user.name, by, user.created_at)


def refused() -> SignInRefused:
    """Return what a link that is worth nothing is answered with."""
    return SignInRefused(tr("this link was used, has ended, or is not the newest: vigilia users prints another"))


def _fits(kept: object, token_hash: str, now: float) -> bool:
    match kept:
        case {"hash": str(known), "ends_at": float() | int() as ends_at}:
            return now < ends_at and hmac.compare_digest(known, token_hash)
        case _:
            return False
