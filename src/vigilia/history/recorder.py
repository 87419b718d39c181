"""Decides which readings are worth keeping, and puts them on disk, before any database hears of them.

Of a point that is read each second and does not change, one reading in five minutes is kept; what changes is kept at
once. The recorder is a consumer of the point table: what it costs, every scan pays. So it holds rows for a tenth of a
second, writes them into the spool at once, and waits for nothing.

What happened more than a minute ago, a day of a plant's records or of an agent without network, goes into a spool of
its own: the present never waits for it.

Of a point that is sampled, its agent's stored samples are the history, every one of them, and nothing else is.
"""

import asyncio
import logging
import math
from collections.abc import Callable

from vigilia.clock import Clock
from vigilia.history.config import Treatment
from vigilia.history.packing import Column, Columns, append, column_of, extend, put
from vigilia.history.stored import StoredSamples
from vigilia.language import tr
from vigilia.points import Batch, Run, Severity, Status, Value
from vigilia.spool import Spool

_logger = logging.getLogger(__name__)

HELD_S = 0.1
"""Real seconds for which rows are held at most, and lost with the process."""
_MOST_HELD = 2500
"""Rows in one record, but that a run is never divided."""
_PAST_S = 60.0
_LAST_MOMENT = 253_402_300_800.0
"""The year 10000, which no database knows."""
_TELL_DROPPED_S = 600.0
"""A loss is over at once, so it is told for long enough that whoever asks now and then hears of it."""
_NEARLY_FULL = 0.9
_GOOD, _FINE = Severity.NO_ALARM, Status.NO_ALARM


class _Kept:
    """The last reading of a point that was kept as a live one, and how to judge those that follow."""

    __slots__ = ("dead_band", "interval_s", "record", "sampled", "severity", "status", "time", "value")

    def __init__(self, treatment: Treatment) -> None:
        self.record = treatment.record
        self.sampled = treatment.sampled
        self.dead_band = treatment.dead_band
        self.interval_s = treatment.max_interval_s
        self.time = -math.inf
        self.value: Value | None = None
        self.severity = Severity.NO_ALARM
        self.status = Status.NO_ALARM


class _Lane:
    """What is held for one spool."""

    __slots__ = ("columns", "held", "spool", "stored")

    def __init__(self, spool: Spool, stored: StoredSamples) -> None:
        self.spool = spool
        self.stored = stored
        self.columns: Columns = {}
        self.held = 0
        """Rows."""

    def column(self, name: str) -> Column:
        """Return the column of a point, to be extended."""
        return column_of(self.columns, name)


