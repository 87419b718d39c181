"""Suppression by design: an alarm that covers a group keeps the alarms under the group quiet."""

import math

from vigilia.alarms.alarm import Alarm
from vigilia.alarms.counters import Span
from vigilia.points import Point

_REMEMBERED_S = 3 * 86_400.0
"""How long before the newest of a group's suppressions that ended others are kept: records of their time may come."""


class Suppression:
    """Which groups are covered, by what, and when those were that are not any more."""

    def __init__(self) -> None:
        self._under: dict[str, list[Alarm]] = {}
        self._covering: dict[str, dict[str, Alarm]] = {}
        self._ended: dict[str, list[Span]] = {}

    def add(self, alarm: Alarm) -> None:
        """Take an alarm in: it is under its point's groups."""
        for group in alarm.point.groups:
            self._under.setdefault(group, []).append(alarm)

    def cover(self, alarm: Alarm) -> list[Alarm]:
        """Have an active alarm cover its point's group; return the alarms under it, its own kind left out."""
        group = alarm.point.covers
        if not group:
            return []
        self._covering.setdefault(group, {})[alarm.id] = alarm
        return [other for other in self._under.get(group, []) if other.point.covers != group]

    def uncover(self, alarm: Alarm, began: float, ended: float) -> list[Alarm]:
        """Note when a covering alarm began and ended; return the alarms under it that may have to be released.

        An alarm that stands goes on covering: only an earlier one of its kind has become known.
        """
        group = alarm.point.covers
        if not group:
            return []
        spans = [*self._ended.get(group, ()), Span(began, ended)]
        newest = max(span.end for span in spans)
        self._ended[group] = sorted({span for span in spans if span.end > newest - _REMEMBERED_S})
        if alarm.incident is not None:
            return []
        self._covering.get(group, {}).pop(alarm.id, None)
        return [other for other in self._under.get(group, []) if other.point.covers != group]

    def redefine(self, alarm: Alarm, point: Point) -> None:
        """Have an alarm go on with another definition of its point, under that one's groups."""
        for group in alarm.point.groups:
            self._under[group].remove(alarm)
        covered = self._covering.get(alarm.point.covers, {}).pop(alarm.id, None)
        alarm.redefine(point)
        self.add(alarm)
        if covered is not None and point.covers:
            self._covering.setdefault(point.covers, {})[alarm.id] = alarm

    def set_back(self, now: float) -> None:
        """Follow a clock that was set back to `now`."""
        for group, spans in self._ended.items():
            self._ended[group] = [Span(min(span.start, now), min(span.end, now)) for span in spans]

    def cause(self, alarm: Alarm) -> Alarm | None:
        """Return an alarm that suppresses `alarm` now; None where none does."""
        for group in alarm.point.groups:
            if group != alarm.point.covers:
                for covering in self._covering.get(group, {}).values():
                    return covering
        return None

    def spans(self, alarm: Alarm) -> tuple[Span, ...]:
        """Return the times, in order, in which bad readings do not count, for they fall under a suppression that holds.

        One that goes on has no end.
        """
        found: set[Span] = set()
        for group in alarm.holding:
            if group != alarm.point.covers:
                found.update(self._ended.get(group, ()))
                for covering in self._covering.get(group, {}).values():
                    began = covering.incident.began if covering.incident else -math.inf
                    found.add(Span(began, math.inf))
        return tuple(sorted(found))
