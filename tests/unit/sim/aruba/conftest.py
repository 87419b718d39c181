"""What the tests of the simulated switch share: a client, a login and a way to wait."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from vigilia.sim.aruba import SimSwitch

Login = Callable[[SimSwitch], Awaitable[dict[str, str]]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def login(http: aiohttp.ClientSession) -> Login:
    """Log in as the switch wants it; the headers to send from then on."""

    async def log_in(switch: SimSwitch) -> dict[str, str]:
        given = {"userName": switch.firmware.username, "password": switch.firmware.password}
        async with http.post(f"{switch.url}/rest/v3/login-sessions", json=given) as answer:
            assert answer.status == 201, await answer.text()
            return {"Cookie": (await answer.json())["cookie"]}

    return log_in


@pytest.fixture
def eventually() -> Eventually:
    """Wait until something holds, 5 s at most."""

    async def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not holds():
            assert time.monotonic() < deadline, "did not come about within 5 s"
            await asyncio.sleep(0.005)

    return wait
