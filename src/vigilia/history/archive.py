"""The history put together: recorder, spool, writer and database, as one part of the service."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from vigilia.clock import Clock
from vigilia.errors import StartError
from vigilia.history.backend import Backend, HistoryError, PointInfo, Question, Series
from vigilia.history.config import HistoryConfig, PointsConfig, Treatment
from vigilia.history.open import open_backend
from vigilia.history.recorder import Recorder
from vigilia.history.refused import RefusedRows
from vigilia.history.statuses import Statuses
from vigilia.history.waiting import open_spool
from vigilia.history.writer import Writer
from vigilia.points import Kind, Point
from vigilia.rules import Rule
from vigilia.table import PointTable

_logger = logging.getLogger(__name__)

_OPEN_S = 2.0
"""How long a start waits for the database; it then goes on opening while the service works."""
_LAST_DRAIN_S = 1.5
_LATE_S = 600.0
_SAMPLES_APART_S = 3600.0
"""Nothing is known here of the pace of an agent's samples; a longer pause shows as one."""
_POINTS_PAUSE_S = 1.0
_MEASURED = (Kind.NUMBER, Kind.INTEGER)
"""Kinds of points whose values may be nearly the same."""


def own_treatments(instance: str) -> list[PointsConfig]:
    """Return how the service's own points are kept: those that change each second, and mean the same."""
    bands = {"RoundTrip-Mon": 1.0, "RoundTrip99-Mon": 5.0}
    of_links = [PointsConfig(points=f"{instance}:*:{suffix}", dead_band=band) for suffix, band in bands.items()]
    of_service = [
        PointsConfig(points=f"{instance}:{suffix}", dead_band=band)
        for suffix, band in {"Memory-Mon": 1.0, "HistoryWaiting-Mon": 1.0, "HistoryLag-Mon": 5.0}.items()
    ]
    return of_links + of_service


def rules_of(instance: str) -> list[Rule]:
    """Return the alarm rules of the history itself; `instance` begins the names of the service's own points."""
    common: dict[str, Any] = {"system": "vigilia", "about_area": True, "outage": False}
    return [
        Rule(
            "history-late",
            (f"{instance}:HistoryLag-Mon",),
            high=_LATE_S,
            dead_band=_LATE_S / 2,
            title="The history is late: its database takes nothing",
            cleared_title="The history is up to date again",
            **common,
        ),
        Rule(
            "history-lost",
            (f"{instance}:HistoryDropped-Mon",),
            high=1.0,
            title="Readings were lost to the history",
            cleared_title="Readings are kept in the history again",
            **common,
        ),
    ]


