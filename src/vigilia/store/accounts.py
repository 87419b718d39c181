"""Accounts in the store: users, their sessions, API tokens, and the failed sign-ins that lock somebody out.

Each change is one transaction with its line of the access log, and the service as well as `vigilia users` make them: so
each raises the revision, by which the one learns of what the other did.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.clock import iso
from vigilia.errors import AccountRefused, SignInRefused, UnknownAccount
from vigilia.language import tr
from vigilia.points import Origin
from vigilia.store import schema
from vigilia.store.accesslog import Access, note
from vigilia.store.database import Store
from vigilia.store.marks import mark, marked
from vigilia.store.upsert import upsert

ADMIN = "admin"
MOST_ACCOUNTS = 1000
"""Users, and tokens: all of them are held in memory."""
SESSIONS_OF_ONE = 20
"""Of more, the one that was used longest ago ends."""
FAILURE_KINDS = ("pair", "device", "user")
"""The first words of the keys of failures that are of one user; the second is the user's name."""
_MOST_FAILURES = 20_000
_REVISION = "accounts"

_users, _sessions, _tokens = schema.users, schema.sessions, schema.api_tokens
_failures = schema.failed_sign_ins
_kept_revision = select(schema.marks.c.value).where(schema.marks.c.name == _REVISION)


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user."""

    name: str
    role: str
    password_hash: str
    created_at: float
    created_by: str
    password_at: float


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser that is signed in."""

    id_hash: str
    user: str
    host: str
    began_at: float
    seen_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token for the API."""

    name: str
    role: str
    token_hash: str
    created_at: float
    created_by: str
    ends_at: float | None = None


@dataclass(frozen=True, slots=True)
class FailureRow:
    """How often sign-ins failed that have something in common."""

    key: str
    level: float
    failed_at: float


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everything that is kept."""

    users: Sequence[UserRow]
    sessions: Sequence[SessionRow]
    tokens: Sequence[TokenRow]
    failures: Sequence[FailureRow]
    revision: int


async def load(store: Store) -> Accounts:
    """Return everything that is kept. Raises StoreError."""
    # Asked for first: of a change meanwhile it then says too little, and everything is read once more. The other way
    # round a user who is removed meanwhile would be known until the next change.
    known = await revision(store)
    async with store.reading() as connection:
        # Before the rows: what changes meanwhile is then learnt of at the next look, and never missed.
        known = _number(await connection.scalar(_kept_revision))
        users = [UserRow(**row) for row in (await connection.execute(select(_users))).mappings()]
        sessions = [SessionRow(**row) for row in (await connection.execute(select(_sessions))).mappings()]
        tokens = [TokenRow(**row) for row in (await connection.execute(select(_tokens))).mappings()]
        failures = [FailureRow(**row) for row in (await connection.execute(select(_failures))).mappings()]
    return Accounts(users, sessions, tokens, failures, known)


async def revision(store: Store) -> int:
    """Return a number that is another after each change of users and tokens, whoever made it. Raises StoreError."""
    return _number(await marked(store, _REVISION))


async def add_user(store: Store, user: UserRow, by: Origin) -> None:
    """Add a user. Raises AccountRefused where there is one of that name, StoreError."""
    async with _changing(store) as connection:
        if await connection.scalar(select(func.count()).where(_users.c.name == user.name)):
            raise AccountRefused(tr("there is a user {name} already").format(name=user.name))
        if (await connection.scalar(select(func.count()).select_from(_users)) or 0) >= MOST_ACCOUNTS:
            raise AccountRefused(tr("there are {most} users: remove one first").format(most=MOST_ACCOUNTS))
        await connection.execute(insert(_users), [asdict(user)])
        await note(connection, Access.USER_ADDED, user.name, by, user.created_at, user.role)


