"""The hour that comes twice when clocks are set back: which of a day's records belong to its second pass. Pure.

A record's time is local, without a zone, so both passes have the same texts, and parsing takes each for the first.
What tells them apart is the order of the answer: a record that stands behind one of its own equipment with a later
time, and is no repetition, was read in the second pass. A record that comes late and out of order in just that hour may
be taken for one; that is once a year, at night.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from vigilia.drivers.pvoperation.records import FURTHEST_AHEAD_S, Record

LONGEST_S = 7200.0
"""No clocks are set back by more."""


class SetBack(NamedTuple):
    """Clocks that are set back: when, in seconds UTC, and by how many seconds."""

    at: float
    by_s: float

    def is_first_pass(self, moment: float) -> bool:
        """Whether the local time of a moment comes again."""
        return self.at - self.by_s <= moment < self.at


def set_back_between(start: float, end: float, zone: tzinfo) -> SetBack | None:
    """Return when the clocks of `zone` are set back from `start` to `end`, at most some days apart; None: not then."""
    by_s = _offset_s(start, zone) - _offset_s(end, zone)
    if not 0 < by_s <= LONGEST_S:
        return None
    before, after = math.floor(start), math.ceil(end)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset_s(middle, zone) == _offset_s(start, zone) else (before, middle)
    return SetBack(float(after), by_s)


def told_apart(
    records: Sequence[Record],
    change: SetBack,
    now: float,
    seen: Mapping[str, Collection[float]],
    seen_from: float,
) -> list[Record]:
    """Return a day's records in the order of the answer, those of the second pass with the times of that.

    `seen` are the times known for each equipment, all of them from `seen_from` on.
    """
    places: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        places.setdefault(record.equipment, []).append(index)
    found = list(records)
    for equipment, mine in places.items():
        if records[mine[0]].time > records[mine[-1]].time:
            mine.reverse()  # the answer has the newest first
        _tell_apart(found, mine, change, now, seen.get(equipment, frozenset()), seen_from)
    return found


def _tell_apart(
    records: list[Record],
    places: Sequence[int],
    change: SetBack,
    now: float,
    seen: Collection[float],
    seen_from: float,
) -> None:
    """Give those of `records`, at their `places` one equipment's, that are of the second pass the times of that."""
    first_pass: dict[float, Record] = {}
    newest = newest_again = -math.inf
    for place in places:
        record = records[place]
        time, again = record.time, record.time + change.by_s
        if not change.is_first_pass(time):
            continue
        goes_on = newest_again < again and not math.isinf(newest_again)
        before = first_pass.setdefault(time, record)
        # One that says the same is a repetition, unless it goes on with the second pass.
        is_new = time >= seen_from and time not in seen if before is record else record != before or goes_on
        if is_new and (newest > time or goes_on) and again <= now + FURTHEST_AHEAD_S:
            newest_again = max(again, newest_again)
            records[place] = record._replace(time=again)
        else:
            newest = max(time, newest)


def _offset_s(moment: float, zone: tzinfo) -> float:
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0
