"""What keeps pages of other sites away, and what browsers are told."""

import asyncio
from typing import Any

import pytest

from vigilia.interfaces.api.config import WebConfig

LEVEL = "/api/v1/points/T2:Level-SP/value"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:9999", "LOCALHOST.", "127.0.0.1", "127.3.2.1:80", "[::1]:8080"]
)
async def test_names_of_this_machine_are_ours(service: Any, host: str) -> None:
    async with service.client.get("/healthz", headers={"Host": host}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "a@localhost", "", "[::1", "x y"],
)
async def test_other_names_are_refused(service: Any, host: str) -> None:
    for path in ("/api/v1/points", "/metrics", "/", "/api/docs"):
        status, body = await service.failing("GET", path, headers={"Host": host})
        assert (status, body["error"]) == (421, "misdirected-request")
        assert "public_url" in body["detail"]


async def raw(service: Any, head: str) -> bytes:
    host, port = service.server.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head.encode() + b"\r\n\r\n")
    answer = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("hosts", ["", "\r\nHost: localhost\r\nHost: evil.example"])
async def test_exactly_one_host_is_named(service: Any, hosts: str) -> None:
    assert b" 421 " in await raw(service, f"GET /healthz HTTP/1.1{hosts}")
    assert b" 200 " in await raw(service, "GET /healthz HTTP/1.1\r\nHost: localhost")


async def test_the_public_name_is_ours(server_factory: Any) -> None:
    config = WebConfig(listen="127.0.0.1:0", public_url="https://vigilia.example.org")
    async with server_factory(config) as service:
        for headers, status in (
            ({"Host": "vigilia.example.org"}, 200),
            ({"Host": "Vigilia.Example.ORG", "Origin": "https://vigilia.example.org"}, 200),
            ({"Host": "127.0.0.1:80", "Origin": "https://vigilia.example.org"}, 200),  # a proxy that renames
            ({"Host": "vigilia.example.org", "Origin": "https://vigilia.example.org:444"}, 403),
            ({"Host": "other.example.org"}, 421),
        ):
            async with service.client.get("/healthz", headers=headers) as answer:
                assert answer.status == status, headers


async def test_off_loopback_any_name_may_be_ours(server_factory: Any) -> None:
    async with server_factory(WebConfig(listen="0.0.0.0:0", insecure=True)) as service:
        async with service.client.get("/healthz", headers={"Host": "vigilia.example.org"}) as answer:
            assert answer.status == 200
        headers = {"Host": "vigilia.example.org", "Origin": "http://evil.example"}
        status, body = await service.failing("GET", "/healthz", headers=headers)
        assert (status, body["error"]) == (403, "foreign-origin")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "https://localhost",
        "file://",
        "http://localhost@evil.example",
    ],
)
async def test_pages_of_other_origins_are_refused(service: Any, origin: str) -> None:
    headers = {"Host": "localhost:8080", "Origin": origin}
    for method, path in (("PUT", LEVEL), ("GET", "/api/v1/events")):
        status, body = await service.failing(method, path, json={"value": 5}, headers=headers)
        assert (status, body["error"]) == (403, "foreign-origin")
    assert service.equipment.writes == []


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("localhost", "http://localhost:80"),
        ("[::1]:81", "http://[::1]:81"),
    ],
)
async def test_our_own_pages_may_write(service: Any, host: str, origin: str) -> None:
    headers = {"Host": host, "Origin": origin}
    async with service.client.put(LEVEL, json={"value": 5}, headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/api/v1/points", "/api/v1/points/none", "/metrics", "/api/docs", "/api/openapi.json", "/api/docs/start.js"],
)
async def test_every_answer_tells_browsers_to_keep_it(service: Any, path: str) -> None:
    async with service.client.get(path, allow_redirects=False) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert len(answer.headers.getall("Content-Security-Policy")) == 1
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Server" not in answer.headers


async def test_a_preflight_is_refused(service: Any) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}
    status, _ = await service.failing("OPTIONS", LEVEL, headers=headers)
    assert status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
async def test_what_a_page_of_another_site_embeds_is_not_given(service: Any, site: str, mode: str) -> None:
    """Browsers tell no origin of pictures, scripts and blind requests: a page could keep all event streams open."""
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
    for path in ("/api/v1/events", "/healthz"):
        status, body = await service.failing("GET", path, headers=headers)
        assert (status, body["error"]) == (403, "foreign-origin")
    assert not len(service.parts.streams)


@pytest.mark.parametrize(
    ("site", "mode"),
    [("cross-site", "navigate"), ("none", "navigate"), ("same-origin", "cors"), ("same-origin", "no-cors")],
)
async def test_links_from_elsewhere_and_our_own_pages_are_answered(service: Any, site: str, mode: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
    async with service.client.get("/api/v1/points", headers=headers) as answer:
        assert answer.status == 200
