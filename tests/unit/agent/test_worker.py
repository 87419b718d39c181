"""The agent as a process: started by its guardian, talking with a server, stopped by a signal."""

import asyncio
import errno
import os
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.agent.server import ScriptedServer
from vigilia.agent import holding
from vigilia.agent.worker import EXIT_LATER, EXIT_UNUSABLE, main
from vigilia.cli import _run
from vigilia.wire.reactor.v1 import reactor_pb2 as pb

CONFIG = """
[agent]
id = "R1"
coordinator = "127.0.0.1:{port}"
data_dir = "data"
language = "en"
[[buses]]
name = "w1"
kind = "w1"
path = "{folder}/w1"
[[sensors]]
name = "temp"
kind = "ds18b20"
bus = "w1"
sample_s = 1
[[actuators]]
name = "heater"
kind = "pwm"
chip = "{folder}/pwmchip0"
channel = 0
max_on_s = 3600
"""


def site(folder: Path, port: int) -> Path:
    """A thermometer and a PWM channel, as sysfs has them, and a configuration with both."""
    probe = folder / "w1" / "28-0123456789ab"
    probe.mkdir(parents=True)
    (probe / "w1_slave").write_text("72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n")
    (probe / "temperature").write_text("23125\n")
    channel = folder / "pwmchip0" / "pwm0"
    channel.mkdir(parents=True)
    for name in ("export", "unexport"):
        (folder / "pwmchip0" / name).touch()
    for name in ("period", "duty_cycle", "enable"):
        (channel / name).write_text("0")
    config = folder / "vigilia-agent.toml"
    config.write_text(CONFIG.format(port=port, folder=folder))
    return config


def duty(folder: Path) -> tuple[str, str]:
    channel = folder / "pwmchip0" / "pwm0"
    return (channel / "duty_cycle").read_text(), (channel / "enable").read_text()


def stored(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "data" / "samples.db")) as db:
        return db.execute("SELECT count(*) FROM samples").fetchone()[0]


@asynccontextmanager
async def agent(config: Path, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "vigilia", "agent", str(config)),
        env=os.environ | environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        async with asyncio.timeout(15):
            await process.communicate()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    scripted.now = time.time
    await scripted.start()
    yield scripted
    await scripted.stop()


def desired(name: str, part: str, value: pb.Value) -> pb.Setting:
    return pb.Setting(part=part, parameter=name, value=value, revision=1)


async def test_from_start_to_stop(tmp_path: Path, server: ScriptedServer) -> None:
    config = site(tmp_path, server.port)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    told: list[str] = []

    def listen() -> bool:
        with suppress(BlockingIOError):
            while True:
                told.extend(manager.recv(4096).decode().splitlines())
        return True

    with manager:
        manager.bind(str(tmp_path / "notify"))
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000000"}
        async with agent(config, **environment) as process:
            await until(lambda: bool(server.reports), 30)
            (request,) = server.registered
            assert [(part.name, part.kind) for part in request.parts] == [
                ("temp", "ds18b20"),
                ("heater", "pwm"),
                ("agent", "agent"),
            ]
            await until(lambda: listen() and "READY=1" in told and "WATCHDOG=1" in told)
            await until(lambda: bool(server.samples()), 30)
            assert server.samples()[0][2] == 23.125
            server.wanted["heater", "Duty"] = desired("Duty", "heater", pb.Value(number=50.0))
            server.wanted["heater", "Power"] = desired("Power", "heater", pb.Value(integer=1))
            await until(lambda: duty(tmp_path) == ("5000000", "1"), 15)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert await process.wait() == 0
            listen()
            assert "STOPPING=1" in told
    assert duty(tmp_path) == ("0", "0")
    log = (tmp_path / "data" / "logs" / "vigilia.log").read_text()
    assert "agent R1 of Vigilia" in log
    assert "Traceback" not in log


async def test_a_worker_that_is_killed_leaves_outputs_safe_and_is_started_anew(
    tmp_path: Path, server: ScriptedServer
) -> None:
    config = site(tmp_path, server.port)
    async with agent(config) as process:
        await until(lambda: bool(server.reports), 30)
        server.wanted["heater", "Duty"] = desired("Duty", "heater", pb.Value(number=50.0))
        server.wanted["heater", "Power"] = desired("Power", "heater", pb.Value(integer=1))
        await until(lambda: duty(tmp_path)[1] == "1", 15)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        boot = server.known_boot
        os.kill(int(children[0]), signal.SIGKILL)
        await until(lambda: duty(tmp_path) == ("0", "0"), 5)
        await until(lambda: server.known_boot != boot, 30)
        assert duty(tmp_path) == ("0", "0")


async def test_a_guardian_that_stood_still_starts_the_worker_anew(tmp_path: Path, server: ScriptedServer) -> None:
    async with agent(site(tmp_path, server.port)) as process:
        await until(lambda: bool(server.reports), 20)
        server.wanted["heater", "Duty"] = desired("Duty", "heater", pb.Value(number=40.0))
        server.wanted["heater", "Power"] = desired("Power", "heater", pb.Value(integer=1))
        await until(lambda: duty(tmp_path)[1] == "1", 20)
        first = server.reports[-1].boot_id
        process.send_signal(signal.SIGSTOP)
        try:
            await until(lambda: duty(tmp_path) == ("0", "0"), 20)
        finally:
            process.send_signal(signal.SIGCONT)
        await until(lambda: server.reports[-1].boot_id != first, 30)
        assert duty(tmp_path) == ("0", "0"), "its restore policy is off"


