"""Sign-in in the real service: the first administrator, commands beside it, and who did what in the audit."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.system.conftest import until

pytestmark = pytest.mark.system
PASSWORD = "four words of somebody"


async def vigilia(folder: Path, *arguments: str, given: str = "") -> tuple[int, str]:
    """Run a command in the service's folder."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vigilia", *arguments),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(given.encode()), 60)
    return process.returncode or 0, said.decode()


async def test_from_the_first_link_to_a_removed_user(serve: Any, tmp_path: Path) -> None:
    aruba = '[[aruba.switches]]\nname = "sw-1"\nurl = "http://127.0.0.1:1"\nports = [{ port = "1", device = "D1" }]\n'
    service = await serve(f"[web.auth]\n{aruba}", epics=None)
    line = await service.program.line_with("#first=")
    assert re.search(rf" {service.url}/sign-in#first=[\w-]{{43}}$", line)
    config = (tmp_path / "vigilia.toml").read_text()
    port = service.url.rpartition(":")[2]
    (tmp_path / "vigilia.toml").write_text(config.replace("127.0.0.1:0", f"127.0.0.1:{port}"))  # for the commands

    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(service.url, cookie_jar=jar) as admin:
        body = {"token": line.rpartition("=")[2], "user": "ana", "password": PASSWORD}
        async with admin.post("/api/v1/session/first", json=body) as answer:
            assert answer.status == 200, await answer.text()
            admin.headers["X-Vigilia-CSRF"] = (await answer.json())["csrf"]

        code, said = await vigilia(tmp_path, "users", "add", "otto", "--role", "operator", given=f"{PASSWORD} o\n")
        assert (code, said) == (0, "otto is added, as operator\n")

        async def operator_in() -> bool:
            body = {"user": "otto", "password": f"{PASSWORD} o"}
            async with operator.post("/api/v1/session", json=body) as answer:
                if answer.status == 200:
                    operator.headers["X-Vigilia-CSRF"] = (await answer.json())["csrf"]
                return answer.status == 200

        async with aiohttp.ClientSession(service.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as operator:
            await until(operator_in)
            async with operator.put("/api/v1/points/D1:PwrState-Sel/value", json={"value": "On"}) as answer:
                assert answer.status == 409, "the switch is away"
            async with operator.get("/api/v1/events") as stream:
                await stream.content.readuntil(b"\n\n")
                code, _ = await vigilia(tmp_path, "users", "remove", "otto")
                assert code == 0
                async with asyncio.timeout(10):
                    while await stream.content.readany():
                        pass
            async with operator.get("/api/v1/points") as answer:
                assert answer.status == 401

        async def audited() -> Any:
            async with admin.get("/api/v1/audit") as answer:
                return (await answer.json())["items"]

        (write,) = await until(audited)
        assert (write["via"], write["user"], write["host"]) == ("web", "otto", "127.0.0.1")
        assert (write["value"], write["outcome"]) == (1, "NotWritable")

    code, token = await vigilia(tmp_path, "users", "token", "prometheus")
    assert code == 0
    shown = {"Authorization": f"Bearer {token.strip()}"}

    async def metrics() -> bool:
        async with aiohttp.ClientSession() as http, http.get(f"{service.url}/metrics", headers=shown) as answer:
            return answer.status == 200

    await until(metrics)
    code, said = await vigilia(tmp_path, "status")
    assert (code, said.splitlines()[0]) == (0, "healthy")
    assert "sw-1: " in said, "the service's own user is let in"
    await service.program.stop()
    assert not (tmp_path / "state" / "local.token").exists()
    written = "\n".join(service.program.lines) + (tmp_path / "logs" / "vigilia.log").read_text()
    for secret in (PASSWORD, token.strip()):
        assert secret not in written
    assert line.rpartition("=")[2] not in (tmp_path / "logs" / "vigilia.log").read_text()


async def test_the_start_says_when_it_is_open(serve: Any) -> None:
    aruba = '[[aruba.switches]]\nname = "sw-1"\nurl = "http://127.0.0.1:1"\nports = [{ port = "1", device = "D1" }]\n'
    service = await serve(aruba, epics=None)
    await service.program.line_with("open to every program on this machine, without sign-in")
    assert not any("#first=" in line for line in service.program.lines)
