"""Actuators' sections: limits must be stated, and what contradicts itself is refused."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from vigilia.agent.outputs.config import ActuatorConfig

GOOD: dict[str, dict[str, Any]] = {
    "pwm": {"name": "heater", "kind": "pwm", "pin": 18, "max_on_s": 3600},
    "relay": {"name": "pump", "kind": "relay", "pin": 17, "max_on_s": 0},
    "ezo-pmp": {"name": "acid", "kind": "ezo-pmp", "bus": "i2c-1", "max_dose_ml_hour": 20, "max_dose_ml_day": 100},
}


def parse(table: dict[str, Any]) -> ActuatorConfig:
    return TypeAdapter(ActuatorConfig).validate_python(table)


@pytest.mark.parametrize("kind", GOOD)
def test_the_least_that_must_be_said(kind: str) -> None:
    config = parse(GOOD[kind])
    assert (config.kind, config.on_lost_server, config.restore) == (kind, "safe", "off")


@pytest.mark.parametrize(
    ("kind", "key"),
    [("pwm", "max_on_s"), ("relay", "max_on_s"), ("ezo-pmp", "max_dose_ml_hour"), ("ezo-pmp", "max_dose_ml_day")],
)
def test_a_limit_that_is_left_out_is_an_error(kind: str, key: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        parse({name: value for name, value in GOOD[kind].items() if name != key})
    assert [(error["type"], error["loc"]) for error in wrong.value.errors()] == [("missing", (kind, key))]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("pwm", {"chip": 0}),
        ("pwm", {"chip": 0, "channel": 0}),
        ("pwm", {"pin": None}),
        ("pwm", {"pin": None, "channel": 0}),
        ("pwm", {"pin": 28}),
        ("pwm", {"restore": 101}),
        ("pwm", {"restore": "on"}),
        ("pwm", {"safe": {"on": True}}),
        ("pwm", {"max_on_s": 0, "safe": {"on": True, "duty": 50}}),
        ("pwm", {"safe": {"duty": 50}}),
        ("pwm", {"max_on_s": -1}),
        ("pwm", {"max_on_s": float("nan")}),
        ("pwm", {"name": "a heater"}),
        ("relay", {"safe": {"on": True, "duty": 50}}),
        ("relay", {"pin": None}),
        ("ezo-pmp", {"restore": "last"}),
        ("ezo-pmp", {"max_dose_ml_day": -1}),
        ("ezo-pmp", {"address": 128}),
        ("ezo-pmp", {"max_dose_ml": 5}),
    ],
)
def test_what_cannot_be(kind: str, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parse(GOOD[kind] | change)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("pwm", {"pin": None, "chip": 0, "channel": 1}),
        ("pwm", {"pin": None, "chip": "/tmp/tree/pwmchip0", "channel": 1, "restore": 40}),
        ("pwm", {"pin": None, "chip": 0, "channel": 1, "max_on_s": 0, "safe": {"on": True, "duty": 30.0}}),
        ("relay", {"restore": True}),
        ("relay", {"safe": {"on": True}, "active_high": False, "on_lost_server": "hold"}),
        ("ezo-pmp", {"max_dose_ml_hour": 0, "max_dose_ml_day": 0, "max_on_s": 30}),
    ],
)
def test_what_can(kind: str, change: dict[str, Any]) -> None:
    parse(GOOD[kind] | change)
