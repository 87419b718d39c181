"""The sensors of a reactor: probes on EZO circuits, and DS18B20 thermometers.

Each reads by itself, at least every 5 s, and takes a sample at its own interval; what cannot be read is INVALID, says
why, and heals by itself.
"""

from collections.abc import Mapping, Sequence

from vigilia.agent.buses import Bus, OneWireBus
from vigilia.agent.sensors.compensation import Compensation
from vigilia.agent.sensors.config import Ds18b20Config, SensorConfig, sensor_problems
from vigilia.agent.sensors.ds18b20 import Ds18b20
from vigilia.agent.sensors.ezo import Addresses, EzoSensor
from vigilia.agent.sensors.sensor import Sensor
from vigilia.clock import Clock
from vigilia.errors import ConfigError

__all__ = ["Sensor", "make_sensors"]


def make_sensors(
    configs: Sequence[SensorConfig], buses: Mapping[str, Bus], clock: Clock, taken: Mapping[tuple[str, int], str]
) -> list[Sensor]:
    """Return the sensors, in the order of their configurations. No equipment is touched before they run.

    `taken`: what else is on the buses, by bus and address: no sensor moves there, nor asks who is.
    Raises ConfigError where sensors and buses do not fit together.
    """
    if problems := sensor_problems(configs, {name: bus.kind for name, bus in buses.items()}, "configuration"):
        raise ConfigError(problems)
    addresses: Addresses = dict(taken)
    sensors = {config.name: _make(config, buses[config.bus], clock, addresses) for config in configs}
    for config in configs:
        sensor = sensors[config.name]
        if isinstance(config, Ds18b20Config) or config.compensate_with is None or not isinstance(sensor, EzoSensor):
            continue
        sensor.compensation = Compensation(sensors[config.compensate_with], clock)
    return list(sensors.values())


def _make(config: SensorConfig, bus: Bus, clock: Clock, addresses: Addresses) -> Sensor:
    if isinstance(config, Ds18b20Config):
        if not isinstance(bus, OneWireBus):
            raise ValueError(f"{config.name} is on {bus.name}, which is no 1-wire bus")
        return Ds18b20(config, bus, clock)
    return EzoSensor(config, bus, clock, addresses)
