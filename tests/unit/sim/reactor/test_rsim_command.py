"""The command as a process of its own."""

import argparse
import asyncio
import os
import signal
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import serial

from vigilia.sim.reactor import command

SOURCE = Path(command.__file__).parents[3]


async def launch(*options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vigilia", "sim", "reactor", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, list[str]]]]:
    """The command, ready, with the words it printed after each name; told to end if it still runs."""
    process = await launch(*options)
    assert process.stdout is not None
    try:
        printed: dict[str, list[str]] = {}
        while (line := (await asyncio.wait_for(process.stdout.readline(), 30)).decode()) != "vigilia sim ready\n":
            assert line, (await process.communicate())[1].decode()
            name, *words = line.split()
            printed[name] = words
        yield process, printed
    finally:
        if process.returncode is None:
            process.terminate()  # not killed: it takes its folder away
        await asyncio.wait_for(process.communicate(), 20)


async def identity(address: str) -> bytes:
    """What the pH circuit on a bus answers to `i`."""
    reader, writer = await asyncio.open_connection(*address.split(":"))
    writer.write(f"W 99 {b'i'.hex()}\n".encode())
    assert await reader.readline() == b"OK\n"
    async with asyncio.timeout(10):
        while True:
            writer.write(b"R 99 20\n")
            answer = bytes.fromhex((await reader.readline()).decode().split()[1])
            if answer[0] != 254:
                writer.close()
                return answer
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_run_and_stop(http: aiohttp.ClientSession, tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "equipment"
    async with running("--reactors", "2", "--folder", str(folder), "--clock", "x10") as (process, printed):
        assert list(printed) == ["R1", "R2", "control"]
        assert printed["R2"][1] == str(folder / "R2")
        assert (
            await identity(printed["R1"][0]) == await identity(printed["R2"][0]) == b"\x01?I,pH,2.16".ljust(20, b"\0")
        )
        async with http.get(printed["control"][0] + "/reactors") as answer:
            listed = (await answer.json())["items"]
        assert [(reactor["name"], reactor["bus"], reactor["speed"]) for reactor in listed] == [
            ("R1", printed["R1"][0], 10.0),
            ("R2", printed["R2"][0], 10.0),
        ]
        port = await asyncio.to_thread(serial.Serial, str(folder / "R1" / "uart" / "rtd"), timeout=10)
        reading = await asyncio.to_thread(port.read_until, b"\r")
        assert float(reading) == pytest.approx(24, abs=1)
        port.close()
        (folder / "R1" / "mine").write_text("kept")
        process.send_signal(number)
        _, errors = await asyncio.wait_for(process.communicate(), 10)
        assert (process.returncode, errors) == (0, b"")
    assert [path.relative_to(folder) for path in folder.rglob("*")] == [Path("R1"), Path("R1/mine")]


async def test_a_folder_of_its_own_goes_with_it() -> None:
    async with running("--no-uart") as (process, printed):
        folder = Path(printed["R1"][1])
        assert folder.is_absolute()
        assert sorted(path.name for path in folder.iterdir()) == ["pwm", "uart", "w1"]
        assert list((folder / "uart").iterdir()) == []
        process.terminate()
        await asyncio.wait_for(process.communicate(), 10)
        assert not folder.parent.exists()


async def test_what_a_killed_one_has_left_is_no_hindrance(tmp_path: Path) -> None:
    options = ("--folder", str(tmp_path / "equipment"))
    async with running(*options) as (process, _printed):
        process.kill()
        await process.wait()
    async with running(*options) as (_process, printed):
        assert (await identity(printed["R1"][0]))[0] == 1


async def test_configuration(tmp_path: Path) -> None:
    options = ("--reactors", "2", "--folder", str(tmp_path / "f"), "--write-config", str(tmp_path / "agents"))
    async with running(*options) as (_process, printed):
        assert not (tmp_path / "agents" / "R3").exists()
        written = tomllib.loads((tmp_path / "agents" / "R2" / "vigilia-agent.toml").read_text())
        assert written["agent"]["id"] == "R2"
        buses = {bus["name"]: bus for bus in written["buses"]}
        assert buses["i2c-1"] == {"name": "i2c-1", "kind": "sim", "address": printed["R2"][0]}
        sensors = {sensor["name"]: sensor for sensor in written["sensors"]}
        assert {sensor["kind"] for sensor in sensors.values()} == {
            *("ezo-ph", "ezo-ec", "ezo-do", "ezo-orp", "ezo-rtd", "ezo-hum", "ezo-co2", "ds18b20")
        }
        assert (Path(buses["w1"]["path"]) / sensors["ds-1"]["address"] / "w1_slave").is_file()
        actuators = {actuator["name"]: actuator for actuator in written["actuators"]}
        assert (Path(actuators["heater"]["chip"]) / "export").is_file()
        assert [actuators[name]["address"] for name in ("acid", "base", "nutrient")] == [103, 113, 114]


async def test_random_faults_strike(http: aiohttp.ClientSession) -> None:
    async with running("--fault-every-s", "0.02", "--no-uart") as (_process, printed):
        async with asyncio.timeout(20):
            seen: set[str] = set()
            while len(seen) < 3:
                async with http.get(printed["control"][0] + "/reactors/R1") as answer:
                    seen |= {fault["fault"] for fault in (await answer.json())["faults"]}


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--reactors", "0"), "from 1 to 500"),
        (("--clock", "soon"), "--clock: 'soon' is no clock"),
        (("--pace", "-1"), "0 or more"),
        (("--folder", "/proc/none"), "/proc/none"),
        (("--write-config", "/proc/none"), "/proc/none"),
        (("--port", "65535", "--reactors", "2"), "cannot listen on 127.0.0.1:65536"),
    ],
)
async def test_wrong_options(options: tuple[str, ...], part: str) -> None:
    process = await launch(*options)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert b"vigilia sim ready" not in output
    assert part in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_a_taken_port_is_one_clear_line() -> None:
    async with running("--no-uart") as (_process, printed):
        process = await launch("--port", printed["R1"][0].rsplit(":", 1)[1])
        _, errors = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 2
        assert errors.decode().count("\n") == 1
        assert printed["R1"][0] in errors.decode()


def test_defaults() -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args([])
    assert (args.reactors, args.host, args.port, args.pace, args.fault_every_s) == (1, "127.0.0.1", 0, 1.0, 0.0)
