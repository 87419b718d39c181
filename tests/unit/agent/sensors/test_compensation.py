"""Readings that depend on temperature are told it, each time, as another sensor gives it."""

from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.agent.ezo.standin import StandIn, sim_bus
from tests.unit.agent.sensors.bench import SPEED, Heard, bench, ezo, running
from vigilia.agent.buses import OneWireBus
from vigilia.agent.buses.sim import SimulatedI2cBus
from vigilia.agent.sensors import compensation, make_sensors
from vigilia.agent.sensors.config import Ds18b20Config
from vigilia.clock import Clock
from vigilia.points import Severity, Status

PH = ezo("ph", "ezo-ph", compensate_with="temp")
TEMP = ezo("temp", "ezo-rtd")


async def test_a_reading_is_taken_at_the_temperature_of_another_sensor() -> None:
    ph, rtd = StandIn(), StandIn("RTD", value="31.46")
    async with bench({99: ph, 102: rtd}, TEMP, PH) as lab:
        await until(lambda: ph.degrees == 31.5 and lab.has("ph", "pH"))
        await until(lambda: lab.newest("ph", "pH").severity is Severity.NO_ALARM)
        rtd.value = "18.2"
        await until(lambda: ph.degrees == 18.2)
        assert "RT,18.2" in ph.log


async def test_firmware_without_rt_is_told_t_before_each_reading() -> None:
    ph, rtd = StandIn(), StandIn("RTD", value="31.5")
    ph.replies["RT,31.5"] = None
    async with bench({99: ph, 102: rtd}, TEMP, PH):
        await until(lambda: ph.log.count("T,31.5") > 2)
        log = [command for command in ph.log if command != "T,?"]  # which looks for a restart
        told = log.index("T,31.5")
        assert log[told - 1 : told + 4] == ["RT,31.5", "T,31.5", "R", "T,31.5", "R"]


async def test_after_a_start_the_first_temperature_is_waited_for() -> None:
    ph, rtd = StandIn(), StandIn("RTD", value="31.5", processing_s=0.1)
    async with bench({99: ph, 102: rtd}, PH, TEMP) as lab:
        await until(lambda: bool(lab.heard.of("pH")))
        assert lab.heard.of("pH")[0].severity is Severity.NO_ALARM
        assert "R" not in ph.log


async def test_a_thermometer_that_does_not_run_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compensation, "FIRST_S", 0.05)
    async with sim_bus({99: StandIn()}) as simulated:
        bus = SimulatedI2cBus("i2c-1", simulated.address)
        ph, _ = make_sensors([PH, TEMP], {"i2c-1": bus}, Clock(speed=SPEED), {})
        async with running([ph], Heard()):
            await until(lambda: ph.reading("pH") is not None)
        reading = ph.reading("pH")
        assert reading is not None
        assert reading.detail == "not compensated for temperature: temp has not been read"
        await bus.close()


async def test_before_a_temperature_is_known_a_reading_is_in_doubt() -> None:
    ph = StandIn()
    async with bench({99: ph}, PH, TEMP) as lab:
        await until(lambda: lab.has("ph", "pH") and lab.has("temp", "Temp"))
        await until(lambda: "NACK" in lab.newest("ph", "pH").detail)
        reading = lab.newest("ph", "pH")
        assert (reading.value, reading.severity, reading.status) == (7.021, Severity.MINOR, Status.STATE)
        assert reading.detail.startswith("not compensated for temperature: temp is not known: i2c-1")
        assert "RT" not in "".join(ph.log)


async def test_a_temperature_that_is_lost_stands_in_for_itself_and_is_told_of() -> None:
    ph, rtd = StandIn(), StandIn("RTD", value="31.5")
    async with bench({99: ph, 102: rtd}, TEMP, PH) as lab:
        await until(lambda: ph.degrees == 31.5 and lab.has("ph", "pH"))
        rtd.value = "-1023.000"
        await until(lambda: "measured before" in lab.newest("ph", "pH").detail)
        reading = lab.newest("ph", "pH")
        assert reading.severity is Severity.MINOR
        assert reading.detail.startswith("compensated for 31.5 °C, which was measured before: temp is not known")
        assert ph.log[-1] == "RT,31.5"
        rtd.value = "180.0"  # a heater's
        await until(lambda: "temp gives 180 °C" in lab.newest("ph", "pH").detail)
        rtd.value = "30.0"
        await until(lambda: lab.newest("ph", "pH").severity is Severity.NO_ALARM)


async def test_a_temperature_that_is_old_is_in_doubt() -> None:
    ph, rtd = StandIn(), StandIn("RTD", value="31.5")
    async with sim_bus({99: ph, 102: rtd}) as simulated:
        bus = SimulatedI2cBus("i2c-1", simulated.address)
        clock = Clock(speed=SPEED)
        sensors = {sensor.name: sensor for sensor in make_sensors([PH, TEMP], {"i2c-1": bus}, clock, {})}
        async with running([sensors["temp"]], Heard()):
            await until(lambda: sensors["temp"].reading("Temp") is not None)
        later = Clock(start=clock.now() + 3600, speed=SPEED)
        clock.now = later.now  # type: ignore[method-assign]
        async with running([sensors["ph"]], Heard()):
            await until(lambda: sensors["ph"].reading("pH") is not None)
        reading = sensors["ph"].reading("pH")
        assert reading is not None
        assert "temp was last read 36" in reading.detail
        await bus.close()


async def test_a_thermometer_on_another_bus_serves_as_well(tmp_path: Path) -> None:
    folder = tmp_path / "28-0316a2792dff"
    folder.mkdir()
    lines = "b7 01 4b 46 7f ff 0c 10 55 : crc=55 YES\nb7 01 4b 46 7f ff 0c 10 55 t=27437\n"
    (folder / "w1_slave").write_text(lines)
    ph = StandIn()
    async with sim_bus({99: ph}) as simulated:
        buses = {"i2c-1": SimulatedI2cBus("i2c-1", simulated.address), "w1": OneWireBus("w1", str(tmp_path))}
        configs = [PH, Ds18b20Config(name="temp", bus="w1", kind="ds18b20")]
        async with running(make_sensors(configs, buses, Clock(speed=SPEED), {}), Heard()):
            await until(lambda: ph.degrees == 27.4)
        for bus in buses.values():
            await bus.close()
