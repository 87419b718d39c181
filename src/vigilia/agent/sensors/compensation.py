"""The temperature that a probe's readings are compensated with: that of another sensor."""

from typing import NamedTuple

from vigilia.agent.sensors.rhythm import LIVE_S
from vigilia.agent.sensors.sensor import Sensor
from vigilia.clock import Clock
from vigilia.points import Severity

_USABLE_C = (0.0, 100.0)
"""Water is liquid there: the temperature of anything else is not that of what the probe is in."""
_FRESH_READINGS = 3
_FRESH_REAL_S = 10.0
"""A thermometer is believed for so many of its live readings, and the real time that some tries may take."""

FIRST_S = 5.0
"""Real seconds within which a thermometer that works has been read after a start."""


class Temperature(NamedTuple):
    """A temperature to compensate with."""

    celsius: float | None
    """None: none was ever known."""
    doubt: str
    """Why it is not the present one; empty where it is."""


class Compensation:
    """Takes the temperature of a named sensor; what it said last stands in while it fails."""

    def __init__(self, thermometer: Sensor, clock: Clock) -> None:
        self._thermometer = thermometer
        self._clock = clock
        self._last: float | None = None

    async def temperature(self) -> Temperature:
        """Return the temperature to compensate with now; after a start it waits a little for the first one."""
        await self._thermometer.until_read(FIRST_S)
        reading = self._thermometer.reading("Temp")
        name = self._thermometer.name
        fresh_s = _FRESH_READINGS * LIVE_S + self._clock.of_real(_FRESH_REAL_S)
        if reading is None:
            return self._without(f"{name} has not been read")
        if reading.severity is Severity.INVALID or not isinstance(reading.value, int | float):
            return self._without(f"{name} is not known: {reading.detail}")
        if abs(self._clock.now() - reading.time) > fresh_s:
            return self._without(f"{name} was last read {self._clock.now() - reading.time:.0f} s ago")
        if not _USABLE_C[0] <= reading.value <= _USABLE_C[1]:
            return self._without(f"{name} gives {reading.value:g} °C")
        self._last = float(reading.value)
        return Temperature(self._last, "")

    def _without(self, why: str) -> Temperature:
        if self._last is None:
            return Temperature(None, f"not compensated for temperature: {why}")
        return Temperature(self._last, f"compensated for {self._last:.1f} °C, which was measured before: {why}")
