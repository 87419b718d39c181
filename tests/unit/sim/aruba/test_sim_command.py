"""The command as a process of its own."""

import argparse
import asyncio
import os
import signal
import ssl
import sys
import time
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import trustme

from vigilia.sim.aruba import command

PROGRAM = (
    "import argparse, sys\n"
    "from vigilia.sim.aruba import command\n"
    "parser = argparse.ArgumentParser()\n"
    "command.add_arguments(parser)\n"
    "sys.exit(command.run(parser.parse_args()))\n"
)
SOURCE = Path(command.__file__).parents[3]


async def launch(*options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """The command, ready, with the addresses it printed; killed at the end if it still runs."""
    process = await launch(*options)
    assert process.stdout is not None
    try:
        addresses: dict[str, str] = {}
        async with asyncio.timeout(20):
            while (line := (await process.stdout.readline()).decode()) != "vigilia sim ready\n":
                name, url = line.split()
                addresses[name] = url
        yield process, addresses
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_run_and_stop(http: aiohttp.ClientSession, number: signal.Signals) -> None:
    async with running("--switches", "2", "--ports", "4", "--latency-ms", "5000", "--life") as (process, addresses):
        assert list(addresses) == ["sw-1", "sw-2", "control"]
        async with http.get(f"{addresses['control']}/switches") as answer:
            listed = (await answer.json())["items"]
        assert [switch["url"] for switch in listed] == [addresses["sw-1"], addresses["sw-2"]]
        asking = asyncio.create_task(http.get(f"{addresses['sw-1']}/rest/v3/poe/ports/stats"))
        while listed[0]["requests"] == 0:
            async with http.get(f"{addresses['control']}/switches") as answer:
                listed = (await answer.json())["items"]
        started = time.monotonic()
        process.send_signal(number)
        _, errors = await asyncio.wait_for(process.communicate(), 10)
        assert time.monotonic() - started < 2.0
        assert (process.returncode, errors) == (0, b"")
        with pytest.raises(aiohttp.ClientError):
            await asking


async def test_tls_and_configuration(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    authority = trustme.CA()
    pem = tmp_path / "switch.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    config = tmp_path / "sim.toml"
    options = ("--switches", "2", "--ports", "3", "--username", "controle", "--password", 'ex"\\ample')
    more = ("--tls-cert", str(pem), "--config-out", str(config), "--latency-ms", "0", "--versions", "3")
    async with running(*options, *more) as (_process, addresses):
        section = tomllib.loads(config.read_text())["aruba"]
        assert (section["verify"], section["ca_file"]) == (True, str(pem))
        first, second = section["switches"]
        assert (second["name"], second["url"], second["room"]) == ("sw-2", addresses["sw-2"], "Room 2")
        assert first["ports"][2] == {"port": "3", "device": "SIM-01:Cam-03"}
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        given = {"userName": first["username"], "password": first["password"]}
        async with http.post(f"{first['url']}/rest/v3/login-sessions", json=given, ssl=trust) as answer:
            assert answer.status == 201
        async with http.post(f"{first['url']}/rest/v4/login-sessions", json=given, ssl=trust) as answer:
            assert answer.status == 404


async def test_anonymous_configuration_and_old_firmware(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    config = tmp_path / "sim.toml"
    options = ("--switches", "1", "--no-collection", "--no-put", "--minimal-fields", "--config-out", str(config))
    async with running(*options) as (_process, addresses):
        section = tomllib.loads(config.read_text())["aruba"]
        assert set(section) == {"switches"}
        assert set(section["switches"][0]) == {"name", "url", "room", "ports"}
        found: list[int] = []
        for path in ("poe/ports/stats", "poe/ports", "ports/1/poe", "ports/1/poe/stats"):
            async with http.get(f"{addresses['sw-1']}/rest/v3/{path}") as answer:
                found.append(answer.status)
        assert found == [404, 404, 404, 200]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--username", "u"), "both username and password"),
        (("--tls-key", "k.pem"), "--tls-key is given without --tls-cert"),
        (("--tls-cert", "/nowhere/c.pem"), "--tls-cert /nowhere/c.pem"),
        (("--config-out", "/nowhere/sim.toml"), "/nowhere/sim.toml"),
        (("--switches", "0"), "from 1 to 1000"),
        (("--versions", "0-9"), "like 1-7"),
        (("--versions", "5-3"), "like 1-7"),
        (("--latency-ms", "nan"), "0 or more"),
        (("--port", "65535", "--switches", "2"), "port"),
    ],
)
async def test_wrong_options(options: tuple[str, ...], part: str) -> None:
    process = await launch(*options)
    output, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert b"vigilia sim ready" not in output
    assert part in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_a_taken_port_is_one_clear_line() -> None:
    async with running("--switches", "1") as (_process, addresses):
        process = await launch("--switches", "1", "--port", addresses["sw-1"].rsplit(":", 1)[1])
        _, errors = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 2
        assert errors.decode().count("\n") == 1
        assert addresses["sw-1"].removeprefix("http://") in errors.decode()


def test_defaults() -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args([])
    assert (args.switches, args.ports, args.latency_ms, args.versions) == (3, 24, 20.0, frozenset(range(1, 8)))
