"""DS18B20 thermometers, from the text that the kernel gives."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import until
from tests.unit.agent.sensors.bench import SPEED, Heard, running
from vigilia.agent.buses import OneWireBus
from vigilia.agent.parts import Rejected
from vigilia.agent.sensors import Sensor, make_sensors
from vigilia.agent.sensors.config import Ds18b20Config
from vigilia.agent.sensors.ds18b20 import parse_temperature
from vigilia.clock import Clock
from vigilia.errors import BadAnswer
from vigilia.points import Severity, Status

GOOD = "b7 01 4b 46 7f ff 09 10 55 : crc=55 YES\nb7 01 4b 46 7f ff 09 10 55 t=27437\n"
FIRST, SECOND = "28-0316a2792dff", "28-0416a2792dff"


def test_the_temperature_is_what_the_kernel_says() -> None:
    assert parse_temperature(GOOD) == 27.437
    assert parse_temperature(GOOD.replace("27437", "-10125")) == -10.125
    hot = "50 05 4b 46 7f ff 10 10 1c : crc=1c YES\n50 05 4b 46 7f ff 10 10 1c t=85000\n"
    assert parse_temperature(hot) == 85.0  # measured, and not what stands there after power-on


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not what a DS18B20 gives"),
        (GOOD[:60], "not what a DS18B20 gives"),
        (GOOD.replace("t=27437", "t=nan"), "not what a DS18B20 gives"),
        (GOOD.replace("YES", "NO"), "wrong CRC"),
        (" ".join(["00"] * 9) + " : crc=00 YES\n" + " ".join(["00"] * 9) + " t=0\n", "zeros"),
        ("50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n", "has not measured yet"),
        (GOOD.replace("27437", "127500"), "cannot measure"),
        (GOOD.replace("27437", "-127000"), "cannot measure"),
    ],
)
def test_what_is_no_measurement_is_said_to_be_none(text: str, says: str) -> None:
    with pytest.raises(BadAnswer, match=says):
        parse_temperature(text)


@given(st.text(max_size=100))
def test_any_text_is_a_temperature_or_a_bad_answer(text: str) -> None:
    with contextlib.suppress(BadAnswer):
        assert -55 <= parse_temperature(text) <= 125


def put(folder: Path, identity: str, text: str = GOOD) -> None:
    (folder / identity).mkdir(exist_ok=True)
    (folder / identity / "w1_slave").write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "devices"
    folder.mkdir()
    return folder


@contextlib.asynccontextmanager
async def thermometer(folder: Path, address: str | None = None) -> AsyncIterator[tuple[Sensor, Heard]]:
    bus = OneWireBus("w1", str(folder))
    config = Ds18b20Config(name="temp", bus="w1", kind="ds18b20", address=address)
    (sensor,) = make_sensors([config], {"w1": bus}, Clock(speed=SPEED), {})
    heard = Heard()
    async with running([sensor], heard):
        await until(lambda: sensor.reading("Temp") is not None)
        yield sensor, heard
    await bus.close()


def newest(sensor: Sensor) -> tuple[object, Severity, Status, str]:
    reading = sensor.reading("Temp")
    assert reading is not None
    return reading.value, *reading[3:]


async def test_the_only_thermometer_needs_no_address(folder: Path) -> None:
    put(folder, FIRST)
    put(folder, "10-000802deb8f0")  # another kind of device
    async with thermometer(folder) as (sensor, heard):
        assert newest(sensor) == (27.437, Severity.NO_ALARM, Status.NO_ALARM, "")
        assert [sample.value for sample in heard.of("Temp")] == [27.437]
        assert sensor.settings().keys() == {"Interval", "Title"}
        assert not sensor.calibrating
        raw = sensor.reading("Raw")
        assert raw is not None
        assert str(raw.value).startswith("b7 01 4b 46 7f ff 09 10 55 : crc=55 YES\\nb7")
        with pytest.raises(Rejected):
            await sensor.command("Calibrate", "25", "1")


async def test_of_several_one_must_be_named(folder: Path) -> None:
    put(folder, FIRST)
    put(folder, SECOND, GOOD.replace("27437", "19000"))
    async with thermometer(folder) as (sensor, _):
        value, severity, status, detail = newest(sensor)
        assert (value, severity, status) == (None, Severity.INVALID, Status.READ)
        assert f"w1 has 2 thermometers: {FIRST}, {SECOND}; give the sensor the address" in detail
    async with thermometer(folder, SECOND) as (sensor, _):
        assert newest(sensor)[0] == 19.0


async def test_one_that_is_unplugged_and_returns_heals(folder: Path) -> None:
    put(folder, FIRST)
    async with thermometer(folder, FIRST) as (sensor, _):
        shutil.rmtree(folder / FIRST)
        await until(lambda: newest(sensor)[1] is Severity.INVALID)
        assert newest(sensor)[0] == 27.437
        assert newest(sensor)[2] is Status.COMM
        assert newest(sensor)[3] == f"w1, {FIRST}: nobody answers: it is not on the bus"
        shutil.rmtree(folder)
        await until(lambda: "enable 1-Wire" in newest(sensor)[3])
        folder.mkdir()
        put(folder, FIRST, GOOD.replace("YES", "NO"))
        await until(lambda: newest(sensor)[2] is Status.READ)
        put(folder, FIRST)
        await until(lambda: newest(sensor)[1] is Severity.NO_ALARM)