async def set_role(store: Store, name: str, role: str, by: Origin, now: float) -> None:
    """Give a user another role. Raises UnknownAccount, AccountRefused for the last administrator, StoreError."""
    async with _changing(store) as connection:
        before = await _role_of(connection, name)
        if role != ADMIN:
            await _leave_an_admin(connection, name, before)
        await connection.execute(update(_users).where(_users.c.name == name).values(role=role))
        await note(connection, Access.ROLE_CHANGED, name, by, now, f"{before} → {role}")


async def set_password(
    store: Store, name: str, password_hash: str, by: Origin, now: float, session: SessionRow | None = None
) -> None:
    """Give a user another password: every session ends, and what locked them out. `session`: one that begins instead.

    Raises UnknownAccount, StoreError.
    """
    async with _changing(store) as connection:
        await _role_of(connection, name)
        changed = {"password_hash": password_hash, "password_at": now}
        await connection.execute(update(_users).where(_users.c.name == name).values(**changed))
        await connection.execute(delete(_sessions).where(_sessions.c.user == name))
        if session is not None:
            await connection.execute(insert(_sessions), [asdict(session)])
        await _forgive(connection, name)
        await note(connection, Access.PASSWORD_CHANGED, name, by, now)


async def remove_user(store: Store, name: str, by: Origin, now: float) -> list[str]:
    """Remove a user, whose sessions end; return the names of the tokens that they made, which go on.

    Raises UnknownAccount, AccountRefused for the last administrator, StoreError.
    """
    async with _changing(store) as connection:
        await _leave_an_admin(connection, name, await _role_of(connection, name))
        await connection.execute(delete(_sessions).where(_sessions.c.user == name))
        await connection.execute(delete(_users).where(_users.c.name == name))
        await _forgive(connection, name)
        await note(connection, Access.USER_REMOVED, name, by, now)
        return list(await connection.scalars(select(_tokens.c.name).where(_tokens.c.created_by == name)))


async def add_token(store: Store, token: TokenRow, by: Origin) -> None:
    """Add a token. Raises AccountRefused where there is one of that name, StoreError."""
    async with _changing(store) as connection:
        if await connection.scalar(select(func.count()).where(_tokens.c.name == token.name)):
            raise AccountRefused(tr("there is a token {name} already").format(name=token.name))
        if (await connection.scalar(select(func.count()).select_from(_tokens)) or 0) >= MOST_ACCOUNTS:
            raise AccountRefused(tr("there are {most} tokens: remove one first").format(most=MOST_ACCOUNTS))
        await connection.execute(insert(_tokens), [asdict(token)])
        end = f"{token.role}, no end" if token.ends_at is None else f"{token.role}, {iso(token.ends_at)}"
        await note(connection, Access.TOKEN_MADE, token.name, by, token.created_at, end)


async def remove_token(store: Store, name: str, by: Origin, now: float) -> None:
    """Remove a token. Raises UnknownAccount, StoreError."""
    async with _changing(store) as connection:
        if not (await connection.execute(delete(_tokens).where(_tokens.c.name == name))).rowcount:
            raise UnknownAccount(tr("there is no token {name}").format(name=name))
        await note(connection, Access.TOKEN_REMOVED, name, by, now)


async def begin_session(
    store: Store,
    session: SessionRow,
    by: Origin,
    checked_hash: str,
    *,
    replaced: str = "",
    forgiven: str = "",
    better_hash: str = "",
) -> None:
    """Keep a session that begins with a password of that hash.

    `replaced`: the browser's session before; `forgiven`: the key of failures to forget; `better_hash`: the password's
    under today's parameters. Raises SignInRefused where the user was removed or the password changed meanwhile,
    StoreError.
    """
    async with store.writing() as connection:
        if checked_hash != await connection.scalar(select(_users.c.password_hash).where(_users.c.name == session.user)):
            raise SignInRefused(tr("the user or the password is wrong"))
        if replaced:
            await connection.execute(delete(_sessions).where(_sessions.c.id_hash == replaced))
        await connection.execute(insert(_sessions), [asdict(session)])
        mine = _sessions.c.user == session.user
        newest = select(_sessions.c.id_hash).where(mine).order_by(_sessions.c.seen_at.desc()).limit(SESSIONS_OF_ONE)
        kept = list(await connection.scalars(newest))
        await connection.execute(delete(_sessions).where(mine, _sessions.c.id_hash.not_in([*kept, session.id_hash])))
        if forgiven:
            await connection.execute(delete(_failures).where(_failures.c.key == forgiven))
        if better_hash:
            await connection.execute(
                update(_users).where(_users.c.name == session.user).values(password_hash=better_hash)
            )
        await note(connection, Access.SIGNED_IN, session.user, by, session.began_at)


