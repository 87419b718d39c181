"""Signing in and out, as a browser does."""

import asyncio
from typing import Any

import pytest
from tests.conftest import until

from vigilia.interfaces.auth.config import AuthConfig
from vigilia.store import accounts

LEVEL = "/api/v1/points/T2:Level-SP/value"
HOUR_S = 3600.0


async def test_before_anybody_signs_in_only_what_is_open_answers(place: Any) -> None:
    browser = place.browser()
    status, session = await browser.ask("GET", "/api/v1/session")
    assert status == 200
    assert session == {
        "user": None,
        "role": None,
        "signin_required": True,
        "csrf": None,
        "language": "en",
        "site": "Test site",
        "version": "1.2",
        "first_admin": False,
    }
    assert (await browser.ask("GET", "/healthz"))[0] == 200
    for path in ("/api/v1/points", "/metrics", "/api/openapi.json", "/api/docs", "/nothing/there", "/api/v1/events"):
        async with browser.client.get(path) as answer:
            assert answer.status == 401, path
            assert (await answer.json())["error"] == "not-signed-in"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await browser.ask("PUT", LEVEL, {"value": 5}))[1]["error"] == "not-signed-in"
    assert place.service.equipment.writes == []


async def test_a_session_from_its_beginning_to_its_end(place: Any) -> None:
    browser = place.browser()
    status, session = await browser.sign_in("otto")
    assert (status, session["user"], session["role"]) == (200, "otto", "operator")
    assert (await browser.ask("GET", "/api/v1/session"))[1] == session
    assert (await browser.ask("PUT", LEVEL, {"value": 5}))[0] == 200
    status, session = await browser.ask("DELETE", "/api/v1/session")
    assert (status, session["user"], session["csrf"]) == (200, None, None)
    assert (await browser.ask("GET", "/api/v1/points"))[0] == 401


async def test_names_are_taken_in_either_case(place: Any) -> None:
    assert (await place.browser().sign_in(" Otto ", "four words of otto"))[1]["user"] == "otto"


async def test_the_cookie_is_for_this_service_and_no_script(place: Any) -> None:
    port = place.address.rpartition(":")[2]
    async with place.browser().client.post(
        "/api/v1/session", json={"user": "vera", "password": "four words of vera"}
    ) as answer:
        session, mark = answer.headers.getall("Set-Cookie")
    assert session.startswith(f"vigilia-{port}=")
    assert mark.startswith(f"vigilia-{port}-")
    for cookie in (session, mark):
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "secure" not in cookie.lower()
    assert "Path=/;" in session
    assert "Path=/api/v1/session;" in mark


@pytest.mark.parametrize(
    ("user", "password"),
    [("otto", "wrong"), ("otto", ""), ("nobody", "four words of otto"), ("", ""), ("a b\n", "x")],
)
async def test_a_wrong_user_and_a_wrong_password_are_answered_alike(place: Any, user: str, password: str) -> None:
    status, answer = await place.browser().sign_in(user, password)
    assert (status, answer) == (
        401,
        {"error": "sign-in-refused", "detail": "the user or the password is wrong"},
    )


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"user": "otto"}, {"user": 1, "password": "x"}, {"user": "a", "password": "b", "more": 1}, [], None),
        {"user": "otto", "password": "x" * 1001},
    ],
)
async def test_what_is_no_sign_in_is_refused(place: Any, body: Any) -> None:
    status, answer = await place.browser().ask("POST", "/api/v1/session", body)
    assert (status, answer["error"]) in ((422, "invalid-request"), (415, "unsupported-media-type"))
    assert "xxx" not in answer["detail"]


async def test_a_form_of_another_site_signs_nobody_in(place: Any) -> None:
    form = {"data": "user=otto&password=four words of otto"}
    async with place.browser().client.post("/api/v1/session", **form) as answer:
        assert answer.status == 415
    headers = {"Origin": "https://evil.example"}
    body = {"user": "otto", "password": "four words of otto"}
    assert (await place.browser().ask("POST", "/api/v1/session", body, headers=headers))[0] == 403


