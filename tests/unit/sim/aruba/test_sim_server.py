"""A simulated switch on its socket: order, connections, bookkeeping, TLS."""

import asyncio
import io
import socket
import ssl
import time
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
import trustme

from vigilia.sim.aruba import SimSwitch

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]

STATS = "/rest/v3/poe/ports/stats"


async def test_one_request_at_a_time_in_order_of_arrival(http: aiohttp.ClientSession, eventually: Eventually) -> None:
    async with SimSwitch(ports=4, latency_s=0.05) as switch:
        finished: list[int] = []

        async def ask(number: int) -> None:
            async with http.get(f"{switch.url}/rest/v3/ports/{number}/poe/stats") as answer:
                await answer.read()
            finished.append(number)

        started = time.monotonic()
        tasks: list[asyncio.Task[None]] = []
        for number in (1, 2, 3, 4):
            tasks.append(asyncio.create_task(ask(number)))
            await eventually(lambda number=number: len(switch.requests) >= number)
        await asyncio.gather(*tasks)
        assert time.monotonic() - started >= 4 * 0.05
        assert finished == [1, 2, 3, 4]
        assert switch.overlapping == 3
        assert switch.max_open_connections == switch.total_connections == 4


async def test_a_kept_alive_connection_serves_many_requests(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        before = time.time()
        for _ in range(10):
            async with http.get(switch.url + STATS) as answer:
                assert answer.status == 200
                await answer.read()
        assert (switch.total_connections, switch.open_connections, switch.overlapping) == (1, 1, 0)
        record = switch.requests[-1]
        assert (record.method, record.path, record.status) == ("GET", STATS, 200)
        assert before <= record.time <= time.time()
        assert record.monotonic <= time.monotonic()


async def test_switches_do_not_wait_for_each_other(http: aiohttp.ClientSession) -> None:
    async with SimSwitch(latency_s=2.0) as slow, SimSwitch() as quick:
        waiting = asyncio.create_task(http.get(slow.url + STATS))
        async with asyncio.timeout(1.0), http.get(quick.url + STATS) as answer:
            assert answer.status == 200
        (await waiting).release()


async def test_connections_one_after_another_never_count_as_two() -> None:
    async with SimSwitch() as switch:
        host, port = switch.url.removeprefix("http://").split(":")
        loop = asyncio.get_running_loop()
        for _ in range(50):
            # Closed and opened without the loop running between: the switch sees both at the same time.
            first = socket.create_connection((host, int(port)))
            first.close()
            second = socket.create_connection((host, int(port)))
            second.setblocking(False)
            await loop.sock_sendall(second, b"GET /rest/version HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await loop.sock_recv(second, 12)) == b"HTTP/1.1 200"
            second.close()
        assert (switch.total_connections, switch.max_open_connections) == (100, 1)
        assert switch.open_connections == 0


async def test_a_request_body_of_2_mb_is_refused(http: aiohttp.ClientSession) -> None:
    async with (
        SimSwitch() as switch,
        http.post(f"{switch.url}/rest/v3/cli", data=io.BytesIO(b"x" * 2_000_000)) as answer,
    ):
        assert answer.status == 413


async def test_a_client_that_leaves_amid_its_request_disturbs_nothing(
    http: aiohttp.ClientSession, eventually: Eventually
) -> None:
    async with SimSwitch() as switch:
        host, port = switch.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /rest/v3/cli HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        await eventually(lambda: len(switch.requests) == 1)
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: switch.open_connections == 0)
        async with http.get(switch.url + STATS) as answer:
            assert answer.status == 200


async def test_stopping_ends_requests_in_hand_at_once(http: aiohttp.ClientSession, eventually: Eventually) -> None:
    switch = SimSwitch(latency_s=60.0)
    await switch.start()
    asking = asyncio.create_task(http.get(switch.url + STATS))
    await eventually(lambda: len(switch.requests) == 1)
    before = time.monotonic()
    await switch.stop()
    assert time.monotonic() - before < 1.0
    with pytest.raises(aiohttp.ClientError):
        await asking


async def test_a_taken_port_is_an_error() -> None:
    async with SimSwitch() as switch:
        with pytest.raises(OSError, match="in use"):
            await SimSwitch(port=int(switch.url.rsplit(":", 1)[1])).start()


async def test_ipv6(http: aiohttp.ClientSession) -> None:
    async with SimSwitch(host="::1") as switch:
        assert switch.url.startswith("http://[::1]:")
        async with http.get(switch.url + STATS) as answer:
            assert answer.status == 200


async def test_https(http: aiohttp.ClientSession) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    async with SimSwitch(tls=server) as switch:
        assert switch.url.startswith("https://127.0.0.1:")
        async with http.get(switch.url + STATS, ssl=client) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(switch.url + STATS, ssl=ssl.create_default_context())
        await switch.inject("reset", count=1)
        with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
            await http.post(f"{switch.url}/rest/v3/cli", json={}, ssl=client)
        async with http.get(switch.url + STATS, ssl=client) as answer:
            assert answer.status == 200
