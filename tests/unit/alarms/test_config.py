"""The `[alarms]` section: what it may say, and the rules that come of it."""

import pytest
from pydantic import ValidationError

from tests.unit.alarms.rig import INVERTER, PORT
from vigilia.alarms.config import AlarmsConfig, adjust
from vigilia.errors import ConfigError
from vigilia.points import Severity
from vigilia.rules import Rule


def config(*rules: dict[str, object]) -> AlarmsConfig:
    return AlarmsConfig.model_validate({"rules": list(rules)})


def test_an_entry_changes_the_declared_rule_of_its_name_and_nothing_else() -> None:
    rules = adjust([INVERTER, PORT], config({"name": "inverter", "on_count": 5, "severity": "MINOR"}), "x.toml")
    assert rules[1] == PORT
    assert (rules[0].on_count, rules[0].severity, rules[0].off_count, rules[0].low) == (5, Severity.MINOR, 3, 0.0)


def test_an_entry_of_another_name_is_a_rule_of_its_own() -> None:
    (rule,) = adjust([], config({"name": "hot", "points": "R*:Temp-Mon", "high": 30, "dead_band": 0.5}), "x.toml")
    assert rule == Rule("hot", ("R*:Temp-Mon",), "vigilia", high=30.0, dead_band=0.5)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "hot", "high": 30}, "is not declared and has no points"),
        ({"name": "hot", "points": "a"}, "says of no reading that it is bad"),
        ({"name": "hot", "points": "a", "lolo": 2, "low": 1}, "has limits out of order"),
        ({"name": "inverter", "high": -1}, "has limits out of order"),
        ({"name": "inverter", "stale_s": 60}, "has stale_s beside states or limits"),
    ],
)
def test_what_is_no_rule_by_itself_is_refused_with_its_place(entry: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=f"x.toml: alarms.rules.{entry['name']}: {words}"):
        adjust([INVERTER], config(entry), "x.toml")


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "a b", "points": "a", "low": 1},
        {"name": "a", "points": "a", "states": []},
        {"name": "a", "points": "a", "high": float("nan")},
        {"name": "a", "points": "a", "high": 1, "on_count": 0},
        {"name": "a", "points": "a", "high": 1, "severity": "INVALID!"},
        {"name": "a", "points": "a", "high": 1, "unknown": 1},
    ],
)
def test_what_cannot_be_meant_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config(entry)


def test_a_name_stands_once() -> None:
    with pytest.raises(ValidationError, match="twice"):
        config({"name": "a", "points": "a", "low": 1}, {"name": "a", "low": 2})