@pytest.mark.parametrize("shown", ["", "x", "f" * 64, "é"])
async def test_a_write_without_the_sessions_own_header_is_refused(place: Any, shown: str) -> None:
    browser = await place.signed_in("otto")
    browser.csrf = ""
    headers = {"X-Vigilia-CSRF": shown} if shown else {}
    for method, path in (("PUT", LEVEL), ("POST", "/api/v1/alarms/x/acknowledge"), ("DELETE", "/api/v1/session")):
        status, answer = await browser.ask(method, path, {"value": 5}, headers=headers)
        assert (status, answer["error"]) == (403, "csrf")
    assert place.service.equipment.writes == []
    assert (await browser.ask("GET", "/api/v1/points"))[0] == 200


async def test_the_header_of_another_session_is_not_its_own(place: Any) -> None:
    browser, other = await place.signed_in("otto"), await place.signed_in("otto")
    assert browser.csrf != other.csrf
    browser.csrf = other.csrf
    assert (await browser.ask("PUT", LEVEL, {"value": 5}))[1]["error"] == "csrf"


async def test_a_session_that_was_put_upon_a_browser_is_not_the_one_that_begins(place: Any) -> None:
    attacker, victim = await place.signed_in("vera"), place.browser()
    (name,) = (key for key in attacker.cookies() if key.count("-") == 1)
    planted = attacker.cookies()[name]
    victim.client.cookie_jar.update_cookies({name: planted})
    assert (await victim.sign_in("ana"))[0] == 200
    assert victim.cookies()[name] != planted
    assert (await attacker.ask("GET", "/api/v1/points"))[0] == 401, "the planted session ended"
    assert [row.user for row in (await accounts.load(place.store)).sessions] == ["ana"], "in the store as well"
    made_up = place.browser()
    made_up.client.cookie_jar.update_cookies({name: "chosen-by-somebody"})
    assert (await made_up.sign_in("ana"))[0] == 200
    assert made_up.cookies()[name] != "chosen-by-somebody"


async def test_a_cookie_is_worth_nothing_after_its_session(place: Any) -> None:
    browser = await place.signed_in("otto")
    kept, csrf = browser.cookies(), browser.csrf
    await browser.ask("DELETE", "/api/v1/session")
    again = place.browser()
    again.client.cookie_jar.update_cookies(kept)
    again.csrf = csrf
    assert (await again.ask("GET", "/api/v1/points"))[0] == 401
    assert (await again.ask("PUT", LEVEL, {"value": 5}))[1]["error"] == "not-signed-in"


async def test_the_store_has_no_cookie_and_no_password(place: Any) -> None:
    browser = await place.signed_in("otto")
    content = b"".join(path.read_bytes() for path in place.data_dir.glob("vigilia.db*"))
    assert b"otto" in content
    assert b"$argon2id$" in content
    assert b"four words" not in content
    for value in browser.cookies().values():
        assert value.encode() not in content


async def test_a_session_that_nobody_uses_ends(place_factory: Any) -> None:
    async with place_factory(auth=AuthConfig(idle_hours=1, session_hours=3)) as place:
        browser = await place.signed_in("otto")
        for _ in range(3):
            place.clock.ahead_s += 0.9 * HOUR_S
            assert (await browser.ask("GET", "/api/v1/points"))[0] == 200
        place.clock.ahead_s += 0.9 * HOUR_S
        status, answer = await browser.ask("PUT", LEVEL, {"value": 5})
        assert (status, answer["error"]) == (401, "not-signed-in"), "three hours after the sign-in it ends all the same"
        browser = await place.signed_in("otto")
        place.clock.ahead_s += 1.1 * HOUR_S
        assert (await browser.ask("GET", "/api/v1/points"))[0] == 401
        assert place.service.equipment.writes == []


async def test_a_session_that_ended_in_mid_action_costs_only_a_sign_in(place: Any) -> None:
    browser = await place.signed_in("otto")
    place.clock.ahead_s += 13 * HOUR_S
    status, answer = await browser.ask("PUT", LEVEL, {"value": 5})
    assert (status, answer["error"]) == (401, "not-signed-in")
    assert (await browser.sign_in("otto"))[0] == 200
    assert (await browser.ask("PUT", LEVEL, {"value": 5}))[0] == 200
    assert place.service.equipment.writes == [("T2:Level-SP", 5.0)]


async def next_event(stream: Any) -> bytes:
    async with asyncio.timeout(10):
        return await stream.content.readuntil(b"\n\n")


async def ends(stream: Any) -> None:
    async with asyncio.timeout(10):
        while await stream.content.readany():
            pass


