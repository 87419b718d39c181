"""One connection to a switch: whole answers in time, and nothing sent twice."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable

import pytest

from tests.conftest import until
from tests.unit.drivers.aruba.conftest import Certificates, raw_server
from vigilia.drivers.aruba.http import LARGEST_ANSWER_BYTES, Answer, Connection
from vigilia.errors import BadAnswer, ConnectionLost
from vigilia.sim.aruba import SimSwitch

STATS = "/rest/v3/poe/ports/stats"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"


@pytest.fixture
async def switch() -> AsyncIterator[SimSwitch]:
    async with SimSwitch(ports=2) as switch:
        yield switch


@pytest.fixture
async def connection(switch: SimSwitch) -> AsyncIterator[Connection]:
    connection = Connection(switch.url, None)
    yield connection
    await connection.close()


async def get(connection: Connection, deadline_s: float = 5, path: str = STATS) -> Answer:
    return await connection.request("GET", path, deadline_s=deadline_s)


async def lost(url: str, tls: ssl.SSLContext | None = None, deadline_s: float = 5) -> ConnectionLost:
    connection = Connection(url, tls)
    try:
        with pytest.raises(ConnectionLost) as raised:
            await get(connection, deadline_s)
    finally:
        await connection.close()
    return raised.value


async def bad(url: str) -> str:
    connection = Connection(url, None)
    try:
        with pytest.raises(BadAnswer) as raised:
            await get(connection)
    finally:
        await connection.close()
    return str(raised.value)


async def test_requests_share_one_connection(switch: SimSwitch, connection: Connection) -> None:
    for _ in range(5):
        answer = await get(connection)
        assert answer.status == 200
        assert len(answer.json()["port_poe_stats"]) == 2
    assert (switch.total_connections, len(switch.requests)) == (1, 5)
    await connection.close()
    await connection.close()
    assert (await get(connection)).status == 200
    assert (switch.total_connections, switch.max_open_connections) == (2, 1)


async def test_a_body_and_a_cookie_are_sent_and_no_cookie_is_kept() -> None:
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            if b"Content-Length: 7" in seen[-1]:
                seen.append(await reader.readexactly(7))
            writer.write(HEAD.replace(b"\r\n\r\n", b"\r\nSet-Cookie: sessionId=theirs; Path=/\r\n\r\n") + b"{}")

    async with raw_server(answer) as url:
        connection = Connection(url.replace("127.0.0.1", "localhost"), None)
        await connection.request("PUT", "/x%2Fy", deadline_s=5, cookie="sessionId=ours", body={"a": 1})
        await get(connection)
        await connection.close()
    assert seen[0].startswith(b"PUT /x%2Fy HTTP/1.1\r\n")
    assert b"\r\nCookie: sessionId=ours\r\n" in seen[0]
    assert seen[1] == b'{"a":1}'
    assert b"cookie" not in seen[2].lower()


# Time


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_the_deadline_holds_for_the_whole_request(switch: SimSwitch, connection: Connection, fault: str) -> None:
    await switch.inject(fault, count=1)
    began = time.monotonic()
    with pytest.raises(ConnectionLost, match=r"no answer within 0\.3 s"):
        await get(connection, 0.3)
    assert 0.25 < time.monotonic() - began < 1.5
    await until(lambda: switch.open_connections == 0)


async def test_a_head_in_drips_is_late_like_any_other() -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in HEAD:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(drip) as url:
        await lost(url, deadline_s=0.3)


async def test_an_endless_answer_is_cut_off_by_its_size() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()

    async with raw_server(flood) as url:
        assert await bad(url) == "an answer of more than 2 MB"


async def test_ten_megabytes_are_not_taken(switch: SimSwitch, connection: Connection) -> None:
    await switch.inject("huge", count=1)
    with pytest.raises(BadAnswer, match="an answer of more than 2 MB"):
        await get(connection)
    assert (await get(connection)).status == 200, "and the next request is answered as ever"
    assert switch.max_open_connections == 1


async def test_an_answer_of_the_largest_size_is_taken() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGEST_ANSWER_BYTES)
        writer.write(b"x" * LARGEST_ANSWER_BYTES)
        await writer.drain()
        await reader.read()

    async with raw_server(answer) as url:
        connection = Connection(url, None)
        assert len((await get(connection)).body) == LARGEST_ANSWER_BYTES
        await connection.close()


# What is no answer, and what is a bad one


@pytest.mark.parametrize(
    ("fault", "words"),
    [("reset", "reset"), ("cut-before", "the connection was closed before an answer began"), ("refuse", "refused")],
)
async def test_no_answer_is_a_lost_connection(switch: SimSwitch, fault: str, words: str) -> None:
    await switch.inject(fault)
    error = await lost(switch.url)
    assert words in str(error).lower()


async def test_a_name_that_nobody_has_is_a_lost_connection() -> None:
    assert str(await lost("http://nobody.invalid"))


async def test_an_answer_cut_short_is_a_bad_one(switch: SimSwitch, connection: Connection) -> None:
    await switch.inject("cut", count=1)
    with pytest.raises(BadAnswer, match="an answer cut short"):
        await get(connection)
    assert (await get(connection)).status == 200
    assert switch.max_open_connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    ],
)
async def test_what_is_no_http_is_a_bad_answer(answer: bytes) -> None:
    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with raw_server(send) as url:
        words = await bad(url)
    assert words.startswith(("not an HTTP answer", "an answer cut short"))
    assert len(words) < 200


async def test_redirects_are_not_followed(switch: SimSwitch, connection: Connection) -> None:
    async with SimSwitch(name="other") as other:
        await switch.inject("redirect", location=other.url.removeprefix("http://"))
        answer = await get(connection)
        assert (answer.status, answer.body) == (302, b"")
        assert (len(other.requests), other.total_connections) == (0, 0)
    assert len(switch.requests) == 1


# Nothing twice


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("fault", ["cut-before", "reset"])
async def test_a_request_cut_on_a_reused_connection_is_sent_once(
    switch: SimSwitch, connection: Connection, fault: str, method: str
) -> None:
    """aiohttp would repeat GET, PUT and DELETE by itself."""
    for _ in range(3):
        await get(connection)
    before = len(switch.requests)
    await switch.inject(fault, count=1)
    with pytest.raises(ConnectionLost):
        await connection.request(method, STATS, deadline_s=5)
    await asyncio.sleep(0.1)
    assert [record.method for record in list(switch.requests)[before:]] == [method]
    assert switch.total_connections == 1


async def test_a_connection_closed_between_two_requests_is_reopened_silently(
    switch: SimSwitch, connection: Connection
) -> None:
    await get(connection)
    await switch.inject("close-idle", count=1)
    await until(lambda: switch.open_connections == 0)
    await asyncio.sleep(0.05)
    assert (await get(connection)).status == 200
    assert (switch.total_connections, switch.max_open_connections) == (2, 1)
    assert [record.status for record in switch.requests] == [200, 200]


# Certificates


Make = Callable[[str], Certificates]


async def test_a_certificate_of_the_given_authority_is_trusted(certificates: Make) -> None:
    made = certificates("127.0.0.1")
    async with SimSwitch(tls=made.server) as switch:
        connection = Connection(switch.url, ssl.create_default_context(cafile=str(made.ca_file)))
        assert (await get(connection)).status == 200
        await connection.close()


@pytest.mark.parametrize("case", ["unknown authority", "another authority", "another name"])
async def test_any_other_certificate_is_not(certificates: Make, case: str) -> None:
    made = certificates("switch.example" if case == "another name" else "127.0.0.1")
    trusted = {
        "unknown authority": None,
        "another authority": certificates("127.0.0.2").ca_file,
        "another name": made.ca_file,
    }[case]
    context = ssl.create_default_context(cafile=None if trusted is None else str(trusted))
    async with SimSwitch(tls=made.server) as switch:
        error = await lost(switch.url, context)
        assert "its certificate is not trusted" in str(error)
        assert "set ca_file to its authority" in str(error)
        assert not switch.requests, "nothing is said to a stranger"


async def test_plain_http_where_https_is_expected(switch: SimSwitch) -> None:
    error = await lost(switch.url.replace("http:", "https:"), ssl.create_default_context())
    assert str(error)
    assert not switch.requests


# Answers


@pytest.mark.parametrize(
    ("status", "content_type", "body", "expected"),
    [
        (401, "application/json", b'{"message": "Unauthorized"}', True),
        (401, "text/plain", b"", True),
        (400, "text/html", b"<HTML><body>Please login", True),
        (400, "text/html", b"Please login", True),
        (400, "application/json", b"\n<html>Please login", True),
        (400, "application/json", b'{"message": "rejected"}', False),
        (403, "text/html", b"<html>", False),
        (200, "text/html", b"<html>Please login", False),
        (503, "application/json", b"", False),
    ],
)
def test_which_answers_ask_for_a_login(status: int, content_type: str, body: bytes, expected: bool) -> None:
    assert Answer(status, content_type, body).asks_for_login is expected


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}', b"\x00" * 1_000_000, b"[" * 100_000, b"1e999"])
def test_what_is_no_json_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="not JSON: ") as raised:
        Answer(200, "application/json", body).json()
    assert len(str(raised.value)) < 100


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"message": "Port 3: rejected"}', "status 400: Port 3: rejected"),
        (b'{"message": "a\\nb\\u001b[31m"}', "status 400: a\\nb\\x1b[31m"),
        (b'{"message": 5}', "status 400"),
        (b'{"message": ' + b"[" * 1000 + b"]" * 1000 + b"}", "status 400"),
        (b"[1]", "status 400"),
        (b"<html>", "status 400"),
        (b"", "status 400"),
    ],
)
def test_an_error_explains_itself_where_it_can(body: bytes, expected: str) -> None:
    assert Answer(400, "application/json", body).explain() == expected


def test_an_explanation_has_a_length() -> None:
    assert len(Answer(400, "", b'{"message": "' + b"x" * 10_000 + b'"}').explain()) < 250
