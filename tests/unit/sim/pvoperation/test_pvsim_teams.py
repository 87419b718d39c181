"""The Teams sink, over HTTP and HTTPS."""

import asyncio
import json
import ssl

import aiohttp
import pytest
import trustme

from tests.conftest import until
from tests.unit.sim.pvoperation.plants import ClockAt, at
from vigilia.sim.pvoperation import TeamsSink


def card(title: str, padding: int = 0) -> bytes:
    return json.dumps({"@type": "MessageCard", "title": title, "text": "x" * padding}).encode()


async def post(http: aiohttp.ClientSession, url: str, body: bytes) -> tuple[int, str]:
    headers = {"Content-Type": "application/json"}
    async with http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.text()


def titles(teams: TeamsSink) -> list[str]:
    return [kept.text.title for kept in teams.cards]


async def test_cards_are_kept_in_order_with_their_time(
    http: aiohttp.ClientSession, teams: TeamsSink, clock: ClockAt
) -> None:
    assert await post(http, teams.url, card("um")) == (202, "")
    clock.moment = at("11:00")
    assert await post(http, teams.url, card("dois")) == (202, "")
    assert titles(teams) == ["um", "dois"]
    assert [(kept.number, kept.time) for kept in teams.cards] == [(1, at("10:02")), (2, at("11:00"))]
    teams.forget()
    await post(http, teams.url, card("três"))
    assert [kept.number for kept in teams.cards] == [3]


async def test_waiting_for_a_card(http: aiohttp.ClientSession, teams: TeamsSink) -> None:
    waiting = asyncio.create_task(teams.after(0))
    await asyncio.sleep(0)
    assert not waiting.done()
    await post(http, teams.url, card("um"))
    assert [kept.text.title for kept in await waiting] == ["um"]


async def test_the_address_is_needed_whole_and_is_the_same_again(http: aiohttp.ClientSession, teams: TeamsSink) -> None:
    assert (await post(http, teams.url[:-1], card("x")))[0] == 401
    assert (await post(http, teams.url.partition("&sig")[0], card("x")))[0] == 401
    assert (await post(http, teams.url.replace("/manual", "/other"), card("x")))[0] == 404
    async with http.get(teams.url) as answer:
        assert answer.status == 405
    assert (titles(teams), teams.refused) == ([], 4)
    other = TeamsSink(secret="other")
    again = TeamsSink()
    async with other, again:
        tail = teams.url.partition("/powerautomate")[2]
        assert again.url.endswith(tail)
        assert not other.url.endswith(tail)


async def test_a_card_may_have_28_kb(http: aiohttp.ClientSession, teams: TeamsSink) -> None:
    room = 28 * 1024 - len(card("x"))
    assert (await post(http, teams.url, card("x", room)))[0] == 202
    assert (await post(http, teams.url, card("x", room + 1)))[0] == 413
    assert (await post(http, teams.url, card("x", 1_040_000)))[0] == 413
    assert [kept.size for kept in teams.cards] == [28 * 1024]


async def test_a_body_that_is_no_card(http: aiohttp.ClientSession, teams: TeamsSink) -> None:
    assert (await post(http, teams.url, b"oi"))[0] == 400
    assert (await post(http, teams.url, b'{"type": "message"}'))[0] == 202
    assert [bool(kept.text.problem) for kept in teams.cards] == [True]


@pytest.mark.parametrize(
    ("kind", "status", "body", "kept"),
    [
        ("429", 429, "Too many", 0),
        ("500", 500, "internal error", 0),
        ("delivery-failed", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned", 0),
        ("legacy", 200, "1", 1),
    ],
)
async def test_faults(
    http: aiohttp.ClientSession, teams: TeamsSink, kind: str, status: int, body: str, kept: int
) -> None:
    await teams.inject(kind, count=1)
    found, text = await post(http, teams.url, card("um"))
    assert found == status
    assert body in text
    assert len(teams.cards) == kept
    assert (await post(http, teams.url, card("um")))[0] == 202


async def test_redirect_and_retry_after(http: aiohttp.ClientSession, teams: TeamsSink) -> None:
    await teams.inject("redirect", count=1, location="http://127.0.0.1:1/")
    async with http.post(teams.url, data=card("x"), allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (307, "http://127.0.0.1:1/")
    await teams.inject("429", count=1, retry_after_s=7)
    async with http.post(teams.url, data=card("x")) as answer:
        assert answer.headers["Retry-After"] == "7"
    assert titles(teams) == []


async def test_connections_that_end(http: aiohttp.ClientSession, teams: TeamsSink) -> None:
    for kind, kept in (("reset", 0), ("lost-answer", 1)):
        await teams.inject(kind, count=1)
        with pytest.raises(aiohttp.ClientError):
            await post(http, teams.url, card("x"))
        assert len(teams.cards) == kept
    await teams.inject("refuse", duration_s=0.1)
    with pytest.raises(aiohttp.ClientError):
        await post(http, teams.url, card("x"))
    await until(lambda: teams.listening)
    await teams.inject("hang", count=1)
    asking = asyncio.create_task(post(http, teams.url, card("x")))
    await until(lambda: teams.in_flight == 1)
    asking.cancel()
    await until(lambda: teams.in_flight == 0)
    assert len(teams.cards) == 1


async def test_https(http: aiohttp.ClientSession) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    async with TeamsSink(tls=tls) as teams:
        assert teams.url.startswith("https://127.0.0.1:")
        async with http.post(teams.url, data=card("um"), ssl=trust) as answer:
            assert answer.status == 202
        assert titles(teams) == ["um"]