async def test_an_open_page_keeps_its_session(place: Any) -> None:
    browser = await place.signed_in("vera")
    async with browser.client.get("/api/v1/events") as stream:
        assert stream.status == 200
        await next_event(stream)
        place.clock.ahead_s += 11 * HOUR_S
        assert place.auth.book.sessions_of("vera") == 1
        place.clock.ahead_s += 11 * HOUR_S
        assert place.auth.book.sessions_of("vera") == 1
    session = place.session_of(browser)
    await until(lambda: not session.open)
    place.clock.ahead_s += 13 * HOUR_S
    assert (await browser.ask("GET", "/api/v1/points"))[0] == 401


@pytest.mark.parametrize("how", ["signed out", "removed", "password", "over"])
async def test_event_streams_end_with_their_session(place: Any, how: str) -> None:
    browser, admin = await place.signed_in("vera"), await place.signed_in("ana")
    async with browser.client.get("/api/v1/events") as stream, admin.client.get("/api/v1/events") as other:
        await next_event(stream)
        await next_event(other)
        match how:
            case "signed out":
                await browser.ask("DELETE", "/api/v1/session")
            case "removed":
                assert (await admin.ask("DELETE", "/api/v1/users/vera"))[0] == 204
            case "password":
                body = {"password": "another good one"}
                assert (await admin.ask("PUT", "/api/v1/users/vera/password", body))[0] == 200
            case _:
                place.clock.ahead_s += 169 * HOUR_S
        await ends(stream)
        if how != "over":
            assert len(place.service.parts.streams) == 1
    assert (await browser.ask("GET", "/api/v1/points"))[0] == 401


async def test_sessions_outlive_a_restart(place_factory: Any) -> None:
    async with place_factory() as place:
        browser = await place.signed_in("otto")
        cookies, csrf = browser.cookies(), browser.csrf
        port = place.address.rpartition(":")[2]
    async with place_factory(listen=f"127.0.0.1:{port}") as place:
        browser = place.browser()
        browser.client.cookie_jar.update_cookies(cookies)
        browser.csrf = csrf
        assert (await browser.ask("PUT", LEVEL, {"value": 5}))[0] == 200


async def test_one_user_has_so_many_sessions_at_most(place: Any) -> None:
    first = await place.signed_in("vera")
    hashed = place.auth.book.users["vera"].password_hash
    for _ in range(20):  # what twenty sign-ins do, without the time of twenty passwords
        from vigilia.points import Origin

        _, row = place.auth.book.new_session("vera", "")
        await accounts.begin_session(place.store, row, Origin("web", "vera"), hashed)
        place.auth.book.begun(row)
    assert place.auth.book.sessions_of("vera") == 20
    assert (await first.ask("GET", "/api/v1/points"))[0] == 401
    await place.auth.book.reload()
    assert place.auth.book.sessions_of("vera") == 20


async def test_who_has_not_signed_in_may_look_where_that_is_configured(place_factory: Any) -> None:
    async with place_factory(auth=AuthConfig(anonymous="viewer")) as place:
        browser = place.browser()
        assert (await browser.ask("GET", "/api/v1/session"))[1]["role"] == "viewer"
        assert (await browser.ask("GET", "/api/v1/points"))[0] == 200
        status, answer = await browser.ask("PUT", LEVEL, {"value": 5})
        assert (status, answer["error"]) == (401, "not-signed-in")
        for path in ("/api/v1/users", "/api/v1/tokens", "/api/v1/access"):
            assert (await browser.ask("GET", path))[0] == 401
        async with browser.client.get("/nothing") as answer:
            assert answer.status == 404
        assert (await browser.ask("GET", "/api/v1/points", headers={"Authorization": "Bearer no"}))[0] == 401


async def test_without_sign_in_everybody_may_do_everything(service_without: Any) -> None:
    session = await service_without.get("/api/v1/session")
    assert (session["user"], session["role"], session["signin_required"]) == (None, "admin", False)
    assert (session["csrf"], session["first_admin"]) == (None, False)
    async with service_without.client.put(LEVEL, json={"value": 5}) as answer:
        assert answer.status == 200
    for method, path in (("POST", "/api/v1/session"), ("GET", "/api/v1/users"), ("POST", "/api/v1/tokens")):
        status, body = await service_without.failing(method, path, json={"user": "a", "password": "b"})
        assert (status, body["error"]) == (409, "sign-in-off")
