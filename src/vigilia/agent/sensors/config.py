"""The `[[sensors]]` of an agent's configuration, and how they fit together and with the buses."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vigilia.agent.buses.config import Name
from vigilia.agent.sensors.kinds import EZO_KINDS, THERMOMETERS
from vigilia.errors import Problem
from vigilia.settings import Section

INTERVAL_S = (1.0, 86_400.0)
"""Shortest and longest interval of samples, seconds: a pH circuit needs 0.9 s for a reading."""
ADDRESSES = (3, 119)
"""I2C addresses; those outside are reserved (I2C specification, 3.1.12)."""


class _Sensor(Section):
    name: Name
    bus: str
    sample_s: float = Field(default=10.0, ge=INTERVAL_S[0], le=INTERVAL_S[1])


class EzoConfig(_Sensor):
    """A probe on an EZO circuit."""

    kind: Literal["ezo-ph", "ezo-ec", "ezo-do", "ezo-orp", "ezo-rtd", "ezo-hum", "ezo-co2"]
    address: int | None = Field(default=None, ge=ADDRESSES[0], le=ADDRESSES[1])
    """On an I2C bus; None: that which circuits of the kind are sold with."""
    compensate_with: str | None = None
    """The sensor that gives the temperature; None: the circuit assumes what it was told last (25 °C, DO 20 °C)."""

    @model_validator(mode="after")
    def _check_compensation(self) -> "EzoConfig":
        if self.compensate_with is not None and not EZO_KINDS[self.kind].compensated:
            raise ValueError(f"{self.name!r} is no probe that depends on temperature; remove compensate_with")
        return self


class Ds18b20Config(_Sensor):
    """A DS18B20 thermometer on a 1-wire bus."""

    kind: Literal["ds18b20"]
    address: str | None = Field(default=None, pattern=r"^28-[0-9a-f]{12}$")
    """Its identity, "28-" and 12 hexadecimal digits; None: the only one on its bus."""


SensorConfig = Annotated[EzoConfig | Ds18b20Config, Field(discriminator="kind")]
"""One `[[sensors]]` table."""


def circuit_address(config: EzoConfig, bus_kind: str) -> int | None:
    """Return a circuit's address on an I2C bus; None on a serial line, which has none."""
    if bus_kind == "uart":
        return None
    return EZO_KINDS[config.kind].address if config.address is None else config.address


def sensor_problems(sensors: Sequence[SensorConfig], bus_kinds: Mapping[str, str], place: str) -> list[Problem]:
    """Return what is wrong between sensors and buses (their kinds by their names): `place` is the file."""
    problems: list[Problem] = []
    kinds = {sensor.name: sensor.kind for sensor in sensors}
    taken: dict[tuple[str, int | str | None], str] = {}
    for index, sensor in enumerate(sensors):
        key = f"sensors[{index}]"
        bus_kind = bus_kinds.get(sensor.bus)
        fitting = ("w1",) if isinstance(sensor, Ds18b20Config) else ("i2c", "uart", "sim")
        if bus_kind is None:
            right = f"name one of the buses: {', '.join(bus_kinds) or 'there is none'}"
            problems.append(Problem(place, f"{key}.bus", f"names {sensor.bus!r}, which is no bus", right))
            continue
        if bus_kind not in fitting:
            wrong = f"names {sensor.bus!r}, which is of kind {bus_kind}"
            problems.append(Problem(place, f"{key}.bus", wrong, f"name a bus of kind {' or '.join(fitting)}"))
            continue
        if bus_kind == "uart" and sensor.address is not None:
            right = "remove it: a serial line has one circuit"
            problems.append(Problem(place, f"{key}.address", "is given for a circuit on a serial line", right))
        where = (sensor.bus, sensor.address if isinstance(sensor, Ds18b20Config) else circuit_address(sensor, bus_kind))
        if other := taken.get(where):
            right = "give each circuit an address or a line of its own, with `I2C,n` at the circuit where need be"
            problems.append(Problem(place, f"{key}.address", f"is where {other!r} is already", right))
        taken[where] = sensor.name
        thermometer = None if isinstance(sensor, Ds18b20Config) else sensor.compensate_with
        if thermometer is not None and kinds.get(thermometer) not in THERMOMETERS:
            wrong = f"names {thermometer!r}, which is no sensor that gives a temperature"
            right = f"name a sensor of kind {', '.join(THERMOMETERS)}"
            problems.append(Problem(place, f"{key}.compensate_with", wrong, right))
    return problems
