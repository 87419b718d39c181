"""The office: users and tokens, changed by administrators, and passwords by their owners."""

import secrets

from vigilia.errors import UnknownAccount
from vigilia.interfaces.auth.book import Book, Session, hash_of
from vigilia.interfaces.auth.door import Door, SignedIn
from vigilia.interfaces.auth.members import check_name
from vigilia.interfaces.auth.passwords import Passwords, check_password
from vigilia.interfaces.auth.roles import Role
from vigilia.language import tr
from vigilia.points import Origin
from vigilia.store import accounts
from vigilia.store.accounts import TokenRow, UserRow

TOKEN_START = "vigilia_"  # noqa: S105 - by which programs that look for lost secrets know ours


class Office:
    """Changes users and tokens. Every method may raise StoreError."""

    def __init__(self, book: Book, door: Door, passwords: Passwords) -> None:
        self._book = book
        self._door = door
        self._passwords = passwords

    async def add_user(self, name: str, role: Role, password: str, by: Origin) -> UserRow:
        """Add a user. Raises ValueError, AccountRefused, TooManyAttempts."""
        row = await self._user(check_name(name), role, password, by)
        await accounts.add_user(self._book.store, row, by)
        await self._book.reload()
        return row

    async def set_role(self, name: str, role: Role, by: Origin) -> UserRow:
        """Give a user another role, which holds for their sessions at once. Raises UnknownAccount, AccountRefused."""
        await accounts.set_role(self._book.store, name, role.word, by, self._book.clock.now())
        await self._book.reload()
        return self.user(name)

    async def set_password(
        self, name: str, password: str, by: Origin, own: Session | None = None, current: str = ""
    ) -> SignedIn | None:
        """Give a user another password: their sessions end; return the one that begins in the place of `own`.

        `own`: the session of the user whose password it is; it must come with the `current` one. Raises UnknownAccount,
        ValueError, SignInRefused, TooManyAttempts.
        """
        self.user(name)
        check_password(password, name)
        if own is not None:
            await self._door.check_own(own, current, by.host)
        return await self._door.change_password(name, await self._passwords.hashed(password), by, own)

    async def remove_user(self, name: str, by: Origin) -> None:
        """Remove a user, whose sessions end. Raises UnknownAccount, AccountRefused."""
        await accounts.remove_user(self._book.store, name, by, self._book.clock.now())
        await self._book.reload()

    async def add_token(self, name: str, role: Role, ends_at: float | None, by: Origin) -> tuple[str, TokenRow]:
        """Make a token that ends at a time, or never; return it, for it is kept nowhere.

        Raises ValueError, AccountRefused.
        """
        token, row = new_token(name, role, ends_at, by, self._book.clock.now())
        await accounts.add_token(self._book.store, row, by)
        await self._book.reload()
        return token, row

    async def remove_token(self, name: str, by: Origin) -> None:
        """Make a token worth nothing. Raises UnknownAccount."""
        await accounts.remove_token(self._book.store, name, by, self._book.clock.now())
        await self._book.reload()

    def user(self, name: str) -> UserRow:
        """Return a user. Raises UnknownAccount."""
        found = self._book.users.get(name)
        if found is None:
            raise UnknownAccount(tr("there is no user {name}").format(name=name[:80]))
        return found

    def users(self) -> list[UserRow]:
        """Return every user, by name."""
        return sorted(self._book.users.values(), key=lambda row: row.name)

    def tokens(self) -> list[TokenRow]:
        """Return every token, by name."""
        return sorted((token.row for token in self._book.tokens.values()), key=lambda row: row.name)

    def sessions_of(self, name: str) -> int:
        """Return in how many browsers a user is signed in."""
        return self._book.sessions_of(name)

    async def _user(self, name: str, role: Role, password: str, by: Origin) -> UserRow:
        check_password(password, name)
        now = self._book.clock.now()
        return UserRow(name, role.word, await self._passwords.hashed(password), now, by.user, now)


def new_token(name: str, role: Role, ends_at: float | None, by: Origin, now: float) -> tuple[str, TokenRow]:
    """Return a new token, and what is kept of it. Raises ValueError."""
    token = TOKEN_START + secrets.token_urlsafe(32)
    return token, TokenRow(check_name(name), role.word, hash_of(token), now, by.user, ends_at)
