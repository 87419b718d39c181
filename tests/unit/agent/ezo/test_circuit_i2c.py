"""A circuit at an address of an I2C bus: waits, retries, and what is said of what goes wrong."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conftest import until
from tests.unit.agent.ezo.standin import SimBus, StandIn, sim_bus
from vigilia.agent.buses import BusError, Nack
from vigilia.agent.buses.sim import SimulatedI2cBus
from vigilia.agent.ezo import Circuit, Health, Identity, NotUnderstood, circuit_on
from vigilia.errors import BadAnswer


@pytest.fixture
async def equipment() -> AsyncIterator[SimBus]:
    async with sim_bus({99: StandIn(), 103: StandIn("PMP", "1.03")}) as bus:
        yield bus


@pytest.fixture
async def bus(equipment: SimBus) -> AsyncIterator[SimulatedI2cBus]:
    bus = SimulatedI2cBus("i2c-1", equipment.address)
    yield bus
    await bus.close()


@pytest.fixture
def circuit(bus: SimulatedI2cBus) -> Circuit:
    return circuit_on(bus, 99, "pH")


async def test_an_answer_is_read_once_after_the_commands_own_wait(equipment: SimBus, circuit: Circuit) -> None:
    equipment.circuits[99].processing_s = 0.85
    assert await circuit.ask("R") == "7.021"
    assert equipment.lines == ["W 99 52", "R 99 40"]


async def test_a_circuit_that_needs_longer_is_read_again(equipment: SimBus, circuit: Circuit) -> None:
    equipment.circuits[99].processing_s = 0.5
    assert await circuit.identify() == Identity("pH", "2.16")
    assert equipment.lines[0] == "W 99 69"
    assert len(equipment.lines) > 2


async def test_a_circuit_that_processes_for_ever_is_given_up(equipment: SimBus, circuit: Circuit) -> None:
    equipment.circuits[99].busy_for_ever = True
    async with asyncio.timeout(10):
        with pytest.raises(BadAnswer, match=r"i2c-1, address 99: still processing 'R' after 2 s \(code 254\)"):
            await circuit.ask("R")


async def test_it_may_be_told_how_long_a_command_takes(equipment: SimBus, circuit: Circuit) -> None:
    equipment.circuits[99].processing_s = 0.15
    assert await circuit.ask("T,25.1", 0.2) == ""
    assert equipment.lines == ["W 99 542c32352e31", "R 99 40"]


async def test_a_transaction_that_is_not_acknowledged_is_tried_again(equipment: SimBus, circuit: Circuit) -> None:
    equipment.circuits[99].nacks = 2
    assert await circuit.ask("R", 0.01) == "7.021"
    assert [line[0] for line in equipment.lines] == ["W", "W", "W", "R"]
    assert equipment.circuits[99].log == ["R"]


async def test_a_read_that_is_not_acknowledged_is_tried_again_without_the_command(
    equipment: SimBus, circuit: Circuit
) -> None:
    asked = asyncio.create_task(circuit.ask("R", 0.1))
    await until(lambda: bool(equipment.lines))
    equipment.circuits[99].nacks = 2
    assert await asked == "7.021"
    assert equipment.circuits[99].log == ["R"]


async def test_nobody_at_an_address_is_said_with_bus_and_address(bus: SimulatedI2cBus) -> None:
    with pytest.raises(Nack, match=r"i2c-1 \(127\.0\.0\.1:\d+\), address 98: nobody answers"):
        await circuit_on(bus, 98).ask("R", 0.01)


async def test_what_begins_a_dose_is_never_written_twice(equipment: SimBus, bus: SimulatedI2cBus) -> None:
    pump = circuit_on(bus, 103, "PMP")
    equipment.circuits[103].nacks_for_ever = True
    for command, times in (("D,10", 1), ("DC,5,20", 1), ("D,?", 3), ("X", 3)):
        equipment.lines.clear()
        with pytest.raises(Nack):
            await pump.ask(command, 0.01)
        assert len(equipment.lines) == times, command


async def test_a_syntax_error_names_the_circuit(circuit: Circuit) -> None:
    with pytest.raises(NotUnderstood, match="i2c-1, address 99"):
        await circuit.ask("Bogus", 0.01)


async def test_answers_may_be_empty_and_hold_several_values(equipment: SimBus, circuit: Circuit) -> None:
    equipment.circuits[99].value = "466.4,252,0.23,1.000"
    assert await circuit.ask("T,25.1", 0.01) == ""
    assert await circuit.ask("R", 0.01) == "466.4,252,0.23,1.000"


async def test_the_top_bit_of_a_pi_is_masked(equipment: SimBus, circuit: Circuit) -> None:
    equipment.circuits[99].top_bit = True
    assert await circuit.query("Status") == ("P", "5.04")


async def test_two_circuits_at_one_address_are_told_of(equipment: SimBus, circuit: Circuit) -> None:
    equipment.circuits[99].replies["i"] = "?I,p@,2,@"  # what the bits of two answers at once leave
    with pytest.raises(BadAnswer, match=r"address 99 does not say what it is.*two at this address"):
        await circuit.identify()


async def test_an_empty_status_is_a_bad_answer_and_no_crash(equipment: SimBus, circuit: Circuit) -> None:
    assert await circuit.health() == Health("P", 5.04)
    equipment.circuits[99].replies["Status"] = ""
    with pytest.raises(BadAnswer, match="address 99: ''"):
        await circuit.health()


async def test_an_export_is_whole_or_none(equipment: SimBus, circuit: Circuit) -> None:
    assert await circuit.export() == "59 6F 75 20;61 72 65 21"
    equipment.circuits[99].replies["Export,?"] = "?Export,3,36"
    with pytest.raises(BadAnswer, match="2 lines of export where '3'"):
        await circuit.export()
    equipment.circuits[99].replies["Export,?"] = "2,24"  # as the data sheets have it
    assert await circuit.export() == "59 6F 75 20;61 72 65 21"
    for odd in ("", "?T,25"):
        equipment.circuits[99].replies["Export,?"] = odd
        with pytest.raises(BadAnswer, match="were announced"):
            await circuit.export()


async def test_commands_to_one_circuit_do_not_overlap(equipment: SimBus, circuit: Circuit) -> None:
    await asyncio.gather(*(circuit.ask("R", 0.02) for _ in range(5)))
    assert [line[0] for line in equipment.lines] == ["W", "R"] * 5


async def test_waits_of_several_circuits_do(equipment: SimBus, bus: SimulatedI2cBus, circuit: Circuit) -> None:
    await asyncio.gather(circuit.ask("R", 0.2), circuit_on(bus, 103).ask("i", 0.2))
    assert [line[0] for line in equipment.lines] == ["W", "W", "R", "R"]


async def test_who_gives_up_does_not_spoil_the_next_answer(equipment: SimBus, circuit: Circuit) -> None:
    equipment.circuits[99].processing_s = 0.3
    asked = asyncio.create_task(circuit.ask("R"))
    await until(lambda: bool(equipment.lines))
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    equipment.circuits[99].log.clear()
    assert await circuit.identify() == Identity("pH", "2.16")
    # The circuit was left alone until it had done with the first command.
    assert equipment.lines[1] == "W 99 69"


async def test_a_bus_that_vanishes_and_returns_heals(equipment: SimBus, circuit: Circuit) -> None:
    assert await circuit.ask("R", 0.01) == "7.021"
    await equipment.vanish()
    for _ in range(2):
        with pytest.raises(BusError, match=r"i2c-1 \(127\.0\.0\.1:\d+\), address 99: (no|the) simulator"):
            await circuit.ask("R", 0.01)
    await equipment.appear()
    assert await circuit.ask("R", 0.01) == "7.021"


async def test_a_command_that_is_not_answered_is_not_read_after(equipment: SimBus, circuit: Circuit) -> None:
    await circuit.tell("I2C,101")
    assert equipment.lines == ["W 99 4932432c313031"]
    assert equipment.circuits.keys() == {101, 103}


async def test_the_guardian_can_stop_a_pump_without_us(equipment: SimBus, bus: SimulatedI2cBus) -> None:
    assert circuit_on(bus, 103).operation("X") == ["sim", equipment.address, 103, "58"]


def test_a_circuit_needs_an_address_on_an_i2c_bus() -> None:
    with pytest.raises(ValueError, match="has no EZO circuit"):
        circuit_on(SimulatedI2cBus("sim", "127.0.0.1:1"), None)
