"""TLS, and proxies before the service: who asks, and what their cookies may be sent over."""

import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from vigilia.interfaces.auth.proxies import Proxies

LEVEL = "/api/v1/points/T2:Level-SP/value"
PUBLIC = {"Host": "vigilia.example.org", "Origin": "https://vigilia.example.org"}


async def test_over_tls_cookies_are_sent_over_nothing_else(place_factory: Any, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    tls = {"tls_cert": str(tmp_path / "cert.pem"), "tls_key": str(tmp_path / "key.pem")}
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with place_factory(**tls) as place:
        assert place.address.startswith("https://127.0.0.1:")
        browser = place.browser(connector=aiohttp.TCPConnector(ssl=trusting))
        body = {"user": "otto", "password": "four words of otto"}
        async with browser.client.post("/api/v1/session", json=body) as answer:
            session, mark = answer.headers.getall("Set-Cookie")
            browser.csrf = (await answer.json())["csrf"]
        assert session.startswith("__Host-vigilia-")
        assert mark.startswith("__Secure-vigilia-")
        assert "Secure" in session
        assert "Secure" in mark
        assert (await browser.ask("PUT", LEVEL, {"value": 5}))[0] == 200
        bare = place.browser(connector=aiohttp.TCPConnector(ssl=trusting))
        value = session.partition("=")[2].partition(";")[0]
        name = session.partition("=")[0].removeprefix("__Host-")
        assert (await bare.ask("GET", "/api/v1/points", headers={"Cookie": f"{name}={value}"}))[0] == 401
        with pytest.raises(aiohttp.ClientError):
            async with aiohttp.ClientSession() as plain:
                await plain.get(place.address.replace("https", "http"))


async def test_behind_a_public_address_of_https_cookies_go_over_tls(place_factory: Any) -> None:
    async with place_factory(public_url="https://vigilia.example.org") as place:
        browser = place.browser()
        body = {"user": "otto", "password": "four words of otto"}
        async with browser.client.post("/api/v1/session", json=body, headers=PUBLIC) as answer:
            assert answer.status == 200
            assert answer.headers["Set-Cookie"].startswith("__Host-vigilia-")
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
            csrf = (await answer.json())["csrf"]
        headers = PUBLIC | {"Cookie": cookie, "X-Vigilia-CSRF": csrf}
        assert (await browser.ask("PUT", LEVEL, {"value": 5}, headers=headers))[0] == 200
        (written,) = place.service.journal.writes
        assert written[2].host == "127.0.0.1"


FORGED = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "Forwarded": "for=203.0.113.7"}


@pytest.mark.parametrize("trusted", [[], ["192.0.2.0/24"], ["::1"]])
async def test_what_a_stranger_says_of_itself_is_not_believed(place_factory: Any, trusted: list[str]) -> None:
    async with place_factory(trusted_proxies=trusted) as place:
        browser = place.browser()
        body = {"user": "otto", "password": "four words of otto"}
        async with browser.client.post("/api/v1/session", json=body, headers=FORGED) as answer:
            assert "__Host-" not in answer.headers["Set-Cookie"]
            browser.csrf = (await answer.json())["csrf"]
        assert (await browser.ask("PUT", LEVEL, {"value": 5}, headers=FORGED))[0] == 200
        (written,) = place.service.journal.writes
        assert written[2].host == "127.0.0.1"


async def test_what_a_trusted_proxy_says_is_believed(place_factory: Any) -> None:
    async with place_factory(trusted_proxies=["127.0.0.0/8"], listen="127.0.0.1:0") as place:
        body = {"user": "otto", "password": "four words of otto"}
        said = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
        async with place.browser().client.post("/api/v1/session", json=body, headers=said) as answer:
            assert answer.headers["Set-Cookie"].startswith("__Host-")
            headers = {
                **said,
                "Cookie": answer.headers["Set-Cookie"].partition(";")[0],
                "X-Vigilia-CSRF": (await answer.json())["csrf"],
            }
        assert (await place.browser().ask("PUT", LEVEL, {"value": 5}, headers=headers))[0] == 200
        (written,) = place.service.journal.writes
        assert written[2].host == "203.0.113.7"


