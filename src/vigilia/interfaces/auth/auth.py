"""Sign-in as a whole: its parts, from the start of the API to its end."""

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from starlette.types import Scope

from vigilia.clock import Clock
from vigilia.errors import StartError
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.auth.book import Book
from vigilia.interfaces.auth.config import LOCAL_FILE, AuthConfig
from vigilia.interfaces.auth.cookies import session_name
from vigilia.interfaces.auth.door import Door, new_link
from vigilia.interfaces.auth.limits import Limits
from vigilia.interfaces.auth.office import Office
from vigilia.interfaces.auth.passwords import Passwords
from vigilia.interfaces.auth.roles import Role
from vigilia.redaction import hide
from vigilia.store import accesslog
from vigilia.store.database import Row, Store, StoreError
from vigilia.store.marks import mark, marked

_logger = logging.getLogger(__name__)

_KEY = "sign-in-key"
_CLOSE_S = 0.5


class Site(Protocol):
    """What pages say of the site."""

    name: str
    language: Literal["pt-BR", "en"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the API knows of signing in."""

    auth: "Auth | None" = None
    """None where nobody has to."""
    site: str = "Vigilia"
    language: str = "en"
    log: Callable[..., Awaitable[list[Row]]] | None = None
    """Reads the access log: `vigilia.store.accesslog.newest`, with its store."""

    @classmethod
    def of(cls, web: WebConfig, site: Site, store: Store, clock: Clock, data_dir: Path) -> "SignIn":
        """Return how people come in as it is configured."""
        config = web.signs_in
        auth = Auth(config, store, clock, data_dir, secure=web.secure) if config else None
        return cls(auth, site.name, site.language, partial(accesslog.newest, store))


class Auth:
    """Who may come in: `start()`, `stop()`."""

    def __init__(self, config: AuthConfig, store: Store, clock: Clock, data_dir: Path, *, secure: bool) -> None:
        self.clock = clock
        self.anonymous = Role.VIEWER if config.anonymous == "viewer" else Role.NOBODY
        self.port = 0
        """The one that the service listens at; `start` is told it."""
        self._store = store
        self._secure = secure
        limits = Limits(clock)
        self._passwords = Passwords()
        self.book = Book(config, store, clock, limits)
        self.door = Door(self.book, limits, self._passwords)
        self.office = Office(self.book, self.door, self._passwords)
        self._local = secrets.token_urlsafe(32)
        self._local_file = data_dir / LOCAL_FILE
        self.task: asyncio.Task[None] | None = None
        """Learns what others changed; None while nobody signs in. Whoever starts it sees that it goes on."""

    async def start(self, port: int) -> str:
        """Begin; return the token of the first administrator's link, empty where somebody exists. Raises StartError."""
        self.port = port
        try:
            self.door.open(await _key(self._store))
            await self.book.reload()
            first = "" if self.book.users else await new_link(self._store, self.clock.now())
        except StoreError as error:
            raise StartError(f"the store does not give the users: {error}: check it, and start again") from error
        self._show_local()
        self.task = asyncio.create_task(self.book.run(), name="sign-in")
        return first

    async def stop(self) -> None:
        """End, and keep when sessions were last used."""
        if self.task is None:
            return
        self.task.cancel()
        await asyncio.wait({self.task})
        self.task = None
        self._passwords.close()
        with suppress(OSError):
            self._local_file.unlink()
        try:
            await asyncio.wait_for(self.book.close(), _CLOSE_S)
        except (StoreError, TimeoutError) as error:
            _logger.warning("when sessions were last used is not kept: %s", error or "no answer in time")

    @property
    def nobody_exists(self) -> bool:
        """Whether the first administrator is still to come."""
        return not self.book.users

    def is_local(self, shown: str) -> bool:
        """Return whether a token is the one of the commands on this machine."""
        return hmac.compare_digest(shown.encode("utf-8", "replace"), self._local.encode())

    def secure(self, scope: Scope) -> bool:
        """Return whether cookies of this request's answer may only go over TLS."""
        return self._secure or scope.get("scheme") == "https"

    def cookie_name(self, scope: Scope) -> str:
        """Return the name of the cookie that shows a session."""
        return session_name(self.port, secure=self.secure(scope))

    def _show_local(self) -> None:
        hide([self._local], lasting=True)
        fresh = self._local_file.with_suffix(".new")
        try:
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(self._local + "\n")
            fresh.replace(self._local_file)
        except OSError as error:
            raise StartError(f"{self._local_file} cannot be written ({error.strerror}): check its rights") from error


async def _key(store: Store) -> bytes:
    """Return the key by which known browsers are marked, made at the first start. Raises StoreError."""
    kept = await marked(store, _KEY)
    if kept is None:
        kept = {"key": secrets.token_hex(32)}
        async with store.writing() as connection:
            await mark(connection, _KEY, kept)
    return bytes.fromhex(str(kept["key"]))
