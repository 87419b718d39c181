"""Users and tokens over the API, and the first administrator's link."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

LEVEL = "/api/v1/points/T2:Level-SP/value"
FIRST = "/api/v1/session/first"
GOOD = "another good one"


def later(place: Any, **ahead: float) -> str:
    return (datetime.fromtimestamp(place.clock.now(), UTC) + timedelta(**ahead)).isoformat()


async def test_the_first_administrator_comes_by_a_link_that_is_good_once(place_factory: Any) -> None:
    async with place_factory(people=False) as place:
        (line,) = place.service.server.greeting
        assert f"{place.address}/sign-in#first=" in line
        browser = place.browser()
        assert (await browser.ask("GET", "/api/v1/session"))[1]["first_admin"] is True
        body = {"token": place.link(), "user": "Ana", "password": GOOD}
        status, session = await browser.ask("POST", FIRST, body)
        assert (status, session["user"], session["role"], session["first_admin"]) == (200, "ana", "admin", False)
        browser.csrf = session["csrf"]
        assert (await browser.ask("PUT", LEVEL, {"value": 5}))[0] == 200
        status, answer = await place.browser().ask("POST", FIRST, body | {"user": "eve"})
        assert (status, answer["error"]) == (401, "sign-in-refused")
        assert [user["name"] for user in (await browser.ask("GET", "/api/v1/users"))[1]["items"]] == ["ana"]
        assert (await place.browser().sign_in("ana", GOOD))[0] == 200
    async with place_factory(people=False) as place:
        assert place.service.server.greeting == []


async def test_a_link_is_good_for_one_of_two_who_follow_it_at_once(place_factory: Any) -> None:
    async with place_factory(people=False) as place:
        bodies = [{"token": place.link(), "user": user, "password": GOOD} for user in ("ana", "eve")]
        answers = await asyncio.gather(*(place.browser().ask("POST", FIRST, body) for body in bodies))
        assert sorted(status for status, _ in answers) == [200, 401]


async def test_a_link_ends_after_a_day_and_a_new_one_replaces_it(place_factory: Any) -> None:
    async with place_factory(people=False) as place:
        old = place.link()
        place.clock.ahead_s += 25 * 3600
        body = {"user": "ana", "password": GOOD}
        assert (await place.browser().ask("POST", FIRST, {"token": old} | body))[0] == 401
    async with place_factory(people=False) as place:
        assert (await place.browser().ask("POST", FIRST, {"token": old} | body))[0] == 401
        new = place.link()
        assert new != old
        content = b"".join(path.read_bytes() for path in place.data_dir.glob("vigilia.db*"))
        assert new.encode() not in content
        assert (await place.browser().ask("POST", FIRST, {"token": new} | body))[0] == 200


async def test_a_password_that_will_not_do_costs_no_link(place_factory: Any) -> None:
    async with place_factory(people=False) as place:
        for user, password in (("ana", "short"), ("ana", "aaaaaaaaaaaaaa"), ("a b", GOOD), ("local", GOOD)):
            body = {"token": place.link(), "user": user, "password": password}
            status, answer = await place.browser().ask("POST", FIRST, body)
            assert (status, answer["error"]) == (422, "invalid-request")
        body = {"token": place.link(), "user": "ana", "password": GOOD}
        assert (await place.browser().ask("POST", FIRST, body))[0] == 200


async def test_who_guesses_links_is_locked_out(place_factory: Any) -> None:
    async with place_factory(people=False) as place:
        browser = place.browser()
        body = {"token": "guess", "user": "eve", "password": GOOD}
        answers = [(await browser.ask("POST", FIRST, body))[0] for _ in range(6)]
        assert answers == [401] * 5 + [429]


async def test_no_guesser_keeps_the_first_administrator_out(place_factory: Any) -> None:
    async with place_factory(people=False) as place:
        for user in ("eve", "no name"):
            answers = [(await place.browser().sign_in(user, "a guess of many"))[0] for _ in range(6)]
            assert answers[-1] == 429
        body = {"token": "guess", "user": "eve", "password": GOOD}
        assert (await place.browser().ask("POST", FIRST, body))[0] == 429
        assert (await place.browser().ask("POST", FIRST, body | {"token": place.link(), "user": "ana"}))[0] == 200


async def test_a_user_from_the_beginning_to_the_end(place: Any) -> None:
    admin = await place.signed_in("ana")
    status, user = await admin.ask("POST", "/api/v1/users", {"name": "Bia", "role": "viewer", "password": GOOD})
    assert (status, user["name"], user["role"], user["created_by"], user["sessions"]) == (
        201,
        "bia",
        "viewer",
        "ana",
        0,
    )
    status, answer = await admin.ask("POST", "/api/v1/users", {"name": "bia", "role": "viewer", "password": GOOD})
    assert (status, answer["error"]) == (409, "account-refused")
    browser = place.browser()
    assert (await browser.sign_in("bia", GOOD))[0] == 200
    assert (await browser.ask("PUT", LEVEL, {"value": 5}))[0] == 403
    assert (await admin.ask("PUT", "/api/v1/users/bia/role", {"role": "operator"}))[1]["role"] == "operator"
    assert (await browser.ask("PUT", LEVEL, {"value": 5}))[0] == 200, "it holds for sessions that are open"
    assert (await admin.ask("DELETE", "/api/v1/users/bia"))[0] == 204
    assert (await browser.ask("GET", "/api/v1/points"))[0] == 401
    assert (await browser.sign_in("bia", GOOD))[0] == 401
    for method, path in (("DELETE", "/api/v1/users/bia"), ("PUT", "/api/v1/users/bia/password")):
        status, answer = await admin.ask(method, path, {"password": GOOD})
        assert (status, answer["error"]) == (404, "unknown-account")


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("", "viewer", GOOD),
        ("a b", "viewer", GOOD),
        ("<script>", "viewer", GOOD),
        ("token:x", "viewer", GOOD),
        ("x" * 61, "viewer", GOOD),
        ("local", "viewer", GOOD),
        ("bia", "root", GOOD),
        ("bia", "viewer", "short"),
        ("bia", "viewer", "x" * 257),
        ("bia", "viewer", "abababababab"),
        ("biabiabia", "viewer", "biabiabia1"),
    ],
)
async def test_what_is_no_user_is_refused(place: Any, name: str, role: str, password: str) -> None:
    admin = await place.signed_in("ana")
    status, answer = await admin.ask("POST", "/api/v1/users", {"name": name, "role": role, "password": password})
    assert (status, answer["error"]) == (422, "invalid-request")
    assert password == "short" or password not in answer["detail"]
    assert len((await admin.ask("GET", "/api/v1/users"))[1]["items"]) == 3


async def test_the_last_administrator_stays(place: Any) -> None:
    admin = await place.signed_in("ana")
    for method, path in (("DELETE", "/api/v1/users/ana"), ("PUT", "/api/v1/users/ana/role")):
        status, answer = await admin.ask(method, path, {"role": "viewer"})
        assert (status, answer["error"]) == (409, "account-refused")
    assert (await admin.ask("PUT", "/api/v1/users/ana/role", {"role": "admin"}))[0] == 200
    assert (await admin.ask("PUT", "/api/v1/users/otto/role", {"role": "admin"}))[0] == 200
    assert (await admin.ask("PUT", "/api/v1/users/ana/role", {"role": "viewer"}))[0] == 200
    assert (await admin.ask("GET", "/api/v1/users"))[0] == 403


async def test_ones_own_password(place: Any) -> None:
    browser, elsewhere = await place.signed_in("vera"), await place.signed_in("vera")
    path = "/api/v1/users/vera/password"
    for current in ("", "wrong"):
        status, answer = await browser.ask("PUT", path, {"password": GOOD, "current": current})
        assert (status, answer["error"]) == (401, "sign-in-refused")
    before = browser.cookies()
    status, session = await browser.ask("PUT", path, {"password": GOOD, "current": "four words of vera"})
    assert (status, session["user"]) == (200, "vera")
    assert session["csrf"] != browser.csrf
    assert browser.cookies() != before
    assert (await browser.ask("GET", "/api/v1/points"))[0] == 200
    assert (await elsewhere.ask("GET", "/api/v1/points"))[0] == 401
    assert (await place.browser().sign_in("vera"))[0] == 401
    assert (await place.browser().sign_in("vera", GOOD))[0] == 200
    status, answer = await browser.ask("PUT", "/api/v1/users/otto/password", {"password": GOOD})
    assert (status, answer["error"]) == (403, "csrf")
    browser.csrf = session["csrf"]
    status, answer = await browser.ask("PUT", "/api/v1/users/otto/password", {"password": GOOD})
    assert (status, answer["error"]) == (403, "not-allowed")


async def test_who_has_a_strangers_page_open_guesses_its_password_five_times(place: Any) -> None:
    browser = await place.signed_in("vera")
    body = {"password": GOOD, "current": "guess"}
    answers = [(await browser.ask("PUT", "/api/v1/users/vera/password", body))[0] for _ in range(6)]
    assert answers == [401] * 5 + [429]


async def test_a_password_that_changes_in_mid_sign_in_lets_the_old_one_in_no_more(place: Any) -> None:
    """The old password was found right, and was changed before the session began."""
    from vigilia.errors import SignInRefused
    from vigilia.points import Origin
    from vigilia.store import accounts

    before = place.auth.book.users["vera"].password_hash
    await accounts.set_password(place.store, "vera", "other", Origin("cli"), 1.0)
    _, row = place.auth.book.new_session("vera", "")
    with pytest.raises(SignInRefused):
        await accounts.begin_session(place.store, row, Origin("web"), before)


async def test_a_token_from_the_beginning_to_the_end(place: Any) -> None:
    admin = await place.signed_in("ana")
    status, made = await admin.ask("POST", "/api/v1/tokens", {"name": "prom", "role": "operator"})
    assert (status, made["name"], made["role"], made["ends_at"]) == (201, "prom", "operator", None)
    status, answer = await admin.ask("POST", "/api/v1/tokens", {"name": "prom", "role": "viewer"})
    assert (status, answer["error"]) == (409, "account-refused")
    listed = (await admin.ask("GET", "/api/v1/tokens"))[1]["items"]
    assert listed == [{key: value for key, value in made.items() if key != "token"}]
    content = b"".join(path.read_bytes() for path in place.data_dir.glob("vigilia.db*"))
    assert made["token"].encode() not in content

    program = place.browser()
    shown = {"Authorization": f"Bearer {made['token']}"}
    assert (await program.ask("GET", "/api/v1/session", headers=shown))[1]["user"] == "token:prom"
    async with program.client.get("/metrics", headers=shown) as answer:
        assert answer.status == 200
    assert (await program.ask("PUT", LEVEL, {"value": 5}, headers=shown))[0] == 200
    (written,) = place.service.journal.writes
    assert (written[2].via, written[2].user, written[2].host) == ("api", "token:prom", "127.0.0.1")
    assert (await program.ask("GET", "/api/v1/users", headers=shown))[0] == 403
    assert (await program.ask("PUT", "/api/v1/users/prom/password", {"password": GOOD}, headers=shown))[0] == 403

    async with program.client.get("/api/v1/events", headers=shown) as stream:
        await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 10)
        assert (await admin.ask("DELETE", "/api/v1/tokens/prom"))[0] == 204
        async with asyncio.timeout(10):
            while await stream.content.readany():
                pass
    status, answer = await program.ask("GET", "/api/v1/points", headers=shown)
    assert (status, answer["error"]) == (401, "not-signed-in")
    assert (await admin.ask("DELETE", "/api/v1/tokens/prom"))[0] == 404


async def test_a_token_ends(place: Any) -> None:
    admin = await place.signed_in("ana")
    body = {"name": "week", "role": "viewer", "ends_at": later(place, days=7)}
    status, made = await admin.ask("POST", "/api/v1/tokens", body)
    assert status == 201
    shown = {"Authorization": f"bearer {made['token']}"}
    program = place.browser()
    place.clock.ahead_s += 6.9 * 86_400
    assert (await program.ask("GET", "/api/v1/points", headers=shown))[0] == 200
    place.clock.ahead_s += 0.2 * 86_400
    assert (await program.ask("GET", "/api/v1/points", headers=shown))[0] == 401
    assert (await program.ask("GET", "/healthz", headers=shown))[0] == 401, "a token that is worth nothing is told so"


@pytest.mark.parametrize("ends_at", ["2020-01-01T00:00:00Z", "soon", "2099-01-01T00:00:00"])
async def test_an_end_that_is_none_is_refused(place: Any, ends_at: str) -> None:
    admin = await place.signed_in("ana")
    status, answer = await admin.ask("POST", "/api/v1/tokens", {"name": "x", "role": "viewer", "ends_at": ends_at})
    assert (status, answer["error"]) == (422, "invalid-request")


@pytest.mark.parametrize("shown", ["Bearer", "Bearer ", "Bearer x", "bearer é", "Bearer " + "x" * 5000])
async def test_a_token_that_is_none_is_refused(place: Any, shown: str) -> None:
    status, answer = await place.browser().ask("GET", "/api/v1/points", headers={"Authorization": shown})
    assert (status, answer["error"]) == (401, "not-signed-in")


async def test_other_credentials_are_the_proxys_and_concern_nobody_here(place: Any) -> None:
    browser = await place.signed_in("vera")
    headers = {"Authorization": "Basic YTpi"}
    assert (await browser.ask("GET", "/api/v1/points", headers=headers))[0] == 200


async def test_the_access_log_tells_who_did_what_to_whom(place: Any) -> None:
    admin = await place.signed_in("ana")
    await admin.ask("POST", "/api/v1/users", {"name": "bia", "role": "viewer", "password": GOOD})
    await admin.ask("PUT", "/api/v1/users/bia/role", {"role": "operator"})
    await admin.ask("PUT", "/api/v1/users/bia/password", {"password": GOOD + "!"})
    await admin.ask("POST", "/api/v1/tokens", {"name": "prom", "role": "viewer"})
    await admin.ask("DELETE", "/api/v1/tokens/prom")
    await admin.ask("DELETE", "/api/v1/users/bia")
    vera = await place.signed_in("vera")
    await vera.ask("DELETE", "/api/v1/session")
    page = (await admin.ask("GET", "/api/v1/access?limit=9"))[1]
    told = [(line["event"], line["about"], line["user"], line["detail"]) for line in page["items"]]
    assert told == [
        ("signed-out", "vera", "vera", ""),
        ("signed-in", "vera", "vera", ""),
        ("user-removed", "bia", "ana", ""),
        ("token-removed", "prom", "ana", ""),
        ("token-made", "prom", "ana", "viewer, no end"),
        ("password-changed", "bia", "ana", ""),
        ("role-changed", "bia", "ana", "viewer → operator"),
        ("user-added", "bia", "ana", "viewer"),
        ("signed-in", "ana", "ana", ""),
    ]
    assert {line["host"] for line in page["items"]} == {"127.0.0.1"}
    rest = (await admin.ask("GET", f"/api/v1/access?next={page['next']}"))[1]
    assert {line["user"] for line in rest["items"]} == {"root"}
    assert rest["next"] is None


async def test_the_local_token_is_the_service_users_alone(place: Any) -> None:
    file = place.data_dir / "local.token"
    assert file.stat().st_mode & 0o777 == 0o600
    shown = {"Authorization": f"Bearer {file.read_text().strip()}"}
    session = (await place.browser().ask("GET", "/api/v1/session", headers=shown))[1]
    assert (session["user"], session["role"]) == ("local", "admin")
