"""The live readings of sampled points, for a day: what agents report every few seconds, beside the samples they store.

Samples are the history of such a point, and minutes apart; what it said in between is kept here where that is wished,
in a file of its own. A day of it may be lost without harm, and nothing else is ever mixed with it.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from vigilia.clock import Clock
from vigilia.errors import StartError
from vigilia.history.backend import HistoryError, Keeping, PointInfo, Question, Series
from vigilia.history.config import Treatment
from vigilia.history.open import open_backend
from vigilia.history.recorder import Recorder
from vigilia.history.refused import RefusedRows
from vigilia.history.waiting import open_spool
from vigilia.history.writer import Writer
from vigilia.points import Batch
from vigilia.table import PointTable

_logger = logging.getLogger(__name__)

_A_DAY = Keeping(raw_days=1, minute_days=1, hour_days=1)
_SPOOL_BYTES = 50_000_000
_OPEN_S = 2.0
_LAST_DRAIN_S = 0.5


class Statuses:
    """Sees every reading, and keeps the live ones of sampled points; `treat` says which points are kept at all."""

    def __init__(self, data_dir: Path, table: PointTable, clock: Clock, treat: Callable[[str], Treatment]) -> None:
        """Open the spools. Raises StartError where they cannot be written."""
        self._table = table
        self._treat = treat
        self._present = open_spool(data_dir / "statuses.spool", _SPOOL_BYTES)
        self._past = open_spool(data_dir / "statuses-past.spool", _SPOOL_BYTES)
        self._writer = Writer(
            self._present,
            self._past,
            partial(open_backend, f"sqlite:///{data_dir / 'statuses.db'}", _A_DAY),
            tuple[PointInfo, ...],  # the history itself describes them
            RefusedRows(data_dir / "statuses.refused.jsonl"),
            clock,
            int,
        )
        self._recorder = Recorder(self._present, self._past, clock, self._treatment, self._writer.wake)

    async def start(self) -> None:
        """See every reading from now on. Raises StartError for a file that no waiting can make usable."""
        self._table.add_consumer(self)
        await self._writer.start(_OPEN_S)

    async def take(self, batch: Batch) -> None:
        """Take what is live of a batch; samples that agents stored are the history's."""
        if batch.live:
            await self._recorder.take(batch)

    def services(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what must run until the stop, by name."""
        return {
            "statuses recorder": self._recorder.run(),
            "statuses writer": self._writer.run(),
            "statuses keeping": self._writer.maintain(),
        }

    def forget(self, name: str) -> None:
        """Ask anew whether a point is sampled: it was defined otherwise."""
        self._recorder.forget(name)

    async def read(self, question: Question) -> Series:
        """Return what a sampled point reported in the last day. Raises HistoryError."""
        if self._writer.backend is None:
            raise HistoryError("the file of statuses is not there yet: try again in a moment")
        return await self._writer.backend.read(question)

    async def close(self) -> None:
        """Put what is held on disk, and let go of the file."""
        self._recorder.flush()
        if self._writer.backend is not None and not self._writer.failure:
            try:
                await asyncio.wait_for(self._writer.drain(rest=False), _LAST_DRAIN_S)
            except (HistoryError, StartError, OSError) as error:
                _logger.info("statuses wait on disk for the next start: %s", error or "there was no time")
        await self._writer.close()
        self._present.close()
        self._past.close()

    def _treatment(self, name: str) -> Treatment:
        its = self._treat(name)
        return Treatment(record=its.record and its.sampled, dead_band=0.0, max_interval_s=0.0)
