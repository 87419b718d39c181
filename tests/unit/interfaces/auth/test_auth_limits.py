"""Who guesses is locked out, and locks out nobody else."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.clock import Clock
from vigilia.errors import TooManyAttempts
from vigilia.interfaces.auth.limits import Limits, place_of


class HandClock(Clock):
    """A clock that stands still until it is moved."""

    at = 1_000_000.0

    def now(self) -> float:
        return self.at


def fail(limits: Limits, user: str, address: str, device: str = "") -> bool:
    """Fail once; return whether that was let through."""
    try:
        attempt = limits.begin(user, address, device)
    except TooManyAttempts:
        return False
    limits.failed(attempt)
    limits.finish(attempt)
    return True


def test_five_failures_lock_a_user_out_at_one_address_only() -> None:
    limits = Limits(HandClock())
    assert [fail(limits, "ana", "192.0.2.1") for _ in range(8)] == [True] * 5 + [False] * 3
    assert fail(limits, "otto", "192.0.2.1")
    assert fail(limits, "ana", "192.0.2.2")


def test_what_is_forgotten_between_failures_makes_no_further_attempt() -> None:
    clock = HandClock()
    limits = Limits(clock)
    for _ in range(5):
        assert fail(limits, "ana", "192.0.2.1")
        clock.at += 0.5
    assert not fail(limits, "ana", "192.0.2.1")


def test_a_lock_grows_to_a_quarter_of_an_hour_and_passes() -> None:
    clock = HandClock()
    limits = Limits(clock)
    waits = []
    for _ in range(30):
        while fail(limits, "ana", "192.0.2.1"):
            pass
        with pytest.raises(TooManyAttempts) as raised:
            limits.begin("ana", "192.0.2.1", "")
        waits.append(raised.value.wait_s)
        clock.at += waits[-1] + 0.001
    assert waits == sorted(waits)
    assert 14 < waits[0] < 17
    assert 800 < waits[-1] <= 900
    clock.at += 13 * 3600
    assert [fail(limits, "ana", "192.0.2.1") for _ in range(6)] == [True] * 5 + [False]


@given(
    st.lists(st.tuples(st.sampled_from(["ana", "otto"]), st.integers(0, 30), st.integers(0, 2000)), max_size=300),
)
def test_whoever_guesses_a_browser_that_is_known_gets_in(tries: list[tuple[str, int, int]]) -> None:
    """No sequence of others' failures, from whatever addresses, keeps a known browser out."""
    clock = HandClock()
    limits = Limits(clock)
    for user, address, later in tries:
        clock.at += later
        fail(limits, user, f"192.0.2.{address}")
    for user in ("ana", "otto"):
        limits.finish(limits.begin(user, "192.0.2.1", f"the browser of {user}"))


@given(st.lists(st.floats(0, 5000), max_size=60), st.floats(-1e6, 1e6))
def test_nobody_waits_longer_than_a_quarter_of_an_hour(pauses: list[float], jump: float) -> None:
    clock = HandClock()
    limits = Limits(clock)
    for pause in pauses:
        clock.at += pause
        fail(limits, "ana", "192.0.2.1")
    clock.at += jump  # a clock that is set
    with suppress(TooManyAttempts):
        limits.finish(limits.begin("ana", "192.0.2.1", ""))
        return
    clock.at += 900
    limits.finish(limits.begin("ana", "192.0.2.1", ""))


def test_one_address_that_tries_many_users_is_locked_out() -> None:
    limits = Limits(HandClock())
    assert sum(fail(limits, f"user{n}", "192.0.2.1") for n in range(100)) == 30
    assert fail(limits, "user99", "192.0.2.2")


def test_many_addresses_that_try_one_user_are_locked_out() -> None:
    limits = Limits(HandClock())
    assert sum(fail(limits, "ana", f"192.0.{n // 250}.{n % 250}") for n in range(500)) == 50
    assert fail(limits, "otto", "192.0.0.1")


def test_a_success_forgets_what_failed_there_and_nothing_else() -> None:
    limits = Limits(HandClock())
    for _ in range(4):
        fail(limits, "ana", "192.0.2.1")
    attempt = limits.begin("ana", "192.0.2.1", "")
    assert limits.succeeded(attempt) == "pair ana 192.0.2.1"
    limits.finish(attempt)
    assert [fail(limits, "ana", "192.0.2.1") for _ in range(6)] == [True] * 5 + [False]


