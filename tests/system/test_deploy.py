"""The service as systemd, an outside watcher and an operator see it; and that it never writes a secret down."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.system.conftest import free_port, until

pytestmark = pytest.mark.system

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"
HANGING = '[hanging]\nhang_while = "hang"\n'


class Manager:
    """systemd's side of the notification socket."""

    def __init__(self) -> None:
        self.address = f"@vigilia-system-test-{os.getpid()}-{id(self)}"
        self._end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._end.bind(f"\0{self.address[1:]}")
        self._end.setblocking(False)
        self._messages: list[str] = []

    @property
    def messages(self) -> list[str]:
        while True:
            try:
                self._messages.append(self._end.recv(65_536).decode())
            except BlockingIOError:
                return self._messages

    def fed(self) -> int:
        return self.messages.count("WATCHDOG=1")

    def close(self) -> None:
        self._end.close()


@pytest.fixture
def manager() -> Iterator[Manager]:
    manager = Manager()
    yield manager
    manager.close()


@pytest.fixture
async def watcher() -> AsyncIterator[tuple[str, list[str]]]:
    """An outside watcher: its address, and the paths it was called with."""
    calls: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    yield str(server.make_url("/4f1c-ping-secret")), calls
    await server.close()


def with_plugin(**more: str) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join([str(PLUGINS), os.environ.get("PYTHONPATH", "")]), **more}


async def test_what_systemd_hears_from_start_to_stop(serve: Any, manager: Manager, tmp_path: Path) -> None:
    environment = with_plugin(NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="400000")
    service = await serve(HANGING, environment=environment)
    await until(lambda: len(manager.messages) >= 4)
    assert manager.messages[0] == "READY=1"
    await until(lambda: any(text.startswith("STATUS=") for text in manager.messages))
    (status, *_) = [text for text in manager.messages if text.startswith("STATUS=")]
    assert status.startswith(("STATUS=0 of 1 links connected, ", "STATUS=1 of 1 links connected, "))
    assert "0 alarms active, 0 notices waiting" in status
    assert "STOPPING=1" not in manager.messages

    for child in Path(f"/proc/{service.program.process.pid}/task").glob("*/children"):
        for pid in child.read_text().split():
            inherited = Path(f"/proc/{pid}/environ").read_bytes()
            assert b"PATH=" in inherited
            assert b"NOTIFY_SOCKET" not in inherited
            assert b"WATCHDOG_" not in inherited

    fed = manager.fed()
    await until(lambda: manager.fed() >= fed + 3)
    (tmp_path / "hang").touch()
    await service.program.line_with("the watchdog is not fed")
    fed = manager.fed()
    await asyncio.sleep(1.0)  # five times its period
    assert manager.fed() == fed
    (tmp_path / "hang").unlink()
    await until(lambda: manager.fed() > fed)

    assert await service.program.stop() == 0
    assert manager.messages[-1] == "STOPPING=1"


async def test_equipment_that_is_down_starves_no_watchdog(serve: Any, manager: Manager) -> None:
    aruba = f'[[aruba.switches]]\nname = "sw-1"\nurl = "http://127.0.0.1:{free_port()}"\n'
    environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
    await serve(f'{aruba}ports = [{{ port = "1", device = "D" }}]\n', epics=None, environment=environment)
    await until(lambda: manager.fed() >= 20)
    assert "STATUS=0 of 1 links connected, 0 alarms active, 0 notices waiting" in manager.messages


