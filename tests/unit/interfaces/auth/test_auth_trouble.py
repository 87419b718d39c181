"""Sign-in while the store is away, changed by a command, or older than today's parameters."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from tests.conftest import until

from vigilia.points import Origin
from vigilia.store import Store, accounts

LEVEL = "/api/v1/points/T2:Level-SP/value"
BY = Origin("cli", "root")


async def test_while_the_store_is_away_who_is_signed_in_stays_so(place: Any) -> None:
    browser, leaving = await place.signed_in("otto"), await place.signed_in("vera")
    file = Path(place.data_dir) / "vigilia.db"
    file.rename(file.with_suffix(".away"))
    assert (await browser.ask("PUT", LEVEL, {"value": 5}))[0] == 200
    for who, password in (("otto", None), ("otto", "wrong"), ("nobody", "wrong")):
        status, answer = await place.browser().sign_in(who, password)
        assert (status, answer["error"]) == (503, "store-unavailable")
    assert (await leaving.ask("DELETE", "/api/v1/session"))[0] == 503
    assert (await leaving.ask("GET", "/api/v1/points"))[0] == 200, "nothing was done"
    file.with_suffix(".away").rename(file)
    assert (await place.browser().sign_in("otto"))[0] == 200
    assert (await leaving.ask("DELETE", "/api/v1/session"))[0] == 200


async def test_what_a_command_changes_holds_within_seconds(place: Any, url: str) -> None:
    browser = await place.signed_in("otto")
    command = await Store.join(url)
    try:
        await accounts.set_role(command, "otto", "viewer", BY, 1.0)
        await until(lambda: place.auth.book.role_of("otto").word == "viewer")
        assert (await browser.ask("PUT", LEVEL, {"value": 5}))[0] == 403
        async with browser.client.get("/api/v1/events") as stream:
            await stream.content.readuntil(b"\n\n")
            await accounts.remove_user(command, "otto", BY, 1.0)
            while await stream.content.readany():
                pass
        assert (await browser.ask("GET", "/api/v1/points"))[0] == 401
    finally:
        await command.close()


async def test_a_session_is_as_seen_after_a_restart_as_before(place_factory: Any) -> None:
    async with place_factory() as place:
        browser = await place.signed_in("vera")
        place.clock.ahead_s += 11 * 3600
        await browser.ask("GET", "/api/v1/points")
        seen = place.session_of(browser).seen_at
    async with place_factory() as place:
        (row,) = (await accounts.load(place.store)).sessions
        assert row.seen_at == pytest.approx(seen)


async def test_sessions_that_have_ended_leave_the_store(place: Any) -> None:
    await place.signed_in("vera")
    place.clock.ahead_s += 13 * 3600

    async def left() -> int:
        return len((await accounts.load(place.store)).sessions)

    async with asyncio.timeout(10):
        while await left():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.05)


async def test_a_hash_of_yesterdays_parameters_is_made_anew(place: Any) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("an old good word")
    await accounts.add_user(place.store, accounts.UserRow("bia", "viewer", old, 1.0, "root", 1.0), BY)
    await place.auth.book.reload()
    for _ in range(2):
        assert (await place.browser().sign_in("bia", "an old good word"))[0] == 200
    (new,) = (row.password_hash for row in (await accounts.load(place.store)).users if row.name == "bia")
    assert new != old
    assert "m=32768" in new


async def test_a_role_that_this_version_does_not_know_may_do_nothing(place: Any) -> None:
    browser = await place.signed_in("vera")
    await accounts.set_role(place.store, "vera", "owner", BY, 1.0)
    await place.auth.book.reload()
    status, answer = await browser.ask("GET", "/api/v1/points")
    assert (status, answer["error"]) == (403, "not-allowed")
    assert (await browser.ask("GET", "/api/v1/session"))[1]["role"] is None


async def test_a_fault_of_sign_in_is_no_silence(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_store: Store) -> int:
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(accounts, "revision", fail)
    with pytest.raises(RuntimeError, match="a fault of the program"):
        await asyncio.wait_for(place.service.server.wait(), 20)
