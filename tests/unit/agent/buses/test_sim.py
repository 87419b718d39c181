"""The simulated I2C bus over TCP: its lines, and what becomes of odd ones."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conftest import until
from tests.unit.agent.ezo.standin import SimBus, StandIn, sim_bus
from vigilia.agent.buses import BusError, Nack
from vigilia.agent.buses import sim as module
from vigilia.agent.buses.sim import SimulatedI2cBus


@pytest.fixture
async def equipment() -> AsyncIterator[SimBus]:
    async with sim_bus({99: StandIn()}) as equipment:
        yield equipment


@pytest.fixture
async def bus(equipment: SimBus) -> AsyncIterator[SimulatedI2cBus]:
    bus = SimulatedI2cBus("sim", equipment.address)
    yield bus
    await bus.close()


async def test_bytes_go_and_come(equipment: SimBus, bus: SimulatedI2cBus) -> None:
    await bus.write(99, b"i")
    assert await bus.read(99, 40) == b"\x01?I,pH,2.16".ljust(40, b"\0")
    assert equipment.lines == ["W 99 69", "R 99 40"]
    with pytest.raises(Nack, match=r"sim \(127\.0\.0\.1:\d+\), address 98: nobody answers"):
        await bus.read(98, 1)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("ERR bus stuck", "bus stuck"),
        ("ERR \x1b[2J", r"\\x1b"),
        ("OK xyz", "'xyz' is not hexadecimal"),
        ("what", "answers 'what'"),
        ("OK " + "00" * 2000, "does not answer"),
    ],
)
async def test_an_odd_answer_is_a_failure_of_the_bus(
    equipment: SimBus, bus: SimulatedI2cBus, answer: str, says: str
) -> None:
    equipment.answer = answer
    with pytest.raises(BusError, match=says):
        await bus.read(99, 40)
    equipment.answer = None
    assert await bus.read(99, 2) == b"\xff\0"


async def test_more_than_was_asked_for_is_cut(equipment: SimBus, bus: SimulatedI2cBus) -> None:
    equipment.answer = "OK 010203"
    assert await bus.read(99, 2) == b"\x01\x02"


async def test_an_answer_that_does_not_come_is_waited_for_no_longer_and_not_taken_for_the_next(
    equipment: SimBus, bus: SimulatedI2cBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_S", 0.05)
    equipment.answer = ""
    with pytest.raises(BusError, match=r"the transaction has not ended after 0\.05 s"):
        await bus.read(99, 40)
    monkeypatch.setattr(module, "DEADLINE_S", 5.0)
    equipment.answer = None
    await bus.write(99, b"i")
    assert (await bus.read(99, 11)) == b"\x01?I,pH,2.16"


async def test_who_gives_up_leaves_no_answer_behind(equipment: SimBus, bus: SimulatedI2cBus) -> None:
    await bus.write(99, b"i")
    equipment.answer = ""
    asked = asyncio.create_task(bus.read(99, 40))
    await until(lambda: len(equipment.lines) == 2)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    equipment.answer = None
    assert (await bus.read(99, 3)) == b"\x01?I"


async def test_a_bus_can_be_closed_at_any_time(equipment: SimBus, bus: SimulatedI2cBus) -> None:
    await bus.close()
    await bus.read(99, 1)
    await bus.close()
    await bus.close()
    await bus.read(99, 1)
    assert len(equipment.lines) == 2
