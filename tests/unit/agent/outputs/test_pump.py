"""The dosing pump: nothing over a limit, nothing twice, nothing unaccounted for."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.conftest import until
from tests.unit.agent.outputs.rig import Rig, ScriptedPump, rig_in
from vigilia.agent.ezo.protocol import NotUnderstood
from vigilia.agent.limits import DAY_S, Budget
from vigilia.agent.outputs import ActuatorConfig, make_outputs, safe_operations
from vigilia.agent.outputs.pump import Pump
from vigilia.agent.parts import Failed, Rejected
from vigilia.errors import BadAnswer, VigiliaError
from vigilia.points import Severity, Status


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_in(tmp_path) as rig:
        yield rig


@pytest.fixture
def circuit() -> ScriptedPump:
    return ScriptedPump()


def config_of(**table: Any) -> ActuatorConfig:
    base = {"name": "acid", "kind": "ezo-pmp", "bus": "i2c-1", "max_dose_ml_hour": 20, "max_dose_ml_day": 100}
    return TypeAdapter(ActuatorConfig).validate_python(base | table)


def pump_of(rig: Rig, circuit: ScriptedPump, **table: Any) -> Pump:
    (output,) = make_outputs([config_of(**table)], lambda bus, address: circuit, rig.gear)
    assert isinstance(output, Pump)
    return output


def value_of(pump: Pump, parameter: str) -> Any:
    return next((measured.value for measured in pump.readings() if measured.parameter == parameter), None)


async def at_work(pump: Pump) -> None:
    await until(lambda: value_of(pump, "Total") is not None)


def doses(rig: Rig) -> list[tuple[Any, ...]]:
    with sqlite3.connect(rig.folder / "ledger.db") as database:
        found = database.execute(
            "SELECT asked_ml, counted_ml, confirmed_ml, outcome, total_before, total_after FROM doses"
        )
        result = found.fetchall()
    database.close()
    return result


async def test_a_dose_from_begin_to_end(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.total_ml = 3.0
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        assert await pump.command("Dose", 5, "c1") == "5 ml given"
        assert circuit.doses == ["D,5.00"]
        told = circuit.asked.index("D,5.00")
        assert circuit.asked[told - 2 : told] == ["TV,?", "PV,?"]
        assert doses(rig) == [(5.0, 5.0, 5.0, "done", 3.0, 8.0)]
        assert (value_of(pump, "Dosed"), value_of(pump, "DoseHour"), value_of(pump, "DoseDay")) == (5, 5, 5)
        rig.guardian.listen()
        assert rig.guardian.armed["acid"] == [["i2c", "/dev/i2c-1", 103, "58"]]
        assert not rig.guardian.on
        order = [next(iter(message)) for message in rig.guardian.said]
        assert order.index("arm") < order.index("alive")


async def test_nothing_is_given_before_the_end_of_the_last_dose_is_recorded(rig: Rig, circuit: ScriptedPump) -> None:
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        with sqlite3.connect(rig.folder / "ledger.db") as database:
            database.execute(
                "CREATE TRIGGER full BEFORE UPDATE OF ended ON doses BEGIN SELECT raise(ABORT, 'disk is full'); END"
            )
            database.commit()
            assert await pump.command("Dose", 5, "c1") == "5 ml given"
            with pytest.raises(Rejected, match="disk is full"):
                await pump.command("Dose", 5, "c2")
            database.execute("DROP TRIGGER full")
        database.close()
        assert await pump.command("Dose", 5, "c3") == "5 ml given"
        assert circuit.doses == ["D,5.00", "D,5.00"]
    assert [dose[3] for dose in doses(rig)] == ["done", "done"]


async def test_over_a_limit_is_refused_whole(rig: Rig, circuit: ScriptedPump) -> None:
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        await pump.command("Dose", 15, "c1")
        for parameter, value in (("Dose", 5.5), ("DoseOver", "5.5,1"), ("Rate", "5.5,1")):
            with pytest.raises(Rejected, match="max_dose_ml_hour = 20") as refused:
                await pump.command(parameter, value, f"x{parameter}")
            assert refused.value.over_limit
        assert circuit.doses == ["D,15.00"]
        assert await pump.command("DoseOver", "5,0.1", "c2") == "5 ml given"
        assert circuit.doses[-1] == "D,5.00,0.1"


async def test_a_steady_rate_counts_for_all_of_it(rig: Rig, circuit: ScriptedPump) -> None:
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        assert await pump.command("Rate", "20,0.5", "c1") == "10 ml given"
        assert circuit.doses == ["DC,20.00,0.5"]
        assert value_of(pump, "DoseDay") == 10


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("Dose", 0.1),
        ("Dose", float("nan")),
        ("DoseOver", "5"),
        ("DoseOver", "5,0"),
        ("DoseOver", "5,nan"),
        ("DoseOver", "nan,1"),
        ("DoseOver", "-5,1"),
        ("DoseOver", "inf,1"),
        ("DoseOver", "5,100"),
        ("Rate", "106,0.1"),
        ("Rate", "*,1"),
        ("Rate", "5,*"),
    ],
)
async def test_what_no_pump_can_do_is_refused(rig: Rig, circuit: ScriptedPump, parameter: str, value: Any) -> None:
    pump = pump_of(rig, circuit, max_dose_ml_hour=0, max_dose_ml_day=0)
    async with rig.running(pump):
        await at_work(pump)
        with pytest.raises(Rejected) as refused:
            await pump.command(parameter, value, "c1")
        assert refused.value.over_limit
        assert not circuit.doses


async def test_without_motor_supply_it_says_so(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.supply = 0.1
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        with pytest.raises(Rejected, match=r"no motor supply: 0\.1 V"):
            await pump.command("Dose", 5, "c1")
        voltage = next(measured for measured in pump.readings() if measured.parameter == "Voltage")
        assert (voltage.severity, voltage.status) == (Severity.MAJOR, Status.STATE)
        assert not circuit.doses
        circuit.supply = 12.0
        assert await pump.command("Dose", 5, "c1") == "5 ml given"


async def test_one_dose_at_a_time(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.rate_ml_s = 5
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        first = asyncio.create_task(pump.command("Dose", 5, "c1"))
        await asyncio.sleep(0)
        with pytest.raises(Rejected, match="giving a dose"):
            await pump.command("Dose", 1, "c2")
        with pytest.raises(Rejected, match="giving a dose"):
            await pump.command("Clear", True, "c3")
        assert await first == "5 ml given"
        assert circuit.doses == ["D,5.00"]


async def test_a_command_never_doses_twice(rig: Rig, circuit: ScriptedPump) -> None:
    first = pump_of(rig, circuit)
    async with rig.running(first):
        await at_work(first)
        await first.command("Dose", 2, "c1")
        with pytest.raises(Rejected, match="taken before"):
            await first.command("Dose", 2, "c1")
    second = pump_of(rig, circuit)
    async with rig.running(second):
        await at_work(second)
        with pytest.raises(Rejected, match="taken before"):
            await second.command("Dose", 2, "c1")
    assert circuit.doses == ["D,2.00"]


async def test_stopped_by_hand_only_what_was_given_counts(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.rate_ml_s = 4
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        asked = asyncio.create_task(pump.command("Dose", 20, "c1"))
        await until(lambda: circuit.running)
        await asyncio.sleep(0.2)
        assert await pump.command("Stop", True, "c2") == "stands"
        assert not circuit.running
        with pytest.raises(Failed, match=r"gave .* of 20 ml: stopped by hand"):
            await asked
        ((asked_ml, counted, confirmed, outcome, _, _),) = doses(rig)
        assert (asked_ml, outcome) == (20, "stopped")
        assert counted == confirmed == pytest.approx(circuit.total_ml, abs=0.01)
        assert 0 < counted < 10
        assert not pump.latched, "no loop drives it"


async def test_it_stops_on_the_way_out_and_the_ledger_knows(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.rate_ml_s = 4
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        asked = asyncio.create_task(pump.command("Dose", 20, "c1"))
        await until(lambda: circuit.running)
    assert not circuit.running
    with pytest.raises(Failed, match="the agent ends"):
        await asked
    assert doses(rig)[0][3] == "stopped"
    rig.guardian.listen()
    assert not rig.guardian.on


async def test_whoever_gives_up_stops_it(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.rate_ml_s = 4
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        asked = asyncio.create_task(pump.command("Dose", 20, "c1"))
        await until(lambda: circuit.running)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        asked.cancel()
        await until(lambda: not circuit.running)
        await until(lambda: doses(rig)[0][3] == "stopped")
        rig.guardian.listen()
        assert not rig.guardian.on


async def test_whoever_gives_up_at_any_moment_leaves_nothing_open(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.rate_ml_s = 20
    pump = pump_of(rig, circuit, max_dose_ml_hour=0, max_dose_ml_day=0)
    async with rig.running(pump):
        await at_work(pump)
        for number in range(25):
            asked = asyncio.create_task(pump.command("Dose", 5, f"c{number}"))
            await asyncio.sleep(number * 0.002)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            await until(lambda: pump._giving_for is None)  # noqa: SLF001 - nothing shows it
            assert not circuit.running
            assert not rig.ledger.open_doses("acid")
        assert value_of(pump, "Dosed") == pytest.approx(circuit.total_ml, abs=0.3), "but for what totals round off"


async def test_a_pump_may_be_run_again(rig: Rig, circuit: ScriptedPump) -> None:
    pump = pump_of(rig, circuit)
    for number in range(2):
        async with rig.running(pump):
            await until(lambda: pump._ready)  # noqa: SLF001
            assert await pump.command("Dose", 1, f"c{number}") == "1 ml given"
        with pytest.raises(Rejected, match="left safe"):
            await pump.command("Dose", 1, "late")


@pytest.mark.parametrize("driven", [False, True])
async def test_a_lost_server_stops_what_people_asked(tmp_path: Path, circuit: ScriptedPump, driven: bool) -> None:
    circuit.rate_ml_s = 4
    async with rig_in(tmp_path) as rig:
        pump = pump_of(rig, circuit)
        async with rig.running(pump):
            await at_work(pump)
            if driven:
                await pump.take("ph-control")
            asked = asyncio.create_task(pump.command("Dose", 4, "c1"))
            await until(lambda: circuit.running)
            rig.contact.failsafe_after_s = 0
            if driven:
                assert await asked == "4 ml given"
                assert not pump.latched
            else:
                with pytest.raises(Failed, match="no server"):
                    await asked
                assert not circuit.running
                assert "no server" in pump.latched
                with pytest.raises(Rejected, match="safe"):
                    await pump.dose(1, "ph-control")
                rig.contact.failsafe_after_s = 30
                assert await pump.command("Dose", 1, "c2") == "1 ml given", "people's wish is newer"
                assert not pump.latched


async def test_stop_while_a_loop_drives_holds_the_loop_until_resume(rig: Rig, circuit: ScriptedPump) -> None:
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        await pump.take("ph-control")
        assert await pump.dose(1, "ph-control") == "1 ml given"
        await pump.command("Stop", True, "c1")
        with pytest.raises(Rejected, match="stopped by hand"):
            await pump.dose(1, "ph-control")
    again = pump_of(rig, circuit)
    async with rig.running(again):
        await at_work(again)
        with pytest.raises(Rejected, match="stopped by hand"):
            await again.dose(1, "ph-control")
        assert await again.command("Resume", True, "c2")
        assert await again.dose(1, "ph-control") == "1 ml given"


async def test_a_loop_has_its_own_budget(rig: Rig, circuit: ScriptedPump) -> None:
    pump = pump_of(rig, circuit)
    mine = [Budget(2, DAY_S, "max_day_ml", "ph-control")]
    async with rig.running(pump):
        await at_work(pump)
        await pump.command("Dose", 5, "c1")
        await pump.dose(1.5, "ph-control", mine)
        with pytest.raises(Rejected, match="max_day_ml = 2"):
            await pump.dose(1, "ph-control", mine)


async def test_a_pump_that_ends_early_has_failed(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.rate_ml_s = 4
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        asked = asyncio.create_task(pump.command("Dose", 20, "c1"))
        await until(lambda: circuit.running)
        await circuit.ask("X")  # somebody pressed its button
        with pytest.raises(Failed, match="ended early"):
            await asked
        assert doses(rig)[0][3] == "failed"


async def test_a_pump_that_lost_its_total_counts_in_full(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.total_ml, circuit.rate_ml_s = 50, 4
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        asked = asyncio.create_task(pump.command("Dose", 15, "c1"))
        await until(lambda: circuit.running)
        circuit.lose_power()
        with pytest.raises(Failed, match="all of which counts"):
            await asked
        assert doses(rig)[0][1:4] == (15.0, None, "unknown")
        assert value_of(pump, "DoseHour") == 15


async def test_a_bus_that_falls_silent_in_mid_dose(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.rate_ml_s = 4
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        asked = asyncio.create_task(pump.command("Dose", 15, "c1"))
        await until(lambda: circuit.running)
        circuit.fail[""] = VigiliaError("i2c-1, address 103: nobody answers")
        with pytest.raises(Failed, match="all of which counts"):
            await asked
        rig.guardian.listen()
        assert rig.guardian.on == {"acid"}, "nobody knows that it stands"
        safe = next(measured for measured in pump.readings() if measured.parameter == "Safe")
        assert (safe.severity, safe.status) == (Severity.INVALID, Status.COMM)
        with pytest.raises(Rejected, match="cannot be reached"):
            await pump.command("Dose", 1, "c2")
        circuit.fail.clear()
        await until(lambda: not circuit.running)
        await until(lambda: rig.guardian.listen() or not rig.guardian.on)
        assert value_of(pump, "DoseHour") == 15


async def test_a_command_that_nobody_acknowledged_gave_what_the_total_says(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.total_ml = 7
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        circuit.fail["D,5"] = VigiliaError("nobody answers")
        with pytest.raises(Failed, match="gave 0 of 5 ml: nobody answers"):
            await pump.command("Dose", 5, "c1")
        assert value_of(pump, "DoseHour") == 0


@pytest.mark.parametrize(
    ("before", "gave", "same_boot", "counts"),
    [
        (30.0, 2.0, True, 2.0),
        (30.0, 2.0, False, 2.0),
        (0.0, 2.0, True, 2.0),
        (0.0, 0.0, False, 9.0),
        (30.0, -30, True, 9.0),
    ],
)
async def test_what_a_crash_left_open_counts_until_the_pump_says_otherwise(
    rig: Rig, circuit: ScriptedPump, before: float, gave: float, same_boot: bool, counts: float
) -> None:
    dose = await rig.ledger.begin("acid", "c1", "", 9, [], before)
    dose.boot -= not same_boot
    circuit.total_ml = before + gave
    pump = pump_of(rig, circuit)
    assert value_of(pump, "DoseHour") == 9
    async with rig.running(pump):
        await at_work(pump)
        assert circuit.asked[0] == "X", "whatever it did, it stands"
        assert value_of(pump, "DoseHour") == counts
        assert value_of(pump, "Dosed") == counts
        with pytest.raises(Rejected, match="taken before"):
            await pump.command("Dose", 9, "c1")


async def test_continuous_is_offered_only_with_a_limit_and_never_without_end(rig: Rig, circuit: ScriptedPump) -> None:
    plain = pump_of(rig, circuit)
    assert "Continuous" not in {parameter.name for parameter in plain.declaration.parameters}
    async with rig.running(plain):
        await at_work(plain)
        with pytest.raises(Rejected, match="no command"):
            await plain.command("Continuous", True, "c1")
    limited = pump_of(rig, circuit, max_on_s=1.5)
    circuit.rate_ml_s = 1.0
    async with rig.running(limited):
        await at_work(limited)
        assert "Continuous" in {parameter.name for parameter in limited.declaration.parameters}
        said = await limited.command("Continuous", True, "c2")
        assert said.endswith("ml given")
        assert circuit.doses == ["D,2.62"], "what a pump gives in 1.5 s at the most"
        assert not circuit.running
        asked = asyncio.create_task(limited.command("Continuous", True, "c3"))
        await until(lambda: circuit.running)
        assert await limited.command("Continuous", False, "c4") == "stands"
        assert (await asked).endswith("ml given")
    over = pump_of(rig, circuit, max_on_s=60)
    async with rig.running(over):
        await at_work(over)
        with pytest.raises(Rejected, match="max_dose_ml_hour") as refused:
            await over.command("Continuous", True, "c5")
        assert refused.value.over_limit
    assert not any("*" in command for command in circuit.asked)


async def test_calibration_and_clearing(rig: Rig, circuit: ScriptedPump) -> None:
    circuit.total_ml = 5
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        assert await pump.command("Calibrate", "9.8", "c1") == "calibrated for volume"
        assert "Cal,9.80" in circuit.asked
        with pytest.raises(Rejected, match="clear"):
            await pump.command("Calibrate", "much", "c2")
        assert await pump.command("Clear", True, "c3") == "its total is 0"
        assert value_of(pump, "Total") == 0


async def test_a_disk_that_takes_nothing_gives_nothing(rig: Rig, circuit: ScriptedPump) -> None:
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        await rig.ledger.close()
        with pytest.raises(Rejected, match="ledger"):
            await pump.command("Dose", 1, "c1")
        assert not circuit.doses


async def test_what_the_declaration_says(rig: Rig, circuit: ScriptedPump) -> None:
    declared = {parameter.name: parameter for parameter in pump_of(rig, circuit).declaration.parameters}
    assert declared["Dose"].limits == (0.5, 20)
    assert safe_operations([config_of()], lambda bus, address: circuit) == {"acid": [["i2c", "/dev/i2c-1", 103, "58"]]}


async def test_a_dose_that_is_refused_ends_no_stay_in_safe(rig: Rig, circuit: ScriptedPump) -> None:
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        await pump.command("Dose", 15, "c1")
        await pump.take("ph-control")
        await pump.command("Stop", True, "c2")
        with pytest.raises(Rejected, match="max_dose_ml_hour"):
            await pump.command("Dose", 10, "c3")
        assert pump.latched, "nothing was done, so nothing has changed"
        with pytest.raises(Rejected, match="safe"):
            await pump.dose(1, "ph-control")
        await pump.command("Dose", 1, "c4")
        assert not pump.latched
    assert not rig.ledger.memory("acid").latched


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"type": "PMP-L"}, "i2c-1, address 103 holds a circuit of type PMP-L (firmware 1.06), not PMP"),
        ({"fastest_ml_min": 750.0}, "i2c-1, address 103 holds a pump of 750.00 ml/min, which is no EZO-PMP"),
        ({"type": "pH", "fail": {"X": NotUnderstood("a syntax error")}}, "holds a circuit of type pH"),
    ],
)
async def test_another_circuit_in_its_place_gives_nothing(
    rig: Rig, circuit: ScriptedPump, change: dict[str, Any], says: str
) -> None:
    right = {name: getattr(circuit, name) for name in change}
    for name, value in change.items():
        setattr(circuit, name, value)
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await until(lambda: says in pump.readings()[0].detail)
        with pytest.raises(Rejected, match=r"cannot be reached: .* holds a"):
            await pump.command("Dose", 5, "c1")
        assert circuit.doses == []
        rig.guardian.listen()
        assert not rig.guardian.on, "what is there does not pump"
        for name, value in right.items():
            setattr(circuit, name, value)
        await at_work(pump)
        assert await pump.command("Dose", 5, "c2") == "5 ml given"


async def test_a_pump_that_was_exchanged_while_nobody_answered_is_noticed(rig: Rig, circuit: ScriptedPump) -> None:
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        circuit.fail = {"TV": BadAnswer("nobody there")}
        with pytest.raises(Rejected, match="cannot be reached: nobody there"):
            await pump.command("Dose", 5, "c1")
        circuit.fail, circuit.type = {}, "PMP-L"
        with pytest.raises(Rejected, match="holds a circuit of type PMP-L"):
            await pump.command("Dose", 5, "c2")
        assert circuit.doses == []


async def test_a_long_dose_is_seen_as_it_goes_and_never_taken_back(
    rig: Rig, circuit: ScriptedPump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilia.agent.outputs.dosing._FOLLOW_S", 0.01)
    monkeypatch.setattr("vigilia.agent.outputs.dosing._LOOK_S", 0.02)
    circuit.total_ml, circuit.rate_ml_s = 3.0, 5.0
    pump = pump_of(rig, circuit)
    async with rig.running(pump):
        await at_work(pump)
        assert await pump.command("Dose", 1, "c1") == "1 ml given"
        dose = asyncio.create_task(pump.command("Dose", 15, "c2"))
        await until(lambda: bool(circuit.doses[1:]))
        assert value_of(pump, "Dosed") == 1, "nothing has been given of it yet"
        assert value_of(pump, "DoseHour") == 16, "but all of it counts"
        seen: list[float] = [value_of(pump, "Dosed")]
        circuit.supply = 8.0
        while value_of(pump, "Total") < 6:
            await asyncio.sleep(0.01)
            seen.append(value_of(pump, "Dosed"))
        assert value_of(pump, "Voltage") == 8.0
        await pump.command("Stop", 1, "c3")
        with pytest.raises(Failed, match="stopped by hand"):
            await dose
        seen.append(value_of(pump, "Dosed"))
        assert seen == sorted(seen)
        assert len(set(seen)) > 3
        given = sum(counted for _, counted, *_ in doses(rig))
        assert seen[-1] == pytest.approx(given, abs=0.02)
        assert seen[-1] < 16


async def test_what_a_crash_left_open_is_not_given_until_the_pump_says_so(rig: Rig, circuit: ScriptedPump) -> None:
    await rig.ledger.begin("acid", "", "", 5.0, [], 3.0)
    pump = pump_of(rig, circuit)
    assert value_of(pump, "Dosed") == 0
    circuit.total_ml = 4.5
    async with rig.running(pump):
        await at_work(pump)
        assert (value_of(pump, "Dosed"), value_of(pump, "DoseHour")) == (1.5, 1.5)
