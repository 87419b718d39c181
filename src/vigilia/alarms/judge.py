"""Whether a reading speaks for an alarm or against it: pure functions of a rule and a value."""

import math
from enum import IntEnum

from vigilia.points import Point, Reading, Severity, Value
from vigilia.rules import Rule


class Side(IntEnum):
    """What a reading says of an alarm. The numbers are those of the letters b, g, n and h, which the store keeps."""

    BAD = 98
    GOOD = 103
    NEITHER = 110
    HELD = 104
    """Bad, but under a suppression that keeps it from counting."""


BAD, GOOD, NEITHER = Side.BAD, Side.GOOD, Side.NEITHER
"""For those who look at every reading: Python 3.11 takes longer to find a member of an enum than to judge by it."""
_INVALID = Severity.INVALID


class Judge:
    """Judges readings by a rule; what of the rule it looks at for each reading is worked out beforehand."""

    __slots__ = ("_any", "_good_high", "_good_low", "_high", "_low", "_states")

    def __init__(self, rule: Rule) -> None:
        self._any = rule.stale_s is not None
        self._states = rule.states
        # By limits as EPICS does (`value <= LOW`, `value >= HIGH`); good needs the dead band besides.
        self._low = max((limit for limit in (rule.low, rule.lolo) if limit is not None), default=-math.inf)
        self._high = min((limit for limit in (rule.high, rule.hihi) if limit is not None), default=math.inf)
        self._good_low = self._low + rule.dead_band
        self._good_high = self._high - rule.dead_band

    def side(self, point: Point, reading: Reading) -> Side:
        """Return the side of a reading. One without a value, or INVALID, is on neither: absence is not normality."""
        value = reading.value
        if value is None or reading.severity is _INVALID:
            return NEITHER
        return self.side_of(point, value)

    def side_of(self, point: Point, value: Value) -> Side:
        """Return the side of a value that is not in doubt."""
        if self._any:
            return GOOD
        if self._states:
            return BAD if (point.label(value) or value) in self._states else GOOD
        if isinstance(value, str) or not math.isfinite(value):
            return NEITHER
        if value <= self._low or value >= self._high:
            return BAD
        if self._good_low < value < self._good_high:
            return GOOD
        return NEITHER


def severity_of(rule: Rule, value: Value | None) -> Severity:
    """Return how severe the alarm is at a bad reading of `value`: beyond `lolo` or `hihi`, MAJOR at least."""
    if isinstance(value, str) or value is None:
        return rule.severity
    beyond = (rule.lolo is not None and value <= rule.lolo) or (rule.hihi is not None and value >= rule.hihi)
    return max(rule.severity, Severity.MAJOR) if beyond else rule.severity
