"""`vigilia status` against real listeners: the service's own API, one that is none, and nobody."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from vigilia.config import load_listener
from vigilia.interfaces.api.config import WebConfig
from vigilia.language import use
from vigilia.status import AlarmCounts, Answer, LinkCount, LinkStatus, SystemStatus, ask, show

SYSTEM = {
    "name": "aruba",
    "title": "PoE",
    "points": 44,
    "worst": "MAJOR",
    "alarms": 2,
    "links": {"connected": 1, "total": 2},
}
LINK = {"name": "sw-1", "contact": "connected", "since": "2026-03-10T08:50:00.000Z", "error": ""}


@pytest.fixture(autouse=True)
def _english() -> None:
    use("en")


def configured(folder: Path, listen: str, more: str = "") -> WebConfig:
    (folder / "vigilia.toml").write_text(
        f'[web]\nlisten = "{listen}"\n{more}\n[[aruba.switches]]\nname = "sw-1"\nurl = "http://192.0.2.1"\n'
        'username = "u"\npassword_file = "not-to-be-read-by-whoever-asks"\nports = [{ port = "1", device = "D" }]\n'
    )
    return load_listener(folder / "vigilia.toml", {})[1]


class Listener:
    """A service's listener that answers as told."""

    def __init__(self) -> None:
        self.health: tuple[int, Any] = (200, {"status": "ok"})
        self.links: Any = {"items": [LINK], "next": None}
        self.more: dict[str, Any] = {}
        """What it answers besides, by path."""
        self.tokens: list[str] = []

    def app(self) -> web.Application:
        async def health(_: web.Request) -> web.Response:
            return web.json_response(self.health[1], status=self.health[0])

        async def links(_: web.Request) -> web.Response:
            return web.json_response(self.links)

        async def other(request: web.Request) -> web.Response:
            self.tokens.append(request.headers.get("Authorization", ""))
            if request.path not in self.more:
                return web.json_response({"error": "not-found", "detail": "there is nothing"}, status=404)
            return web.json_response(self.more[request.path])

        app = web.Application()
        app.router.add_get("/healthz", health)
        app.router.add_get("/api/v1/links", links)
        app.router.add_get("/{path:.*}", other)
        return app


@pytest.fixture
async def listener() -> Listener:
    return Listener()


@pytest.fixture
async def asked(listener: Listener, tmp_path: Path) -> AsyncIterator[Callable[[], Any]]:
    server = TestServer(listener.app(), host="127.0.0.1")
    await server.start_server()
    config = configured(tmp_path, f"127.0.0.1:{server.port}")
    yield lambda: asyncio.to_thread(ask, config)
    await server.close()


async def test_a_healthy_service(asked: Any) -> None:
    answer = await asked()
    assert answer == Answer(running=True, healthy=True, links=[LinkStatus(**LINK)], address=answer.address)
    assert show(answer, as_json=False) == "healthy\nsw-1: connected, since 2026-03-10T08:50:00.000Z"
    said = json.loads(show(answer, as_json=True))
    assert {name: said[name] for name in ("running", "healthy", "missing", "links")} == {
        "running": True,
        "healthy": True,
        "missing": [],
        "links": [LINK],
    }
    unknown = ("version", "systems", "alarms", "waiting_notices", "oldest_notice_s")
    assert all(said[name] is None for name in unknown), "what an older service does not say is not known"


async def test_everything_there_is_to_say(asked: Any, listener: Listener) -> None:
    states = [("MAJOR", "unacknowledged"), ("MINOR", "acknowledged"), ("MAJOR", "returned"), ("INVALID", "suppressed")]
    listener.more = {
        "/api/v1/alarms": {"items": [{"severity": a, "state": b, "id": "x"} for a, b in states], "next": None},
        "/api/v1/points/vigilia:NoticesWaiting-Mon": {"value": 2},
        "/api/v1/points/vigilia:OldestNotice-Mon": {"value": 61.25},
        "/api/openapi.json": {"info": {"version": "1.2.3", "title": "Vigilia"}},
        "/api/v1/systems": {"items": [SYSTEM]},
    }
    answer = await asked()
    said = json.loads(show(answer, as_json=True))
    assert said["alarms"] == {
        "unacknowledged": 1,
        "returned": 1,
        "quiet": 1,
        "by_severity": {"MINOR": 1, "MAJOR": 1, "INVALID": 0},
    }
    assert (said["version"], said["waiting_notices"], said["oldest_notice_s"]) == ("1.2.3", 2, 61.25)
    assert said["systems"] == [SYSTEM]
    assert show(answer, as_json=False).splitlines() == [
        "healthy",
        f"version 1.2.3 at {answer.address}",
        "alarms: 1 MINOR, 1 MAJOR, 0 INVALID; 1 not acknowledged, 1 returned, 1 quiet",
        "notices: 2 wait, the oldest for 61 s",
        "aruba: MAJOR, 2 alarms, 1 of 2 links, 44 points",
        "sw-1: connected, since 2026-03-10T08:50:00.000Z",
    ]