async def end_session(store: Store, id_hash: str, by: Origin, now: float) -> None:
    """End a session. Raises StoreError."""
    async with store.writing() as connection:
        if (await connection.execute(delete(_sessions).where(_sessions.c.id_hash == id_hash))).rowcount:
            await note(connection, Access.SIGNED_OUT, by.user, by, now)


async def keep_seen(store: Store, seen: Sequence[tuple[str, float]], ended: Sequence[str]) -> None:
    """Keep when sessions were last used, and drop those that have ended by themselves. Raises StoreError."""
    async with store.writing() as connection:
        for id_hash, at in seen:
            await connection.execute(update(_sessions).where(_sessions.c.id_hash == id_hash).values(seen_at=at))
        for id_hash in ended:
            await connection.execute(delete(_sessions).where(_sessions.c.id_hash == id_hash))


async def keep_failures(
    store: Store,
    rows: Sequence[FailureRow],
    now: float,
    *,
    about: str = "",
    by: Origin | None = None,
    forgotten: float = 0.0,
) -> None:
    """Keep how often sign-ins failed, with a line for the one of `about` where `by` is given.

    What failed last before `forgotten` is dropped, and so is the oldest of what would be more than 20,000 rows. Raises
    StoreError.
    """
    async with store.writing() as connection:
        await upsert(connection, _failures, [asdict(row) for row in rows])
        most = select(_failures.c.failed_at).order_by(_failures.c.failed_at.desc()).offset(_MOST_FAILURES).limit(1)
        oldest = func.coalesce(most.scalar_subquery(), -1.0)
        await connection.execute(
            delete(_failures).where(or_(_failures.c.failed_at <= oldest, _failures.c.failed_at < forgotten))
        )
        if by is not None:
            await note(connection, Access.REFUSED, about, by, now)


async def _forgive(connection: AsyncConnection, user: str) -> None:
    """Forget a user's failed sign-ins."""
    known = [_failures.c.key.startswith(f"{kind} {user} ", autoescape=True) for kind in FAILURE_KINDS]
    await connection.execute(delete(_failures).where(or_(*known)))


@asynccontextmanager
async def _changing(store: Store) -> AsyncGenerator[AsyncConnection]:
    """Give a connection for one change of accounts, that others learn of."""
    async with store.writing() as connection:
        yield connection
        await mark(connection, _REVISION, {"revision": _number(await connection.scalar(_kept_revision)) + 1})


async def _role_of(connection: AsyncConnection, name: str) -> str:
    role = await connection.scalar(select(_users.c.role).where(_users.c.name == name))
    if role is None:
        raise UnknownAccount(tr("there is no user {name}").format(name=name))
    return role


async def _leave_an_admin(connection: AsyncConnection, name: str, role: str) -> None:
    others = select(func.count()).where(_users.c.role == ADMIN, _users.c.name != name)
    if role == ADMIN and not await connection.scalar(others):
        raise AccountRefused(
            tr("{name} is the last administrator: give somebody else that role first").format(name=name)
        )


def _number(kept: dict[str, Any] | None) -> int:
    return int(kept["revision"]) if kept else 0