class History:
    """Everything between a reading and the database of the past; also the way back, for those who ask.

    The database that `config.url` names may be away, at the start and at any time: what is to be kept waits on disk.
    """

    def __init__(self, config: HistoryConfig, data_dir: Path, instance: str, table: PointTable, clock: Clock) -> None:
        """Open the spool. Raises StartError where it cannot be written."""
        self.rules = rules_of(instance)
        """What is an alarm of the history itself."""
        self._config = config
        self._own = own_treatments(instance)
        self._treatments: dict[str, Treatment] = {}
        self._table = table
        self._present = open_spool(data_dir / "history.spool", config.spool_mb * 500_000)
        self._past = open_spool(data_dir / "history-past.spool", config.spool_mb * 500_000)
        self.refused_rows = RefusedRows(data_dir / "history.refused.jsonl")
        url = config.url.get_secret_value()
        self.writer = Writer(
            self._present,
            self._past,
            partial(open_backend, url, config.keeping),
            self._infos,
            self.refused_rows,
            clock,
            lambda: table.version,
        )
        self.recorder = Recorder(self._present, self._past, clock, self._treatment, self.writer.wake)
        self._statuses = Statuses(data_dir, table, clock, self._treatment) if config.statuses else None

    async def start(self) -> None:
        """See every reading from now on, and open the database where that is soon done.

        Raises StartError for a database that no waiting can make usable.
        """
        self._table.add_consumer(self.recorder)
        await self.writer.start(_OPEN_S)
        if self._statuses:
            await self._statuses.start()

    def services(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what must run until the stop, by name."""
        services = {
            "history recorder": self.recorder.run(),
            "history writer": self.writer.run(),
            "history keeping": self.writer.maintain(),
            "history points": self._follow_points(),
        }
        return services | (self._statuses.services() if self._statuses else {})

    def missing(self) -> list[str]:
        """Return a sentence for each sign that readings are lost, or do not reach the database."""
        return self.recorder.missing() + self.writer.missing()

    @property
    def waiting_mb(self) -> float:
        """How much waits on disk, in megabytes."""
        return round((self._present.waiting_bytes + self._past.waiting_bytes) / 1e6, 1)

    @property
    def dropped(self) -> int:
        """How many readings found no room on the disk; 0 when all have found it for ten minutes."""
        return self.recorder.dropped_lately

    @property
    def refused(self) -> int:
        """How many readings no database could take, since the start."""
        return self.recorder.refused + self.refused_rows.count

    @property
    def lag_s(self) -> float:
        """How long the oldest reading that is not in the database has been waiting, in seconds; one of the past may."""
        return round(self.writer.lag_s, 1)

    @property
    def backend(self) -> Backend:
        """The database. Raises HistoryError while it is away."""
        backend = self.writer.backend
        if backend is None:
            raise HistoryError("the history's database is away: what is read meanwhile waits on disk")
        return backend

    async def read(self, question: Question) -> Series:
        """Return a series at the finest resolution that answers the question. Raises HistoryError."""
        return await self.backend.read(question)

    async def read_statuses(self, question: Question) -> Series:
        """Return what a sampled point reported within the last day. Raises HistoryError, where none are kept, too."""
        if self._statuses is None:
            raise HistoryError("statuses are not kept: set [history] statuses = true")
        return await self._statuses.read(question)

    def longest_interval_s(self, name: str) -> float:
        """Return within how many seconds a point that is read has another reading here, also one that is gone."""
        interval_s = self._config.treatment(name, self._own).max_interval_s
        sampled = name in self._table and self._table.point(name).sampled
        return max(interval_s, _SAMPLES_APART_S) if sampled else interval_s

    async def close(self) -> None:
        """Put what is held on disk, bring what waits into the database as far as there is time, and let go of both."""
        self.recorder.flush()
        if self.writer.backend is not None and not self.writer.failure:
            try:
                await asyncio.wait_for(self.writer.drain(rest=False), _LAST_DRAIN_S)
            except (HistoryError, StartError, OSError) as error:  # TimeoutError is an OSError
                reason = str(error) or "there was no time"
                _logger.warning("%.1f MB of the history wait on disk for the next start: %s", self.waiting_mb, reason)
        if self._statuses:
            await self._statuses.close()
        await self.writer.close()
        self._present.close()
        self._past.close()

    def _treatment(self, name: str) -> Treatment:
        known = self._treatments.get(name)
        if known is None:
            point = self._table.point(name)
            known = self._config.treatment(name, self._own)._replace(sampled=point.sampled)
            if point.kind not in _MEASURED:
                known = known._replace(dead_band=0.0)
            self._treatments[name] = known
        return known

    async def _follow_points(self) -> None:
        """See to it that a point which was defined anew is kept as it is now, until cancelled."""
        version = -1
        while True:
            version = await self._table.wait_for_version(version)
            for point in self._table.points():
                known = self._treatments.get(point.name)
                if known is not None and known.sampled is not point.sampled:
                    del self._treatments[point.name]
                    self.recorder.forget(point.name)
                    if self._statuses:
                        self._statuses.forget(point.name)
            await asyncio.sleep(_POINTS_PAUSE_S)

    def _infos(self) -> Iterator[PointInfo]:
        """Give what the database is to know of the points that are kept."""
        for point in self._table.points():
            if self._treatment(point.name).record:
                yield info_of(point, self._table.system(point.name))


def info_of(point: Point, system: str) -> PointInfo:
    """Return what a database is told of a point."""
    return PointInfo(
        point.name,
        point.kind.value,
        point.units or "",
        point.description,
        point.device,
        point.link,
        point.area,
        system,
        point.labels,
    )
