"""Keeps the picture: asks the service, the store and the history again and again, each at its own pace.

None of the three waits for another. Where one is away the picture says so, and takes it in again when it is back.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from vigilia.clock import Clock
from vigilia.history.backend import Bucket, HistoryError
from vigilia.store import StoreError
from vigilia.tui.alive import process_of
from vigilia.tui.model import Alarm, Link, Point
from vigilia.tui.past import Past
from vigilia.tui.picture import Life, Picture, joined, links_of
from vigilia.tui.service import NotAllowed, Service, ServiceError
from vigilia.tui.stored import Signature, StoreReader

_PACE_S = 2.0
_PACE_AWAY_S = 4.0
_HISTORY_PACE_S = 5.0
_DECLARED_PACE_S = 60.0
_ALARMS_AT_LEAST_S = 10.0
"""Alarms are fetched again when the store says they changed; where it does not say, so often."""
_POINTS_PACE_S = 10.0
_RETRY_STREAM_S = 2.0
_SETTLE_S = 0.3
"""How long the view waits before it follows other points: somebody who scrolls passes many."""


class Watch:
    """The picture, and what keeps it while it is `at_work`; who shows the picture looks at it as often as it likes."""

    def __init__(
        self,
        service: Service,
        store: StoreReader,
        past: Past,
        clock: Clock,
        instance: str,
        data_dir: Path,
    ) -> None:
        self.service = service
        self.store = store
        self.past = past
        self.picture = Picture()
        """What is known now."""
        self.on_fault: Callable[[BaseException], None] | None = None
        """What is called with a fault of ours, which nothing else would show."""
        self._clock = clock
        self.instance = instance
        """What begins the names of the service's own points."""
        self._data_dir = data_dir
        self._declared: dict[str, Point] = {}
        self._kept: dict[str, Point] = {}
        self._live: dict[str, Point] = {}
        self._live_links: Sequence[Link] = ()
        self._live_alarms: Sequence[Alarm] | None = None
        self._stored_alarms: Sequence[Alarm] | None = None
        self._stored_newest: float | None = None
        self._signature: Signature | None = None
        self._wanted: tuple[str, ...] = ()
        self._want = asyncio.Event()
        self._hurry = asyncio.Event()
        self._came_back = asyncio.Event()
        self._offset = 0.0
        """How far the service's clock is from ours: in a drill, by days."""

    @property
    def now(self) -> float:
        """The time by the service's clock, as far as it is known, seconds UTC."""
        return self._clock.now() + self._offset

    def follow(self, names: Sequence[str]) -> None:
        """Have the values of these points, and no others, come as they change: those that somebody looks at."""
        wanted = tuple(names)
        if wanted != self._wanted:
            self._wanted = wanted
            self._want.set()

    def refresh(self) -> None:
        """Ask everything again now."""
        self._signature = None
        self._hurry.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Keep the picture until the end of the block, and then let go of everything."""
        parts: list[Coroutine[Any, Any, None]] = [
            self._follow_service(),
            self._follow_store(),
            self._follow_declarations(),
            self._follow_history(),
            self._follow_points(),
            self._stream(),
        ]
        async with self.service:
            tasks = [asyncio.create_task(part) for part in parts]
            for task in tasks:
                task.add_done_callback(self._ended)
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self.store.close()
                await self.past.close()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Have a fault of ours end the program, and not only what it happened in."""
        if not task.cancelled() and (error := task.exception()) is not None and self.on_fault is not None:
            self.on_fault(error)

    async def series(self, name: str, start: float, end: float, most: int) -> list[Bucket]:
        """Return what a point said over a time. Raises HistoryError."""
        return await self.past.series(name, start, end, most, self.now)

    # The service

    async def _follow_service(self) -> None:
        asked_alarms = -_ALARMS_AT_LEAST_S
        seen: Signature | None = None
        while True:
            try:
                missing = await self.service.health()
                links = await self.service.links()
                await self._set_clock()
                overdue = time.monotonic() - asked_alarms >= _ALARMS_AT_LEAST_S
                if self._live_alarms is None or overdue or seen != self._signature:
                    seen, asked_alarms = self._signature, time.monotonic()
                    self._live_alarms = await self.service.alarms()
                if not self.picture.running:
                    self._came_back.set()
                self._service_says(Life.UNHEALTHY if missing else Life.HEALTHY, missing, links)
            except NotAllowed as error:
                self._service_says(Life.CLOSED, [str(error)])
            except ServiceError as error:
                pid = await asyncio.to_thread(process_of, self._data_dir)
                life = Life.UNKNOWN if pid is None else Life.SILENT if pid else Life.DOWN
                self._service_says(life, [str(error)], pid=pid or 0)
            await self._pause(_PACE_S if self.picture.running else _PACE_AWAY_S)

    async def _set_clock(self) -> None:
        """Learn the service's time from a point that it publishes each second."""
        try:
            beat = await self.service.point(f"{self.instance}:Memory-Mon")
        except ServiceError:
            return
        if beat.time is not None:
            distance = beat.time - self._clock.now()
            # What is no more than the pace of that point and of our asking is no difference of clocks.
            self._offset = distance if abs(distance) > 2 * _PACE_S else 0.0

    def _service_says(self, life: Life, said: Sequence[str], links: Sequence[Link] = (), pid: int = 0) -> None:
        picture = self.picture
        running = life in (Life.HEALTHY, Life.UNHEALTHY)
        if not running:
            self._live, self._live_alarms = {}, None
        self._live_links = links
        before = picture.life
        picture.life, picture.said, picture.pid, picture.loaded = life, said, pid, True
        if before is not life:
            self._want.set()
        self._compose()

    # The databases

    async def _follow_store(self) -> None:
        while True:
            try:
                signature = await self.store.signature()
                if signature != self._signature or self._stored_alarms is None:
                    self._stored_alarms = await self.store.alarms()
                    self._stored_newest = await self.store.newest_change()
                    self._signature = signature
                self.picture.waiting = await self.store.waiting()
                self.picture.store_trouble = ""
            except StoreError as error:
                self.picture.store_trouble = str(error)
                self.picture.waiting = None
                self._signature = None
            self._compose()
            await self._pause(_PACE_S)

    async def _follow_declarations(self) -> None:
        while True:
            pace = _PACE_S
            try:
                self._declared = await self.store.points()
                pace = _DECLARED_PACE_S
                self._compose()
            except StoreError:
                pass  # the other one says so
            await self._pause(pace)

    async def _follow_history(self) -> None:
        while True:
            if not self.picture.running:
                try:
                    self._kept = await self.past.points()
                    self.picture.history_trouble = ""
                except HistoryError as error:
                    self.picture.history_trouble = str(error)
                self._compose()
            else:
                self.picture.history_trouble = ""
            await self._pause(_HISTORY_PACE_S)

    # Live values

    async def _follow_points(self) -> None:
        while True:
            if self.picture.running:
                try:
                    self._live = await self.service.points()
                except ServiceError:
                    pass  # the other one says so
                else:
                    self._compose()
                self._came_back.clear()
            try:
                async with asyncio.timeout(_POINTS_PACE_S):
                    await self._came_back.wait()
            except TimeoutError:
                pass

    async def _stream(self) -> None:
        """Follow the points that are looked at, by one stream, which is made anew when they are others."""
        while True:
            await self._want.wait()
            await asyncio.sleep(_SETTLE_S)
            self._want.clear()
            if not (self._wanted and self.picture.running):
                continue
            reader = asyncio.create_task(self._read_stream(self._wanted))
            other = asyncio.create_task(self._want.wait())
            try:
                await asyncio.wait((reader, other), return_when=asyncio.FIRST_COMPLETED)
            finally:
                reader.cancel()
                other.cancel()
                await asyncio.gather(reader, other, return_exceptions=True)
            if not self._want.is_set() and self.picture.running:
                await asyncio.sleep(_RETRY_STREAM_S)
                self._want.set()

    async def _read_stream(self, names: Sequence[str]) -> None:
        wanted = [name for name in names if name in self._live]
        if not wanted:
            return  # whoever names none is told of all
        try:
            async for point in self.service.follow(wanted):
                known = self._live.get(point.name)
                if known is not None and known != point:
                    self._live[point.name] = point
                    self._replace(point)
        except ServiceError:
            pass  # it is made anew, and meanwhile the list is fetched now and then

    def _replace(self, point: Point) -> None:
        """Put one new reading into the picture."""
        points = self.picture.points
        if isinstance(points, dict):
            points |= joined(self._declared, {point.name: point}, {}, running=True)

    # The picture

    def _compose(self) -> None:
        picture = self.picture
        running = picture.running
        if running and self._live_alarms is not None:
            alarms, picture.alarms_known = self._with_incidents(self._live_alarms), True
        else:
            alarms, picture.alarms_known = self._stored_alarms or (), self._stored_alarms is not None
        picture.alarms = alarms
        picture.points = joined(self._declared, self._live, self._kept, running=running and bool(self._live))
        picture.points_known = bool(picture.points)
        picture.live = running and bool(self._live)
        picture.links = self._live_links if running else links_of(self._kept, self.instance)
        picture.newest = self._newest(picture.points)
        picture.settle()

    def _with_incidents(self, alarms: Sequence[Alarm]) -> Sequence[Alarm]:
        """Return the service's alarms with what only the store says of them: incident, area, that people were told."""
        stored = {alarm.id: alarm for alarm in self._stored_alarms or ()}
        return [
            replace(
                alarm,
                incident=known.incident,
                began=known.began,
                system=known.system,
                area=known.area,
                told_at=alarm.told_at if alarm.told_at is not None else known.told_at,
            )
            if (known := stored.get(alarm.id))
            else alarm
            for alarm in alarms
        ]

    def _newest(self, points: Mapping[str, Point]) -> float | None:
        times = [point.time for point in points.values() if point.time is not None]
        if self._stored_newest is not None:
            times.append(self._stored_newest)
        # A reading from the future is no measure of how old this is.
        return max((moment for moment in times if moment <= self.now + 60), default=None)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return
        await asyncio.sleep(0.1)  # all that wait are to see it
        self._hurry.clear()
