"""What goes wrong with circuits on the bus, and the parameters of faults."""

import time
from typing import Any

import pytest

from tests.conftest import until
from tests.unit.sim.reactor.bus import BusClient, SetClock
from vigilia.sim.reactor import FAULTS, FaultError, SimReactor


async def test_no_acknowledge(bus: BusClient, reactor: SimReactor) -> None:
    await reactor.inject("nack", parts=["ph"], count=2)
    assert await bus.write(99, "R") == "NACK"
    assert await bus.write(100, "i") == "OK"
    assert await bus.read(99) is None
    assert await bus.ask(99, "i") == "?I,pH,2.16"


async def test_busy_for_ever(bus: BusClient, reactor: SimReactor) -> None:
    await reactor.inject("busy", parts=["ph"], count=1)
    await bus.write(99, "R")
    assert [await bus.read(99, 1) for _ in range(20)] == [b"\xfe"] * 20
    assert await bus.ask(99, "i") == "?I,pH,2.16"


@pytest.mark.parametrize(
    ("fault", "answer"),
    [("no-data", "(255)"), ("refused", "(2)"), ("empty", ""), ("cut", "?I,pH")],
)
async def test_spoilt_answers(bus: BusClient, reactor: SimReactor, fault: str, answer: str) -> None:
    await reactor.inject(fault, parts=["ph"], command="i", count=1)
    assert await bus.ask(99, "L,?") == "?L,1"
    assert await bus.ask(99, "i") == answer
    assert await bus.ask(99, "i") == "?I,pH,2.16"


async def test_refused_is_not_carried_out_empty_is(bus: BusClient, reactor: SimReactor) -> None:
    for fault, kept in (("refused", "25"), ("empty", "31")):
        await reactor.inject(fault, parts=["ph"], command="T", count=1)
        await bus.ask(99, "T,31")
        assert await bus.ask(99, "T,?") == f"?T,{kept}"


async def test_a_circuit_at_work_misses_what_it_is_told(bus: BusClient, reactor: SimReactor, clock: SetClock) -> None:
    await reactor.inject("deaf", parts=["acid"], count=1)
    reactor.circuits["acid"].pace = 1000
    assert await bus.write(103, "D,10") == "OK"
    assert await bus.write(103, "X") == "OK"
    assert reactor.pumps["acid"].motor.is_running, "the X was lost"
    assert (reactor.journal.overrun, reactor.journal.since(0)[-1].reply) == (1, "(lost)")
    assert await bus.write(103, "X") == "OK"
    assert not reactor.pumps["acid"].motor.is_running


async def test_garbage(bus: BusClient, reactor: SimReactor) -> None:
    await reactor.inject("garbage", parts=["rtd"])
    heard = {await bus.ask(102, "R") for _ in range(5)}
    assert len(heard) == 5


async def test_four_values(bus: BusClient, reactor: SimReactor) -> None:
    await reactor.inject("four-values", parts=["ph"])
    assert (await bus.ask(99, "R")).split(",")[1:] == ["252", "0.23", "1.000"]
    assert (await bus.ask(99, "RT,25")).split(",")[1:] == ["252", "0.23", "1.000"]
    assert await bus.ask(99, "i") == "?I,pH,2.16"


async def test_noise_and_a_stuck_probe(bus: BusClient, reactor: SimReactor) -> None:
    assert len({await bus.ask(102, "R") for _ in range(5)}) == 1
    await reactor.inject("noise", parts=["rtd"], amplitude=0.5)
    noisy = [float(await bus.ask(102, "R")) for _ in range(20)]
    assert len(set(noisy)) > 10
    assert all(abs(value - 24.05) < 4 for value in noisy)
    await reactor.clear_faults()
    await reactor.inject("stuck", parts=["rtd"])
    before = await bus.ask(102, "R")
    reactor.vessel.temperature_c = 40.0
    assert await bus.ask(102, "R") == before
    await reactor.clear_faults()
    assert float(await bus.ask(102, "R")) == pytest.approx(40.05, abs=0.01)