def test_so_many_attempts_of_one_address_at_once() -> None:
    limits = Limits(HandClock())
    attempts = [limits.begin(f"user{n}", "192.0.2.1", "") for n in range(3)]
    with pytest.raises(TooManyAttempts):
        limits.begin("ana", "192.0.2.1", "")
    limits.finish(limits.begin("ana", "192.0.2.2", ""))
    limits.finish(attempts[0])
    limits.finish(limits.begin("ana", "192.0.2.1", ""))


def test_memory_is_bounded() -> None:
    limits = Limits(HandClock())
    for n in range(30_000):
        fail(limits, "?", f"10.{n >> 16}.{(n >> 8) & 255}.{n & 255}")
    assert len(limits) <= 20_000


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_what_counts_as_one_address(address: str, place: str) -> None:
    assert place_of(address) == place


@given(st.text())
def test_any_text_counts_as_something(address: str) -> None:
    assert " " not in place_of(address)
    assert len(place_of(address)) < 60


async def lock_out(place: Any, user: str) -> Any:
    """Guess until that is refused; return the guesser."""
    guesser = place.browser()
    for _ in range(5):
        assert (await guesser.sign_in(user, "guess"))[0] == 401
    status, answer = await guesser.sign_in(user, "guess")
    assert (status, answer["error"]) == (429, "too-many-attempts")
    return guesser


async def test_a_guesser_is_locked_out_also_with_the_right_password(place: Any) -> None:
    guesser = await lock_out(place, "otto")
    async with guesser.client.post(
        "/api/v1/session", json={"user": "otto", "password": "four words of otto"}
    ) as answer:
        assert answer.status == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 15
    assert (await guesser.sign_in("vera"))[0] == 200
    place.clock.ahead_s += 16
    assert (await guesser.sign_in("otto"))[0] == 200


async def test_a_user_that_does_not_exist_is_locked_out_alike(place: Any) -> None:
    await lock_out(place, "nobody")


async def test_a_browser_that_is_known_is_not_locked_out_by_others(place: Any) -> None:
    known = await place.signed_in("otto")
    await known.ask("DELETE", "/api/v1/session")
    known.csrf = ""
    await lock_out(place, "otto")
    assert (await known.sign_in("otto"))[0] == 200
    await known.ask("DELETE", "/api/v1/session")
    known.csrf = ""
    for _ in range(5):
        assert (await known.sign_in("otto", "guess"))[0] == 401
    assert (await known.sign_in("otto"))[0] == 429, "it has a count of its own"


async def test_the_mark_of_a_browser_is_good_for_its_user_alone(place: Any) -> None:
    vera = await place.signed_in("vera")
    (mark,) = (value for value in vera.cookies().values() if "." in value)
    port = place.address.rpartition(":")[2]
    from vigilia.interfaces.auth.cookies import mark_name

    forger = await lock_out(place, "otto")
    for forged in (mark, "a.b", ".", mark[:-1], f"x{mark}"):
        forger.client.cookie_jar.update_cookies({mark_name(int(port), "otto", secure=False): forged})
        assert (await forger.sign_in("otto"))[0] == 429


async def test_a_restart_lifts_no_lock(place_factory: Any) -> None:
    async with place_factory() as place:
        await lock_out(place, "otto")
    async with place_factory() as place:
        assert (await place.browser().sign_in("otto"))[0] == 429


async def test_sessions_and_tokens_are_not_locked_out(place: Any) -> None:
    browser = await place.signed_in("otto")
    await lock_out(place, "otto")
    assert (await browser.ask("GET", "/api/v1/points"))[0] == 200


async def test_a_new_password_from_an_administrator_ends_a_lock(place: Any) -> None:
    guesser, admin = await lock_out(place, "otto"), await place.signed_in("ana")
    body = {"password": "another good one"}
    assert (await admin.ask("PUT", "/api/v1/users/otto/password", body))[0] == 200
    assert (await guesser.sign_in("otto", "another good one"))[0] == 200


async def test_failures_are_told_without_what_was_typed(place: Any) -> None:
    await place.browser().sign_in("otto", "my-secret-word")
    await place.browser().sign_in("my-other-secret-word", "x")
    admin = await place.signed_in("ana")
    log = (await admin.ask("GET", "/api/v1/access"))[1]["items"]
    refused = [(line["about"], line["via"], line["user"], line["host"]) for line in log if line["event"] == "refused"]
    assert refused == [("?", "web", "", "127.0.0.1"), ("otto", "web", "", "127.0.0.1")]
    content = b"".join(path.read_bytes() for path in place.data_dir.glob("vigilia.db*"))
    assert b"secret-word" not in content
