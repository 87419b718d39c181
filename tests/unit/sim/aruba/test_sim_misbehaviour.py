"""Each fault, and a reboot, as a client meets them."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import groupby
from typing import TypeVar

import aiohttp
import pytest

from vigilia.sim.aruba import FaultError, SimSwitch, UnknownPortError

T = TypeVar("T")
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
Login = Callable[[SimSwitch], Awaitable[dict[str, str]]]

STATS = "/rest/v3/poe/ports/stats"
REQUEST = f"GET {STATS} HTTP/1.1\r\nHost: switch\r\n\r\n".encode()
CREDENTIALS = {"username": "controle", "password": "example"}


async def connect(switch: SimSwitch) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = switch.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def raw_answer(switch: SimSwitch, request: bytes = REQUEST) -> bytes:
    """All that comes back until the switch closes; raises ConnectionResetError when it resets."""
    reader, writer = await connect(switch)
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


async def status(http: aiohttp.ClientSession, url: str, method: str = "GET", **options: object) -> int:
    async with http.request(method, url, allow_redirects=False, **options) as answer:
        await answer.read()
        return answer.status


async def test_hang(http: aiohttp.ClientSession, eventually: Eventually) -> None:
    async with SimSwitch() as switch:
        await switch.inject("hang", count=1)
        reader, writer = await connect(switch)
        writer.write(REQUEST)
        await eventually(lambda: len(switch.requests) == 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read(1)
        assert switch.requests[0].status is None
        assert await status(http, switch.url + STATS) == 200
        assert switch.overlapping == 1
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: switch.open_connections == 1)


async def test_refuse_for_a_time(http: aiohttp.ClientSession, eventually: Eventually) -> None:
    async with SimSwitch() as switch:
        assert await status(http, switch.url + STATS) == 200
        await switch.inject("refuse", duration_s=0.3)
        started = time.monotonic()
        assert switch.open_connections == 0
        with pytest.raises(ConnectionRefusedError):
            await connect(switch)
        await eventually(lambda: switch.listening)
        assert 0.3 <= time.monotonic() - started < 1.0
        assert await status(http, switch.url + STATS) == 200


async def test_refuse_until_cleared(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        url = switch.url
        await switch.inject("refuse")
        with pytest.raises(ConnectionRefusedError):
            await connect(switch)
        await switch.clear_faults()
        assert switch.url == url
        assert await status(http, url + STATS) == 200


async def test_reset(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        await switch.inject("reset", count=1, method="PUT")
        assert await status(http, switch.url + STATS) == 200
        request = b'PUT /rest/v3/ports/3/poe HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n{"is_poe_enabled":false}'
        with pytest.raises(ConnectionResetError):
            await raw_answer(switch, request)
        assert switch.model.port("3").enabled
        assert switch.requests[-1].status is None
        assert await status(http, switch.url + STATS) == 200


async def test_cut() -> None:
    async with SimSwitch() as switch:
        await switch.inject("cut", count=1)
        head, _, body = (await raw_answer(switch)).partition(b"\r\n\r\n")
        length = len(switch.model.all_stats(time.monotonic()))
        assert f"Content-Length: {length}".encode() in head
        assert len(body) == length // 2


async def test_a_cut_write_has_been_carried_out(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        await switch.inject("cut", count=1)
        with pytest.raises(aiohttp.ClientPayloadError):
            await status(http, f"{switch.url}/rest/v3/ports/3/poe", "PUT", json={"is_poe_enabled": False})
        assert not switch.model.port("3").enabled


async def test_cut_of_an_answer_without_a_body(login: Login) -> None:
    async with SimSwitch(**CREDENTIALS) as switch:
        session = await login(switch)
        await switch.inject("cut", method="DELETE")
        request = f"DELETE /rest/v3/login-sessions HTTP/1.1\r\nHost: x\r\nCookie: {session['Cookie']}\r\n\r\n"
        assert await raw_answer(switch, request.encode()) == b""
        assert switch.open_sessions == 0


async def test_cut_before() -> None:
    async with SimSwitch() as switch:
        await switch.inject("cut-before", count=1)
        assert await raw_answer(switch) == b""


async def test_close_idle_closes_what_is_idle_now_and_after_each_answer(eventually: Eventually) -> None:
    async with SimSwitch() as switch:
        reader, _writer = await connect(switch)
        await eventually(lambda: switch.open_connections == 1)
        await switch.inject("close-idle", count=2)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
            answer = await raw_answer(switch)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" not in answer.lower()
        assert answer.endswith(switch.model.all_stats(time.monotonic()))
        reader, writer = await connect(switch)
        for _ in range(2):
            writer.write(REQUEST)
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(switch.model.all_stats(time.monotonic())))
        writer.close()
        _writer.close()


@pytest.mark.parametrize(
    ("fault", "code", "part"),
    [("500", 500, "message"), ("503", 503, "message"), ("html400", 400, "<h1>Please login</h1>")],
)
async def test_error_answers(http: aiohttp.ClientSession, fault: str, code: int, part: str) -> None:
    async with SimSwitch() as switch:
        await switch.inject(fault, count=1)
        async with http.get(switch.url + STATS) as answer:
            assert answer.status == code
            assert part in await answer.text()
        assert switch.requests[-1].status == code
        assert await status(http, switch.url + STATS) == 200


async def test_garbage_and_wrong_shape(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        await switch.inject("garbage", count=1)
        await switch.inject("wrong-shape", count=1)
        async with http.get(switch.url + STATS) as answer:
            assert answer.status == 200
            garbage = await answer.read()
        with pytest.raises(ValueError, match=r"."):
            json.loads(garbage)
        async with http.get(switch.url + STATS) as answer:
            shape = await answer.json()
        assert not isinstance(shape["port_poe_stats"], list)
        assert not isinstance(shape["port_id"], str)


async def test_huge(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        await switch.inject("huge", count=1)
        async with http.get(switch.url + STATS) as answer:
            body = await answer.read()
        assert len(body) > 10_000_000
        json.loads(body)
        assert await status(http, switch.url + STATS) == 200


async def test_drip(eventually: Eventually) -> None:
    async with SimSwitch(ports=1, fields="minimal") as switch:
        await switch.inject("drip", count=1)
        reader, writer = await connect(switch)
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        arrivals: list[float] = []
        for _ in range(5):
            assert len(await reader.read(100)) == 1
            arrivals.append(time.monotonic())
        assert arrivals[-1] - arrivals[0] >= 4 * 0.045
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: switch.open_connections == 0)
        reader, writer = await connect(switch)
        writer.write(REQUEST)
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_redirect(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        await switch.inject("redirect", location="127.0.0.2:81", count=1)
        await switch.inject("redirect", location="https://127.0.0.3/x", count=1)
        for expected in (f"http://127.0.0.2:81{STATS}", "https://127.0.0.3/x"):
            async with http.get(switch.url + STATS, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (302, expected)


async def test_expire(http: aiohttp.ClientSession, login: Login) -> None:
    async with SimSwitch(**CREDENTIALS) as switch:
        session = await login(switch)
        await switch.inject("expire")
        assert switch.open_sessions == 0
        assert await status(http, switch.url + STATS, headers=session) == 401
        assert await status(http, switch.url + STATS, headers=await login(switch)) == 200


async def test_session_full(http: aiohttp.ClientSession, login: Login) -> None:
    async with SimSwitch(**CREDENTIALS) as switch:
        session = await login(switch)
        await switch.inject("session-full", count=1)
        given = {"userName": "controle", "password": "example"}
        assert await status(http, switch.url + STATS, headers=session) == 200
        assert await status(http, f"{switch.url}/rest/v3/login-sessions", "POST", json=given) == 503
        assert await status(http, f"{switch.url}/rest/v3/login-sessions", "POST", json=given) == 201


async def test_rejected_and_ignored_writes(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        put, cli = f"{switch.url}/rest/v3/ports/3/poe", f"{switch.url}/rest/v3/cli"
        off = {"cmd": "no interface 3 power-over-ethernet"}
        await switch.inject("reject-put")
        async with http.put(put, json={"is_poe_enabled": False}) as answer:
            assert answer.status == 400
            assert "rejected" in (await answer.json())["message"]
        async with http.post(cli, json=off) as answer:
            assert (answer.status, (await answer.json())["status"]) == (200, "CCS_FAILURE")
        await switch.clear_faults()
        await switch.inject("put-ignored")
        async with http.put(put, json={"is_poe_enabled": False}) as answer:
            assert (answer.status, (await answer.json())["is_poe_enabled"]) == (200, True)
        async with http.post(cli, json=off) as answer:
            assert (await answer.json())["status"] == "CCS_SUCCESS"
        assert switch.model.port("3").enabled
        await switch.clear_faults()
        assert await status(http, cli, "POST", json=off) == 200
        assert not switch.model.port("3").enabled


async def test_missing_port(http: aiohttp.ClientSession) -> None:
    async with SimSwitch(ports=4) as switch:
        await switch.inject("missing-port", ports=["2"])
        async with http.get(switch.url + STATS) as answer:
            listed = [port["port_id"] for port in (await answer.json())["port_poe_stats"]]
        assert listed == ["1", "3", "4"]
        async with http.get(f"{switch.url}/rest/v3/poe/ports") as answer:
            assert len((await answer.json())["port_poe"]) == 3
        for path in ("ports/2/poe/stats", "ports/2/poe"):
            assert await status(http, f"{switch.url}/rest/v3/{path}") == 404
        async with http.post(f"{switch.url}/rest/v3/cli", json={"cmd": "interface 2 power-over-ethernet"}) as answer:
            assert (await answer.json())["status"] == "CCS_FAILURE"
        await switch.clear_faults()
        assert await status(http, f"{switch.url}/rest/v3/ports/2/poe/stats") == 200
        with pytest.raises(UnknownPortError):
            await switch.inject("missing-port", ports=["99"])


async def test_faults_for_some_requests_only(http: aiohttp.ClientSession) -> None:
    async with SimSwitch(ports=["1/24", "3"]) as switch:
        await switch.inject("500", path="ports/1/24")
        assert await status(http, f"{switch.url}/rest/v3/ports/3/poe/stats") == 200
        assert await status(http, f"{switch.url}/rest/v3/ports/1/24/poe/stats") == 500
        with pytest.raises(FaultError, match="the faults are"):
            await switch.inject("melt")


def in_turn(seen: Iterable[T]) -> list[T]:
    """What was seen, and changed."""
    return [value for value, _ in groupby(seen)]


async def test_reboot(http: aiohttp.ClientSession, login: Login, eventually: Eventually) -> None:
    async with SimSwitch(ports=2, detect_s=2.0, **CREDENTIALS) as switch, asyncio.timeout(60):
        session = await login(switch)
        reader, _writer = await connect(switch)
        await eventually(lambda: switch.open_connections == 2)
        switch.model.port("1").enabled = False
        await switch.reboot(down_s=0.3, boot_s=3.0)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        with pytest.raises(ConnectionRefusedError):
            await connect(switch)
        assert switch.open_sessions == 0
        await eventually(lambda: switch.listening)

        async def state() -> tuple[int, int, str | None]:
            """The status of the version list and of PoE, and what the second port does."""
            version = await status(http, f"{switch.url}/rest/version")
            headers = await login(switch) if version == 200 and switch.open_sessions == 0 else session
            session.update(headers)
            async with http.get(switch.url + STATS, headers=headers) as answer:
                poe = await answer.json()
                supplied = poe["port_poe_stats"][1]["poe_detection_status"] if answer.status == 200 else None
                return version, answer.status, supplied

        seen = [await state()]
        while seen[-1][2] != "PPDS_DELIVERING":
            seen.append(await state())
            await asyncio.sleep(0.01)
        versions, ports, supplied = (in_turn(column) for column in zip(*seen, strict=True))
        assert versions == [503, 200]
        assert ports == [503, 404, 503, 200]
        assert supplied == [None, "PPDS_SEARCHING", "PPDS_DELIVERING"]
        assert not switch.model.port("1").enabled
        assert switch.reboots == 1
        _writer.close()


async def test_a_reboot_forgets_requests_that_were_waiting(http: aiohttp.ClientSession, eventually: Eventually) -> None:
    async with SimSwitch(latency_s=0.2) as switch:
        off = {"cmd": "no interface 3 power-over-ethernet"}
        writing = asyncio.create_task(status(http, f"{switch.url}/rest/v3/cli", "POST", json=off))
        await eventually(lambda: len(switch.requests) == 1)
        await switch.reboot(down_s=0.0, boot_s=0.0)
        with pytest.raises(aiohttp.ClientError):
            await writing
        assert await status(http, switch.url + STATS) == 200
        assert switch.model.port("3").enabled


async def test_a_hundred_reconnections_leave_nothing_behind(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        for _ in range(100):
            await switch.inject("cut-before", count=1)
            assert await raw_answer(switch) == b""
        assert await status(http, switch.url + STATS) == 200
        assert switch.max_open_connections == 1
        assert switch.total_connections == 101