async def test_without_a_server_samples_are_kept(tmp_path: Path, server: ScriptedServer) -> None:
    config = site(tmp_path, server.port)
    await server.stop()
    log = tmp_path / "data" / "logs" / "vigilia.log"
    async with agent(config):
        await until(lambda: log.is_file() and "cannot be reached" in log.read_text(), 30)
        await until(lambda: stored(tmp_path) >= 2, 30)
    await server.start(server.port)
    async with agent(config):
        await until(lambda: len(server.samples()) >= 2, 30)


async def test_a_second_agent_on_the_same_data_is_refused(tmp_path: Path, server: ScriptedServer) -> None:
    config = site(tmp_path, server.port)
    async with agent(config):
        await until(lambda: bool(server.reports), 30)
        async with agent(config) as second, asyncio.timeout(20):
            _, said = await second.communicate()
            assert (second.returncode, said.decode()) == (
                3,
                f"vigilia agent: Another instance is running: PID {said.split(b'PID ')[1].split()[0].decode()} "
                f"holds {tmp_path}/data\n",
            )


async def test_what_is_in_the_way_of_a_start_is_said_and_ends_it(tmp_path: Path, server: ScriptedServer) -> None:
    config = site(tmp_path, server.port)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger.db").write_text("no ledger, but long enough to be looked at as a database " * 100)
    async with agent(config) as process:
        async with asyncio.timeout(30):
            _, said = await process.communicate()
        assert process.returncode == 2
        assert "cannot be used as the ledger of doses" in said.decode()


async def test_a_disk_that_is_busy_at_the_start_is_tried_again(tmp_path: Path, server: ScriptedServer) -> None:
    config = site(tmp_path, server.port)
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with agent(config) as process:
            assert process.stderr is not None
            async with asyncio.timeout(30):
                assert b"ledger" in await process.stderr.readline()
                assert b"it is started again" in await process.stderr.readline()
            other.execute("ROLLBACK")
            await until(lambda: bool(server.reports), 30)


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EROFS, EXIT_LATER), (errno.ENOSPC, EXIT_LATER), (errno.EACCES, EXIT_UNUSABLE)]
)
def test_a_disk_that_takes_nothing_may_take_it_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, code: int
) -> None:
    config = str(site(tmp_path, 50051))

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(signal, "signal", lambda *_: None)  # which the worker would take for itself
    monkeypatch.setattr(holding.os, "open", refuse)
    assert main([config]) == code
    assert "cannot be used" in capsys.readouterr().err


async def test_a_wrong_configuration_is_said_and_ends_it(tmp_path: Path) -> None:
    config = site(tmp_path, 50051)
    config.write_text(config.read_text().replace("max_on_s = 3600\n", "").replace("sample_s = 1\n", "sample = 1\n"))
    async with agent(config) as process, asyncio.timeout(20):
        _, said = await process.communicate()
        assert process.returncode == 2
    assert said.decode().splitlines() == [
        f"{config}: sensors[0].sample: is not a known key; remove it or correct its spelling",
        f"{config}: actuators[0].max_on_s: is missing; state the limit; 0 means none, on purpose",
    ]


def test_safe_makes_outputs_safe_without_an_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = site(tmp_path, 50051)
    (tmp_path / "pwmchip0" / "pwm0" / "enable").write_text("1")
    (tmp_path / "pwmchip0" / "pwm0" / "duty_cycle").write_text("7")
    assert _run(["agent", "safe", str(config)]) == 0
    assert duty(tmp_path) == ("0", "0")
    assert capsys.readouterr().out.startswith("heater: ")


def test_no_mistake_elsewhere_is_in_the_way_of_making_outputs_safe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(tmp_path, 50051)
    (tmp_path / "pwmchip0" / "pwm0" / "enable").write_text("1")
    broken = '[agent]\nid = 3\n[[actuators]]\nname = "acid"\nkind = "ezo-pmp"\nbus = "w2"\n'
    text = config.read_text().partition("[[buses]]")
    config.write_text(broken + text[1] + text[2])
    assert _run(["agent", "safe", str(config)]) == 1
    assert duty(tmp_path) == ("0", "0")
    assert "actuators[0].max_dose_ml_day: is missing" in capsys.readouterr().err


def test_scan_lists_what_is_there_and_what_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = site(tmp_path, 50051)
    assert _run(["agent", "scan", str(config)]) == 0
    assert "28-0123456789ab" in capsys.readouterr().out


def test_calibrate_names_the_sensors_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = site(tmp_path, 50051)
    assert _run(["agent", "calibrate", "nothing", str(config)]) == 2
    assert capsys.readouterr().err == f"{config}: sensors: there is none called 'nothing'; name one of temp\n"


@pytest.mark.parametrize("arguments", [["a.toml", "b.toml"], ["--fast"]])
def test_what_the_command_does_not_take(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["agent", *arguments]) == 2
    assert "usage: vigilia agent" in capsys.readouterr().err
