"""What pumps gave: steps of their totals in the history, joined with the writes that may have asked for them.

A pump's agent says how much it ever gave; each increase is a dose, whoever wanted it. A write to the pump is a
person's; what no write accounts for, a loop on the agent asked for. Pure.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vigilia.history.backend import SECOND_MS, Series
from vigilia.points import Severity, Value

TOTAL = "Dosed-Mon"
"""Ends the name of a pump's total, ml."""
_LEAST_ML = 0.0005
"""Less than the total's last decimal."""
_EARLY_S = 2.0
"""The agent's clock may be behind ours by so much."""
_LATE_S = 10.0
"""So much later than its end a dose is in the total at the latest, while there is contact."""
_S_PER_ML = 1.2
"""A dose takes so long at most: the slowest motor that the agent does not stop (105 ml/min on paper, halved)."""
_LONGEST_RUN_S = 3600.0
"""Of a pump that runs until it is told otherwise."""
_NOT_DONE = frozenset(("InvalidValue", "NotWritable", "ReadOnly", "UnknownPoint"))
_STOPS = ("Stop-Cmd", "Continuous-Cmd")


@dataclass(frozen=True, slots=True)
class Asked:
    """A write to a pump, as the audit has it. Times in seconds UTC."""

    id: int
    at: float
    point: str
    value: Value | None
    via: str
    user: str
    host: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Dose:
    """One increase of a pump's total."""

    point: str
    """The total's."""
    at: float
    """When the total was first seen so, by the agent's time."""
    since: float | None
    """Where it is not known so well when it was given: no earlier than this."""
    ml: float
    total: float
    began_anew: bool
    """Whether the agent's ledger had begun at 0 again: more may have been given before."""
    asked: tuple[Asked, ...]
    """The writes that may have asked for it; empty: a loop did."""


def doses(series: Series, asked: Iterable[Asked], start: float, interval_s: float) -> list[Dose]:
    """Return what a pump gave from `start` on, seconds UTC, in order; what the series says before, tells how it stood.

    `interval_s` is the longest pause between two readings while all is well.
    """
    spans = _spans(sorted((one for one in asked if one.outcome not in _NOT_DONE), key=lambda one: one.at))
    width = series.resolution_ms / SECOND_MS
    found: list[Dose] = []
    total: float | None = None
    good_at = seen_at = 0.0
    lost = False
    for bucket in series.buckets:
        at = bucket.time_ms / SECOND_MS
        if isinstance(bucket.value, str) or bucket.high is None or bucket.low is None:
            lost = True
            continue
        before, total = total, bucket.high
        lost, seen_at = lost or at - seen_at > interval_s, at
        began_anew = before is not None and bucket.low < before - _LEAST_ML
        if before is not None and at + width >= start:
            ml = total - (0.0 if began_anew else before)
            if ml >= _LEAST_ML:
                since = good_at if lost else at if width else None
                who = _who(spans, at + width if since is None else since, at + width, several=since is not None)
                found.append(Dose(series.point, at + width, since, round(ml, 3), total, began_anew, who))
        lost = bucket.severity is Severity.INVALID
        if not lost:
            good_at = at
    return found


def _spans(asked: Sequence[Asked]) -> list[tuple[Asked, float, float]]:
    """Return writes that make a pump give something, each with the times between which that shows."""
    found: list[tuple[Asked, float, float]] = []
    for index, one in enumerate(asked):
        lasts = _lasts_s(one)
        if lasts is None:
            continue
        end = one.at + lasts
        if one.point.endswith("Continuous-Cmd"):
            stops = (other.at for other in asked[index + 1 :] if other.point.endswith(_STOPS))
            end = min(end, next(stops, math.inf))
        found.append((one, one.at - _EARLY_S, end + _LATE_S))
    return found


def _lasts_s(asked: Asked) -> float | None:
    """Return how long the pump may give because of a write; None where it gives nothing."""
    suffix, value = asked.point.rpartition(":")[2], asked.value
    match suffix, value:
        case "Dose-SP", int() | float():
            return max(0.0, float(value)) * _S_PER_ML
        case (("DoseOver-Cmd" | "Rate-Cmd"), str()):
            return _minutes(value.partition(",")[2]) * 60
        case "Continuous-Cmd", _ if value:
            return _LONGEST_RUN_S
        case _:
            return None


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        return 0.0
    return min(minutes, 1440.0) if minutes > 0 else 0.0


def _who(spans: Sequence[tuple[Asked, float, float]], since: float, at: float, *, several: bool) -> tuple[Asked, ...]:
    """Return the writes in whose times a dose falls: the newest, or all where it may be `several` doses."""
    found = [one for one, begins, ends in spans if begins <= at and ends >= since]
    return tuple(found if several else found[-1:])
