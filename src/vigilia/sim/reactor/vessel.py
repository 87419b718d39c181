"""The vessel of a simulated reactor: what its water and air do under heat, air and doses.

Pure: no clock of its own. Each quantity follows its exact exponential over a step, so that long steps stay true.
"""

import math
from dataclasses import dataclass, fields
from typing import Literal

from vigilia.sim.reactor.chemistry import conductivity_factor, oxygen_saturation, ph_of, strong_ions

Liquid = Literal["acid", "base", "nutrient"]

_HEAT_J_PER_L_K = 4186.0
_STEP_S = 60.0
_STEPS = 200
ACID_MMOL_PER_ML = 1.0
"""Strength of the acid and of the base in their bottles: 1 mol/l."""
NUTRIENT_US_L_PER_ML = 400.0
"""What a millilitre of nutrient adds to a litre's conductivity at 25 °C, µS/cm."""


@dataclass(slots=True)
class Vessel:
    """A vessel's state and what it is made of. Its volume stays: an overflow takes what is dosed too much."""

    volume_l: float = 10.0
    buffer_mmol_l: float = 2.0
    mixing_s: float = 20.0
    """How long a dose takes to spread to 63 %."""
    ambient_c: float = 22.0
    heater_w: float = 100.0
    loss_w_per_k: float = 4.0
    drift_mmol_l_h: float = 0.02
    """Strong base that life in the water makes, per hour (below 0: acid)."""
    oxygen_use_mg_l_h: float = 2.0
    temperature_c: float = 24.0
    strong_mmol_l: float = strong_ions(7.2, 2.0)
    ec25_us: float = 1200.0
    oxygen_mg_l: float = 7.5
    humidity_percent: float = 60.0
    co2_ppm: float = 600.0
    heater: float = 0.0
    """How much of its power the heater gives, 0 to 1."""
    aerator: float = 0.0
    """The same of the air pump."""
    _strong_waiting: float = 0.0
    _ec_waiting: float = 0.0

    @property
    def ph(self) -> float:
        """The pH of the water as far as it is mixed."""
        return ph_of(self.strong_mmol_l, self.buffer_mmol_l)

    @ph.setter
    def ph(self, ph: float) -> None:
        self.strong_mmol_l = strong_ions(ph, self.buffer_mmol_l)
        self._strong_waiting = 0.0

    @property
    def conductivity_us(self) -> float:
        """The conductivity at the water's own temperature, µS/cm."""
        return self.ec25_us * conductivity_factor(self.temperature_c)

    @property
    def orp_mv(self) -> float:
        """The redox potential: higher with oxygen, lower with pH."""
        return 280 + 59 * (7 - self.ph) + 15 * math.log(max(0.05, self.oxygen_mg_l) / 8)

    @property
    def air_c(self) -> float:
        """The temperature of the air above the water."""
        return self.ambient_c + 0.2 * (self.temperature_c - self.ambient_c)

    def dose(self, liquid: Liquid, millilitres: float) -> None:
        """Let a liquid in; it counts as it spreads. Nothing can be taken out."""
        if millilitres <= 0:
            return
        if liquid == "nutrient":
            self._ec_waiting += millilitres * NUTRIENT_US_L_PER_ML / self.volume_l
        else:
            sign = -1 if liquid == "acid" else 1
            self._strong_waiting += sign * millilitres * ACID_MMOL_PER_ML / self.volume_l

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        steps = min(_STEPS, max(1, math.ceil(seconds / _STEP_S)))
        if seconds > 0:
            for _ in range(steps):
                self._step(seconds / steps)

    def _step(self, seconds: float) -> None:
        spread = -math.expm1(-seconds / max(0.001, self.mixing_s))
        mixed, conducting = self._strong_waiting * spread, self._ec_waiting * spread
        self._strong_waiting -= mixed
        self._ec_waiting -= conducting
        self.strong_mmol_l += mixed + self.drift_mmol_l_h * seconds / 3600
        self.ec25_us += conducting
        warmest = self.ambient_c + self.heater * self.heater_w / self.loss_w_per_k
        heat_s = self.volume_l * _HEAT_J_PER_L_K / self.loss_w_per_k
        self.temperature_c = _towards(self.temperature_c, warmest, heat_s, seconds)
        breaths_h = 1.5 + 12 * self.aerator
        full = oxygen_saturation(self.temperature_c) - self.oxygen_use_mg_l_h / breaths_h
        self.oxygen_mg_l = max(0.0, _towards(self.oxygen_mg_l, full, 3600 / breaths_h, seconds))
        moist = min(98.0, max(20.0, 55 + 2 * (self.temperature_c - self.ambient_c)))
        self.humidity_percent = _towards(self.humidity_percent, moist, 900, seconds)
        self.co2_ppm = _towards(self.co2_ppm, 420 + 400 / (1 + 4 * self.aerator), 1800, seconds)

    def describe(self) -> dict[str, float]:
        """Return every quantity by name."""
        kept = {field.name: getattr(self, field.name) for field in fields(self) if not field.name.startswith("_")}
        return kept | {
            "ph": self.ph,
            "conductivity_us": self.conductivity_us,
            "orp_mv": self.orp_mv,
            "air_c": self.air_c,
        }


def _towards(value: float, end: float, time_s: float, seconds: float) -> float:
    """Return where a first-order lag has brought `value` after `seconds`."""
    return end + (value - end) * math.exp(-seconds / time_s)
