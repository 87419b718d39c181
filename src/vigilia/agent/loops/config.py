"""The `[[loops]]` sections: control loops on the agent itself, which need no server."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vigilia.agent.outputs.config import Millilitres, PartName
from vigilia.agent.outputs.orders import LEAST_ML
from vigilia.settings import Section

Range = Annotated[list[float], Field(min_length=2, max_length=2)]
"""Lowest and highest."""


class LoopSection(Section):
    """What every loop has."""

    name: PartName
    title: str = Field(default="", max_length=60)
    sensor: PartName
    actuator: PartName
    setpoint: float
    enabled: bool = False

    valid_range: Range
    """Outside it a reading is not believed, and the loop holds; also the limits of the set point."""

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        low, high = self.valid_range
        if not low < high:
            raise ValueError("has a valid_range that is empty; write [lowest, highest]")
        if not low <= self.setpoint <= high:
            raise ValueError(f"has its setpoint {self.setpoint:g} outside valid_range; write {low:g} to {high:g}")
        return self


class PhDosingConfig(LoopSection):
    """Keeps a pH by doses of an acid or a base."""

    kind: Literal["ph-dosing"]
    direction: Literal["up", "down"]
    """What the actuator does to the value."""
    dead_band: float = Field(default=0.2, ge=0, le=14)
    dose_ml: float = Field(ge=LEAST_ML, le=10_000)
    min_interval_s: float = Field(ge=1, le=604_800)
    """From the end of one dose to the next."""
    max_day_ml: Millilitres
    """What this loop may give within any 24 hours; 0: no limit but the pump's."""
    valid_range: Range = [3.0, 11.0]

    @model_validator(mode="after")
    def _check_dose(self) -> Self:
        if self.max_day_ml and self.dose_ml > self.max_day_ml:
            raise ValueError(f"has a dose_ml over its max_day_ml; write {self.max_day_ml:g} at the most")
        return self


class ThermostatConfig(LoopSection):
    """Keeps a temperature by a heater or a cooler."""

    kind: Literal["thermostat"]
    direction: Literal["up", "down"] = "up"
    """"up" for a heater, "down" for a cooler."""
    dead_band: float = Field(default=0.5, ge=0, le=50)
    duty: float = Field(default=100.0, gt=0, le=100)
    """Of a PWM output while it is on, per cent."""
    valid_range: Range = [0.0, 60.0]


LoopConfig = Annotated[PhDosingConfig | ThermostatConfig, Field(discriminator="kind")]
