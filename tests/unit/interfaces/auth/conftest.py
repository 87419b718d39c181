"""A web server in which people sign in, over a real store; and browsers that do."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from tests.unit.interfaces.api.conftest import Service, serving

from vigilia.clock import Clock
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.auth.auth import Auth, SignIn
from vigilia.interfaces.auth.config import AuthConfig
from vigilia.interfaces.auth.passwords import hash_password
from vigilia.language import use
from vigilia.points import Origin
from vigilia.store import Store, accounts

PASSWORDS = {"ana": "four words of admin", "otto": "four words of otto", "vera": "four words of vera"}
ROLES = {"ana": "admin", "otto": "operator", "vera": "viewer"}
LEVEL = "/api/v1/points/T2:Level-SP/value"


class MovableClock(Clock):
    """A clock that a test sets forward."""

    ahead_s = 0.0

    def now(self) -> float:
        return super().now() + self.ahead_s


@dataclass
class Browser:
    """One with its own cookies, and the page that it shows."""

    client: aiohttp.ClientSession
    csrf: str = ""

    async def ask(self, method: str, path: str, body: Any = None, **kwargs: Any) -> tuple[int, Any]:
        """Ask as a page does: with what the header must show."""
        headers = {"X-Vigilia-CSRF": self.csrf} if self.csrf else {}
        headers |= kwargs.pop("headers", {})
        async with self.client.request(method, path, json=body, headers=headers, **kwargs) as answer:
            text = await answer.text()
            return answer.status, await answer.json() if text else None

    async def sign_in(self, user: str, password: str | None = None) -> tuple[int, Any]:
        body = {"user": user, "password": PASSWORDS[user] if password is None else password}
        status, answer = await self.ask("POST", "/api/v1/session", body)
        if status == 200:
            self.csrf = answer["csrf"]
        return status, answer

    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.client.cookie_jar}


@dataclass
class Place:
    """A service in which people sign in."""

    service: Service
    store: Store
    clock: MovableClock
    auth: Auth
    data_dir: Path
    browsers: list[aiohttp.ClientSession] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.service.server.address

    def browser(self, **kwargs: Any) -> Browser:
        jar = aiohttp.CookieJar(unsafe=True)  # which takes cookies from an address without a name
        client = aiohttp.ClientSession(self.address, cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=10), **kwargs)
        self.browsers.append(client)
        return Browser(client)

    async def signed_in(self, user: str) -> Browser:
        browser = self.browser()
        status, answer = await browser.sign_in(user)
        assert status == 200, answer
        return browser

    def session_of(self, browser: Browser) -> Any:
        """What the service has in memory of a browser's session."""
        return next(found for cookie in browser.cookies().values() if (found := self.auth.book.session(cookie)))

    def link(self) -> str:
        """What follows #first= in what the service prints."""
        (line,) = self.service.server.greeting
        return line.rpartition("#first=")[2]


@asynccontextmanager
async def place_of(
    url: str, data_dir: Path, auth: AuthConfig | None = None, people: bool = True, **web: Any
) -> AsyncIterator[Place]:
    """A service over the store at `url`; with an administrator, an operator and a viewer unless told otherwise."""
    clock = MovableClock()
    store = await Store.open(url)
    config = WebConfig(**({"listen": "127.0.0.1:0", "auth": auth or AuthConfig()} | web))
    site = SimpleNamespace(name="Test site", language="en")
    sign_in = SignIn.of(config, site, store, clock, data_dir)
    assert sign_in.auth is not None
    try:
        async with serving(config, sign_in=sign_in, clock=clock, audit=store.audit) as service:
            place = Place(service, store, clock, sign_in.auth, data_dir)
            if people and not place.auth.book.users:
                await add_people(place)
            try:
                yield place
            finally:
                for client in place.browsers:
                    await client.close()
    finally:
        await store.close()


@cache
def hash_of_password(name: str) -> str:
    return hash_password(PASSWORDS[name])


async def add_people(place: Place) -> None:
    for name, role in ROLES.items():
        row = accounts.UserRow(name, role, hash_of_password(name), 1.0, "root", 1.0)
        await accounts.add_user(place.store, row, Origin("cli", "root"))
    await place.auth.book.reload()


@pytest.fixture(autouse=True)
def _english() -> None:
    use("en")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/vigilia.db"


@pytest.fixture
def place_factory(url: str, tmp_path: Path) -> Callable[..., Any]:
    def make(**kwargs: Any) -> Any:
        return place_of(url, tmp_path, **kwargs)

    return make


@pytest.fixture
async def place(place_factory: Callable[..., Any]) -> AsyncIterator[Place]:
    async with place_factory() as made:
        yield made


@pytest.fixture
async def service_without() -> AsyncIterator[Service]:
    """A service in which nobody has to sign in."""
    async with serving() as service:
        yield service


@pytest.fixture
def place_parts(place: Place) -> Any:
    return place.service.parts
