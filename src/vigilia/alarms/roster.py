"""The roster: every alarm there may be, made when its point is first heard of, and put under what suppresses it."""

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

from vigilia.alarms.alarm import Alarm
from vigilia.alarms.machine import Event, step
from vigilia.alarms.news import AlarmNews
from vigilia.alarms.suppression import Suppression
from vigilia.points import Point
from vigilia.rules import Rule
from vigilia.table import PointTable


class Roster:
    """Alarms by their ids and by their points. A rule and a point make one.

    `regroup` is called with alarms that something else may suppress now, or nothing, for a point was defined anew.
    """

    def __init__(
        self,
        table: PointTable,
        suppression: Suppression,
        news: AlarmNews,
        started: float,
        regroup: Callable[[Sequence[Alarm]], None],
    ) -> None:
        self.alarms: dict[str, Alarm] = {}
        """By id."""
        self.stale: list[Alarm] = []
        """Those of missing data, which no reading brings."""
        self._table = table
        self._suppression = suppression
        self._news = news
        self._started = started
        self._regroup = regroup
        self._patterns: list[tuple[Callable[[str], object], Rule]] = []
        self._by_point: dict[str, tuple[Alarm, ...]] = {}

    def judge_by(self, rules: Sequence[Rule]) -> None:
        """Make the alarms that `rules` make of the points there are; of others, when they are heard of."""
        self._patterns = [(_matcher(rule), rule) for rule in rules]
        for point in self._table.points():
            self.of(point.name)

    def of(self, name: str) -> tuple[Alarm, ...]:
        """Return the alarms of a point, by its name; one that was defined anew has them go on with that."""
        known = self._by_point.get(name)
        if known is None:
            point = self._table.point(name)
            system = self._table.system(name)
            rules = [
                rule
                for pattern, rule in self._patterns
                if (not rule.own_points or rule.system == system) and pattern(name)
            ]
            known = self._by_point[name] = tuple(self._add(rule, point) for rule in rules)
            for alarm in known:
                self.join(alarm)
        elif known and known[0].point is not self._table.point(name):
            for alarm in known:
                self._regroup(self._suppression.redefine(alarm, self._table.point(name)))
        return known

    def find(self, rule: str, point: str) -> Alarm | None:
        """Return the alarm of a rule and a point, by their names; None where there is none."""
        if point in self._table:
            self.of(point)
        return self.alarms.get(f"{rule}@{point}")

    def join(self, alarm: Alarm) -> None:
        """Put an alarm, new or restored, under what suppresses it now or did lately."""
        self._news.tell(alarm.id)
        cause = self._suppression.cause(alarm)
        alarm.suppressed_by = cause.id if cause else ""
        alarm.state = step(alarm.state, Event.SUPPRESS).state if cause else alarm.state
        self.hold(alarm)

    def hold(self, alarm: Alarm) -> None:
        """Have nothing count towards an alarm within the suppressions that hold it."""
        if alarm.rule.held_under_suppression:
            alarm.counters.hold(self._suppression.spans(alarm))

    def _add(self, rule: Rule, point: Point) -> Alarm:
        alarm = self.alarms[f"{rule.name}@{point.name}"] = Alarm(rule, point)
        alarm.since = self._started
        self._suppression.add(alarm)
        if rule.stale_s is not None:
            self.stale.append(alarm)
        return alarm


def _matcher(rule: Rule) -> Callable[[str], object]:
    """Return what says whether a rule is for the point of a name."""
    exact = frozenset(name for name in rule.points if not set(name) & set("*?["))
    patterns = [translate(name) for name in rule.points if name not in exact]
    match = re.compile("|".join(patterns)).match if patterns else None
    return lambda name: name in exact or (match is not None and match(name) is not None)
