"""A circuit on a serial line, which is a real pseudo-terminal here."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.agent.ezo.standin import Pty, StandIn, pty
from vigilia.agent.buses import BusError, Nack, UartBus
from vigilia.agent.ezo import Circuit, Identity, NotUnderstood, circuit_on
from vigilia.errors import BadAnswer


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Pty]:
    async with pty(tmp_path, StandIn()) as line:
        yield line


@pytest.fixture
async def circuit(line: Pty) -> AsyncIterator[Circuit]:
    bus = UartBus("uart-1", line.device, 9600)
    yield circuit_on(bus, None, "pH")
    await bus.close()


async def test_continuous_mode_is_switched_off_before_anything_else(line: Pty, circuit: Circuit) -> None:
    line.say_unasked(b"6.9\r6.9\r6.")
    assert await circuit.ask("R") == "7.021"
    assert line.circuit.log == ["C,0", "R"]
    assert await circuit.identify() == Identity("pH", "2.16")
    assert line.circuit.log == ["C,0", "R", "i"]


async def test_a_circuit_that_was_told_to_send_no_codes_is_told_to_send_them(line: Pty, circuit: Circuit) -> None:
    line.codes = False
    assert await circuit.ask("R") == "7.021"
    assert line.circuit.log == ["C,0", "*OK,1", "C,0", "R"]


async def test_a_syntax_error_is_said_at_once(line: Pty, circuit: Circuit) -> None:
    with pytest.raises(NotUnderstood, match=r"uart-1, .*tty: a syntax error \(\*ER\)"):
        await circuit.ask("Bogus")
    assert await circuit.ask("T,25.1") == ""
    assert line.circuit.log == ["C,0", "Bogus", "T,25.1"]


async def test_noise_before_an_answer_does_not_harm_it(line: Pty, circuit: Circuit) -> None:
    line.before = b"\xff\x00\xfe\r"
    assert await circuit.ask("R") == "7.021"


async def test_noise_in_an_answer_is_a_bad_answer(line: Pty, circuit: Circuit) -> None:
    await circuit.ask("T,25.1")
    line.before = b"\xff\x81"
    with pytest.raises(BadAnswer, match="noise"):
        await circuit.ask("R")
    line.before = b""
    assert await circuit.ask("R") == "7.021"


async def test_an_answer_that_is_cut_is_a_bad_answer(line: Pty, circuit: Circuit) -> None:
    await circuit.ask("T,25.1")
    line.cut = True
    async with asyncio.timeout(10):
        with pytest.raises(BadAnswer, match="without its"):
            await circuit.ask("i")


async def test_a_silent_line_is_said_with_its_device(line: Pty, circuit: Circuit) -> None:
    line.silent = True
    async with asyncio.timeout(15):
        with pytest.raises(Nack, match=r"uart-1, .*tty: nobody answers"):
            await circuit.ask("R")


async def test_endless_noise_ends(line: Pty, circuit: Circuit) -> None:
    await circuit.ask("T,25.1")
    line.before = b"\xaa" * 3000 + b"\r"
    line.cut = True
    async with asyncio.timeout(10):
        with pytest.raises(BadAnswer):
            await circuit.ask("R")


async def test_what_a_circuit_says_unasked_is_heard(line: Pty, circuit: Circuit) -> None:
    await circuit.ask("T,25.1")
    assert circuit.heard() == []
    line.say_unasked(b"*RS\r*RE\r")
    assert await circuit.ask("R") == "7.021"
    line.before = b"*UV\r"
    assert await circuit.ask("R") == "7.021"
    assert circuit.heard() == ["*RS", "*RE", "*UV"]
    assert circuit.heard() == []


async def test_a_line_that_vanishes_and_returns_heals(line: Pty, circuit: Circuit) -> None:
    assert await circuit.ask("R") == "7.021"
    line.vanish()
    for _ in range(2):
        with pytest.raises(BusError, match=r"uart-1, .*tty: "):
            await circuit.ask("R")
    line.continuous = True
    line.appear()
    assert await circuit.ask("R") == "7.021"
    assert line.circuit.log == ["C,0", "R", "C,0", "R"]


async def test_who_gives_up_does_not_hold_the_line(line: Pty, circuit: Circuit) -> None:
    await circuit.ask("T,25.1")
    line.silent = True
    asked = asyncio.create_task(circuit.ask("R", 5.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    line.silent = False
    async with asyncio.timeout(8):
        assert await circuit.ask("T,25.1", 0.0) == ""


async def test_a_device_that_is_missing_or_taken_is_said_so(line: Pty, circuit: Circuit, tmp_path: Path) -> None:
    missing = circuit_on(UartBus("uart-2", str(tmp_path / "none"), 9600), None)
    with pytest.raises(BusError, match=r"uart-2, .*none: there is no such device: correct `device`"):
        await missing.ask("R")
    await circuit.ask("T,25.1")
    other = circuit_on(UartBus("uart-3", line.device, 9600), None)
    with pytest.raises(BusError, match="another program uses it"):
        await other.ask("R")


async def test_the_guardian_can_stop_a_pump_without_us(line: Pty, circuit: Circuit) -> None:
    assert circuit.operation("X") == ["uart", line.device, 9600, "580d"]
