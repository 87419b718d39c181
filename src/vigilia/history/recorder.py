"""Decides which readings are worth keeping, and puts them on disk, before any database hears of them.

Of a point that is read each second and does not change, one reading a minute is kept; whatever changes is kept at once.
The recorder is a consumer of the point table: what it costs, every scan pays. So it holds rows for a tenth of a second,
writes them into the spool at once, and waits for nothing.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable

from vigilia.clock import Clock
from vigilia.history.config import Treatment
from vigilia.history.packing import ALARM, Column, pack
from vigilia.points import LONGEST_TEXT, Batch, Severity, Status, Value
from vigilia.spool import Spool
from vigilia.store.text import storable

_logger = logging.getLogger(__name__)

HELD_S = 0.1
"""Real seconds for which rows are held at most, and lost with the process."""
_MOST_HELD = 2500
"""Rows in one record."""
_LAST_MOMENT = 253_402_300_800.0
"""The year 10000, which no database knows."""
_TELL_DROPPED_S = 600.0
"""A loss is over at once, so it is told for long enough that whoever asks now and then hears of it."""
_NEARLY_FULL = 0.9
_GOOD, _FINE = Severity.NO_ALARM, Status.NO_ALARM


class _Kept:
    """The last reading of a point that was kept as a live one, and how to judge those that follow."""

    __slots__ = ("dead_band", "interval_s", "record", "severity", "status", "time", "value")

    def __init__(self, treatment: Treatment) -> None:
        self.record = treatment.record
        self.dead_band = treatment.dead_band
        self.interval_s = treatment.max_interval_s
        self.time = -math.inf
        self.value: Value | None = None
        self.severity = Severity.NO_ALARM
        self.status = Status.NO_ALARM


class Recorder:
    """Sees every reading (a consumer of the point table), and keeps in the spool what the history is to have.

    A live reading is kept where its value is beyond the point's dead band from the last one kept, where its severity or
    status is another, and where the last one kept is older than the point's longest interval, by the readings' own
    times. One that is older than what was kept, or was stored before it came, is always kept: what stands around it is
    not known here.
    """

    def __init__(self, spool: Spool, clock: Clock, treat: Callable[[str], Treatment], wake: Callable[[], None]) -> None:
        """`treat` says how a point is kept; `wake` is called when something has come into the spool."""
        self.dropped = 0
        """Rows that could not be kept."""
        self.refused = 0
        """Readings that no history can hold: without a time that a calendar knows."""
        self._spool = spool
        self._clock = clock
        self._treat = treat
        self._wake = wake
        self._points: dict[str, _Kept] = {}
        self._columns: dict[str, Column] = {}
        """What is held, by the points' names."""
        self._held = 0
        self._some = asyncio.Event()
        self._failure = ""
        self._dropped_at: float | None = None

    async def take(self, batch: Batch) -> None:
        """Take one batch; raises nothing, and waits for nothing but other tasks' turns."""
        now = self._clock.now()
        points, columns, live = self._points, self._columns, batch.live
        for name, reading, _ in batch.samples:
            kept = points.get(name)
            if kept is None:
                kept = points[name] = _Kept(self._treat(name))
            value, moment, severity, status = reading
            if moment is None or not kept.record:
                continue
            if live:
                age = moment - kept.time
                if (
                    0 <= age < kept.interval_s
                    and severity is kept.severity
                    and status is kept.status
                    and (value == kept.value or _within(kept.dead_band, value, kept.value))
                ):
                    continue
                # After the clock was set back, the last one kept lies in the future, and is no measure any more.
                if age >= 0 or kept.time > now:
                    kept.time, kept.value, kept.severity, kept.status = moment, value, severity, status
            if not 0 <= moment < _LAST_MOMENT:  # nor where it is not a number
                self.refused += 1
                continue
            column = columns.get(name)
            if column is None:
                column = columns[name] = ([], [], [])
            column[0].append(moment)
            column[1].append(storable(value[:LONGEST_TEXT]) if isinstance(value, str) else value)
            column[2].append(0 if severity is _GOOD and status is _FINE else severity * ALARM + status)
            self._held += 1
            if self._held >= _MOST_HELD:
                self.flush()
                await asyncio.sleep(0)
                columns = self._columns
        if columns:
            self._some.set()

    async def run(self) -> None:
        """Put what is held on disk, again and again, until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(HELD_S)
            self.flush()

    def flush(self) -> None:
        """Put what is held on disk. What does not fit there is dropped, counted and reported."""
        self._some.clear()
        columns, held = self._columns, self._held
        self._columns, self._held = {}, 0
        if not held:
            return
        try:
            self._append(columns)
        except OSError as error:
            self.dropped += held
            self._dropped_at = time.monotonic()
            if not self._failure:
                _logger.error("%s: readings are lost to the history: %s", self._spool.path, error)
            self._failure = str(error)
            return
        if self._failure:
            self._failure = ""
            _logger.info("%s: readings are kept again; %d were lost since the start", self._spool.path, self.dropped)
        self._wake()

    def missing(self) -> list[str]:
        """Return a sentence for each sign that readings are lost, or soon will be."""
        missing: list[str] = []
        if self._dropped_at is not None and time.monotonic() - self._dropped_at < _TELL_DROPPED_S:
            why = self._failure or "there was no room on the disk"
            missing.append(f"readings were lost to the history, {self.dropped} since the start: {why}")
        elif self._spool.fill > _NEARLY_FULL:
            missing.append(f"the history's spool is {self._spool.fill:.0%} full")
        return missing

    def _append(self, columns: dict[str, Column]) -> None:
        """Put columns into the spool. Raises OSError."""
        now = self._clock.now()
        try:
            self._spool.append(pack(columns, now))
        except TypeError:  # an integer that JSON's readers do not all take
            for _, values, _ in columns.values():
                values[:] = [value if isinstance(value, str) else _number(value) for value in values]
            self._spool.append(pack(columns, now))


def _within(dead_band: float, value: Value | None, other: Value | None) -> bool:
    """Say whether two values that are not equal are no more than the dead band apart; what is no number is one."""
    if isinstance(value, str) or isinstance(other, str) or value is None or other is None:
        return False
    try:
        return abs(value - other) <= dead_band or (math.isnan(value) and math.isnan(other))
    except OverflowError:  # an integer beyond what a float holds
        return False


def _number(value: Value | None) -> float | None:
    """Return a value that is no text as a number that every database takes; None where it is none."""
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None
