"""Sensors from their configuration: what they declare, and what does not fit together."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.unit.agent.sensors.bench import ezo
from vigilia.agent.buses import OneWireBus, UartBus
from vigilia.agent.buses.sim import SimulatedI2cBus
from vigilia.agent.parts import Access, Parameter, Role
from vigilia.agent.sensors import Sensor, make_sensors
from vigilia.agent.sensors.config import Ds18b20Config, SensorConfig, sensor_problems
from vigilia.clock import Clock
from vigilia.errors import ConfigError

ADAPTER: TypeAdapter[Any] = TypeAdapter(SensorConfig)
BUSES: dict[str, Any] = {
    "i2c-1": SimulatedI2cBus("i2c-1", "127.0.0.1:1"),
    "uart-1": UartBus("uart-1", "/dev/null", 9600),
    "w1": OneWireBus("w1", "/nowhere"),
}
KINDS = {name: bus.kind for name, bus in BUSES.items()}


def make(*configs: Any) -> list[Sensor]:
    return make_sensors(configs, BUSES, Clock(), {})


def by_access(sensor: Sensor, access: Access) -> dict[str, Parameter]:
    return {entry.name: entry for entry in sensor.declaration.parameters if entry.access is access}


@pytest.mark.parametrize(
    ("kind", "sampled", "settings", "place"),
    [
        ("ezo-ph", ["pH"], [], "address 99"),
        ("ezo-ec", ["EC", "TDS", "Salinity", "SG"], ["K", "Outputs"], "address 100"),
        ("ezo-do", ["DO", "Saturation"], ["Salinity", "Pressure", "Outputs"], "address 97"),
        ("ezo-orp", ["ORP"], [], "address 98"),
        ("ezo-rtd", ["Temp"], [], "address 102"),
        ("ezo-hum", ["Hum", "Temp", "DewPoint"], ["Outputs"], "address 111"),
        ("ezo-co2", ["CO2", "SensorTemp"], ["Outputs"], "address 105"),
    ],
)
def test_what_a_circuit_declares(kind: str, sampled: list[str], settings: list[str], place: str) -> None:
    (sensor,) = make(ezo("s", kind, sample_s=30.0))
    declaration = sensor.declaration
    assert (declaration.name, declaration.role, declaration.kind) == ("s", Role.SENSOR, kind)
    assert declaration.place == f"i2c-1, {place}"
    readings = by_access(sensor, Access.READING)
    assert [name for name, entry in readings.items() if entry.sampled][: len(sampled)] == sampled
    assert readings.keys() >= {"Calibration", "Calibrating", "Export", "Raw", "Voltage", "Restart"}
    assert by_access(sensor, Access.SETTING).keys() == {"Interval", "Title", "Address", *settings}
    assert by_access(sensor, Access.COMMAND).keys() == {"Calibrate", "Find"}
    assert not by_access(sensor, Access.COMMAND)["Find"].takes_value
    assert by_access(sensor, Access.SETTING)["Interval"].limits == (1.0, 86_400.0)
    assert by_access(sensor, Access.SETTING)["Address"].limits == (3, 119)
    names = [(entry.name, entry.access) for entry in declaration.parameters]
    assert len(names) == len(set(names))
    assert sensor.settings()["Interval"] == 30.0
    assert list(sensor.readings()) == []


def test_a_circuit_on_a_serial_line_has_no_address() -> None:
    (sensor,) = make(ezo("s", "ezo-ph").model_copy(update={"bus": "uart-1"}))
    assert sensor.declaration.place == "uart-1, /dev/null"
    assert "Address" not in by_access(sensor, Access.SETTING)
    assert "Address" not in sensor.settings()


def test_a_thermometer_declares_what_it_can() -> None:
    (sensor,) = make(Ds18b20Config(name="t", bus="w1", kind="ds18b20"))
    assert {entry.name for entry in sensor.declaration.parameters} == {"Temp", "Interval", "Title", "Raw"}
    assert sensor.declaration.place == "w1, the only one"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"kind": "ezo-xx"}, "ezo-xx"),
        ({"kind": "ezo-ph", "address": 2}, "greater than or equal to 3"),
        ({"kind": "ezo-ph", "address": "99"}, "valid integer"),
        ({"kind": "ezo-ph", "sample_s": 0.1}, "greater than or equal to 1"),
        ({"kind": "ezo-ph", "sample_s": float("nan")}, "less than or equal to 86400"),
        ({"kind": "ezo-orp", "compensate_with": "temp"}, "no probe that depends on temperature"),
        ({"kind": "ds18b20", "address": "10-000802deb8f0"}, "pattern"),
        ({"kind": "ds18b20", "compensate_with": "x"}, "Extra inputs"),
        ({"kind": "ezo-ph", "name": "p h"}, "pattern"),
    ],
)
def test_what_cannot_be_a_sensor(entry: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ADAPTER.validate_python({"name": "s", "bus": "b", **entry})


def test_what_does_not_fit_together_is_told_all_at_once() -> None:
    configs = [
        ezo("a", "ezo-ph"),
        ezo("b", "ezo-ec", address=99),
        ezo("c", "ezo-ph").model_copy(update={"bus": "nowhere"}),
        ezo("d", "ezo-ph").model_copy(update={"bus": "w1"}),
        ezo("e", "ezo-ph", address=99).model_copy(update={"bus": "uart-1"}),
        ezo("f", "ezo-ph").model_copy(update={"bus": "uart-1"}),
        ezo("g", "ezo-ph", address=60, compensate_with="a"),
        ezo("h", "ezo-ph", address=61, compensate_with="nobody"),
        Ds18b20Config(name="i", bus="i2c-1", kind="ds18b20"),
        Ds18b20Config(name="j", bus="w1", kind="ds18b20"),
        Ds18b20Config(name="k", bus="w1", kind="ds18b20"),
    ]
    problems = [str(problem) for problem in sensor_problems(configs, KINDS, "file")]
    assert [problem.split(":")[1].strip() for problem in problems] == [
        "sensors[1].address",
        "sensors[2].bus",
        "sensors[3].bus",
        "sensors[4].address",
        "sensors[5].address",
        "sensors[6].compensate_with",
        "sensors[7].compensate_with",
        "sensors[8].bus",
        "sensors[10].address",
    ]
    assert "is where 'a' is already; give each circuit an address or a line of its own" in problems[0]
    assert "names 'nowhere', which is no bus; name one of the buses: i2c-1, uart-1, w1" in problems[1]
    with pytest.raises(ConfigError) as caught:
        make(*configs)
    assert len(caught.value.problems) == len(problems)
