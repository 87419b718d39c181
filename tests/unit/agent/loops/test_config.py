"""Loops' sections: what must be said, and what contradicts itself."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.agent.loops.rig import loop_config

PH: dict[str, Any] = {
    "name": "ph-control",
    "kind": "ph-dosing",
    "sensor": "ph",
    "actuator": "acid",
    "setpoint": 7.0,
    "direction": "down",
    "dose_ml": 0.5,
    "min_interval_s": 120,
    "max_day_ml": 50,
}
WARM: dict[str, Any] = {"name": "warm", "kind": "thermostat", "sensor": "temp", "actuator": "heater", "setpoint": 25}


def test_the_least_that_must_be_said() -> None:
    assert loop_config(**PH).enabled is False
    assert loop_config(**WARM).valid_range == [0, 60]


@pytest.mark.parametrize("key", sorted(PH.keys() - {"name"}))
def test_what_is_left_out(key: str) -> None:
    with pytest.raises(ValidationError):
        loop_config(**{name: value for name, value in PH.items() if name != key})


@pytest.mark.parametrize(
    "change",
    [
        {"valid_range": [11, 3]},
        {"valid_range": [3]},
        {"valid_range": [8.0, 11.0]},
        {"valid_range": [float("nan"), 11.0]},
        {"setpoint": float("nan")},
        {"dose_ml": 0.1},
        {"dose_ml": 60},
        {"min_interval_s": 0},
        {"direction": "both"},
        {"dead_band": -1},
        {"dead_band": float("nan")},
    ],
)
def test_what_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        loop_config(**PH | change)