async def test_a_power_cut(bus: BusClient, reactor: SimReactor) -> None:
    await bus.ask(99, "T,31")
    await reactor.inject("power-cut", parts=["ph"], duration_s=0.2, reason="W")
    assert await bus.write(99, "i") == "NACK"
    assert await bus.write(100, "i") == "OK"
    await until(lambda: reactor.circuits["ph"].answers("i2c"))
    assert await bus.ask(99, "Status") == "?Status,W,5.04"
    assert await bus.ask(99, "T,?") == "?T,25"
    assert reactor.circuits["ph"].restarts == 1


async def test_a_cut_during_a_dose(bus: BusClient, reactor: SimReactor, clock: SetClock) -> None:
    assert await bus.ask(103, "D,10,1") == ""
    clock.at += 30
    await reactor.inject("power-cut", parts=["acid"])
    clock.at += 60
    await reactor.clear_faults()
    await until(lambda: reactor.circuits["acid"].answers("i2c"))
    assert await bus.ask(103, "D,?") == "?D,0.00,0"
    assert await bus.ask(103, "TV,?") == "?TV,0.00"
    reactor.advance()
    assert reactor.pumps["acid"].motor.moved_nl == pytest.approx(5_000_000, abs=2)


async def test_a_pump_without_motor_supply(bus: BusClient, reactor: SimReactor) -> None:
    await reactor.inject("no-motor-supply", parts=["acid"])
    assert await bus.ask(103, "PV,?") == "?PV,0.00"
    assert await bus.ask(103, "D,1") == "(2)"
    assert await bus.ask(103, "TV,?") == "?TV,0.00"
    assert await bus.ask(113, "PV,?") == "?PV,12.10", "of the others nothing was said"
    await reactor.clear_faults()
    assert await bus.ask(103, "D,1") == ""


async def test_two_circuits_on_one_address(bus: BusClient, reactor: SimReactor) -> None:
    alone = await bus.raw(99, "i")
    other = await bus.raw(100, "i")
    await reactor.inject("same-address", parts=["ec"], address=99)
    both = await bus.raw(99, "i")
    assert both == bytes(one & two for one, two in zip(alone, other, strict=True))
    assert both != alone
    assert await bus.raw(100, "i") == other
    assert await bus.ask(99, "L,0") == ""
    assert not reactor.circuits["ph"].led
    assert not reactor.circuits["ec"].led, "both hear what is written"
    await reactor.clear_faults()
    assert await bus.raw(99, "i") == alone


async def test_faults_end_by_themselves(reactor: SimReactor) -> None:
    await reactor.inject("nack", duration_s=0.05)
    await reactor.inject("nack", count=1)
    assert len(reactor.faults.active(time.monotonic())) == 2
    await until(lambda: len(reactor.faults.active(time.monotonic())) == 1)


@pytest.mark.parametrize(
    ("kind", "options", "part"),
    [
        ("rust", {}, "the faults are nack"),
        ("nack", {"amplitude": 1.0}, "does not take amplitude"),
        ("noise", {}, "needs amplitude"),
        ("stretch", {"delay_s": 61.0}, "below 60"),
        ("same-address", {"address": 200}, "from 1 to 127"),
        ("nack", {"duration_s": 0.0}, "above 0"),
        ("nack", {"count": 0}, "give 1 or more"),
        ("nack", {"parts": ["xx"]}, "there are ph"),
        ("nack", {"parts": []}, "parts is empty"),
        ("vanish", {"places": ["moon"]}, "there are i2c"),
        ("power-cut", {"reason": "X"}, "give P, S, B, W or U"),
    ],
)
async def test_faults_that_make_no_sense(reactor: SimReactor, kind: str, options: dict[str, Any], part: str) -> None:
    with pytest.raises(FaultError, match=part):
        await reactor.inject(kind, **options)
    assert reactor.faults.active(0) == []


def test_every_fault_says_what_it_does() -> None:
    assert all(fault.text and (fault.needs is None or fault.needs in fault.takes) for fault in FAULTS.values())
