"""How sure one is of an alarm: readings in a row, in the order of their own times.

Records come late and out of order. So the last readings are kept, each with its time and side, and what they amount to
depends on their times alone, not on the order in which they came. Only what has been decided already stands: an alarm
that people know of ends by good readings later than its beginning, and by nothing else.
"""

import bisect
import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vigilia.alarms.judge import BAD, GOOD, NEITHER, Side
from vigilia.rules import Rule

_FEWEST_KEPT = 24
"""Two hours of readings of every five minutes: what may come late."""
_MOST_KEPT = 1_000
"""Two hours of readings of every eight seconds: memory has its bound, whatever the times say."""
_SURPLUS_KEPT = 16
"""So many more are let pile up, so that they are not trimmed one by one."""
_INTERVALS = 20
_FEWEST_INTERVALS = 3


class Episode(NamedTuple):
    """Readings that amount to an alarm: when it began, and when it ended (None: not yet)."""

    began: float
    ended: float | None


class Span(NamedTuple):
    """A time under suppression, both ends in; an end of infinity: it lasts."""

    start: float
    end: float


class Run(NamedTuple):
    """Readings of one side in a row: which, how many, and since when."""

    side: int = 0
    length: int = 0
    since: float = 0.0


@dataclass(slots=True)
class Counters:
    """The last readings of one alarm."""

    times: list[float] = field(default_factory=list[float])
    sides: bytearray = field(default_factory=bytearray)
    """A `Side` for each of `times`."""
    start: int = 0
    """The first of `times` that is still counted: those before it only tell the usual interval."""
    run: Run = Run()  # noqa: RUF009 - a tuple: nobody can change it
    """The readings in a row just before `start`."""
    spans: tuple[Span, ...] = ()
    """When bad readings are held, in order of their starts: no failure begins or goes on there."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Counters":
        """Return counters as `to_json` gave them; the spans are the caller's to set."""
        run = Run(*value.get("run", ()))
        return cls(list(value["times"]), bytearray(value["sides"].encode()), value.get("start", 0), run)

    def to_json(self) -> dict[str, Any]:
        """Return what a restart needs, as it is now."""
        return {"times": self.times.copy(), "sides": self.sides.decode(), "start": self.start, "run": list(self.run)}

    @property
    def last(self) -> float | None:
        """The time of the newest reading."""
        return self.times[-1] if self.times else None

    @property
    def quiet(self) -> bool:
        """Whether no counted reading is bad: where no alarm stands, there is nothing to find out."""
        return BAD not in self.sides and self.run.side != BAD

    def last_by(self, moment: float) -> float | None:
        """Return the time of the newest reading that is not later than `moment`; None where there is none."""
        index = bisect.bisect_right(self.times, moment)
        return self.times[index - 1] if index else None

    def add(self, rule: Rule, moment: float, side: Side) -> None:
        """Put a reading in its place. One of a time already known, or too old to be compared, is not a new reading."""
        times = self.times
        if side is BAD and self.spans and self._is_held(moment):
            side = Side.HELD
        if rule.on_delay_s and self._repeats(rule, moment, side):
            times[-1] = moment  # of readings in a row the first and the last are enough to tell how long
        elif not times or moment > times[-1]:
            times.append(moment)
            self.sides.append(side)
        elif not self.start or moment > times[self.start - 1]:
            index = bisect.bisect_left(times, moment)
            if times[index] != moment:
                times.insert(index, moment)
                self.sides.insert(index, side)

    @property
    def floor(self) -> float:
        """The end of the last suppression: infinity while one lasts."""
        return max((span.end for span in self.spans), default=-math.inf)

    def hold(self, spans: tuple[Span, ...]) -> None:
        """Have bad readings within `spans` not count, and all others: those kept, and those to come."""
        if spans == self.spans:
            return
        self.spans = spans
        for index, side in enumerate(self.sides):
            if side in (BAD, Side.HELD):
                self.sides[index] = Side.HELD if self._is_held(self.times[index]) else BAD

    def forget_after(self, moment: float) -> None:
        """Forget readings later than `moment`: the clock was set back, and they compare with no new ones."""
        keep = bisect.bisect_right(self.times, moment)
        del self.times[keep:]
        del self.sides[keep:]
        self.start = min(self.start, keep)

    def episodes(self, rule: Rule, decided: Sequence[Episode] = ()) -> list[Episode]:
        """Return the alarms that the kept readings amount to, in order; only the last may be without an end.

        `decided` are alarms known already, in order: between the beginning and the end of one nothing is found. The
        last of them may be without an end; it is among those returned, with its end where the readings show it.
        """
        return self._fold(rule, decided, len(self.times))[0]

    def trim(self, rule: Rule, decided: Sequence[Episode] = (), oldest: float = math.inf) -> None:
        """Let go of readings too old to matter; of those later than `oldest` only if there are very many."""
        count = len(self.times)
        start = count - max(_FEWEST_KEPT, 2 * (rule.on_count + rule.off_count))
        if start - self.start <= _SURPLUS_KEPT:
            return
        start = max(min(start, bisect.bisect_left(self.times, oldest)), count - _MOST_KEPT)
        if start - self.start <= _SURPLUS_KEPT:
            return
        run = Run()
        if not self.quiet or decided:
            found, run = self._fold(rule, decided, start)
            if found and found[-1].ended is None and found[-1] not in decided:
                return  # it is yet to be decided: what began it stays
        self.run = run
        surplus = max(0, start - _INTERVALS - 1)
        del self.times[:surplus]
        del self.sides[:surplus]
        self.start = start - surplus

    def _fold(self, rule: Rule, decided: Sequence[Episode], stop: int) -> tuple[list[Episode], Run]:
        """Return what the readings before index `stop` amount to, and those in a row at their end."""
        found: list[Episode] = []
        began: float | None = None
        side, count, since = self.run
        gaps = self._gaps(rule)
        next_decided = 0
        for index in range(self.start, stop):
            moment, this = self.times[index], self.sides[index]
            count = 0 if index in gaps else count
            while next_decided < len(decided) and moment >= (decided[next_decided].ended or math.inf):
                began, next_decided = None, next_decided + 1
            known = decided[next_decided] if next_decided < len(decided) else None
            if known is not None and moment >= known.began:
                # What was in a row before it says nothing of it, even where what began it is forgotten.
                count = 0 if began is None and since < known.began else count
                began = known.began
            elif began is not None and (cut := self._cut_after(began)) <= moment:
                found.append(Episode(began, cut))  # nobody was told of it when the suppression began: it ends there
                began, count = None, 0
            if this == NEITHER:
                continue
            if this != side or count == 0 or self._is_between(since, moment, this):
                side, count, since = this, 0, moment
            count += 1
            if began is None and this == BAD and count >= rule.on_count and moment - since >= rule.on_delay_s:
                began, count = since, 0
            elif began is not None and this == GOOD and count >= rule.off_count:
                if known is None or moment < known.began:
                    found.append(Episode(began, since))
                    began, count = None, 0
                elif known.ended is None and since >= known.began:
                    found.append(Episode(known.began, since))
                    began, count, next_decided = None, 0, next_decided + 1
        if next_decided < len(decided) and decided[-1].ended is None:
            found.append(decided[-1])
        elif began is not None and next_decided == len(decided):
            cut = self._cut_after(began)
            found.append(Episode(began, None if math.isinf(cut) else cut))
        return found, Run(side, count, since)

    def _is_held(self, moment: float) -> bool:
        return any(span.start <= moment <= span.end for span in self.spans)

    def _is_between(self, since: float, moment: float, side: int) -> bool:
        """Say whether a suppression lies between bad readings: those before it and those after are not in a row."""
        return side == BAD and any(span.start <= moment and since <= span.end for span in self.spans)

    def _cut_after(self, began: float) -> float:
        """Return when the first suppression after `began` begins; infinity where none does."""
        return min((span.start for span in self.spans if span.start > began), default=math.inf)

    def _repeats(self, rule: Rule, moment: float, side: Side) -> bool:
        most = max(2, rule.on_count, rule.off_count)
        ahead = bool(self.times) and moment > self.times[-1] and rule.most_gap is None
        return ahead and self.sides[-most:] == bytearray([side]) * most

    def _gaps(self, rule: Rule) -> frozenset[int]:
        """Return the indices of readings that came after a pause too long for those before and after to be in a row."""
        times = self.times
        if rule.most_gap is None or len(times) < 2:
            return frozenset()
        intervals = [after - before for before, after in itertools.pairwise(times)]
        # No median is less than the least interval: with it most pauses are seen to be short at once.
        short = rule.most_gap * min(rule.usual_interval_s, *intervals)
        return frozenset(
            index
            for index, pause in enumerate(intervals, 1)
            if pause > short
            and pause > rule.most_gap * _usual(rule, intervals[max(0, index - 1 - _INTERVALS) : index - 1])
        )


def _usual(rule: Rule, intervals: Sequence[float]) -> float:
    """Return the usual interval, given those before."""
    return statistics.median(intervals) if len(intervals) >= _FEWEST_INTERVALS else rule.usual_interval_s
