"""The I2C bus over TCP, as a client sees it."""

import asyncio
import time

import pytest

from tests.conftest import until
from tests.unit.sim.reactor.bus import BusClient
from vigilia.sim.reactor import SimReactor

ADDRESSES = {"ph": 99, "ec": 100, "do": 97, "orp": 98, "rtd": 102, "hum": 111, "co2": 105, "acid": 103}


async def test_who_is_there(bus: BusClient) -> None:
    found = [address for address in range(128) if await bus.line(f"W {address}") == "OK"]
    assert found == sorted([*ADDRESSES.values(), 113, 114])
    assert await bus.line("R 50 1") == "NACK"


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("ph", "?I,pH,2.16"),
        ("ec", "?I,EC,2.16"),
        ("do", "?I,D.O.,1.98"),
        ("orp", "?I,OR,1.97"),
        ("rtd", "?I,RTD,2.01"),
        ("hum", "?I,HUM,1.0"),
        ("co2", "?I,CO2,1.00"),
        ("acid", "?I,PMP,1.06"),
    ],
)
async def test_each_says_what_it_is(bus: BusClient, name: str, identity: str) -> None:
    assert await bus.ask(ADDRESSES[name], "i") == identity


async def test_an_answer_is_waited_for_and_read_once(bus: BusClient, reactor: SimReactor) -> None:
    assert await bus.read(99, 3) == b"\xff\0\0"
    reactor.circuits["ph"].pace = 1000
    assert await bus.write(99, "R") == "OK"
    assert await bus.read(99, 4) == b"\xfe\0\0\0"
    reactor.circuits["ph"].pace = 0
    assert await bus.raw(99, "Status") == b"\x01?Status,P,5.04".ljust(40, b"\0")
    assert await bus.read(99, 2) == b"\xff\0"
    assert reactor.journal.overrun == 1


async def test_a_reading_takes_its_time(bus: BusClient, reactor: SimReactor) -> None:
    reactor.circuits["rtd"].pace = 0.5
    before = time.monotonic()
    await bus.ask(102, "r")
    assert time.monotonic() - before >= 0.3


async def test_a_short_read_cuts_the_text(bus: BusClient, reactor: SimReactor) -> None:
    reactor.circuits["ph"].pace = 0
    await bus.write(99, "i")
    assert await bus.read(99, 5) == b"\x01?I,p"
    assert await bus.read(99, 5) == b"\xff\0\0\0\0"


async def test_the_top_bit(bus: BusClient, reactor: SimReactor) -> None:
    reactor.chips["ph"].top_bit = True
    answer = await bus.raw(99, "i")
    assert answer[0] == 1
    assert bytes(byte & 0x7F for byte in answer[1:]).rstrip(b"\0") == b"?I,pH,2.16"
    assert all(byte & 0x80 for byte in answer[1:11])


async def test_a_syntax_error(bus: BusClient) -> None:
    assert await bus.ask(99, "Frobnicate") == "(2)"
    assert await bus.ask(99, "C,0") == "(2)"


@pytest.mark.parametrize(
    "line",
    ["", "W", "X 99 52", "W 128 52", "W ph 52", "W 99 5", "W 99 zz", "R 99", "R 99 0", "R 99 256", "R 99 1 1"],
)
async def test_what_is_no_transaction(bus: BusClient, line: str) -> None:
    assert (await bus.line(line)).startswith("ERR ")
    assert await bus.line("W 99") == "OK"


async def test_too_much_at_once(bus: BusClient) -> None:
    assert (await bus.line("W 99 " + "52" * 256)).startswith("ERR ")
    assert (await bus.line("W 99 " + "52" * 2000)).startswith("ERR ")
    assert await bus.line("W 99") == "", "the connection should have been closed"


async def test_sleep_and_waking(bus: BusClient, reactor: SimReactor) -> None:
    assert await bus.ask(99, "Sleep") == "(255)"
    assert reactor.circuits["ph"].is_asleep
    assert await bus.ask(99, "i") == "(255)", "what wakes it is not carried out"
    assert await bus.ask(99, "i") == "?I,pH,2.16"


async def test_another_address_is_another_place_after_a_start(bus: BusClient, reactor: SimReactor) -> None:
    reactor.circuits["ph"].pace = 0.2
    await bus.write(99, "I2C,50")
    assert await bus.line("R 99 1") == "NACK"
    assert await bus.line("R 50 1") == "NACK", "it starts anew"
    async with asyncio.timeout(5):
        while await bus.line("R 50 1") == "NACK":  # noqa: ASYNC110 - the start is over there, not here
            await asyncio.sleep(0.005)
    assert await bus.ask(50, "Status") == "?Status,S,5.04"


async def test_in_uart_mode_it_is_not_on_the_bus(bus: BusClient, reactor: SimReactor) -> None:
    assert await bus.ask(99, "Plock,1") == ""
    assert await bus.ask(99, "Baud,9600") == "(2)"
    assert await bus.ask(99, "Plock,0") == ""
    await bus.write(99, "Baud,19200")
    await asyncio.sleep(0)
    assert await bus.line("W 99") == "NACK"
    assert reactor.circuits["ph"].ways == {"uart"}


async def test_a_bus_that_stretches_holds_everybody(bus: BusClient, reactor: SimReactor) -> None:
    await reactor.inject("stretch", parts=["ph"], delay_s=0.3, count=1)
    async with BusClient(reactor) as other:
        before = time.monotonic()
        slow = asyncio.create_task(bus.write(99, "i"))
        await until(lambda: reactor.server.bus.transactions >= 1)
        assert await other.write(100, "i") == "OK"
        assert time.monotonic() - before >= 0.3
        assert slow.done()
        assert await slow == "OK"


async def test_a_bus_that_vanishes_and_returns(bus: BusClient, reactor: SimReactor) -> None:
    await reactor.inject("vanish", places=["i2c"], duration_s=0.3)
    with pytest.raises(ConnectionError):
        await BusClient(reactor).__aenter__()
    with pytest.raises((ConnectionError, AssertionError)):
        assert await bus.line("W 99") == "OK"
    await until(lambda: reactor.server.listening)
    async with BusClient(reactor) as again:
        assert await again.ask(99, "i") == "?I,pH,2.16"
