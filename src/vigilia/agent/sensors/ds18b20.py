"""DS18B20 thermometers, as the Linux kernel shows them (`w1_slave` of the w1_therm driver)."""

import re
from collections.abc import Sequence

from vigilia.agent.buses import OneWireBus
from vigilia.agent.parts import Access, Measured, Parameter
from vigilia.agent.sensors.config import Ds18b20Config
from vigilia.agent.sensors.sensor import LONGEST_RAW, Sensor, sensor_declaration
from vigilia.clock import Clock
from vigilia.errors import BadAnswer, printable
from vigilia.points import Kind, shorten

_LOWEST_C, _HIGHEST_C = -55.0, 125.0
_TEXT = re.compile(
    r"(?P<bytes>(?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (?P<crc>YES|NO)\n[^\n]*t=(?P<thousandths>-?\d{1,6})\n?", re.ASCII
)
_POWER_ON = (0x50, 0x05)
"""The temperature register before the first conversion: 85 °C."""


class Ds18b20(Sensor):
    """One thermometer on a 1-wire bus."""

    def __init__(self, config: Ds18b20Config, bus: OneWireBus, clock: Clock) -> None:
        place = f"{config.bus}, {config.address or 'the only one'}"
        temperature = Parameter("Temp", Kind.NUMBER, Access.READING, "°C", description="Temperature", sampled=True)
        super().__init__(sensor_declaration(config.name, config.kind, place, [temperature]), config.sample_s, clock)
        self._bus = bus
        self._identity = config.address

    async def _measure(self) -> Sequence[Measured]:
        text = await self._bus.read(self._identity or await self._only_one())
        self._keep([Measured("Raw", printable(text)[:LONGEST_RAW], self._clock.now())])
        return [Measured("Temp", parse_temperature(text), self._clock.now())]

    def _quantities(self) -> Sequence[str]:
        return ("Temp",)

    async def _only_one(self) -> str:
        found = [identity for identity in await self._bus.devices() if identity.startswith("28-")]
        if len(found) != 1:
            said = f"{len(found)} thermometers: {', '.join(found[:5])}" if found else "no thermometer"
            raise BadAnswer(f"{self._bus.name} has {said}; give the sensor the address of the one that is meant")
        return found[0]


def parse_temperature(text: str) -> float:
    """Return the temperature in °C of what the kernel writes. Raises BadAnswer."""
    found = _TEXT.fullmatch(text)
    if not found:
        raise BadAnswer(f"not what a DS18B20 gives: {shorten(text)}")
    scratchpad = bytes.fromhex(found["bytes"])
    if found["crc"] == "NO":
        raise BadAnswer("a wrong CRC: check the cable and its pull-up resistor")
    if not any(scratchpad):  # the CRC of nothing but zeros is zero, and so is right
        raise BadAnswer("nothing but zeros: the data line is held low")
    # After power-on the register says 85 °C, with 0x0C in byte 6; 85 °C that were measured have 0x10 there.
    if (scratchpad[0], scratchpad[1]) == _POWER_ON and scratchpad[6] == 0x0C:
        raise BadAnswer("85 °C of a thermometer that has not measured yet: its power failed, or is too weak")
    celsius = int(found["thousandths"]) / 1000
    if not _LOWEST_C <= celsius <= _HIGHEST_C:
        raise BadAnswer(f"{celsius:g} °C, which a DS18B20 cannot measure")
    return celsius
