"""The command as a process of its own."""

import argparse
import asyncio
import json
import os
import shlex
import signal
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from vigilia.clock import parse_clock
from vigilia.sim.pvoperation import API_FAULTS, TEAMS_FAULTS, Dialect, command, read_script

SOURCE = Path(command.__file__).parents[3]
PAGE = SOURCE.parent / "docs" / "reference" / "sim-pvoperation.md"


async def launch(*options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vigilia", "sim", "pvoperation", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "utf-8"},
    )


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().rstrip("\n")


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """The command, ready, with what it printed; killed at the end if it still runs."""
    process = await launch(*options)
    try:
        printed: dict[str, str] = {}
        while (line := await line_of(process)) != "vigilia sim ready":
            assert line, (await process.communicate())[1].decode()
            name, _, value = line.partition(" " if line.startswith("control ") else "=")
            (printed[name],) = shlex.split(value)
        yield process, printed
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_run_and_stop(http: aiohttp.ClientSession, number: signal.Signals) -> None:
    options = ("--plants", "2", "--inverters", "3", "--seed", "4", "--day", "2026-03-10", "--speed", "120")
    async with running(*options) as (process, printed):
        names = ["PVOP_BASE_URL", "PVOP_EMAIL", "PVOP_PASSWORD", "TEAMS_WEBHOOK_URL", "VIGILIA_CLOCK", "control"]
        assert list(printed) == names
        assert printed["VIGILIA_CLOCK"] == "2026-03-10T05:50:00 x120"
        async with http.get(printed["control"] + "/clock") as answer:
            clock = await answer.json()
        assert clock["held"]
        assert clock["text"].startswith("2026-03-10T08:50:00.")
        given = {"username": printed["PVOP_EMAIL"], "password": printed["PVOP_PASSWORD"]}
        async with http.post(printed["PVOP_BASE_URL"] + "/authenticate", json=given) as answer:
            token = (await answer.json())["token"]
        headers = {"x-access-token": token}
        async with http.get(printed["PVOP_BASE_URL"] + "/plants", headers=headers) as answer:
            plants = await answer.json()
        assert [plant["id"] for plant in plants] == [19478, 19479]
        day = {"id": 19478, "date": "2026-03-10"}
        async with http.post(printed["PVOP_BASE_URL"] + "/day_inverter", json=day, headers=headers) as answer:
            assert len(await answer.json()) >= 3 * 71
        process.send_signal(number)
        _, errors = await asyncio.wait_for(process.communicate(), 10)
        assert (process.returncode, errors) == (0, b"")


async def test_cards_are_printed_as_they_come(http: aiohttp.ClientSession) -> None:
    async with running("--quiet-day", "--clock", "2026-03-10T12:00:00") as (process, printed):
        card = {"@type": "MessageCard", "title": "Falha de relé – UFV 1", "text": "901: r59A\x1b[31m\n\n902: r49"}
        async with http.post(printed["TEAMS_WEBHOOK_URL"], json=card) as answer:
            assert answer.status == 202
        title, *lines = [await line_of(process) for _ in range(3)]
        assert title.startswith("2026-03-10 12:00:")
        assert title.endswith(" Falha de relé – UFV 1")
        assert lines == ["    901: r59A\\x1b[31m", "    902: r49"]
        async with http.post(printed["TEAMS_WEBHOOK_URL"], json={"type": "message"}) as answer:
            assert answer.status == 202
        assert "attachments are missing" in await line_of(process)


async def test_configuration_script_and_zones(tmp_path: Path) -> None:
    config, script = tmp_path / "sim.toml", tmp_path / "script.json"
    zones = ("--zones", "America/Sao_Paulo,America/Cuiaba", "--plants", "2", "--varied")
    account = ("--username", "a@example.com", "--password", 'p"\\w')
    out = ("--config-out", str(config), "--script-out", str(script), "--day", "2026-03-10")
    async with running(*zones, *account, *out) as (_process, printed):
        written = tomllib.loads(config.read_text())
        assert written == {
            "site": {"timezone": "America/Sao_Paulo"},
            "notify": {"teams": {"webhook_url": printed["TEAMS_WEBHOOK_URL"]}},
            "pvoperation": {
                "base_url": printed["PVOP_BASE_URL"],
                "email": "a@example.com",
                "password": 'p"\\w',
                "plants": {"19479": {"timezone": "America/Cuiaba"}},
            },
        }
        assert printed["PVOP_PASSWORD"] == 'p"\\w'
    assert list(read_script(script).plants) == [19478, 19479]
    async with running("--script", str(script), "--speed", "2") as (_process, printed):
        assert printed["VIGILIA_CLOCK"] == "2026-03-10T05:50:00 x2"
        assert parse_clock(printed["VIGILIA_CLOCK"], read_script(script).plants[19478].zone).speed == 2


async def test_in_real_time_there_is_no_clock_to_set() -> None:
    async with running("--plants", "1") as (_process, printed):
        assert "VIGILIA_CLOCK" not in printed


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--plants", "0"), "from 1 to 5000"),
        (("--speed", "0"), "above 0"),
        (("--zones", "Mars/Base"), "give time zones like"),
        (("--latency-ms", "nan"), "0 or more"),
        (("--day", "10/03/2026"), "--day"),
        (("--clock", "soon"), "--clock: 'soon' is no clock"),
        (("--clock", "x2", "--day", "2026-03-10"), "--clock is given with --day or --speed"),
        (("--script", "/nowhere/day.toml"), "/nowhere/day.toml"),
        (("--config-out", "/nowhere/sim.toml"), "/nowhere/sim.toml"),
    ],
)
async def test_wrong_options(options: tuple[str, ...], part: str) -> None:
    process = await launch(*options)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert b"vigilia sim ready" not in output
    assert part in errors.decode()
    assert "Traceback" not in errors.decode()


def test_the_page_has_every_option_fault_and_spelling() -> None:
    page = PAGE.read_text(encoding="utf-8")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = [f"--{name.replace('_', '-')}" for name in vars(parser.parse_args([]))]
    assert [option for option in options if f"`{option}" not in page] == []
    assert [fault for fault in API_FAULTS | TEAMS_FAULTS if f"`{fault}`" not in page] == []
    assert [name for name in Dialect.__dataclass_fields__ if f"`{name}`" not in page] == []
    takes = {name for kind in (API_FAULTS | TEAMS_FAULTS).values() for name in kind.takes}
    assert [name for name in takes if f"`{name}`" not in page] == []


def test_the_script_on_the_page_is_one(tmp_path: Path) -> None:
    example = PAGE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    (tmp_path / "day.toml").write_text(example, encoding="utf-8")
    assert json.dumps([*read_script(tmp_path / "day.toml").plants]) == "[19478]"
