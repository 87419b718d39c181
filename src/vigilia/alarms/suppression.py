"""Suppression by design: an alarm that covers a group keeps the alarms under the group quiet."""

import math
from collections.abc import Iterable

from vigilia.alarms.alarm import Alarm


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
        """Note that a covering alarm ended at that time; return the alarms under it that may have to be released."""
        group = alarm.point.covers
        if not group:
            return []
        self._covering.get(group, {}).pop(alarm.id, None)
        self._ended[group] = max(ended, self._ended.get(group, -math.inf))
        return [other for other in self._under.get(group, []) if other.point.covers != group]

    def cause(self, alarm: Alarm) -> Alarm | None:
        """Return an alarm that suppresses `alarm` now; None where none does."""
        for group in alarm.point.groups:
            if group != alarm.point.covers:
                for covering in self._covering.get(group, {}).values():
                    return covering
        return None

    def floor(self, alarm: Alarm) -> float:
        """Return the time up to which bad readings do not count, where they fell under a suppression."""
        if self.cause(alarm) is not None:
            return math.inf
        return max(self._ends(alarm), default=-math.inf)

    def _ends(self, alarm: Alarm) -> Iterable[float]:
        return (self._ended[group] for group in alarm.point.groups if group in self._ended)
