"""Calibration of a part of a reactor, as people are led through it: frozen data, and when a reading has settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vigilia.points import Severity

WINDOW_S = 60.0
"""The readings of so long are looked at."""
SETTLED_READINGS = 6
"""So many in a row must agree; `vigilia agent calibrate` asks for as many. (The USGS National Field Manual,
chapter A6.0, asks for five or more in a row within an allowed variation, which is wider than ours: 0.1 of pH.)"""
LATEST_S = 15.0
"""A newest reading that is older than three of the pauses between an agent's reports says nothing about now."""


class Seen(NamedTuple):
    """One reading of the probe."""

    time: float
    """Seconds UTC."""
    value: float
    severity: Severity


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How little readings may differ to be taken for one."""

    within: float
    relative: bool = False
    """Whether that is a part of the reading rather than in its units."""

    def of(self, readings: Sequence[float]) -> float:
        """Return the tolerance in the units of `readings`."""
        return self.within * max(abs(reading) for reading in readings) if self.relative else self.within


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What the readings of the last minute amount to."""

    readings: tuple[Seen, ...]
    mean: float | None = None
    """Of the newest SETTLED_READINGS; and so are the others. None: there are not so many."""
    spread: float | None = None
    """The largest less the smallest."""
    drift_per_min: float | None = None
    """By a straight line through them."""
    allowed: float | None = None
    """Both spread and drift may be as large as this, in the units of the reading."""
    stable: bool = False
    reason: str = ""
    """Why it is not stable, for programs: "few", "late", "bad", "spread" or "drift"; empty: it is."""


@dataclass(frozen=True, slots=True)
class CalibrationStep:
    """One step, as it may be asked for."""

    name: str
    write: str
    """What is written to the command; `{value}` in it stands for the value."""
    instruction: str
    """What a person does before, in the site's language."""
    limits: tuple[float, float] | None = None
    """Of its value; None: it takes none."""
    usual: float | None = None
    after: str = ""
    """The step that must be calibrated before; empty: none."""


@dataclass(frozen=True, slots=True)
class CalibrationItem:
    """All that is needed to calibrate one part. Points are named; empty: there is none."""

    reactor: str
    part: str
    title: str
    kind: str
    """As its agent declares it: "ezo-ph"."""
    command: str
    """Steps are written to this point."""
    state: str
    """Says what is calibrated."""
    calibrating: str
    """Says whether it is being calibrated: loops that depend on it hold."""
    reading: str
    """What the probe reads."""
    begin: str
    """Written to the command before the first step, so that loops hold; empty: not needed."""
    end: str
    clear: str
    steps: tuple[CalibrationStep, ...]
    """Empty: this version does not know the kind; the command's description says what it takes."""
    tolerance: Tolerance | None
    """None: it has no reading that must settle."""
    steadiness: Steadiness


def steadiness(seen: Sequence[Seen], tolerance: Tolerance | None, now: float) -> Steadiness:
    """Return what the readings of the minute before `now` amount to; they are in the order of their times."""
    lately = tuple(one for one in seen if now - WINDOW_S <= one.time <= now)
    newest = lately[-SETTLED_READINGS:]
    if tolerance is None or len(newest) < SETTLED_READINGS:
        return Steadiness(lately, reason="few")
    values = [one.value for one in newest]
    mean, spread = sum(values) / len(values), max(values) - min(values)
    drift = _drift_per_s(newest, mean) * 60
    allowed = tolerance.of(values)
    reason = ""
    if now - newest[-1].time > LATEST_S:
        reason = "late"
    elif any(one.severity is Severity.INVALID for one in newest):
        reason = "bad"
    elif spread > allowed:
        reason = "spread"
    elif abs(drift) > allowed:
        reason = "drift"
    return Steadiness(lately, mean, spread, drift, allowed, stable=not reason, reason=reason)


def _drift_per_s(seen: Sequence[Seen], mean: float) -> float:
    """Return the slope of the straight line through readings, by least squares; 0 where all are of one time."""
    middle = sum(one.time for one in seen) / len(seen)
    width = sum((one.time - middle) ** 2 for one in seen)
    return sum((one.time - middle) * (one.value - mean) for one in seen) / width if width else 0.0
