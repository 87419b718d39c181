"""What the history says, read beside the service or without it: the newest of every point, and series for charts."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from vigilia.errors import StartError
from vigilia.history.backend import SECOND_MS, Backend, Bucket, HistoryError, PointInfo, Question, Row, with_gaps
from vigilia.history.config import HistoryConfig
from vigilia.history.open import look
from vigilia.language import tr
from vigilia.points import Kind, Value
from vigilia.tui.model import Point

_FIRST_WAIT_S = 10.0
_WHOLE = (Kind.ENUM, Kind.INTEGER)


class Past:
    """The history, as one who only reads sees it. Its methods raise HistoryError with a sentence."""

    def __init__(self, config: HistoryConfig) -> None:
        self._config = config
        self._backend: Backend | None = None
        self._opening = asyncio.Lock()
        self.kept = config.enabled
        """Whether there is a history at all."""
        self.name = str(config.url)

    async def points(self) -> dict[str, Point]:
        """Return every point that the history knows, with its newest reading there."""
        async with self._open() as backend:
            infos = await backend.points()
            rows = {row.point: row for row in await backend.latest()}
        known = {info.name: _point(info, rows.get(info.name)) for info in infos}
        bare = (PointInfo(name, "") for name in rows if name not in known)
        return known | {info.name: _point(info, rows[info.name]) for info in bare}

    async def series(self, name: str, start: float, end: float, most: int, now: float) -> list[Bucket]:
        """Return what a point said from `start` to `end` (seconds UTC), gaps marked by buckets without a value."""
        question = Question(name, max(0, round(start * SECOND_MS)), max(0, round(end * SECOND_MS)), most)
        async with self._open() as backend:
            series = await backend.read(question)
        interval_s = self._config.treatment(name).max_interval_s
        return with_gaps(series, round(min(end, now) * SECOND_MS), interval_s)

    async def close(self) -> None:
        """Let go of the database."""
        backend, self._backend = self._backend, None
        if backend is not None:
            await backend.close()

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Backend]:
        if not self.kept:
            raise HistoryError(tr("no history is kept: [history] enabled is false"))
        async with self._opening:
            if self._backend is None:
                try:
                    async with asyncio.timeout(_FIRST_WAIT_S):
                        self._backend = await look(self._config.url.get_secret_value())
                except StartError as error:
                    raise HistoryError(str(error)) from error
                except TimeoutError as error:
                    raise HistoryError(tr("the history gives no answer")) from error
            backend = self._backend
        yield backend


def _point(info: PointInfo, row: Row | None) -> Point:
    shown = Point(
        name=info.name,
        kind=info.kind,
        device=info.device,
        link=info.link,
        system=info.system,
        area=info.area,
        description=info.description,
        units=info.units,
        labels=info.labels,
    )
    return shown if row is None else _read_back(shown, row)


def _read_back(point: Point, row: Row) -> Point:
    """Return a point with what the history has of it last."""
    return replace(
        point, value=_value(point.kind, row), severity=row.severity, status=row.status, time=row.time_ms / SECOND_MS
    )


def _value(kind: str, row: Row) -> Value | None:
    if row.value is None or not math.isfinite(row.value):
        return row.text
    if kind == Kind.BOOLEAN:
        return bool(row.value)
    return int(row.value) if kind in _WHOLE else row.value