async def test_a_start_that_fails_is_never_ready(programs: Any, manager: Manager, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (tmp_path / "vigilia.toml").write_text(f'[web]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"\n{HANGING}')
        program = await programs("run", environment=with_plugin(NOTIFY_SOCKET=manager.address))
        assert await program.wait() == 2
    assert "READY=1" not in manager.messages


async def test_the_outside_watcher_is_called_only_with_evidence(
    serve: Any, watcher: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, calls = watcher
    (tmp_path / "ping").write_text(url)
    environment = with_plugin(VIGILIA_CLOCK="x100")  # a minute is 0.6 s; the link's patience too is shorter by as much
    service = await serve(f'{HANGING}[health]\nping_url_file = "ping"\n', epics=None, environment=environment)
    await until(lambda: len(calls) >= 3)
    (tmp_path / "hang").touch()
    await service.program.line_with("the outside watcher is not called")
    seen = len(calls)
    status, answer = await service.call("GET", "/healthz")
    assert (status, answer["status"]) == (503, "failing")
    await asyncio.sleep(1.5)
    assert len(calls) == seen
    (tmp_path / "hang").unlink()
    await until(lambda: len(calls) > seen)
    assert set(calls) == {"/4f1c-ping-secret"}


async def test_vigilia_status(serve: Any, programs: Any, tmp_path: Path) -> None:
    service = await serve(HANGING, epics=None, environment=with_plugin())
    here = {"VIGILIA_WEB__LISTEN": service.url.removeprefix("http://")}

    async def status(*options: str) -> tuple[int, str]:
        program = await programs("status", *options, environment=here)
        return await program.wait(), program.text

    await until(lambda: "hanging: connected" in service.program.text)
    code, text = await status()
    assert (code, text.splitlines()[0]) == (0, "healthy")
    assert any(line.startswith("hanging: connected, since ") for line in text.splitlines()), text
    (tmp_path / "hang").touch()

    async def failing() -> bool:
        return (await service.call("GET", "/healthz"))[0] == 503

    await until(failing)
    code, text = await status("--json")
    assert code == 1
    answer = json.loads(text)
    assert (answer["running"], answer["healthy"], len(answer["missing"])) == (True, False, 1)
    (tmp_path / "hang").unlink()
    assert await service.program.stop() == 0
    code, text = await status()
    assert code == 1
    assert text.splitlines()[0] == "not running, or not to be asked"


SECRETS = {
    "switch password": "aruba-Pa55/wörd+1",
    "plant password": "pvop-Pa55/word 2",
    "webhook": "https://127.0.0.1:9/workflows/0123456789abcdef0123/run?sig=Zm9v-b4r_secret",
    "ping": "https://127.0.0.1:9/ping/0f8fad5b-d9cb-469f-a165",
    "token": "plugin-t0ken-5ecret",
}
"""Unique texts, each a secret of its own. A part that is new adds its own here, and its section below."""


def configuration(ports: dict[str, str]) -> str:
    return (
        f"[health]\nping_url = {json.dumps(SECRETS['ping'])}\n"
        f"{HANGING}token = {json.dumps(SECRETS['token'])}\n"
        '[[aruba.switches]]\nname = "sw-1"\nusername = "controle"\n'
        f"url = {json.dumps(ports['sw-1'])}\npassword = {json.dumps(SECRETS['switch password'])}\n"
        'ports = [{ port = "1", device = "SIM-01:Cam-01" }]\n'
    )


def written_in(folder: Path) -> str:
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file())


async def test_no_secret_is_ever_written(simulate: Any, serve: Any, programs: Any, tmp_path: Path) -> None:
    sim = await simulate("--username", "controle", "--password", SECRETS["switch password"])
    service = await serve(configuration(sim.urls), environment=with_plugin())
    await until(lambda: "sw-1: connected" in service.program.text)
    await until(lambda: "the outside watcher was not reached" in service.program.text)
    pages = [
        str((await service.call("GET", path))[1])
        for path in ("/metrics", "/healthz", "/api/v1/points", "/api/v1/links", "/api/v1/audit")
    ]
    await service.put("SIM-01:Cam-01:PwrState-Sel", SECRETS["switch password"][:3])
    for fault in ("reject-put", "garbage", "hang"):
        await sim.fault("sw-1", fault, count=2)
        await service.put("SIM-01:Cam-01:PwrState-Sel", "Off")
    service.program.process.send_signal(signal.SIGTERM)
    assert await service.program.wait() == 0
    check = await programs("check", environment=with_plugin())
    assert await check.wait() == 0
    # Refused by its password: an operator's mistake tells of the place, not of the word.
    refused = await programs(
        "check",
        environment=with_plugin(
            PVOP_EMAIL="ana@example.org", PVOP_PASSWORD=SECRETS["plant password"], TEAMS_WEBHOOK_URL=SECRETS["webhook"]
        ),
    )
    await refused.wait()
    printed = service.program.text + check.text + refused.text + "".join(pages)
    assert "***" in check.text
    kept = "".join(written_in(tmp_path / folder) for folder in ("state", "logs"))
    for log in ("vigilia.log", "inversor/inversor.log"):
        assert "[ALERTA INVERSOR] ***" in (tmp_path / "logs" / log).read_text()
    for text in (kept, service.program.text):
        assert 'sent {"token": "***"}' in text
        assert "ValueError: a fault with ***" in text
    assert "sw-1: connected" in kept
    for name, secret in SECRETS.items():
        distinct = secret.rpartition("/")[2]  # what stands in no address by itself
        for text in (secret, json.dumps(secret)[1:-1], distinct):
            assert text not in printed, name
            assert text not in kept, name
