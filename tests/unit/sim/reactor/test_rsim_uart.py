"""Circuits on real ptys, opened by pyserial like any serial port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import serial

from tests.conftest import until
from tests.unit.sim.reactor.bus import SetClock
from vigilia.sim.reactor import SimReactor


class Terminal:
    """A serial port in use, in a thread of its own."""

    def __init__(self, port: serial.Serial) -> None:
        self.port = port

    async def line(self) -> str:
        """The next line, without its CR; empty where none comes in time."""
        return (await asyncio.to_thread(self.port.read_until, b"\r")).decode("latin-1").removesuffix("\r")

    async def send(self, text: str) -> None:
        await asyncio.to_thread(self.port.write, text.encode("latin-1"))

    async def ask(self, command: str) -> list[str]:
        """All lines up to the code that ends the answer."""
        await self.send(f"{command}\r")
        lines = [await self.line()]
        while lines[-1] and lines[-1] not in {"*OK", "*ER"}:
            lines.append(await self.line())
        return lines


@asynccontextmanager
async def opened(reactor: SimReactor, name: str, *, quiet: bool = True, baud: int = 9600) -> AsyncIterator[Terminal]:
    """The port of a circuit; `quiet`: told to be, as anybody would begin."""
    path = str(reactor.ports[name].path)
    port = await asyncio.to_thread(serial.Serial, path, baud, timeout=5, exclusive=True)
    try:
        await until(lambda: reactor.ports[name].is_open)
        terminal = Terminal(port)
        if quiet:
            await terminal.ask("C,0")
            await until(lambda: reactor.circuits[name].continuous_s == 0)
            await asyncio.to_thread(port.reset_input_buffer)
        yield terminal
    finally:
        await asyncio.to_thread(port.close)


async def test_readings_come_by_themselves_until_told_not_to(reactor: SimReactor) -> None:
    async with opened(reactor, "ph", quiet=False) as terminal:
        assert [float(await terminal.line()) > 0 for _ in range(3)] == [True] * 3
        await terminal.send("C,0\r")
        line = await terminal.line()
        while line != "*OK":
            assert float(line) > 0
            line = await terminal.line()
        assert await terminal.ask("C,?") == ["?C,0", "*OK"]
        assert await terminal.ask("i") == ["?I,pH,2.16", "*OK"]


async def test_every_circuit_is_there(reactor: SimReactor) -> None:
    assert sorted(path.name for path in (reactor.folder / "uart").iterdir()) == sorted(reactor.circuits)
    for name, circuit in reactor.circuits.items():
        async with opened(reactor, name) as terminal:
            assert (await terminal.ask("i"))[0].startswith(f"?I,{circuit.letters},")


async def test_answers_and_refusals(reactor: SimReactor) -> None:
    async with opened(reactor, "ph") as terminal:
        assert await terminal.ask("T,31.5") == ["*OK"]
        assert await terminal.ask("T,?") == ["?T,31.5", "*OK"]
        reading, ok = await terminal.ask("R")
        assert (float(reading), ok) == (pytest.approx(7.2, abs=0.2), "*OK")
        assert await terminal.ask("Frobnicate") == ["*ER"]
        assert await terminal.ask("Cal,mid,7.00") == ["*OK"]
        assert await terminal.ask("Cal,?") == ["?Cal,1", "*OK"]


async def test_two_commands_at_once_are_answered_one_by_one(reactor: SimReactor) -> None:
    async with opened(reactor, "rtd") as terminal:
        await terminal.send("i\rL,?\rName,?\r")
        assert [await terminal.line() for _ in range(6)] == ["?I,RTD,2.01", "*OK", "?L,1", "*OK", "?Name,", "*OK"]


async def test_response_codes_can_be_switched_off(reactor: SimReactor) -> None:
    async with opened(reactor, "ec") as terminal:
        await terminal.send("*OK,0\rK,?\r*OK,?\r*OK,1\r")
        assert [await terminal.line() for _ in range(3)] == ["?K,1.0", "?*OK,0", "*OK"]


async def test_sleep_and_waking(reactor: SimReactor) -> None:
    async with opened(reactor, "do") as terminal:
        assert await terminal.ask("Sleep") == ["*OK"]
        assert await terminal.line() == "*SL"
        await terminal.send("i\r")
        assert await terminal.line() == "*WA"
        assert (await terminal.ask("i"))[0] == "?I,D.O.,1.98"


async def test_another_speed(reactor: SimReactor) -> None:
    async with opened(reactor, "orp") as terminal:
        assert await terminal.ask("Baud,?") == ["?Baud,9600", "*OK"]
        await terminal.send("Baud,19200\r")
        assert await terminal.line() == "*OK,19200"
        terminal.port.timeout = 0.1
        assert await terminal.ask("i") == [""], "nobody listens at the old speed"
        terminal.port.timeout = 5
        terminal.port.baudrate = 19200
        assert await terminal.ask("i") == ["?I,OR,1.97", "*OK"]
        assert await terminal.ask("Baud,1234") == ["*ER"]


async def test_readings_at_the_wrong_speed_are_noise(reactor: SimReactor) -> None:
    async with opened(reactor, "rtd", quiet=False, baud=115200) as terminal:
        heard = await asyncio.to_thread(terminal.port.read, 6)
        assert heard
        assert all(byte >= 128 for byte in heard)


async def test_into_i2c_mode_it_is_silent(reactor: SimReactor) -> None:
    async with opened(reactor, "hum") as terminal:
        await terminal.ask("Plock,1")
        assert await terminal.ask("I2C,111") == ["*ER"]
        await terminal.ask("Plock,0")
        await terminal.send("I2C,77\r")
        await until(lambda: reactor.circuits["hum"].ways == {"i2c"})
        terminal.port.timeout = 0.1
        assert await terminal.ask("i") == [""]
        assert reactor.circuits["hum"].address == 77


async def test_a_power_cut_is_told_when_it_is_over(reactor: SimReactor) -> None:
    async with opened(reactor, "ec") as terminal:
        assert await terminal.ask("T,30") == ["*OK"]
        await reactor.inject("power-cut", parts=["ec"], reason="B")
        terminal.port.timeout = 0.1
        assert await terminal.ask("i") == [""]
        terminal.port.timeout = 5
        await reactor.clear_faults()
        assert [await terminal.line(), await terminal.line()] == ["*RS", "*RE"]
        await until(lambda: reactor.circuits["ec"].answers("uart"))
        assert await terminal.ask("Status") == ["?Status,B,5.04", "*OK"]
        assert await terminal.ask("T,?") == ["?T,25", "*OK"]


async def test_a_pump_tells_when_it_is_done(reactor: SimReactor, clock: SetClock) -> None:
    async with opened(reactor, "acid", quiet=False) as terminal:
        assert await terminal.ask("C,?") == ["?C,*", "*OK"]
        assert await terminal.ask("C,0") == ["*OK"]
        assert await terminal.ask("D,0.2") == ["*MINVOL", "*ER"]
        assert await terminal.ask("D,3") == ["*OK"]
        clock.at += 60
        assert await terminal.line() == "*DONE,3.00"
        assert await terminal.ask("D,5") == ["*OK"]
        await terminal.send("X\r")
        assert await terminal.line() == "*DONE,0.00"
        await reactor.inject("no-motor-supply", parts=["acid"])
        assert await terminal.ask("D,1") == ["*UV,PUMPPWR,0.00", "*ER"]


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("nack", ""),
        ("busy", ""),
        ("no-data", ""),
        ("refused", "*ER"),
        ("empty", "*OK"),
        ("cut", "?I,RT"),
    ],
)
async def test_faults(reactor: SimReactor, fault: str, answer: str) -> None:
    async with opened(reactor, "rtd") as terminal:
        await reactor.inject(fault, parts=["rtd"], count=1)
        await terminal.send("i\r")
        # What ends without CR, or never comes, is known by its time alone.
        terminal.port.timeout = 5 if answer.startswith("*") else 1.5 if answer else 0.2
        assert await terminal.line() == answer
        terminal.port.timeout = 5
        assert await terminal.ask("i") == ["?I,RTD,2.01", "*OK"]


async def test_a_line_that_vanishes_hangs_up_and_returns(reactor: SimReactor) -> None:
    port = reactor.ports["rtd"]
    async with opened(reactor, "rtd") as terminal:
        await reactor.inject("vanish", places=["uart"])
        assert not port.path.is_symlink()
        with pytest.raises(OSError):  # noqa: PT011 - which of them depends on what notices first
            await terminal.ask("i")
    await reactor.clear_faults()
    async with opened(reactor, "rtd") as terminal:
        assert (await terminal.ask("i"))[0] == "?I,RTD,2.01"


async def test_readings_that_nobody_heard_are_gone(reactor: SimReactor) -> None:
    async with opened(reactor, "co2") as terminal:
        assert (await terminal.ask("C,1"))[-1] == "*OK"
    await until(lambda: not reactor.ports["co2"].is_open)
    await asyncio.sleep(0.3)  # in which 30 readings would have come
    reactor.circuits["co2"].pace = 1.0
    async with opened(reactor, "co2", quiet=False) as terminal:
        await terminal.send("C,0\r")
        lines = [await terminal.line()]
        while lines[-1] != "*OK":
            lines.append(await terminal.line())
        assert len(lines) < 10


async def test_readings_that_come_by_themselves_are_spoilt_too(reactor: SimReactor) -> None:
    async with opened(reactor, "rtd", quiet=False) as terminal:
        await reactor.inject("four-values", parts=["rtd"])
        lines = [await terminal.line()]
        while "," not in lines[-1]:
            lines.append(await terminal.line())
        assert lines[-1].split(",")[1:] == ["252", "0.23", "1.000"]
        await reactor.inject("garbage", parts=["rtd"])
        while "252" in lines[-1]:
            lines.append(await terminal.line())
        await reactor.clear_faults()
        while not lines[-1].startswith("24.0"):
            lines.append(await terminal.line())
