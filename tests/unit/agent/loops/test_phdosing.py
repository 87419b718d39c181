"""Dosing by pH: it acts on what it can believe, within every limit, and says why where it does not."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from tests.unit.agent.loops.rig import ScriptedProbe, loop_config, shown
from tests.unit.agent.outputs.rig import Rig, ScriptedPump, rig_in
from vigilia.agent.limits import DAY_S, Budget
from vigilia.agent.loops import Loop, make_loops
from vigilia.agent.loops import loop as module
from vigilia.agent.outputs import dosing, make_outputs
from vigilia.agent.outputs.config import PmpConfig
from vigilia.agent.parts import Measured, Rejected
from vigilia.clock import Clock
from vigilia.points import Severity

ACID = {"name": "acid", "kind": "ezo-pmp", "bus": "i2c-1", "max_dose_ml_hour": 20, "max_dose_ml_day": 100}
PH: dict[str, Any] = {
    "name": "ph-control",
    "kind": "ph-dosing",
    "sensor": "ph",
    "actuator": "acid",
    "setpoint": 7.0,
    "direction": "down",
    "dead_band": 0.2,
    "valid_range": [3.0, 11.0],
    "dose_ml": 0.5,
    "min_interval_s": 3600,
    "max_day_ml": 50,
    "enabled": True,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEP_S", 0.02)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_in(tmp_path) as rig:
        yield rig


@pytest.fixture
def circuit() -> ScriptedPump:
    return ScriptedPump()


@pytest.fixture
def probe() -> ScriptedProbe:
    return ScriptedProbe("ph", "pH")


@asynccontextmanager
async def controlled(
    rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe, acid: dict[str, Any] | None = None, **table: Any
) -> AsyncIterator[Loop]:
    config = PmpConfig.model_validate(ACID | (acid or {}))
    outputs = make_outputs([config], lambda bus, address: circuit, rig.gear)
    (loop,) = make_loops([loop_config(**PH | table)], [probe], outputs, rig.gear.clock, rig.ledger)
    async with rig.running(*outputs, loop):
        await until(lambda: any(measured.parameter == "Total" for measured in outputs[0].readings()))
        yield loop


async def test_it_does_not_dose_upon_what_people_have_just_given(
    rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe
) -> None:
    probe.reads(7.0)
    outputs = make_outputs([PmpConfig.model_validate(ACID)], lambda bus, address: circuit, rig.gear)
    (loop,) = make_loops([loop_config(**PH)], [probe], outputs, rig.gear.clock, rig.ledger)
    async with rig.running(*outputs, loop):
        await until(lambda: shown(loop)[0] == "Steady")
        await outputs[0].command("Dose", 2, "c1")
        probe.reads(7.5)
        await until(lambda: shown(loop)[0] == "Waiting")
        assert circuit.doses == ["D,2.00"]


async def test_it_doses_once_and_waits(rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe) -> None:
    probe.reads(7.5)
    async with controlled(rig, circuit, probe) as loop:
        await until(lambda: shown(loop)[0] == "Waiting")
        assert circuit.doses == ["D,0.50"]
        probe.reads(7.6)
        await until(lambda: "min_interval_s = 3600" in shown(loop)[1])
        assert circuit.doses == ["D,0.50"]
    async with controlled(rig, circuit, probe) as loop:
        await until(lambda: shown(loop)[0] == "Waiting")
        assert circuit.doses == ["D,0.50"], "a restart does not shorten the wait"


@pytest.mark.parametrize(
    ("direction", "value", "doses"),
    [("down", 7.3, 1), ("down", 7.1, 0), ("down", 6.0, 0), ("up", 6.7, 1), ("up", 6.9, 0), ("up", 8.0, 0)],
)
async def test_only_beyond_the_dead_band_and_on_its_own_side(
    rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe, direction: str, value: float, doses: int
) -> None:
    probe.reads(value)
    async with controlled(rig, circuit, probe, direction=direction) as loop:
        await until(lambda: shown(loop)[0] == ("Waiting" if doses else "Steady"))
        assert len(circuit.doses) == doses


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda probe: probe.reads(9.0, Severity.INVALID, "nobody answers"), "INVALID: nobody answers"),
        (lambda probe: probe.reads(11.1), "outside valid_range"),
        (lambda probe: probe.reads(float("nan")), "outside valid_range"),
        (lambda probe: probe.reads(2.9), "outside valid_range"),
        (lambda probe: probe.reads(None), "never read"),
        (lambda probe: setattr(probe, "newest", None), "never read"),
        (lambda probe: setattr(probe, "calibrating", True), "being calibrated"),
    ],
)
async def test_it_holds_on_what_it_cannot_believe(
    rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe, spoil: Any, reason: str
) -> None:
    probe.reads(9.0)
    spoil(probe)
    async with controlled(rig, circuit, probe) as loop:
        await until(lambda: reason in shown(loop)[1])
        state = loop.readings()[0]
        assert (shown(loop)[0], state.severity) == ("Holding", Severity.MINOR)
        assert not circuit.doses
        probe.calibrating = False
        probe.reads(9.0)
        await until(lambda: len(circuit.doses) == 1)


async def test_it_holds_on_a_reading_that_stays_the_same(
    rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALE_S", 0.2)
    monkeypatch.setattr(module, "_READING_S", 0.2)
    probe.reads(7.0)
    async with controlled(rig, circuit, probe) as loop:
        await until(lambda: "stale" in shown(loop)[1])
        # A reading whose time is an hour away, either way, is none the older for it.
        assert probe.newest is not None
        probe.newest = probe.newest._replace(value=7.05, time=probe.newest.time - 3600)
        await until(lambda: shown(loop)[0] == "Steady")
        probe.newest = probe.newest._replace(value=7.05, time=probe.newest.time + 7200)
        await until(lambda: "stale" in shown(loop)[1])


async def test_a_fast_clock_gives_a_reading_its_real_time(
    rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.gear = replace(rig.gear, clock=Clock(speed=1000.0))
    probe.reads(7.0)
    seen: list[str] = []
    read = probe.readings

    def look() -> Sequence[Measured]:
        seen.append(shown(loop)[0])
        return read()

    async with controlled(rig, circuit, probe) as loop:
        await until(lambda: shown(loop)[0] == "Steady")
        monkeypatch.setattr(probe, "readings", look)
        await until(lambda: len(seen) >= 3)  # by that clock, half an hour
        assert set(seen) == {"Steady"}


async def test_after_a_dose_it_waits_for_a_newer_reading(rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe) -> None:
    probe.reads(7.5)
    async with controlled(rig, circuit, probe, min_interval_s=1) as loop:
        await until(lambda: "newer than the last dose" in shown(loop)[1])
        assert len(circuit.doses) == 1
        probe.reads(7.4)
        await until(lambda: len(circuit.doses) == 2)


async def test_its_own_limit_and_the_pumps_hold_it(rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe) -> None:
    probe.reads(9.0)
    async with controlled(rig, circuit, probe, dose_ml=2, max_day_ml=3, min_interval_s=1) as loop:
        await until(lambda: len(circuit.doses) == 1)
        await until(lambda: probe.reads(9.0) or "max_day_ml = 3" in shown(loop)[1])
        assert shown(loop)[0] == "Holding"
        assert len(circuit.doses) == 1
        assert rig.ledger.spent("acid", Budget(0, DAY_S, "", "ph-control")) == 2


async def test_a_loop_that_is_switched_off_stops_its_dose(
    rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe
) -> None:
    circuit.rate_ml_s = 2
    probe.reads(9.0)
    async with controlled(rig, circuit, probe, dose_ml=10) as loop:
        await until(lambda: circuit.running)
        await loop.apply("Enable", 0)
        await until(lambda: not circuit.running)
        await until(lambda: shown(loop) == ("Off", ""))
        probe.reads(9.1)
        assert loop.settings()["Enable"] == 0


async def test_settings_change_what_it_does(rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe) -> None:
    probe.reads(7.5)
    async with controlled(rig, circuit, probe, enabled=False) as loop:
        assert shown(loop)[0] == "Off"
        await loop.apply("Setpoint", 6.0)
        await loop.apply("DeadBand", 0.5)
        await loop.apply("Dose", 1.5)
        await loop.apply("Enable", 1)
        await until(lambda: bool(circuit.doses))
        assert circuit.doses == ["D,1.50"]
        assert loop.settings() == {"Setpoint": 6.0, "Enable": 1, "DeadBand": 0.5, "Dose": 1.5}
        for parameter in ("Interval", "Nonsense"):
            with pytest.raises(Rejected, match="no setting"):
                await loop.apply(parameter, 1.0)


async def test_a_pump_that_cannot_be_reached_holds_it(rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe) -> None:
    probe.reads(7.5)
    circuit.supply = 0.0
    async with controlled(rig, circuit, probe) as loop:
        await until(lambda: "no motor supply" in shown(loop)[1])
        assert shown(loop)[0] == "Holding"
        steps = loop.readings()[0].time
        await until(lambda: probe.reads(7.6) or loop.readings()[0].time > steps + 0.3)  # a dozen steps
        assert circuit.asked.count("PV,?") == 2, "at the start and for the dose: it does not ask again at each step"


async def test_what_the_declaration_says(rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe) -> None:
    async with controlled(rig, circuit, probe, max_day_ml=3) as loop:
        declared = {parameter.name: parameter for parameter in loop.declaration.parameters}
        assert declared["Setpoint"].limits == (3, 11)
        assert declared["Dose"].limits == (0.5, 3)
        assert declared["State"].labels == ("Off", "Holding", "Waiting", "Steady", "Acting")


def full_disk(rig: Rig, statement: str) -> None:
    """Have the ledger's file refuse the ends of doses, or take them again."""
    with sqlite3.connect(rig.folder / "ledger.db") as database:
        database.execute(statement)
    database.close()


async def test_an_end_of_a_dose_that_the_ledger_does_not_take_is_told_and_written_later(
    rig: Rig, circuit: ScriptedPump, probe: ScriptedProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dosing, "_POLL_S", 0.05)
    full_disk(rig, "CREATE TRIGGER full BEFORE UPDATE OF ended ON doses BEGIN SELECT raise(ABORT, 'disk is full'); END")
    probe.reads(8.0)
    async with controlled(rig, circuit, probe, min_interval_s=1) as loop:
        await until(lambda: probe.reads(8.0) or "disk is full" in shown(loop)[1])
        assert shown(loop)[0] == "Holding"
        await asyncio.sleep(0.2)  # some of its steps, and of the pump's
        probe.reads(8.0)
        assert circuit.doses == ["D,0.50"], "nothing is given while that is not known"
        full_disk(rig, "DROP TRIGGER full")
        await until(lambda: probe.reads(8.0) or len(circuit.doses) > 1)
    assert not rig.ledger.open_doses("acid")
