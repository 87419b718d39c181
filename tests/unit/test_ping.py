"""The call to an outside watcher, over a real HTTP server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from tests.conftest import until
from vigilia.clock import Clock
from vigilia.ping import PERIOD_S, HealthConfig, Ping
from vigilia.settings import Secret, validate

PATH = "/ping/4f1c-very-secret"


class Watcher:
    """The outside watcher: counts calls, and answers as told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status = 200
        self.hangs = False
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.calls.append(request.path)
        if self.hangs:
            await asyncio.sleep(60)
        headers = {"Location": f"{PATH}/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=headers)


@pytest.fixture
async def watcher() -> AsyncIterator[Watcher]:
    watcher = Watcher()
    app = web.Application()
    app.router.add_get("/{tail:.*}", watcher.answer)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    watcher.url = str(server.make_url(PATH))
    yield watcher
    await server.close()


@asynccontextmanager
async def pinging(url: str, missing: list[str], speed: float = 6000) -> AsyncIterator[None]:
    async def evidence() -> list[str]:
        return missing

    task = asyncio.create_task(Ping(Secret(url), evidence, Clock(speed=speed)).run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


def words(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "vigilia.ping"]


async def test_it_is_called_at_once_and_each_minute(watcher: Watcher, caplog: pytest.LogCaptureFixture) -> None:
    async with pinging(watcher.url, [], speed=1):
        await until(lambda: len(watcher.calls) == 1)
    async with pinging(watcher.url, []):
        await until(lambda: len(watcher.calls) >= 4)
    assert set(watcher.calls) == {PATH}
    assert PERIOD_S == 60
    assert words(caplog) == []


async def test_it_is_not_called_while_evidence_is_missing(watcher: Watcher, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    missing = ["link sw-1 hangs"]
    async with pinging(watcher.url, missing):
        await until(lambda: len(words(caplog)) == 1)
        await asyncio.sleep(0.1)  # ten minutes of its clock
        assert watcher.calls == []
        missing.clear()
        await until(lambda: len(watcher.calls) >= 2)
    assert words(caplog) == [
        "[health] the outside watcher is not called, for the evidence lacks: link sw-1 hangs",
        "[health] the outside watcher is called again",
    ]


async def test_a_failure_is_told_once_for_each_change_and_never_with_the_address(
    watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with pinging(watcher.url, []):
        for status in (500, 404, 302, 200):
            watcher.status = status
            seen = len(watcher.calls)
            await until(lambda seen=seen: len(watcher.calls) >= seen + 3)
    assert words(caplog) == [
        "[health] ping_url: the outside watcher was not reached: status 500",
        "[health] ping_url: the outside watcher was not reached: status 404",
        "[health] ping_url: the outside watcher was not reached: status 302",
        "[health] ping_url: the outside watcher is reached again",
    ]
    assert f"{PATH}/elsewhere" not in watcher.calls, "a redirect is not followed"
    # What the watcher itself logs is another program's.
    assert not [
        text for record in caplog.records if record.name != "aiohttp.access" and PATH in (text := record.getMessage())
    ]


async def test_nobody_there(caplog: pytest.LogCaptureFixture) -> None:
    async with pinging(f"http://127.0.0.1:{unused_port()}{PATH}", []):
        await until(lambda: bool(words(caplog)))
        await asyncio.sleep(0.05)
    assert words(caplog) == ["[health] ping_url: the outside watcher was not reached: ClientConnectorError"]


async def test_the_deadline_of_a_call_is_real(
    watcher: Watcher, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilia.ping._DEADLINE_S", 0.2)
    watcher.hangs = True
    async with pinging(watcher.url, []):
        await until(lambda: len(watcher.calls) >= 2)
    assert words(caplog) == ["[health] ping_url: the outside watcher was not reached: no answer within 0.2 s"]


async def test_evidence_that_never_comes_is_missing(
    watcher: Watcher, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilia.ping._DEADLINE_S", 0.01)

    async def never() -> list[str]:
        await asyncio.Event().wait()
        return []

    task = asyncio.create_task(Ping(Secret(watcher.url), never, Clock(speed=6000)).run())
    await until(lambda: bool(words(caplog)))
    task.cancel()
    await asyncio.wait([task])
    assert watcher.calls == []
    assert words(caplog) == [
        "[health] the outside watcher is not called, for the evidence lacks: no evidence within 0.01 s"
    ]


@pytest.mark.parametrize(
    "url", ["https://hc.example.org/x", "http://127.0.0.1:8/x", "http://[::1]/x", "http://localhost/x"]
)
def test_addresses_that_may_be_called(url: str) -> None:
    config, problems = validate(HealthConfig, {"ping_url": url}, "f", "health")
    assert problems == []
    assert config is not None
    assert config.ping_url is not None
    assert config.ping_url.get_secret_value() == url


def test_an_empty_address_is_none() -> None:
    assert HealthConfig(ping_url=Secret("")).ping_url is None
    assert HealthConfig().ping_url is None


@pytest.mark.parametrize(
    "url",
    ["http://hc.example.org/s3cret", "s3cret", "https://", "ftp://h/s3cret", "https://h:s3cret/", "https://[s3cret/"],
)
def test_addresses_that_may_not_be_called_are_not_repeated(url: str) -> None:
    _, problems = validate(HealthConfig, {"ping_url": url}, "f", "health")
    (problem,) = problems
    assert problem.key == "health.ping_url"
    assert "s3cret" not in str(problem)
