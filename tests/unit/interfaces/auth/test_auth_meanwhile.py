"""What somebody began while they still might, and is to be done when they may not any more."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.unit.interfaces.auth.conftest import PASSWORDS

from vigilia.interfaces.auth.roles import Role
from vigilia.points import Origin
from vigilia.store import accounts

LEVEL = "/api/v1/points/T2:Level-SP/value"
BY = Origin("web", "ana", "host")


async def finishes_after(
    place: Any, browser: Any, request: tuple[str, str, Any], change: Callable[[], Awaitable[Any]]
) -> tuple[int, Any]:
    """Send all of a request but its end, have `change` done, and send the end; return the answer."""
    method, path, body = request
    content = json.dumps(body).encode()
    under_way, changed = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield content[:5]
        under_way.set()
        await changed.wait()
        yield content[5:]

    headers = {"X-Vigilia-CSRF": browser.csrf} if browser.csrf else {}
    headers |= {"Content-Type": "application/json"}

    async def ask() -> tuple[int, Any]:
        async with browser.client.request(method, path, data=slowly(), headers=headers) as answer:
            return answer.status, await answer.json()

    asking = asyncio.create_task(ask())
    await under_way.wait()
    async with asyncio.timeout(5):
        while not place.session_of(browser).open:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
    await change()
    changed.set()
    return await asyncio.wait_for(asking, 10)


ADD_FRIEND = ("POST", "/api/v1/users", {"name": "friend", "role": "admin", "password": "four words of friend"})
TAKE_ANA = ("PUT", "/api/v1/users/ana/password", {"password": "taken over by eve"})
WRITE = ("PUT", LEVEL, {"value": 55})


async def signed_in_eve(place: Any) -> Any:
    """The browser of a second administrator."""
    row = accounts.UserRow("eve", "admin", place.auth.book.users["ana"].password_hash, 1.0, "root", 1.0)
    await accounts.add_user(place.store, row, BY)
    await place.auth.book.reload()
    browser = place.browser()
    assert (await browser.sign_in("eve", PASSWORDS["ana"]))[0] == 200
    return browser


@pytest.mark.parametrize("request_", [ADD_FRIEND, TAKE_ANA, WRITE])
async def test_who_is_removed_while_sending_does_nothing_more(place: Any, request_: Any) -> None:
    browser = await signed_in_eve(place)
    status, answer = await finishes_after(place, browser, request_, lambda: place.auth.office.remove_user("eve", BY))
    assert (status, answer["error"]) == (401, "not-signed-in")
    assert place.auth.book.users.keys() == {"ana", "otto", "vera"}
    assert not place.service.equipment.writes
    assert (await place.browser().sign_in("ana"))[0] == 200


@pytest.mark.parametrize("request_", [ADD_FRIEND, TAKE_ANA, WRITE])
async def test_whose_role_becomes_a_lesser_one_while_sending_does_nothing_more(place: Any, request_: Any) -> None:
    browser = await signed_in_eve(place)
    lower = place.auth.office.set_role
    status, answer = await finishes_after(place, browser, request_, lambda: lower("eve", Role.VIEWER, BY))
    assert (status, answer["error"]) == (403, "not-allowed")
    assert place.auth.book.users.keys() == {"ana", "otto", "vera", "eve"}
    assert not place.service.equipment.writes
    assert (await place.browser().sign_in("ana"))[0] == 200


async def test_whoever_stays_what_they_are_may_take_their_time(place: Any) -> None:
    browser = await signed_in_eve(place)
    status, _ = await finishes_after(place, browser, WRITE, lambda: place.auth.office.remove_user("vera", BY))
    assert status == 200
