"""Suppression by design: an alarm that covers a group keeps the alarms under the group quiet."""

import math

from vigilia.alarms.alarm import Alarm
from vigilia.alarms.counters import Span
from vigilia.points import Point

_REMEMBERED_S = 3 * 86_400.0
"""As far back as records may still be fetched, and a day."""
_MOST_REMEMBERED = 200


class Suppression:
    """Which groups are covered, by what, and until when those were that are not any more."""

    def __init__(self) -> None:
        self._under: dict[str, list[Alarm]] = {}
        self._covering: dict[str, dict[str, Alarm]] = {}
        self._over: dict[str, list[Span]] = {}
        self._dated: set[str] = set()
        """The groups of `_over` whose times are the equipment's own."""

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
        """Note that a covering alarm lasted from `began` to `ended`; return the alarms to be released, it may be.

        An alarm that stands goes on covering: only an earlier one of its kind has become known.
        """
        group = alarm.point.covers
        if not group:
            return []
        recent = (span for span in self._over.get(group, []) if span.end > ended - _REMEMBERED_S)
        self._over[group] = sorted([*recent, Span(began, ended)])[-_MOST_REMEMBERED:]
        if alarm.dated:
            self._dated.add(group)
        if alarm.incident is not None:
            return []
        self._covering.get(group, {}).pop(alarm.id, None)
        return [other for other in self._under.get(group, []) if other.point.covers != group]

    def redefine(self, alarm: Alarm, point: Point) -> list[Alarm]:
        """Have an alarm go on with another definition of its point, under that one's groups.

        Return the alarms that may be suppressed by something else now, or by nothing: it, and those under it.
        """
        before = alarm.point
        for group in before.groups:
            self._under[group].remove(alarm)
        covered = self._covering.get(before.covers, {}).pop(alarm.id, None)
        alarm.redefine(point)
        self.add(alarm)
        concerned = {alarm: None}
        if covered is not None and before.covers != point.covers:
            for group in (before.covers, point.covers):
                concerned |= {other: None for other in self._under.get(group, []) if other.point.covers != group}
        if covered is not None and point.covers:
            self._covering.setdefault(point.covers, {})[alarm.id] = alarm
        return list(concerned)

    def set_back(self, now: float) -> None:
        """Follow a clock that was set back to `now`; the times of records are not of that clock."""
        for group, spans in self._over.items():
            if group in self._dated:
                continue
            self._over[group] = [Span(min(span.start, now), min(span.end, now)) for span in spans]

    def cause(self, alarm: Alarm) -> Alarm | None:
        """Return an alarm that suppresses `alarm` now; None where none does."""
        for group in alarm.point.groups:
            if group != alarm.point.covers:
                for covering in self._covering.get(group, {}).values():
                    return covering
        return None

    def spans(self, alarm: Alarm) -> tuple[Span, ...]:
        """Return when bad readings of `alarm` do not count, for they fall under a suppression that holds it."""
        found: list[Span] = []
        for group in alarm.holding:
            if group == alarm.point.covers:
                continue
            found += self._over.get(group, [])
            for covering in self._covering.get(group, {}).values():
                if covering.incident is not None:
                    found.append(Span(covering.incident.began, math.inf))
        return tuple(sorted(found))
