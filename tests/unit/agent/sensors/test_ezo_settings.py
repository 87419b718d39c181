"""What can be set and asked of a sensor while it runs."""

import asyncio

import pytest

from tests.conftest import until
from tests.unit.agent.ezo.standin import StandIn, sim_bus
from tests.unit.agent.sensors.bench import SPEED, Heard, bench, ezo, running
from vigilia.agent.buses.sim import SimulatedI2cBus
from vigilia.agent.parts import Failed, Rejected
from vigilia.agent.sensors import make_sensors, moving
from vigilia.clock import Clock
from vigilia.points import Severity


async def test_the_interval_holds_from_now_on() -> None:
    async with bench({99: StandIn()}, ezo("ph", "ezo-ph", sample_s=86_400.0)) as lab:
        await until(lambda: len(lab.heard.of("pH")) == 1)
        assert lab["ph"].settings()["Interval"] == 86_400.0
        await lab["ph"].apply("Interval", 2.0)
        assert lab["ph"].settings()["Interval"] == 2.0
        await until(lambda: len(lab.heard.of("pH")) > 3)
        await lab["ph"].apply("Interval", 86_400.0)
        count = len(lab.heard.of("pH"))
        readings = lab.bus.circuits[99].log.count("R")
        await until(lambda: lab.bus.circuits[99].log.count("R") > readings + 5)
        assert len(lab.heard.of("pH")) <= count + 1  # one may have been due already