class Recorder:
    """Sees every reading (a consumer of the point table), and keeps in the spool what the history is to have.

    A live reading is kept where its value is beyond the point's dead band from the last one kept, where its severity or
    status is another, and where the last one kept is older than the point's longest interval, by the readings' own
    times. One that is older than what was kept, or was stored before it came, is always kept: what stands around it is
    not known here. Of a sampled point live readings are not kept at all.
    """

    def __init__(
        self, present: Spool, past: Spool, clock: Clock, treat: Callable[[str], Treatment], wake: Callable[[], None]
    ) -> None:
        """`treat` says how a point is kept; `wake` is called when something has come into a spool."""
        self.dropped = 0
        """Rows that could not be kept, since the start."""
        self._dropped_lately = 0
        """The same since nothing had been lost for a while."""
        self.refused = 0
        """Readings that no history can hold: without a time that a calendar knows."""
        self._present = _Lane(present, StoredSamples(present, clock, wake))
        self._past = _Lane(past, StoredSamples(past, clock, wake))
        self._clock = clock
        self._treat = treat
        self._wake = wake
        self._points: dict[str, _Kept] = {}
        self._some = asyncio.Event()
        self._failure = ""
        self._dropped_at: float | None = None

    async def take(self, batch: Batch) -> None:
        """Take one batch; raises nothing, and waits for nothing but other tasks' turns.

        What comes with a checkpoint is on disk when this returns: nobody gives it a second time. Stored samples that do
        are waited for, until they are there for good: whoever gave them keeps them until then.
        """
        now = self._clock.now()
        if batch.checkpoint is not None and not batch.live:
            await self._take_stored(batch, now)
            return
        for run in batch.runs:
            self._take_run(run, now, live=batch.live)
            if self._past.held >= _MOST_HELD:
                self.flush()
                await asyncio.sleep(0)
        await self._take_samples(batch, now)
        if batch.checkpoint is not None:
            self.flush()
        elif self._present.held or self._past.held:
            self._some.set()

    def _take_run(self, run: Run, now: float, *, live: bool) -> None:
        """Keep a run whole: it was chosen from a record, not read again and again."""
        name, times, values = run
        kept = self._kept(name)
        if not times or not kept.record or (live and kept.sampled):
            return
        if not 0 <= times[0] <= times[-1] < _LAST_MOMENT:
            self.refused += len(times)
            return
        lane = self._present if live and times[0] >= now - _PAST_S else self._past
        extend(lane.column(name), times, values)
        lane.held += len(times)
        if live and (times[-1] >= kept.time or kept.time > now):
            kept.time, kept.value, kept.severity, kept.status = times[-1], values[-1], _GOOD, _FINE

    async def _take_samples(self, batch: Batch, now: float) -> None:
        points, live, present_from = self._points, batch.live, now - _PAST_S
        for name, reading, _ in batch.samples:
            kept = points.get(name) or self._kept(name)
            value, moment, severity, status = reading
            if moment is None or not kept.record:
                continue
            if live:
                if kept.sampled:
                    continue
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
            lane = self._present if live and moment >= present_from else self._past
            put(lane.column(name), moment, reading)
            lane.held += 1
            if lane.held >= _MOST_HELD:
                self.flush()
                await asyncio.sleep(0)

    async def _take_stored(self, batch: Batch, now: float) -> None:
        """Keep stored samples, all of them; those of the last minute are of the present."""
        present: Columns = {}
        past: Columns = {}
        for name, times, values in batch.runs:
            if not times or not self._kept(name).record:
                continue
            if 0 <= times[0] <= times[-1] < _LAST_MOMENT:
                extend(column_of(present if times[0] >= now - _PAST_S else past, name), times, values)
            else:
                self.refused += len(times)
        for name, reading, _ in batch.samples:
            moment = reading.time
            if moment is None or not self._kept(name).record:
                continue
            if 0 <= moment < _LAST_MOMENT:
                put(column_of(present if moment >= now - _PAST_S else past, name), moment, reading)
            else:
                self.refused += 1
        for lane, columns in ((self._present, present), (self._past, past)):
            if columns:
                await lane.stored.keep(columns)

    def forget(self, name: str) -> None:
        """Ask anew how a point is kept: it was defined otherwise."""
        self._points.pop(name, None)

    def _kept(self, name: str) -> _Kept:
        kept = self._points.get(name)
        if kept is None:
            kept = self._points[name] = _Kept(self._treat(name))
        return kept

    async def run(self) -> None:
        """Put what is held on disk, again and again, until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(HELD_S)
            self.flush()

    def flush(self) -> None:
        """Put what is held on disk. What does not fit there is dropped, counted and reported."""
        self._some.clear()
        for lane in (self._present, self._past):
            if lane.held:
                self._empty(lane)

    @property
    def dropped_lately(self) -> int:
        """How many rows could not be kept; 0 when it has been none for ten minutes."""
        lately = self._dropped_at is not None and self._clock.monotonic() - self._dropped_at < _TELL_DROPPED_S
        return self._dropped_lately if lately else 0

    def missing(self) -> list[str]:
        """Return a sentence for each sign that readings are lost, or soon will be."""
        missing: list[str] = []
        fill = max(lane.spool.fill for lane in (self._present, self._past))
        if self.dropped_lately:
            why = self._failure or tr("there was no room on the disk")
            text = tr("readings were lost to the history, {count} since the start: {error}")
            missing.append(text.format(count=self.dropped, error=why))
        elif fill > _NEARLY_FULL:
            missing.append(tr("the history's spool is {share} full").format(share=f"{fill:.0%}"))
        if waits := self._present.stored.failure or self._past.stored.failure:
            missing.append(tr("stored samples wait with the agents that have them: {error}").format(error=waits))
        return missing

    def _empty(self, lane: _Lane) -> None:
        columns, held = lane.columns, lane.held
        lane.columns, lane.held = {}, 0
        try:
            append(lane.spool, columns, self._clock.now())
        except OSError as error:
            self.dropped += held
            self._dropped_lately = self.dropped_lately + held
            self._dropped_at = self._clock.monotonic()
            if not self._failure:
                _logger.error("%s: readings are lost to the history: %s", lane.spool.path, error)
            self._failure = str(error)
            return
        if self._failure:
            self._failure = ""
            _logger.info("%s: readings are kept again; %d were lost since the start", lane.spool.path, self.dropped)
        self._wake()


def _within(dead_band: float, value: Value | None, other: Value | None) -> bool:
    """Say whether two values that are not equal are no more than the dead band apart; what is no number is one."""
    if isinstance(value, str) or isinstance(other, str) or value is None or other is None:
        return False
    try:
        return abs(value - other) <= dead_band or (math.isnan(value) and math.isnan(other))
    except OverflowError:  # an integer beyond what a float holds
        return False
