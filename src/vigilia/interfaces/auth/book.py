"""Who there is: users, browsers that are signed in, and tokens, all in memory, as the store has them.

So no request waits for the database, and who is signed in stays so while it is away. What a command of its own process
changes is learnt of within two seconds.
"""

import asyncio
import hashlib
import logging
import secrets
from dataclasses import dataclass, field

from vigilia.clock import Clock
from vigilia.interfaces.auth.config import AuthConfig
from vigilia.interfaces.auth.limits import LONGEST_MEMORY_S, Limits
from vigilia.interfaces.auth.roles import Role
from vigilia.store import accounts
from vigilia.store.accounts import SessionRow, TokenRow, UserRow
from vigilia.store.database import Store, StoreError

_logger = logging.getLogger(__name__)

_LOOK_S = 2.0
_KEEP_SEEN_S = 60.0
_HOUR_S = 3600.0
LONGEST_SECRET = 200
"""Characters of what a cookie or a header may show; ours are shorter."""


@dataclass(slots=True)
class Session:
    """A browser that is signed in."""

    row: SessionRow
    seen_at: float
    open: int = 0
    """Requests under way: the streams of open pages above all."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that programs show."""

    row: TokenRow
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Book:
    """What is known of users, sessions and tokens. `lock` is held by whoever changes them in the store and here."""

    def __init__(self, config: AuthConfig, store: Store, clock: Clock, limits: Limits) -> None:
        self.store = store
        self.clock = clock
        self.lock = asyncio.Lock()
        self.users: dict[str, UserRow] = {}
        self.tokens: dict[str, Token] = {}
        """By hash."""
        self._sessions: dict[str, Session] = {}
        """By hash."""
        self._config = config
        self._limits = limits
        self._revision = -1
        self._kept_seen: dict[str, float] = {}

    async def reload(self) -> None:
        """Take up what the store has. Raises StoreError."""
        async with self.lock:
            kept = await accounts.load(self.store)
            self._revision = kept.revision
            self.users = {row.name: row for row in kept.users}
            self._limits.load(kept.failures)
            before, self._sessions = self._sessions, {}
            for row in kept.sessions:
                known = before.pop(row.id_hash, None)
                self._sessions[row.id_hash] = known or Session(row, row.seen_at)
            for session in before.values():
                session.ended.set()
            old, self.tokens = self.tokens, {}
            for row in kept.tokens:
                known_token = old.pop(row.token_hash, None)
                if known_token is not None and known_token.row != row:
                    known_token.ended.set()
                    known_token = None
                self.tokens[row.token_hash] = known_token or Token(row)
            for token in old.values():
                token.ended.set()
            self._end_what_is_over()

    def role_of(self, user: str) -> Role:
        """Return what a user may do; who does not exist, nothing."""
        row = self.users.get(user)
        return Role.read(row.role) if row else Role.NOBODY

    def session(self, shown: str) -> Session | None:
        """Return the session that a cookie shows, None where it has ended or never was."""
        found = self._sessions.get(hash_of(shown)) if 0 < len(shown) <= LONGEST_SECRET else None
        return found if found is not None and self._lasts(found) else None

    def token(self, shown: str) -> Token | None:
        """Return the token that a header shows, None where it has ended or never was."""
        found = self.tokens.get(hash_of(shown)) if 0 < len(shown) <= LONGEST_SECRET else None
        return found if found is not None and self._is_valid(found) else None

    def new_session(self, user: str, host: str) -> tuple[str, SessionRow]:
        """Return what the cookie of a new session shows, and the row to keep of it."""
        shown, now = secrets.token_urlsafe(32), self.clock.now()
        return shown, SessionRow(hash_of(shown), user, host[:200], now, now, now + self._config.session_hours * _HOUR_S)

    def begun(self, row: SessionRow) -> None:
        """Take note of a session that the store has taken; of its user's, those used longest ago may have ended."""
        self._sessions[row.id_hash] = Session(row, row.seen_at)
        mine = [session for session in self._sessions.values() if session.row.user == row.user]
        for session in sorted(mine, key=lambda known: known.seen_at)[: -accounts.SESSIONS_OF_ONE]:
            self.end(session.row.id_hash)

    def end(self, id_hash: str) -> None:
        """Take note that a session ended."""
        if (session := self._sessions.pop(id_hash, None)) is not None:
            session.ended.set()

    def sessions_of(self, user: str) -> int:
        """Return in how many browsers a user is signed in."""
        return sum(session.row.user == user and self._lasts(session) for session in self._sessions.values())

    async def run(self) -> None:
        """Learn what others changed, end what is over, and keep when sessions were used, until cancelled."""
        quiet, since_kept = False, 0.0
        while True:
            await asyncio.sleep(_LOOK_S)
            since_kept += _LOOK_S
            try:
                if await accounts.revision(self.store) != self._revision:
                    await self.reload()
                ended = self._end_what_is_over()
                if ended or since_kept >= _KEEP_SEEN_S:
                    await self._keep_seen(ended)
                    since_kept = 0.0
                quiet = False
            except StoreError as error:
                if not quiet:
                    _logger.error("changes of users are not seen, for the store does not answer: %s", error)
                quiet = True

    async def close(self) -> None:
        """End what is waited for, and keep when sessions were used. Raises StoreError."""
        await self._keep_seen([])

    async def _keep_seen(self, ended: list[str]) -> None:
        seen = {id_hash: session.seen_at for id_hash, session in self._sessions.items()}
        changed = [(id_hash, at) for id_hash, at in seen.items() if self._kept_seen.get(id_hash) != at]
        now = self.clock.now()
        if changed or ended:
            await accounts.keep_seen(self.store, changed, ended)
            await accounts.keep_failures(self.store, [], now, forgotten=now - LONGEST_MEMORY_S)
            self._kept_seen = seen

    def _end_what_is_over(self) -> list[str]:
        """End the sessions and tokens whose time has come; return the hashes of those sessions."""
        for token in self.tokens.values():
            if not self._is_valid(token):
                token.ended.set()
        ended = [id_hash for id_hash, session in self._sessions.items() if not self._lasts(session)]
        for id_hash in ended:
            self.end(id_hash)
        return ended

    def _lasts(self, session: Session) -> bool:
        now = self.clock.now()
        if session.open:
            session.seen_at = now
        in_use = now - session.seen_at < self._config.idle_hours * _HOUR_S
        return in_use and now < session.row.ends_at and session.row.user in self.users

    def _is_valid(self, token: Token) -> bool:
        return token.row.ends_at is None or self.clock.now() < token.row.ends_at


def hash_of(secret: str) -> str:
    """Return what is kept of 256 bits of chance: one round of SHA-256 hides them well."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
