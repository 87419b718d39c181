"""Which side a reading is on."""

import pytest

from tests.unit.alarms.rig import NOON, STALE, contact, port
from vigilia.alarms.judge import Judge, Side, severity_of
from vigilia.points import Reading, Severity, Value
from vigilia.rules import Rule

LIMITS = Rule("r", ("*",), "x", Severity.MINOR, lolo=0.0, low=10.0, high=20.0, hihi=30.0, dead_band=1.0)
STATES = Rule("r", ("*",), "x", states=frozenset(("Disconnected", "E7")))


@pytest.mark.parametrize(
    ("value", "side"),
    [
        (-1, Side.BAD),
        (10, Side.BAD),
        (10.5, Side.NEITHER),
        (11, Side.NEITHER),
        (11.1, Side.GOOD),
        (18.9, Side.GOOD),
        (19.5, Side.NEITHER),
        (20, Side.BAD),
        (float("nan"), Side.NEITHER),
        (float("inf"), Side.NEITHER),
        (float("-inf"), Side.NEITHER),
        ("15", Side.NEITHER),
        (None, Side.NEITHER),
    ],
)
def test_limits_are_those_of_epics_with_a_dead_band_on_their_good_side(value: Value | None, side: Side) -> None:
    assert Judge(LIMITS).side(port(1), Reading(value, NOON)) is side


@pytest.mark.parametrize(("value", "side"), [(0, Side.BAD), (1, Side.GOOD), ("E7", Side.BAD), ("E8", Side.GOOD)])
def test_states_are_labels_or_texts(value: Value, side: Side) -> None:
    assert Judge(STATES).side(contact("a"), Reading(value, NOON)) is side


def test_an_invalid_reading_says_nothing_whatever_its_value() -> None:
    for rule in (LIMITS, STATES, STALE):
        assert Judge(rule).side(contact("a"), Reading(0, NOON, Severity.INVALID)) is Side.NEITHER


def test_any_other_reading_is_good_where_the_alarm_is_that_none_comes() -> None:
    assert Judge(STALE).side(port(1), Reading("x", NOON)) is Side.GOOD


@pytest.mark.parametrize(("value", "severity"), [(0, Severity.MAJOR), (5, Severity.MINOR), (30, Severity.MAJOR)])
def test_beyond_the_outer_limits_it_is_major(value: float, severity: Severity) -> None:
    assert severity_of(LIMITS, value) is severity
