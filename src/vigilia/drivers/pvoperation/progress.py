"""How far one plant's data was received: which days to ask for, and which records of the answers are new. Pure.

It is what a checkpoint holds. A record is published once, however often and in whatever order the API repeats it: for
the last two hours before the newest record, the time of every record is kept. What comes later than that is too late.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise, takewhile
from operator import itemgetter
from typing import Any, Self, cast

from vigilia.drivers.pvoperation.passes import SetBack, told_apart
from vigilia.drivers.pvoperation.records import FURTHEST_AHEAD_S, Day, Record

OVERLAP_S = 7200.0
"""How late a record may come."""
FURTHEST_BACK_S = 2 * 86400.0
"""How much is caught up at most."""
_TIME = itemgetter(0)
_KEY = itemgetter(0, 1)
ABSENCES = 3
"""Scans without an inverter after which nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plant's records of one sort were received."""

    since: float
    """When the watch of this plant began; nothing older is taken."""
    until: float | None = None
    """The time of the newest record before which nothing is missing; None before the first."""
    seen: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    """For each equipment the times of its records in order, from `OVERLAP_S` before `until`."""
    absent: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many scans in a row an equipment was missing from."""

    @classmethod
    def begin(cls, now: float, zone: tzinfo) -> Self:
        """Return the progress of a plant that was never asked: from midnight, local time."""
        return cls(midnight(datetime.fromtimestamp(now, zone).date(), zone))

    @classmethod
    def load(cls, value: object) -> Self:
        """Return the progress that `dump` gave. Raises ValueError for anything else."""
        try:
            kept = cast(dict[str, Any], value)
            until = kept["until"]
            # A plant's inverters mostly have the same times: one of them is kept for all.
            known: dict[tuple[float, ...], tuple[float, ...]] = {}
            seen: dict[str, tuple[float, ...]] = {}
            for name, moments in kept["seen"].items():
                times = tuple(sorted(map(_number, moments)))
                seen[str(name)] = known.setdefault(times, times)
            return cls(
                _number(kept["since"]),
                None if until is None else _number(until),
                seen,
                {str(name): int(count) for name, count in kept["absent"].items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a checkpoint of another shape ({error!r})") from error

    def dump(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "since": _short(self.since),
            "until": None if self.until is None else _short(self.until),
            "seen": {name: [_short(moment) for moment in times] for name, times in sorted(self.seen.items())},
            "absent": dict(self.absent),
        }

    def start(self, now: float) -> float:
        """Return the time from which records are taken."""
        if self.until is None:
            start = self.since
        else:
            # A clock that was set back must not make the watch wait until it has come forward again.
            start = max(min(self.until, now + FURTHEST_AHEAD_S) - OVERLAP_S, self.since)
        return max(min(start, now), now - FURTHEST_BACK_S)

    def tell_passes_apart(self, day: Day, change: SetBack, now: float) -> Day:
        """Return a day's records with the times they have if those of an hour that came twice are told apart."""
        seen_from = -math.inf if self.until is None else self.until - OVERLAP_S
        return replace(day, records=told_apart(day.records, change, now, self.seen, seen_from))

    def advance(self, days: Sequence[Day | None], start: float) -> tuple[list[Record], Self]:
        """Return the records that are new, ordered by time, and the progress once they are published.

        `days` are the answers in their order; None stands for a day that was not received, and the progress stays
        before it.
        """
        seen = {name: set(times) for name, times in self.seen.items()}
        nothing: set[float] = set()
        received = [
            record
            for record in _records(days)
            if record[0] >= start and (not seen or record[0] not in seen.get(record[1], nothing))
        ]
        # Sorting keeps those of one time and equipment in their order: the first is the one that counts.
        received.sort(key=_KEY)
        fresh = received[:1] + [this for before, this in pairwise(received) if this[:2] != before[:2]]
        certain = _records(takewhile(lambda day: day is not None, days))
        newest = max(map(_TIME, certain), default=self.until)
        until = newest if newest is None or self.until is None else max(newest, self.until)
        keep_from = (self.since if until is None else until) - OVERLAP_S
        for record in fresh[bisect_left(fresh, keep_from, key=_TIME) :]:
            seen.setdefault(record.equipment, set()).add(record.time)
        kept = {name: tuple(sorted(t for t in times if t >= keep_from)) for name, times in seen.items()}
        return fresh, replace(self, until=until, seen={name: times for name, times in kept.items() if times})

    def count_absences(self, known: Iterable[str], present: Iterable[str], *, counting: bool) -> Self:
        """Return the progress after a scan in which only `present` of the equipment `known` had records.

        What was there is absent no longer; what was not counts only while `counting`.
        """
        there = frozenset(present)
        counts = {name: count for name, count in self.absent.items() if name not in there}
        if counting:
            for name in known:
                if name not in there:
                    counts[name] = min(counts.get(name, 0) + 1, ABSENCES)
        return self if counts == self.absent else replace(self, absent=counts)

    def is_lost(self, equipment: str) -> bool:
        """Whether nothing is known of an equipment, because it was absent too often."""
        return self.absent.get(equipment, 0) >= ABSENCES


def midnight(day: date, zone: tzinfo) -> float:
    """Return when a local day begins, seconds UTC."""
    return datetime.combine(day, time(), zone).timestamp()


def days_between(start: float, now: float, zone: tzinfo) -> list[date]:
    """Return the local days from `start` to `now`, both among them."""
    first, last = (datetime.fromtimestamp(moment, zone).date() for moment in (start, now))
    return [first + timedelta(days=days) for days in range((last - first).days + 1)]


def _records(days: Iterable[Day | None]) -> Iterable[Record]:
    return (record for day in days if day is not None for record in day.records)


def _number(value: Any) -> float:
    number = float(value)
    if isinstance(value, str | bool) or not math.isfinite(number):
        raise ValueError("a checkpoint with a time that is none")
    return number


def _short(moment: float) -> float:
    return int(moment) if moment.is_integer() else moment