async def test_a_token_goes_with_every_question(listener: Listener, tmp_path: Path) -> None:
    server = TestServer(listener.app(), host="127.0.0.1")
    await server.start_server()
    await asyncio.to_thread(ask, configured(tmp_path, f"127.0.0.1:{server.port}"), "vigilia", "hush")
    await server.close()
    assert listener.tokens == ["Bearer hush"]


def test_the_reference_has_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "status.md").read_text()
    for model in (Answer, AlarmCounts, SystemStatus, LinkCount, LinkStatus):
        assert [name for name in model.model_fields if f"`{name}`" not in page] == []


async def test_a_service_that_lacks_evidence(asked: Any, listener: Listener) -> None:
    listener.health = (503, {"status": "failing", "missing": ["EPICS is not served", "the store takes nothing"]})
    listener.links = {"items": [LINK | {"contact": "disconnected", "error": "refused\x1b[31m"}]}
    answer = await asked()
    assert (answer.running, answer.healthy) == (True, False)
    assert show(answer, as_json=False).splitlines() == [
        "not healthy",
        "  EPICS is not served",
        "  the store takes nothing",
        "sw-1: disconnected, since 2026-03-10T08:50:00.000Z: refused\\x1b[31m",
    ]


@pytest.mark.parametrize(
    ("health", "links"),
    [
        ((404, {}), {"items": []}),
        ((200, ["ok"]), {"items": []}),
        ((200, {"status": "ok"}), {}),
        ((200, {"status": "ok"}), {"items": "none"}),
        ((503, {"missing": 5}), {"items": []}),
        ((200, {"status": "fine"}), {"items": ["sw-1"]}),
    ],
)
async def test_another_program_there_is_not_healthy(asked: Any, listener: Listener, health: Any, links: Any) -> None:
    listener.health, listener.links = health, links
    answer = await asked()
    assert (answer.running, answer.healthy) == (False, False)
    assert show(answer, as_json=False).startswith("not running, or not to be asked\n  no answer from http://127.0.0.1:")


def test_nobody_there(tmp_path: Path) -> None:
    port = unused_port()
    answer = ask(configured(tmp_path, f"127.0.0.1:{port}"))
    assert (answer.running, answer.healthy) == (False, False)
    assert answer.missing == [f"no answer from http://127.0.0.1:{port}: Connection refused"]


def test_one_that_accepts_and_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.local._DEADLINE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask(configured(tmp_path, f"127.0.0.1:{silent.getsockname()[1]}"))
    assert (answer.running, answer.healthy) == (False, False)
    assert "timed out" in answer.missing[0]


def test_a_service_that_cannot_be_asked(tmp_path: Path) -> None:
    assert ask(configured(tmp_path, "127.0.0.1:0")).missing == [
        "[web] listen has port 0: only the ready line of the service tells its address"
    ]
    assert ask(configured(tmp_path, "127.0.0.1:1", "enabled = false")).missing == [
        "[web] enabled is false: there is nobody to ask"
    ]


async def test_https_with_a_certificate_of_any_name(listener: Listener, tmp_path: Path) -> None:
    import ssl

    authority = trustme.CA()
    certificate = authority.issue_cert("vigilia.example.org")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(tmp_path / "cert.pem", append=number > 0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server = TestServer(listener.app(), host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)
    right = configured(tmp_path, f"127.0.0.1:{server.port}", 'tls_cert = "cert.pem"\ntls_key = "key.pem"')
    answer = await asyncio.to_thread(ask, right)
    assert answer.healthy, answer.missing
    authority.issue_cert("other.example.org").cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    answer = await asyncio.to_thread(ask, right)
    assert not answer.healthy, "another certificate is another service"
    await server.close()