async def test_each_address_behind_a_proxy_has_a_count_of_its_own(place_factory: Any) -> None:
    async with place_factory(trusted_proxies=["127.0.0.1"]) as place:
        guesser, other = ({"X-Forwarded-For": address} for address in ("203.0.113.7", "203.0.113.8"))
        body = {"user": "otto", "password": "guess"}
        answers = [(await place.browser().ask("POST", "/api/v1/session", body, headers=guesser))[0] for _ in range(6)]
        assert answers == [401] * 5 + [429]
        assert (await place.browser().ask("POST", "/api/v1/session", body, headers=other))[0] == 401


@pytest.mark.parametrize("trusted", [["127.0.0.1"], []])
@pytest.mark.parametrize("asking", ["203.0.113.7", "127.0.0.1"])
async def test_the_commands_token_is_worth_nothing_elsewhere(
    place_factory: Any, trusted: list[str], asking: str
) -> None:
    async with place_factory(trusted_proxies=trusted) as place:
        shown = {"Authorization": f"Bearer {(place.data_dir / 'local.token').read_text().strip()}"}
        assert (await place.browser().ask("GET", "/api/v1/points", headers=shown))[0] == 200
        elsewhere = shown | {"X-Forwarded-For": asking}
        status, answer = await place.browser().ask("GET", "/api/v1/points", headers=elsewhere)
        assert status == 401
        assert "vigilia users token" in answer["detail"]


async def passed(trusted: list[str], peer: str, headers: list[tuple[bytes, bytes]]) -> tuple[str, str]:
    """The client and scheme that the application sees."""
    seen: dict[str, Any] = {}

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.update(scope)

    scope = {"type": "http", "client": (peer, 4711), "scheme": "http", "headers": headers}
    await Proxies(application, trusted)(scope, None, None)  # type: ignore[arg-type]
    return seen["client"][0], seen["scheme"]


@pytest.mark.parametrize(
    ("trusted", "peer", "hops", "asking"),
    [
        (["192.0.2.1"], "192.0.2.1", "203.0.113.7", "203.0.113.7"),
        (["192.0.2.1"], "192.0.2.1", "198.51.100.9, 203.0.113.7", "203.0.113.7"),
        (["192.0.2.0/24"], "192.0.2.1", "198.51.100.9, 203.0.113.7, 192.0.2.2", "203.0.113.7"),
        (["192.0.2.0/24"], "192.0.2.1", "192.0.2.3, 192.0.2.2", "192.0.2.3"),
        (["192.0.2.1"], "192.0.2.1", "203.0.113.7, unknown", "192.0.2.1"),
        (["192.0.2.1"], "192.0.2.1", "", "192.0.2.1"),
        (["192.0.2.1"], "192.0.2.1", "203.0.113.7:1234", "203.0.113.7"),
        (["192.0.2.1"], "192.0.2.1", "[2001:db8::7]:1234", "2001:db8::7"),
        (["192.0.2.1"], "192.0.2.1", "2001:db8::7", "2001:db8::7"),
        (["192.0.2.1"], "::ffff:192.0.2.1", "203.0.113.7", "203.0.113.7"),
        (["192.0.2.1"], "192.0.2.9", "203.0.113.7", "192.0.2.9"),
        (["2001:db8::/32"], "2001:db8::1", "203.0.113.7", "203.0.113.7"),
    ],
)
async def test_who_asks_through_proxies(trusted: list[str], peer: str, hops: str, asking: str) -> None:
    assert (await passed(trusted, peer, [(b"x-forwarded-for", hops.encode())]))[0] == asking


@given(st.lists(st.tuples(st.sampled_from([b"x-forwarded-for", b"x-forwarded-proto"]), st.binary(max_size=80))))
async def test_whatever_a_stranger_sends_it_is_who_it_is(headers: list[tuple[bytes, bytes]]) -> None:
    assert await passed(["192.0.2.1"], "203.0.113.9", headers) == ("203.0.113.9", "http")


@given(st.lists(st.one_of(st.ip_addresses().map(str), st.text(max_size=20)), max_size=30), st.ip_addresses(v=4))
async def test_whatever_stands_before_it_the_address_that_the_proxy_saw_counts(hops: list[str], seen: Any) -> None:
    line = ", ".join([*hops, str(seen)]).encode("utf-8", "replace")
    asking, _ = await passed(["2001:db8::1"], "2001:db8::1", [(b"x-forwarded-for", line)])
    assert asking == str(seen)
