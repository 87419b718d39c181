"""A dosing pump on a serial line: the agent's own circuit and bus, and a simulated EZO-PMP on a pseudo-terminal."""

from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import until
from tests.unit.agent.outputs.rig import rig_in
from tests.unit.agent.outputs.test_pump import at_work, config_of, value_of
from vigilia.agent.buses import UartBus
from vigilia.agent.ezo import Circuit, circuit_on
from vigilia.agent.outputs import make_outputs
from vigilia.agent.outputs.pmp import Pmp
from vigilia.agent.outputs.pump import Pump
from vigilia.clock import parse_clock
from vigilia.sim.reactor import Fleet, Options, SimReactor


@pytest.fixture
async def reactor(tmp_path: Path) -> AsyncIterator[SimReactor]:
    clock = parse_clock("x20", ZoneInfo("UTC"))
    async with Fleet(["R1"], tmp_path / "sim", clock, Options(pace=0.02)) as fleet:
        yield fleet.reactors[0]


@pytest.fixture
async def circuit(reactor: SimReactor) -> AsyncIterator[Circuit]:
    bus = UartBus("uart-acid", str(reactor.ports["acid"].path), 9600)
    yield circuit_on(bus, None, "PMP")
    await bus.close()


async def test_a_dose_and_a_stop_over_a_serial_line(tmp_path: Path, reactor: SimReactor, circuit: Circuit) -> None:
    async with rig_in(tmp_path) as rig:
        [pump] = make_outputs([config_of()], lambda bus, address: circuit, rig.gear)
        assert isinstance(pump, Pump)
        async with rig.running(pump):
            await at_work(pump)
            assert await pump.command("Dose", 2, "c1") == "2 ml given"
            reactor.advance()
            assert reactor.pumps["acid"].motor.forward_nl == 2_000_000
            assert await pump.command("Stop", 1, "c2") == "stands"
            assert value_of(pump, "Dosed") == 2


async def test_a_pump_that_nothing_would_end_is_known_to_move(reactor: SimReactor, circuit: Circuit) -> None:
    pump = Pmp(circuit)
    await circuit.ask("D,*")
    assert await circuit.ask("D,?") == "?D,*,1"
    assert await pump.is_running()
    await pump.stop()
    assert not await pump.is_running()
    await until(lambda: not reactor.pumps["acid"].motor.is_running)