async def test_a_title_is_what_people_call_it() -> None:
    async with bench({99: StandIn()}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        assert lab["ph"].settings()["Title"] == "ph"
        lab.heard.changes.clear()
        await lab["ph"].apply("Title", "Tanque 3, pH")
        assert lab["ph"].declaration.title == lab["ph"].settings()["Title"] == "Tanque 3, pH"
        assert lab.heard.changes == ["ph"]
        for wrong in ("x" * 61, "two\nlines"):
            with pytest.raises(Rejected, match="60 printable characters") as caught:
                await lab["ph"].apply("Title", wrong)
            assert caught.value.over_limit
        assert lab["ph"].declaration.title == "Tanque 3, pH"


async def test_what_is_not_declared_is_rejected() -> None:
    async with bench({99: StandIn()}, ezo("ph", "ezo-ph")) as lab:
        with pytest.raises(Rejected, match="ph has no setting K"):
            await lab["ph"].apply("K", 1.0)
        with pytest.raises(Rejected, match="ph has no command Dose"):
            await lab["ph"].command("Dose", 1.0, "1")


@pytest.mark.parametrize(
    ("kind", "circuit", "setting", "value", "kept"),
    [
        ("ezo-ec", StandIn("EC", value="1413"), "K", 0.1, {"K": "0.10"}),
        ("ezo-do", StandIn("DO", value="8.1"), "Salinity", 36.5, {"S": "36.5,ppt", "P": "101.3"}),
        ("ezo-do", StandIn("DO", value="8.1"), "Pressure", 90.25, {"S": "0.0,ppt", "P": "90.2"}),
    ],
)
async def test_what_the_circuit_keeps_is_set_there_and_read_back(
    kind: str, circuit: StandIn, setting: str, value: float, kept: dict[str, str]
) -> None:
    async with bench({100: circuit, 97: circuit}, ezo("s", kind)) as lab:
        await until(lambda: bool(lab["s"].readings()))
        await lab["s"].apply(setting, value)
        assert circuit.kept == kept
        assert lab["s"].settings()[setting] == float(kept[setting[0]].split(",")[0])
        circuit.log.clear()
        await lab["s"].apply(setting, float(kept[setting[0]].split(",")[0]))
        assert not any(command.startswith(setting[0]) for command in circuit.log)  # it holds already


async def test_what_the_circuit_does_not_keep_is_rejected() -> None:
    ec = StandIn("EC", value="1413")
    async with bench({100: ec}, ezo("ec", "ezo-ec")) as lab:
        await until(lambda: lab.has("ec", "EC"))
        ec.replies["K,2.00"] = ""
        with pytest.raises(Rejected, match=r"K is not 2\.00 after it was set to that"):
            await lab["ec"].apply("K", 2.0)
        ec.replies["K,3.00"] = None
        with pytest.raises(Rejected, match="syntax error"):
            await lab["ec"].apply("K", 3.0)
        assert lab["ec"].settings()["K"] == 1.0
        ec.nacks_for_ever = True
        with pytest.raises(Rejected, match="address 100: nobody answers"):
            await lab["ec"].apply("K", 4.0)


async def test_a_salinity_in_other_units_is_not_passed_off_as_ppt() -> None:
    circuit = StandIn("DO", value="8.1", kept={"S": "50000,µS".replace("µ", "u"), "P": "101.3"})
    async with bench({97: circuit}, ezo("do", "ezo-do")) as lab:
        await until(lambda: lab.has("do", "DO"))
        assert lab["do"].settings().keys() == {"Interval", "Title", "Address", "Outputs", "Pressure"}
        await lab["do"].apply("Salinity", 1.0)
        assert lab["do"].settings()["Salinity"] == 1.0


async def test_outputs_are_chosen() -> None:
    ec = StandIn("EC", value="1413")
    async with bench({100: ec}, ezo("ec", "ezo-ec")) as lab:
        await until(lambda: lab.has("ec", "EC"))
        assert lab["ec"].settings()["Outputs"] == "EC"
        ec.value = "1413,0.7"
        await lab["ec"].apply("Outputs", "ec, S")
        assert ec.columns == ["EC", "S"]
        assert lab["ec"].settings()["Outputs"] == "EC,S"
        await until(lambda: lab.has("ec", "Salinity"))
        ec.value = "1413"
        await lab["ec"].apply("Outputs", "EC")
        await until(lambda: lab.newest("ec", "Salinity").severity is Severity.INVALID)
        assert lab.newest("ec", "Salinity").detail == "not among the outputs of the circuit, which are EC"
        assert lab.newest("ec", "EC").severity is Severity.NO_ALARM
        for wrong in ("", "EC,pH", "EC,,S"):
            with pytest.raises(Rejected, match="write some of EC,TDS,S,SG") as caught:
                await lab["ec"].apply("Outputs", wrong)
            assert caught.value.over_limit
        ec.replies["O,TDS,1"] = ""
        with pytest.raises(Rejected, match="its outputs are EC"):
            await lab["ec"].apply("Outputs", "EC,TDS")


async def test_what_a_circuit_always_gives_is_not_left_out() -> None:
    co2 = StandIn("CO2", value="415")
    async with bench({105: co2}, ezo("co2", "ezo-co2")) as lab:
        await until(lambda: lab.has("co2", "CO2"))
        assert lab["co2"].settings()["Outputs"] == "ppm"
        co2.value = "415,31.2"
        await lab["co2"].apply("Outputs", "ppm,t")
        await until(lambda: lab.has("co2", "SensorTemp"))
        with pytest.raises(Rejected, match="ppm cannot be left out"):
            await lab["co2"].apply("Outputs", "t")
        assert [command for command in co2.log if command.startswith("O,") and command[-1] != "?"] == ["O,t,1"]


async def test_a_circuit_that_is_at_another_address_already_is_taken_there() -> None:
    async with bench({101: StandIn(value="6.5")}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        assert lab.newest("ph", "pH").severity is Severity.INVALID
        await lab["ph"].apply("Address", 101)
        assert lab["ph"].settings()["Address"] == 101
        assert lab["ph"].declaration.place == "i2c-1, address 101"
        await until(lambda: lab.newest("ph", "pH").value == 6.5)
        assert "I2C,101" not in lab.bus.circuits[101].log


async def test_a_circuit_is_told_to_move_where_nobody_is() -> None:
    ph = StandIn()
    async with bench({99: ph}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        await lab["ph"].apply("Address", 50)
        assert lab.bus.circuits == {50: ph}
        ph.value = "6.5"
        await until(lambda: lab.newest("ph", "pH").value == 6.5)
        assert lab.newest("ph", "pH").severity is Severity.NO_ALARM
        await lab["ph"].apply("Address", 50)
        assert ph.log.count("I2C,50") == 1


async def test_an_address_that_is_taken_is_rejected() -> None:
    circuits = {99: StandIn(), 103: StandIn("PMP"), 102: StandIn("RTD", value="25.0"), 90: StandIn(replies={"i": "?"})}
    async with bench(circuits, ezo("ph", "ezo-ph"), ezo("temp", "ezo-rtd")) as lab:
        await until(lambda: lab.has("ph", "pH") and lab.has("temp", "Temp"))
        for address, says in (
            (103, "holds PMP"),
            (102, "is that of temp"),
            (112, "is that of acid"),
            (90, "does not say what it is"),
        ):
            with pytest.raises(Rejected, match=says):
                await lab["ph"].apply("Address", address)
            assert lab["ph"].settings()["Address"] == 99
        await lab["ph"].apply("Address", 99)
        await until(lambda: lab.has("ph", "pH"))
        assert lab.newest("ph", "pH").value == 7.021


async def test_two_sensors_are_not_both_let_to_one_address() -> None:
    circuits = {99: StandIn(), 98: StandIn()}
    async with bench(circuits, ezo("a", "ezo-ph"), ezo("b", "ezo-ph", address=98)) as lab:
        await until(lambda: lab.has("a", "pH") and lab.has("b", "pH"))
        outcomes = await asyncio.gather(
            lab["a"].apply("Address", 60), lab["b"].apply("Address", 60), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), Rejected]
        await lab["b"].apply("Address", 99)  # which is free now
        assert lab.bus.circuits.keys() == {60, 99}


async def test_a_circuit_that_does_not_move_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "_RESTARTS_S", 0.3)
    async with bench({99: StandIn(locked=True)}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        with pytest.raises(Rejected, match="did not move"):
            await lab["ph"].apply("Address", 60)
        await until(lambda: lab.has("ph", "pH"))
        assert lab["ph"].settings()["Address"] == 99
        await lab["ph"].apply("Interval", 2.0)
        with pytest.raises(Rejected):  # the address that was not taken is not kept from others, either
            await lab["ph"].apply("Address", 60)


async def test_with_nobody_at_either_address_it_is_looked_for_at_the_new_one() -> None:
    async with bench({}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        await lab["ph"].apply("Address", 60)
        lab.bus.circuits[60] = StandIn(value="6.5")
        await until(lambda: lab.has("ph", "pH") and lab.newest("ph", "pH").value == 6.5)


async def test_find_has_the_light_blink_and_lets_it() -> None:
    ph = StandIn()
    async with bench({99: ph}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: ph.log.count("R") > 2)
        said = await lab["ph"].command("Find", value=True, command_id="1")
        assert said == "the light of the circuit at i2c-1, address 99 blinks for 10 s"
        assert ph.log[-1] == "Find"
        await asyncio.sleep(0.3)  # six live readings, at this clock's speed
        assert ph.log[-1] == "Find"
        lab.bus.circuits.clear()
        with pytest.raises(Failed, match="address 99: nobody answers"):
            await lab["ph"].command("Find", value=True, command_id="2")


async def test_what_was_set_before_a_restart_holds_again_without_waiting_for_equipment() -> None:
    ec, first, second = StandIn("EC", value="1413,0.7"), StandIn(value="6.5"), StandIn(value="7.5")
    async with sim_bus({100: ec, 60: first, 99: second}) as simulated:
        bus = SimulatedI2cBus("i2c-1", simulated.address)
        configs = [ezo("ec", "ezo-ec"), ezo("b", "ezo-ph", address=98), ezo("a", "ezo-ph")]
        sensors = {sensor.name: sensor for sensor in make_sensors(configs, {"i2c-1": bus}, Clock(speed=SPEED), {})}
        # They exchanged places, each in its turn: b is where a stands in the configuration.
        for name, parameter, value in (
            ("ec", "K", 0.5),
            ("ec", "Outputs", "EC,S"),
            ("b", "Address", 99),
            ("a", "Address", 60),
        ):
            await sensors[name].apply(parameter, value)
        assert simulated.lines == []
        async with running(sensors.values(), Heard()):
            await until(lambda: sensors["ec"].reading("Salinity") is not None)
            assert (ec.kept["K"], ec.columns) == ("0.50", ["EC", "S"])
            assert sensors["ec"].settings()["K"] == 0.5
            await until(lambda: all(sensors[name].reading("pH") is not None for name in "ab"))
            readings = [sensors[name].reading("pH") for name in "ab"]
            assert [reading.value for reading in readings if reading] == [6.5, 7.5]
            with pytest.raises(Rejected, match="is that of b"):
                await sensors["a"].apply("Address", 99)
        await bus.close()


async def test_a_circuit_that_comes_in_place_of_another_is_set_as_that_was() -> None:
    async with bench({100: StandIn("EC", value="1413")}, ezo("ec", "ezo-ec")) as lab:
        await until(lambda: lab.has("ec", "EC"))
        await lab["ec"].apply("K", 10.0)
        lab.bus.circuits.clear()
        await until(lambda: lab.newest("ec", "EC").severity is Severity.INVALID)
        other = lab.bus.circuits[100] = StandIn("EC", value="1413")
        await until(lambda: other.kept["K"] == "10.00")
        lab.bus.circuits.clear()
        await until(lambda: lab.newest("ec", "EC").severity is Severity.INVALID)
        lab.bus.circuits[100] = StandIn("EC", value="1413", replies={"K,10.00": None})
        await until(lambda: lab.newest("ec", "EC").severity is Severity.NO_ALARM)  # and it is read all the same
        assert lab["ec"].settings()["K"] == 1.0


async def test_a_stop_that_meets_a_new_setting_is_not_swallowed() -> None:
    async with sim_bus({99: StandIn()}) as simulated:
        bus = SimulatedI2cBus("i2c-1", simulated.address)
        (sensor,) = make_sensors([ezo("ph", "ezo-ph")], {"i2c-1": bus}, Clock(), {})
        heard = Heard()
        task = asyncio.create_task(sensor.run(heard))
        await until(lambda: bool(heard.of("pH")))
        await asyncio.sleep(0.01)  # it waits for the next reading now
        await sensor.apply("Interval", 3600.0)
        await asyncio.sleep(0)
        task.cancel()
        ended, _ = await asyncio.wait([task], timeout=5)
        task.cancel()
        assert ended
        await bus.close()
