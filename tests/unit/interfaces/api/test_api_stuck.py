"""Clients that keep a connection without reading what they asked for, or without ending what they began to send.

There are only some hundreds of connections: whoever may hold them for ever keeps everybody else out.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.conftest import until

from vigilia.interfaces.api import protocol
from vigilia.interfaces.api.config import WebConfig
from vigilia.points import Kind, Point

MANY = tuple(Point(f"many:{number}", Kind.NUMBER, "D", "sw-1", "x" * 1000) for number in range(8000))
LIST = b"GET /api/v1/points HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""Asks for more than a kernel holds for a client that does not read."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: Any) -> None:
    monkeypatch.setattr(protocol, "STUCK_S", 1.0)
    monkeypatch.setattr(protocol, "HEAD_S", 0.5)


def unread(service: Any) -> socket.socket:
    """A connection of a client whose kernel holds little for it."""
    host, port = service.server.address.removeprefix("http://").split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((host, int(port)))
    client.setblocking(False)
    return client


def connections(service: Any) -> set[Any]:
    return service.server._server.server_state.connections  # noqa: SLF001 - nothing else tells


@pytest.mark.parametrize("requests", [1, 3], ids=["one", "one after the other"])
async def test_who_does_not_read_the_answer_is_cut_off(service: Any, requests: int) -> None:
    service.table.add(MANY)
    with unread(service) as client:
        await asyncio.get_running_loop().sock_sendall(client, LIST * requests)
        await until(lambda: any(one.transport.get_write_buffer_size() for one in connections(service)))
        await until(lambda: not connections(service), 20)


async def test_who_reads_slowly_gets_all_of_it(service: Any) -> None:
    service.table.add(MANY)
    host, port = service.server.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=100_000)
    writer.write(LIST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    got = b""
    async with asyncio.timeout(30):
        while part := await reader.read(100_000):
            got += part
            await asyncio.sleep(0.045)  # so that it takes longer than nothing may be taken
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"content-length: %d" % len(body) in head.lower()
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def over_tls(server_factory: Any, folder: Path) -> AsyncIterator[tuple[Any, ssl.SSLContext]]:
    """A service with TLS, and what trusts it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    tls = {"tls_cert": str(folder / "cert.pem"), "tls_key": str(folder / "key.pem")}
    async with server_factory(WebConfig(listen="127.0.0.1:0", **tls)) as service:
        service.table.add(MANY)
        yield service, trusting


@pytest.mark.parametrize("requests", [1, 3], ids=["one", "one after the other"])
async def test_who_does_not_read_over_tls_is_cut_off(
    server_factory: Any, tmp_path: Path, monkeypatch: Any, requests: int
) -> None:
    monkeypatch.setattr("asyncio.constants.SSL_SHUTDOWN_TIMEOUT", 1.0)
    async with over_tls(server_factory, tmp_path) as (service, trusting):
        host, port = service.server.address.removeprefix("https://").split(":")
        with await asyncio.to_thread(socket.create_connection, (host, int(port))) as plain:
            client = await asyncio.to_thread(trusting.wrap_socket, plain, server_hostname=host)
            await asyncio.to_thread(client.sendall, LIST * requests)
            await until(lambda: any(one.transport.get_write_buffer_size() for one in connections(service)))
            await until(lambda: not connections(service), 20)
            client.close()


async def test_who_reads_a_little_over_tls_and_then_nothing_is_cut_off(
    server_factory: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    """Asyncio has encrypted everything by then, and waits for ever until it is taken."""
    monkeypatch.setattr(protocol, "STUCK_S", 0.3)
    async with over_tls(server_factory, tmp_path) as (service, trusting):
        host, _, port = service.server.address.removeprefix("https://").rpartition(":")
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (host, int(port)))
        reader, writer = await asyncio.open_connection(sock=plain, ssl=trusting, server_hostname=host, limit=4096)
        await until(lambda: bool(connections(service)))
        (one,) = connections(service)
        writer.write(LIST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        async with asyncio.timeout(20):
            while not one.transport.is_closing() or one.transport.get_write_buffer_size():
                assert await reader.read(65_536)
        await until(lambda: not connections(service), 20)
        writer.transport.abort()


async def test_who_goes_on_sending_after_the_answer_is_cut_off(service: Any) -> None:
    host, port = service.server.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"PUT /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
    assert b" 405 " in await asyncio.wait_for(reader.readline(), 5)
    async with asyncio.timeout(10):
        while connections(service):
            with suppress(ConnectionError):
                writer.write(b"x")
                await writer.drain()
            await asyncio.sleep(0.05)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_one_address_does_not_take_all_connections(service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(protocol, "MOST_OF_ONE_ADDRESS", 3)
    monkeypatch.setattr(protocol, "is_loopback", lambda host: host == "127.0.0.2")
    host, port = service.server.address.removeprefix("http://").split(":")
    opened = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
    await until(lambda: len(connections(service)) == 3)
    reader, writer = await asyncio.open_connection(host, int(port))
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 3) == b""
    for _ in range(2):  # of this machine, or of another, there may be more
        opened.append(await asyncio.open_connection(host, int(port), local_addr=("127.0.0.2", 0)))
    monkeypatch.setattr(protocol, "is_loopback", lambda _: False)
    opened.append(await asyncio.open_connection(host, int(port), local_addr=("127.0.0.3", 0)))
    for ours, theirs in opened:
        theirs.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in await asyncio.wait_for(ours.readline(), 5)
    for _, theirs in [*opened, (reader, writer)]:
        theirs.transport.abort()
