"""The door: signing in and out, and the link by which the first administrator comes in."""

import hmac
import logging
import secrets
from dataclasses import dataclass, replace
from typing import NoReturn

from vigilia.errors import SignInRefused
from vigilia.interfaces.auth.book import Book, Session, hash_of
from vigilia.interfaces.auth.limits import Attempt, Limits
from vigilia.interfaces.auth.members import check_name
from vigilia.interfaces.auth.passwords import LONGEST_PASSWORD, Passwords, check_password
from vigilia.interfaces.auth.roles import Role
from vigilia.language import tr
from vigilia.points import Origin
from vigilia.store import accounts, firstlink
from vigilia.store.accounts import SessionRow, UserRow
from vigilia.store.database import Store

_logger = logging.getLogger(__name__)

_LINK_S = 86_400.0
"""How long the first administrator's link is worth something."""
_VIA = "web"
_UNKNOWN = "?"
"""Stands for every text that is no name: it may be a password that was typed into the wrong field."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that began."""

    user: str
    cookie: str
    mark: str
    """By which this browser is known as one in which the user has signed in before."""
    row: SessionRow


class Door:
    """Signs people in and out."""

    def __init__(self, book: Book, limits: Limits, passwords: Passwords) -> None:
        self._book = book
        self._limits = limits
        self._passwords = passwords
        self._key = b""

    def open(self, key: bytes) -> None:
        """Use a key to make marks, and know them again."""
        self._key = key

    async def sign_in(self, user: str, password: str, host: str, mark: str, before: Session | None) -> SignedIn:
        """Begin a session, always a new one; the browser's session before, where it has one, ends.

        Raises SignInRefused, TooManyAttempts, StoreError.
        """
        name = self._name(user)
        attempt = self._limits.begin(name, host, mark if self._knows(mark, name) else "")
        try:
            known = self._book.users.get(name)
            fits = await self._passwords.fits(password[:LONGEST_PASSWORD], known.password_hash if known else None)
            if known is None or not fits:
                await self._refuse(attempt, name if known else "", host)
            better = await self._passwords.hashed(password) if self._passwords.is_old(known.password_hash) else ""
            async with self._book.lock:
                forgiven = self._limits.succeeded(attempt)
                signed_in = self._new(name, host)
                await accounts.begin_session(
                    self._book.store,
                    signed_in.row,
                    Origin(_VIA, name, host),
                    known.password_hash,
                    replaced=before.row.id_hash if before else "",
                    forgiven=forgiven,
                    better_hash=better,
                )
                if better:
                    self._book.users[name] = replace(known, password_hash=better)
                self._begun(signed_in, before)
        finally:
            self._limits.finish(attempt)
        return signed_in

    async def check_own(self, session: Session, password: str, host: str) -> None:
        """Raise SignInRefused unless `password` is that of the session's user; such attempts are counted as well.

        Raises TooManyAttempts, StoreError.
        """
        name = session.row.user
        attempt = self._limits.begin(name, host, session.row.id_hash)
        try:
            known = self._book.users.get(name)
            if not await self._passwords.fits(password, known.password_hash if known else None):
                await self._refuse(attempt, name, host)
        finally:
            self._limits.finish(attempt)

    async def sign_out(self, session: Session, host: str) -> None:
        """End a session. Raises StoreError: then it goes on."""
        async with self._book.lock:
            by = Origin(_VIA, session.row.user, host)
            await accounts.end_session(self._book.store, session.row.id_hash, by, self._book.clock.now())
            self._book.end(session.row.id_hash)

    async def redeem(self, token: str, user: str, password: str, host: str) -> SignedIn:
        """Make the first administrator, signed in. Raises SignInRefused, TooManyAttempts, ValueError, StoreError.

        Whoever has the link comes in, however many others guess: no failure of theirs is in the way.
        """
        hashed_token = hash_of(token[:LONGEST_PASSWORD])
        nobody = not self._book.users
        if not (nobody and await firstlink.is_valid(self._book.store, hashed_token, self._book.clock.now())):
            await self._refuse_link(host)
        name = check_name(user)
        check_password(password, name)
        password_hash = await self._passwords.hashed(password)
        async with self._book.lock:
            now = self._book.clock.now()
            row = UserRow(name, Role.ADMIN.word, password_hash, now, name, now)
            signed_in = self._new(name, host)
            by = Origin(_VIA, name, host)
            await firstlink.redeem(self._book.store, hashed_token, row, signed_in.row, by)
            self._book.users[name] = row
            self._begun(signed_in, None)
        _logger.info("the first administrator is %s", by)
        return signed_in

    async def change_password(
        self, name: str, password_hash: str, by: Origin, session: Session | None
    ) -> SignedIn | None:
        """Give a user another password: all their sessions end, and `session`, where given, begins anew.

        Raises UnknownAccount, StoreError.
        """
        signed_in = self._new(name, by.host) if session is not None else None
        row = signed_in.row if signed_in else None
        await accounts.set_password(self._book.store, name, password_hash, by, self._book.clock.now(), row)
        await self._book.reload()
        return signed_in

    def _new(self, name: str, host: str) -> SignedIn:
        cookie, row = self._book.new_session(name, host)
        nonce = secrets.token_urlsafe(16)
        return SignedIn(name, cookie, f"{nonce}.{self._mac(nonce, name)}", row)

    def _begun(self, signed_in: SignedIn, before: Session | None) -> None:
        if before is not None:
            self._book.end(before.row.id_hash)
        self._book.begun(signed_in.row)

    async def _refuse(self, attempt: Attempt, name: str, host: str) -> NoReturn:
        """Count and note a failure. Raises SignInRefused, or StoreError."""
        await self._count(attempt, name, host)
        raise SignInRefused(tr("the user or the password is wrong"))

    async def _refuse_link(self, host: str) -> NoReturn:
        """Count and note a link that is worth nothing. Raises SignInRefused, TooManyAttempts, StoreError."""
        attempt = self._limits.begin(_UNKNOWN, host, "")
        try:
            await self._count(attempt, "", host)
        finally:
            self._limits.finish(attempt)
        raise firstlink.refused()

    async def _count(self, attempt: Attempt, name: str, host: str) -> None:
        async with self._book.lock:
            rows = self._limits.failed(attempt)
            if not name:  # what was typed for a name may be a password: it is remembered, and never written down
                rows = [row for row in rows if row.key.startswith("address ")]
            by = Origin(_VIA, "", host)
            now = self._book.clock.now()
            await accounts.keep_failures(self._book.store, rows, now, about=name or _UNKNOWN, by=by)

    def _knows(self, mark: str, name: str) -> bool:
        nonce, _, mac = mark[:LONGEST_PASSWORD].partition(".")
        return bool(nonce) and hmac.compare_digest(mac.encode(), self._mac(nonce, name).encode())

    def _mac(self, nonce: str, name: str) -> str:
        return hmac.new(self._key, f"{name}\n{nonce}".encode("utf-8", "replace"), "sha256").hexdigest()

    @staticmethod
    def _name(text: str) -> str:
        try:
            return check_name(text)
        except ValueError:
            return _UNKNOWN


async def new_link(store: Store, now: float) -> str:
    """Return the token of a new link for the first administrator; empty where somebody exists. Raises StoreError."""
    token = secrets.token_urlsafe(32)
    return token if await firstlink.keep_link(store, hash_of(token), now + _LINK_S) else ""
