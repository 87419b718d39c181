"""The client on an API that misbehaves."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from datetime import date
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from tests.conftest import until
from tests.unit.drivers.pvoperation.api import EMAIL, PASSWORD, Api
from vigilia.clock import Clock
from vigilia.drivers.pvoperation import client as client_module
from vigilia.drivers.pvoperation import loads
from vigilia.drivers.pvoperation.client import PvOperationClient, SuccessRate
from vigilia.drivers.pvoperation.http import Answer, TimedOut
from vigilia.errors import BadAnswer, ConnectionLost, LinkError, LoginRefused

SPEED = 100.0
TODAY = date(2026, 3, 10)
Make = Callable[..., PvOperationClient]


@pytest.fixture
async def make(api: Api) -> AsyncIterator[Make]:
    clients: list[PvOperationClient] = []

    def make(**changes: Any) -> PvOperationClient:
        options: dict[str, Any] = {
            "email": EMAIL, "password": PASSWORD, "concurrency": 4, "tls": None, "clock": Clock(speed=SPEED),
        }  # fmt: skip
        clients.append(PvOperationClient(changes.pop("base_url", api.base), **options | changes))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def day(client: PvOperationClient, plant: int | str = 1) -> Any:
    return (await client.day("day_relay", plant, TODAY)).json()


def status(code: int, **headers: str) -> Callable[[], web.Response]:
    return lambda: web.Response(status=code, headers={key.replace("_", "-"): text for key, text in headers.items()})


async def test_the_requests(api: Api, make: Make) -> None:
    api.days["day_relay", "A7", "2026-03-10"] = [1, 2]
    client = make()
    await client.log_in()
    assert client.sessions == 1
    assert await client.plants() == api.plants
    assert await day(client, "A7") == [1, 2]
    assert api.requests == [("authenticate", "", ""), ("plants", "", ""), ("day_relay", "A7", "2026-03-10")]
    assert client.success.counts() == (3, 3)


async def test_a_token_that_expires_costs_one_login_for_all(api: Api, make: Make) -> None:
    client = make()
    await client.log_in()
    api.delay_s = 0.01
    api.logins += 1  # the token is not valid any more
    await asyncio.gather(*(day(client, n) for n in range(20)))
    assert len(api.asked("authenticate")) == 2


async def test_a_token_that_always_expires_ends(api: Api, make: Make) -> None:
    api.token_uses = 0
    client = make()
    with pytest.raises(LoginRefused, match="refused again, just after a login"):
        await day(client)
    assert len(api.asked("authenticate")) <= 4


async def test_a_token_for_a_few_requests_still_serves(api: Api, make: Make) -> None:
    api.token_uses = 2
    client = make()
    for number in range(10):
        await day(client, number)


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 599])
async def test_what_is_asked_again(api: Api, make: Make, code: int) -> None:
    api.faults["day_relay"] = [status(code)] * 3
    client = make()
    assert await day(client) == []
    assert len(api.asked("day_relay")) == 4
    assert client.success.counts() == (2, 5)
    api.faults["day_relay"] = [status(code)] * 4
    with pytest.raises(BadAnswer, match=f"status {code} "):
        await day(client)
    assert len(api.asked("day_relay")) == 8


@pytest.mark.parametrize("code", [201, 301, 302, 307, 400, 403, 404, 405, 410, 422])
async def test_what_is_not(api: Api, make: Make, code: int) -> None:
    api.faults["day_relay"] = [status(code, Location=f"{api.base}/plants")]
    with pytest.raises(BadAnswer, match=f"status {code} " if code > 299 else "not JSON"):
        await day(make())
    assert len(api.asked("day_relay")) == 1
    assert api.asked("plants") == []


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_holds_for_every_request(api: Api, make: Make, form: str) -> None:
    clock = Clock(speed=SPEED)
    text = "30" if form == "seconds" else formatdate(time.time() + 30, usegmt=True)
    client = make(clock=clock)
    await client.log_in()
    api.faults["day_relay"] = [status(429, Retry_After=text)]
    first = asyncio.create_task(day(client))
    await until(lambda: len(api.asked("day_relay")) == 1 and not api.faults["day_relay"])
    await until(lambda: client._wait_until > 0)  # noqa: SLF001 - the answer has been read
    began = clock.monotonic()
    await asyncio.gather(first, client.plants())
    assert clock.monotonic() - began > 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None), ("soon", None), ("-5", None), ("0", 0.0), ("120", 120.0), (" 7 ", 7.0), ("9" * 400, 999999999.0),
        ("Tue, 10 Mar 2026 12:00:30 GMT", 30.0), ("Tue, 10 Mar 2026 11:00:00 GMT", 0.0), ("Tue, 99 Mar", None),
    ],
)  # fmt: skip
def test_retry_after(text: str, expected: float | None) -> None:
    answer = Answer(429, b"", "", text, "Tue, 10 Mar 2026 12:00:00 GMT")
    assert answer.retry_after_s(0.0) == expected


async def test_a_retry_after_without_measure_is_bounded(api: Api, make: Make) -> None:
    api.faults["day_relay"] = [status(429, Retry_After="999999")]
    clock = Clock(speed=SPEED)
    began = clock.monotonic()
    await day(make(clock=clock))
    assert clock.monotonic() - began < 1000


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"<html>Please log in</html>", "text/html"), (b"", "application/json"), (b"[1,", "application/json")],
)
async def test_an_answer_that_is_no_json(api: Api, make: Make, body: bytes, kind: str) -> None:
    api.always["day_relay"] = lambda: web.Response(body=body, content_type=kind)
    with pytest.raises(BadAnswer, match="not JSON"):
        await day(make())


async def test_nan_does_not_cost_the_day(api: Api, make: Make) -> None:
    api.always["day_relay"] = lambda: web.Response(body=b'[{"Pac": NaN, "Pout": 1e999, "x": 12345678901234567890123}]')
    assert len(await day(make())) == 1


async def test_nesting_beyond_measure(api: Api, make: Make) -> None:
    api.always["day_relay"] = lambda: web.Response(body=b"[" * 100_000)
    with pytest.raises(BadAnswer, match="not JSON"):
        await day(make())


async def test_an_answer_too_large(api: Api, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LARGEST_DAY_BYTES", 1000)
    api.always["day_relay"] = lambda: web.Response(body=b"[" + b"1," * 1000 + b"1]")
    with pytest.raises(BadAnswer, match=r"more than 0\.001 MB"):
        await day(make())


async def test_no_answer_in_time(api: Api, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make()
    await client.log_in()
    monkeypatch.setattr(client_module, "_DAY_S", 0.05)
    api.gate.clear()
    with pytest.raises(TimedOut, match=r"no answer within 0.05 s \(POST day_relay\)"):
        await day(client)
    assert len(api.asked("day_relay")) == 1


async def test_no_connection(make: Make) -> None:
    client = make(base_url="http://127.0.0.1:9")
    with pytest.raises(ConnectionLost, match="no connection"):
        await day(client)
    assert client.success.counts() == (0, 4)


@pytest.mark.parametrize(
    "content",
    [None, [], {}, {"token": None}, {"token": ""}, {"token": "a\r\nb"}, {"token": "é"}, {"token": "x" * 20000}],
)
async def test_a_login_without_a_token(api: Api, make: Make, content: Any) -> None:
    api.always["authenticate"] = lambda: web.json_response(content)
    with pytest.raises(BadAnswer, match="the answer to the login has"):
        await make().log_in()


@pytest.mark.parametrize("code", [400, 401, 403, 404, 500])
async def test_no_error_shows_a_secret(api: Api, make: Make, code: int, caplog: pytest.LogCaptureFixture) -> None:
    echo = f"{EMAIL} {PASSWORD} token-1"
    api.always["authenticate"] = lambda: web.Response(status=code, text=echo, reason="no")
    with pytest.raises(LinkError) as caught:
        await make().log_in()
    assert "[PVOP] Falha ao logar" in caplog.text
    for secret in (EMAIL, PASSWORD, "token-1"):
        assert secret not in str(caught.value) + repr(caught.value) + caplog.text


async def test_requests_in_flight_are_limited(api: Api, make: Make) -> None:
    client = make(concurrency=3)
    await client.log_in()
    api.delay_s = 0.005
    await asyncio.gather(*(day(client, n) for n in range(30)))
    assert api.most_in_flight == 3


async def test_a_certificate_of_an_unknown_authority(make: Make, tmp_path: Path) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"token": "t"})

    app = web.Application()
    app.router.add_post("/authenticate", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server)
    await site.start()
    base = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        with pytest.raises(ConnectionLost, match="its certificate is not trusted"):
            await make(base_url=base, tls=ssl.create_default_context()).log_in()
        path = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(path))
        await make(base_url=base, tls=ssl.create_default_context(cafile=str(path))).log_in()
    finally:
        await runner.cleanup()


def test_the_success_rate_forgets_after_a_day() -> None:
    class Hours(Clock):
        hour = 0.0

        def monotonic(self) -> float:
            return self.hour * 3600

    clock = Hours()
    rate = SuccessRate(clock)
    for hour in range(48):
        clock.hour = hour
        rate.count(well=hour % 2 == 0)
    assert rate.counts() == (12, 24)
    clock.hour = 100
    assert rate.counts() == (0, 0)


def test_json_of_a_large_wrong_answer_is_not_tried_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "_LARGEST_LENIENT_BYTES", 3)
    with pytest.raises(BadAnswer):
        Answer(200, b"[NaN]", "GET x").json()
