"""Whether a reading speaks for an alarm or against it: pure functions of a rule and a value."""

import math
from enum import IntEnum

from vigilia.points import Point, Reading, Severity
from vigilia.rules import Rule


class Side(IntEnum):
    """What a reading says of an alarm. The numbers are those of the letters b, g, n and h, which the store keeps."""

    BAD = 98
    GOOD = 103
    NEITHER = 110
    HELD = 104
    """Bad, but under a suppression that keeps it from counting."""


def judge(rule: Rule, point: Point, reading: Reading) -> Side:
    """Return the side of a reading. One without a value, or INVALID, is on neither: absence is not normality."""
    value = reading.value
    if value is None or reading.severity is Severity.INVALID:
        return Side.NEITHER
    if rule.stale_s is not None:
        return Side.GOOD
    if rule.states:
        return Side.BAD if (point.label(value) or value) in rule.states else Side.GOOD
    if isinstance(value, str) or math.isnan(value):
        return Side.NEITHER
    return _judge_limits(rule, float(value))


def severity_of(rule: Rule, reading: Reading) -> Severity:
    """Return how severe the alarm is at a bad reading: beyond `lolo` or `hihi`, MAJOR at least."""
    value = reading.value
    if isinstance(value, str) or value is None:
        return rule.severity
    beyond = (rule.lolo is not None and value <= rule.lolo) or (rule.hihi is not None and value >= rule.hihi)
    return max(rule.severity, Severity.MAJOR) if beyond else rule.severity


def _judge_limits(rule: Rule, value: float) -> Side:
    """Judge by limits as EPICS does (`value <= LOW`, `value >= HIGH`); good needs the dead band besides."""
    lows = [limit for limit in (rule.low, rule.lolo) if limit is not None]
    highs = [limit for limit in (rule.high, rule.hihi) if limit is not None]
    if any(value <= limit for limit in lows) or any(value >= limit for limit in highs):
        return Side.BAD
    clear = all(value > limit + rule.dead_band for limit in lows) and all(
        value < limit - rule.dead_band for limit in highs
    )
    return Side.GOOD if clear or not rule.dead_band else Side.NEITHER
