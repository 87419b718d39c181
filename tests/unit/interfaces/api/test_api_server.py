"""The server itself: addresses, TLS, limits, stopping."""

import asyncio
import os
import signal
import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from vigilia.errors import StartError
from vigilia.interfaces.api import protocol
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.api.server import WebServer
from vigilia.points import Point, Value


async def test_the_address_is_known_before_the_start(server_factory: Any) -> None:
    async with server_factory(WebConfig(listen="[::1]:0")) as service:
        assert service.server.address.startswith("http://[::1]:")
        assert await service.get("/healthz") == {"status": "ok"}


async def test_a_name_is_listened_on(server_factory: Any) -> None:
    async with server_factory(WebConfig(listen="localhost:0")) as service:
        assert service.server.address.startswith("http://127.0.0.1:")


async def test_a_wildcard_is_shown_as_an_address_one_can_use(server_factory: Any) -> None:
    async with server_factory(WebConfig(listen="0.0.0.0:0", insecure=True)) as service:
        assert service.server.address.startswith("http://127.0.0.1:")
        assert await service.get("/healthz") == {"status": "ok"}


def test_a_taken_port_is_a_clear_sentence(service_parts: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StartError) as caught:
            WebServer(WebConfig(listen=listen), service_parts).bind()
    assert listen in str(caught.value)
    assert "in use" in str(caught.value)
    assert "write another port" in str(caught.value)


@pytest.mark.parametrize("listen", ["192.0.2.1:0", "no-such-host.invalid:0"])
def test_an_address_of_another_machine_is_a_clear_sentence(service_parts: Any, listen: str) -> None:
    with pytest.raises(StartError, match=f"{listen}.*write an address of this machine"):
        WebServer(WebConfig(listen=listen, insecure=True), service_parts).bind()


@pytest.fixture
def service_parts() -> Any:
    return None  # bind() needs none


async def test_tls(server_factory: Any, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    config = WebConfig(listen="127.0.0.1:0", tls_cert="cert.pem", tls_key="key.pem").resolved(tmp_path)
    async with server_factory(config) as service:
        assert service.server.address.startswith("https://127.0.0.1:")
        async with service.client.get("/healthz", ssl=trust) as answer:
            assert await answer.json() == {"status": "ok"}


def test_a_key_that_is_none_is_a_clear_sentence(service_parts: Any, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nothing")
    config = WebConfig(listen="127.0.0.1:0", tls_cert="cert.pem", tls_key="key.pem").resolved(tmp_path)
    with pytest.raises(StartError, match=r"tls_key = .*key\.pem.*PEM"):
        WebServer(config, service_parts).bind()


async def test_signals_are_left_alone(service: Any) -> None:
    assert threading.current_thread() is threading.main_thread()
    got = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, got.set)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(got.wait(), 5)
        assert await service.get("/healthz") == {"status": "ok"}
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


async def test_stop_may_come_at_any_time_and_twice(server_factory: Any) -> None:
    async with server_factory() as service:
        address = service.server.address
        await service.server.stop()
        await service.server.stop()
        async with aiohttp.ClientSession() as client:
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get(f"{address}/healthz")
    never_started = WebServer(WebConfig(listen="127.0.0.1:0"), service.parts)
    await never_started.stop()
    never_started.bind()
    await never_started.stop()
    never_started.bind()
    await never_started.stop()


async def test_a_write_under_way_is_answered_at_a_stop(service: Any) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def behave(_point: Point, _value: Value) -> None:
        asked.set()
        await go.wait()

    service.equipment.behave = behave
    path = "/api/v1/points/T1:PwrState-Sel/value"
    write = asyncio.create_task(service.failing("PUT", path, json={"value": 1}))
    await asyncio.wait_for(asked.wait(), 5)
    began = asyncio.get_running_loop().time()
    await service.server.stop()
    assert asyncio.get_running_loop().time() - began < 2
    status, body = await asyncio.wait_for(write, 5)
    assert (status, body["error"]) == (503, "stopping")
    go.set()
    await service.table.drain_writes()
    assert service.journal.answers == ["confirmed"]


async def test_a_short_write_is_confirmed_at_a_stop(service: Any) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def behave(_point: Point, _value: Value) -> None:
        asked.set()
        await go.wait()

    service.equipment.behave = behave
    write = asyncio.create_task(service.client.put("/api/v1/points/T1:PwrState-Sel/value", json={"value": 1}))
    await asyncio.wait_for(asked.wait(), 5)
    stop = asyncio.create_task(service.server.stop())
    await asyncio.sleep(0)
    go.set()
    async with await asyncio.wait_for(write, 5) as answer:
        assert answer.status == 200
    await stop


async def test_neither_templates_nor_mail_are_loaded() -> None:
    check = (
        "import sys, vigilia.interfaces.api.server; sys.exit(str({'jinja2', 'email_validator'} & sys.modules.keys()))"
    )
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", check, stderr=asyncio.subprocess.PIPE)
    _, told = await asyncio.wait_for(done.communicate(), 60)
    assert told.decode().strip() == "set()"


async def test_no_task_is_left_behind(server_factory: Any) -> None:
    before = asyncio.all_tasks()
    async with server_factory() as service:
        await (await service.client.get("/metrics")).read()
        stream = await service.client.get("/api/v1/events")
        await stream.content.readline()
    stream.close()
    assert asyncio.all_tasks() == before


async def connect(service: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = service.server.address.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def test_an_endless_head_is_cut_off(service: Any) -> None:
    reader, writer = await connect(service)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
    try:
        for _ in range(100):
            writer.write(b"x" * 10_000)
            await writer.drain()
    except ConnectionError:
        pass
    try:
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 400 ") or not answer
    except ConnectionError:
        pass
    writer.transport.abort()
    assert await service.get("/healthz") == {"status": "ok"}


async def test_large_bodies_do_not_count_as_heads(service: Any) -> None:
    headers = {"Content-Type": "application/json"}
    for _ in range(5):
        async with service.client.put(
            "/api/v1/points/T2:Level-SP/value", data=b'{"value":5}'.ljust(60_000), headers=headers
        ) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTT", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"])
async def test_a_head_that_never_comes_is_not_waited_for(service: Any, monkeypatch: Any, sent: bytes) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.1)
    reader, writer = await connect(service)
    writer.write(sent)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET  HTTP\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"]
)
async def test_what_is_no_http_is_refused_in_the_one_shape(service: Any, nonsense: bytes) -> None:
    reader, writer = await connect(service)
    writer.write(nonsense)
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"error":"bad-request","detail":"' in answer
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_never_comes_is_not_waited_for(service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vigilia.interfaces.api.bodies._BODY_S", 0.1)
    reader, writer = await connect(service)
    writer.write(
        b"PUT /api/v1/points/T2:Level-SP/value HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{"
    )
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()
