"""The motor and tube of a simulated dosing pump: it moves liquid over real time, counted to the nanolitre.

Pure: times are seconds on the caller's monotonic clock. Volumes are whole nanolitres, so that no sum loses anything.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

NL_PER_ML = 1_000_000
FASTEST_ML_MIN = 105.0
SLOWEST_ML_MIN = 0.5
_RUNS_KEPT = 10_000

Ending = Literal["done", "stopped", "replaced", "power lost", "no motor supply"]


class Moved(NamedTuple):
    """What came out of the tube (below 0: was sucked back), and what the circuit counts for it, nl."""

    truly_nl: int
    counted_nl: int


@dataclass(slots=True)
class Run:
    """One running of the pump as it was. `moved_nl`: what truly came out of the tube; below 0: sucked back."""

    number: int
    command: str
    began: float
    ended: float | None = None
    by: Ending | None = None
    moved_nl: int = 0


@dataclass(slots=True)
class _Task:
    """What the motor is at. `target_nl`: when it stops by itself; None: never."""

    run: Run
    sign: int
    rate_nl_s: float
    target_nl: int | None
    gain: float
    since: float | None
    """When it was last set going; None while it is paused."""
    before_nl: int = 0
    """What the circuit had counted when it was last set going."""

    def counted_nl(self, now: float) -> int:
        """What the circuit has counted of this task, without its sign."""
        if self.since is None:
            return self.before_nl
        counted = self.before_nl + math.floor(self.rate_nl_s * max(0.0, now - self.since))
        return counted if self.target_nl is None else min(counted, self.target_nl)

    def ends(self) -> float:
        """When it will have done what it was asked."""
        if self.since is None or self.target_nl is None:
            return math.inf
        return self.since + (self.target_nl - self.before_nl) / self.rate_nl_s


@dataclass(slots=True)
class Motor:
    """A pump's motor. `gain`: what the tube truly moves of each nominal millilitre: below 1 when it is worn."""

    gain: float = 1.0
    moved_nl: int = 0
    """What truly came out since the start, less what was sucked back."""
    forward_nl: int = 0
    running_s: float = 0.0
    runs: deque[Run] = field(default_factory=lambda: deque(maxlen=_RUNS_KEPT))
    last_counted_nl: int = 0
    """What the circuit counted of the last task, with its sign; the one at work counts on."""
    _task: _Task | None = None
    _number: int = 0
    _at: float = -math.inf

    @property
    def is_running(self) -> bool:
        """Whether the tube turns."""
        return self._task is not None and self._task.since is not None

    @property
    def is_paused(self) -> bool:
        """Whether it stands in the middle of a task."""
        return self._task is not None and self._task.since is None

    @property
    def rate_ml_min(self) -> float:
        """The nominal rate it turns at now."""
        return self._task.rate_nl_s * 60 / NL_PER_ML if self._task is not None and self.is_running else 0.0

    def start(
        self, command: str, ml: float | None, ml_min: float, now: float, *, factor: float = 1.0, reverse: bool = False
    ) -> None:
        """Move `ml` (None: go on until stopped) at a rate; a task at work ends. Call `advance` first.

        `factor`: what the circuit counts for each nominal millilitre, by its calibration.
        """
        self.stop(now, "replaced")
        self._number += 1
        run = Run(self._number, command, now)
        self.runs.append(run)
        target = None if ml is None else round(ml * NL_PER_ML)
        self._task = _Task(run, -1 if reverse else 1, ml_min * NL_PER_ML / 60, target, self.gain / factor, now)
        self.last_counted_nl = 0

    def advance(self, now: float) -> Moved:
        """Go on to `now`; return what was moved since the last call."""
        task = self._task
        began, self._at = self._at, max(self._at, now)
        if task is None or task.since is None:
            return Moved(0, 0)
        end = task.ends()
        self.running_s += max(0.0, min(now, end) - max(began, task.since))
        # Past its end the sum of rate and time may lack a nanolitre: what was asked is what was moved.
        counted = task.counted_nl(now) if now < end or task.target_nl is None else task.target_nl
        moved = task.sign * round(counted * task.gain) - task.run.moved_nl
        task.run.moved_nl += moved
        self.moved_nl += moved
        self.forward_nl += max(0, moved)
        before, self.last_counted_nl = self.last_counted_nl, task.sign * counted
        if now >= end:
            self._end(end, "done")
        return Moved(moved, self.last_counted_nl - before)

    def pause(self, now: float) -> None:
        """Stand still, or go on after standing still. Call `advance` first."""
        task = self._task
        if task is None:
            return
        if task.since is None:
            task.since = now
        else:
            task.before_nl, task.since = abs(self.last_counted_nl), None

    def stop(self, now: float, by: Ending = "stopped") -> None:
        """End the task at work, if any. Call `advance` first."""
        if self._task is not None:
            self._end(now, by)

    def _end(self, now: float, by: Ending) -> None:
        if self._task is not None:
            self._task.run.ended, self._task.run.by = now, by
            self._task = None
