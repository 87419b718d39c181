"""How sure one is of an alarm: readings in a row, in the order of their own times.

Records come late and out of order. So the last readings are kept, each with its time and side, and what they amount to
depends on their times alone, not on the order in which they came.
"""

import bisect
import itertools
import math
import statistics
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vigilia.alarms.judge import Side
from vigilia.rules import Rule

_FEWEST_KEPT = 24
"""Two hours of readings of every five minutes: what may come late."""
_SURPLUS_KEPT = 16
"""So many more are let pile up, so that they are not trimmed one by one."""
_INTERVALS = 20
_FEWEST_INTERVALS = 3


class Episode(NamedTuple):
    """Readings that amount to an alarm: when it began, and when it ended (None: not yet)."""

    began: float
    ended: float | None


@dataclass(slots=True)
class Counters:
    """The last readings of one alarm."""

    times: list[float] = field(default_factory=list[float])
    sides: bytearray = field(default_factory=bytearray)
    """A `Side` for each of `times`."""
    began: float | None = None
    """When the alarm that stood before the first of `times` began; None where there was none."""
    floor: float = -math.inf
    """Bad readings up to this time are held: they fall under a suppression."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Counters":
        """Return counters as `to_json` gave them; the floor is the caller's to set."""
        return cls(list(value["times"]), bytearray(value["sides"].encode()), value["began"])

    def to_json(self) -> dict[str, Any]:
        """Return what a restart needs."""
        return {"times": self.times, "sides": self.sides.decode(), "began": self.began}

    @property
    def last(self) -> float | None:
        """The time of the newest reading."""
        return self.times[-1] if self.times else None

    @property
    def quiet(self) -> bool:
        """Whether no kept reading is bad and no alarm stands: there is nothing to find out."""
        return self.began is None and Side.BAD not in self.sides

    def add(self, rule: Rule, moment: float, side: Side) -> None:
        """Put a reading in its place. One of a time already known is not a new reading."""
        if side is Side.BAD and moment <= self.floor:
            side = Side.HELD
        if rule.on_delay_s and self._repeats(moment, side):
            self.times[-1] = moment  # of readings in a row the first and the last are enough to tell how long
            return
        if not self.times or moment > self.times[-1]:
            self.times.append(moment)
            self.sides.append(side)
            return
        index = bisect.bisect_left(self.times, moment)
        if self.times[index] != moment:
            self.times.insert(index, moment)
            self.sides.insert(index, side)

    def hold(self, floor: float) -> None:
        """Have bad readings up to `floor` not count, nor any alarm they made: those kept, and those to come."""
        self.floor = floor
        self.began = None
        until = bisect.bisect_right(self.times, floor)
        bad, held = bytes([Side.BAD]), bytes([Side.HELD])
        self.sides = self.sides[:until].replace(bad, held) + self.sides[until:].replace(held, bad)

    def episodes(self, rule: Rule) -> list[Episode]:
        """Return the alarms that the kept readings amount to, in order; only the last may be without an end."""
        found: list[Episode] = []
        began = self.began
        most_gap = self._most_gap(rule)
        previous: float | None = None
        side, count, since = 0, 0, 0.0  # readings in a row of one side
        for moment, this in zip(self.times, self.sides, strict=True):
            if previous is not None and moment - previous > most_gap:
                count = 0
            previous = moment
            if this == Side.NEITHER:
                continue
            if this != side or count == 0:
                side, count, since = this, 0, moment
            count += 1
            if began is None and this == Side.BAD and count >= rule.on_count and moment - since >= rule.on_delay_s:
                began, count = since, 0
            elif began is not None and this == Side.GOOD and count >= rule.off_count:
                found.append(Episode(began, since))
                began, count = None, 0
        if began is not None:
            found.append(Episode(began, None))
        return found

    def trim(self, rule: Rule, episodes: list[Episode]) -> None:
        """Let go of readings too old to matter; an alarm that they began goes on. `episodes`: of the kept readings."""
        most = max(_FEWEST_KEPT, 2 * (rule.on_count + rule.off_count))
        surplus = len(self.times) - most
        if surplus <= _SURPLUS_KEPT:
            return
        cut = self.times[surplus]
        standing = [e.began for e in episodes if e.began < cut and (e.ended is None or e.ended >= cut)]
        self.began = standing[0] if standing else None
        del self.times[:surplus]
        del self.sides[:surplus]

    def _repeats(self, moment: float, side: Side) -> bool:
        return len(self.times) > 1 and moment > self.times[-1] and self.sides[-2] == self.sides[-1] == side

    def _most_gap(self, rule: Rule) -> float:
        if rule.most_gap is None:
            return math.inf
        times = self.times[-_INTERVALS - 1 :]
        intervals = [after - before for before, after in itertools.pairwise(times)]
        usual = statistics.median(intervals) if len(intervals) >= _FEWEST_INTERVALS else rule.usual_interval_s
        return rule.most_gap * usual
