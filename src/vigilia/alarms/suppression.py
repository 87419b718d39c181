"""Suppression by design: an alarm that covers a group keeps the alarms under the group quiet."""

import math

from vigilia.alarms.alarm import Alarm
from vigilia.points import Point


class Suppression:
    """Which groups are covered, by what, and until when those were that are not any more."""

    def __init__(self) -> None:
        self._under: dict[str, list[Alarm]] = {}
        self._covering: dict[str, dict[str, Alarm]] = {}
        self._ended: dict[str, float] = {}

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

    def uncover(self, alarm: Alarm, ended: float) -> list[Alarm]:
        """Note that a covering alarm ended at that time; return the alarms under it that may have to be released.

        An alarm that stands goes on covering: only an earlier one of its kind has become known.
        """
        group = alarm.point.covers
        if not group:
            return []
        self._ended[group] = max(ended, self._ended.get(group, -math.inf))
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
        for group, ended in self._ended.items():
            self._ended[group] = min(ended, now)

    def cause(self, alarm: Alarm) -> Alarm | None:
        """Return an alarm that suppresses `alarm` now; None where none does."""
        for group in alarm.point.groups:
            if group != alarm.point.covers:
                for covering in self._covering.get(group, {}).values():
                    return covering
        return None

    def floor(self, alarm: Alarm) -> float:
        """Return the time up to which bad readings do not count, where they fell under a suppression that holds."""
        groups = [group for group in alarm.holding if group != alarm.point.covers]
        if any(self._covering.get(group) for group in groups):
            return math.inf
        return max((self._ended[group] for group in groups if group in self._ended), default=-math.inf)
