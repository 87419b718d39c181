"""Samples on their way: from the moment they are taken until the place they go to has them on its disk.

The loop puts them into a bounded list; a thread writes that into a file each second, or when it has grown long. What is
sent is read from the file: nothing leaves before it is durable here. See vigilia.agent.samplefile.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from vigilia.agent.clocking import Clocking
from vigilia.agent.parts import Access, Measured, Part
from vigilia.agent.salvage import is_damage
from vigilia.agent.samplefile import Correction, Era, Sample, SampleFile, Stored, put_in_place, rescue
from vigilia.errors import StartError, VigiliaError
from vigilia.points import Kind, Value

_logger = logging.getLogger(__name__)

T = TypeVar("T")

COMMIT_PERIOD_S = 1.0
"""Real seconds between two commits: what a loss of power may cost."""
_COMMIT_ROWS = 500
"""So many rows do not wait for the second."""
_MOST_UNWRITTEN = 20_000
"""Rows that may wait in memory while the disk takes none: about 4 MB."""
_ROWS_AT_ONCE = 2_000
DAYS_KEPT = 30
_LARGEST_BYTES = 1_000_000_000
"""Of the file: 30 days of 8 probes at one sample a second take 0.6 GB."""
_LEAST_FREE_BYTES = 20_000_000
"""What is left of the disk to others, and to SQLite's own log."""
_ROW_BYTES = 64
"""A row takes less, but for its text."""
_WRITE_BYTES = 16_384
"""Pages that a write may take besides."""
_UPKEEP_PERIOD_S = 60.0
_UPKEEP_ROWS = 5_000
_TELL_PERIOD_S = 60.0
"""Real seconds between two lines on samples that are dropped."""
_ANSWER_S = 30.0
"""A disk that gives no answer for so long hangs."""


class StoreFault(VigiliaError):
    """The file of samples cannot be used at present."""


class SampleStore:
    """Keeps samples until they are acknowledged. `run` is what writes them; `close` writes the last."""

    def __init__(
        self, path: Path, boot: str, *, most_bytes: int = _LARGEST_BYTES, least_free: int = _LEAST_FREE_BYTES
    ) -> None:
        """Open the file, or make it: this blocks. Raises StartError."""
        self.path = path
        self.taken = 0
        """Samples taken since the start."""
        self.fault = ""
        """Why nothing can be written at present; empty: it can."""
        self._asked: list[tuple[float, Future[Any]]] = []
        """What the thread was asked to do, and when, by the loop's time."""
        self._boot = boot
        self._damage = ""
        """What is damaged in the file; empty: nothing that is known."""
        self._most_bytes = most_bytes
        self._least_free = least_free
        self._unwritten: deque[Sample] = deque()
        self._eras: list[Era | Correction] = []
        self._era: Era | None = None
        """The newest era, so that a file begun anew knows it."""
        self._lost = 0
        """Samples that were dropped before they came into the file, and are not counted there yet."""
        self._untold = 0
        """Samples that were dropped and not told of in the log yet."""
        self._tell_at = 0.0
        self._file = self._open()
        self._next_era = self._file.next_era
        self._oldest_ms = self._file.time_at(self._file.first_offset)
        self._enough = asyncio.Event()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "samples")
        self._clocking: Clocking | None = None

    @property
    def waiting(self) -> int:
        """Samples that are kept and were not acknowledged."""
        return self._file.waiting + len(self._unwritten)

    @property
    def busy_since(self) -> float | None:
        """Since when the thread owes an answer, by the loop's time; None: it owes none. A refusal is one."""
        return next((since for since, answer in self._asked if not answer.done()), None)

    @property
    def dropped(self) -> int:
        """Samples that are lost, in all: no room, damage, or nobody takes them."""
        return self._file.dropped + self._lost

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest sample that waits was taken; None: none waits."""
        return self._oldest_ms if self.waiting else None

    @property
    def store_id(self) -> str:
        """What the offsets count in."""
        return self._file.store_id

    @property
    def first_offset(self) -> int:
        """The oldest offset that is there."""
        return self._file.first_offset

    @property
    def next_offset(self) -> int:
        """The offset that the next sample written will have."""
        return self._file.next_offset

    def last_seen(self) -> float:
        """Return the time of the newest sample there is, seconds UTC; 0: there is none. It blocks."""
        return (self._file.time_at(self._file.next_offset - 1) or 0) / 1000

    def use_clock(self, clocking: Clocking) -> None:
        """Have it say when samples were taken, from now on."""
        self._clocking = clocking

    def take(self, part: Part, samples: Sequence[Measured]) -> None:
        """Keep samples of a part. What there is no room for is dropped, the oldest first, and counted."""
        declaration = part.declaration
        kinds = {it.name: it.kind for it in declaration.parameters if it.access is Access.READING}
        for measured in samples:
            moment, era = self._clocking.stamp(measured.time) if self._clocking else (round(measured.time * 1000), 0)
            alarm = int(measured.severity) * 32 + int(measured.status)
            kind, value = kinds.get(measured.parameter, Kind.NUMBER), _storable(measured.value)
            self._unwritten.append(Sample(declaration.name, measured.parameter, kind, moment, value, alarm, era))
        self.taken += len(samples)
        while len(self._unwritten) > _MOST_UNWRITTEN:
            self._unwritten.popleft()
            self._lost += 1
        if len(self._unwritten) >= _COMMIT_ROWS:
            self._enough.set()

    def begin_era(self, boot: str, base_ms: int, mono_ms: int, correction_ms: int | None) -> int:
        """Note an era that begins; return its number."""
        number = self._next_era
        self._next_era += 1
        self._era = Era(number, boot, base_ms, mono_ms, correction_ms)
        self._eras.append(self._era)
        return number

    def correct(self, correction: Correction) -> None:
        """Note what was learned of eras without a correction."""
        self._eras.append(correction)
        if self._era is not None and self._era.correction_ms is None:
            settled = correction.true_ms - (self._era.base_ms + correction.mono_ms - self._era.mono_ms)
            self._era = self._era._replace(correction_ms=settled)
        self._enough.set()

    async def run(self) -> None:
        """Write what was taken, each second, and keep the file in bounds, until cancelled."""
        loop = asyncio.get_running_loop()
        upkeep_at = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_PERIOD_S):
                    await self._enough.wait()
            self._enough.clear()
            try:
                while await self._write():
                    pass
                if loop.time() >= upkeep_at:
                    upkeep_at = loop.time() + _UPKEEP_PERIOD_S
                    await self._drop_the_old()
                self._tell("")
            except StoreFault as error:
                self._tell(str(error))
                await asyncio.sleep(COMMIT_PERIOD_S)

    async def close(self) -> None:
        """Write the last samples and close the file, within the deadline of one answer."""
        try:
            while await self._write():
                pass
            await self._in_thread(self._file.close)
        except StoreFault as error:
            _logger.error("the last %d samples are lost: %s", len(self._unwritten), error)
        finally:
            self._thread.shutdown(wait=False)

    async def read(self, start: int, most: int = _ROWS_AT_ONCE) -> list[Stored]:
        """Return the samples from an offset on that are on disk and whose time is known. Raises StoreFault."""
        return await self._in_thread(lambda: self._file.read(start, most))

    async def wait_for(self, offset: int) -> None:
        """Wait until there may be a sample with this offset, or a later one, to be read."""
        self._arrived.clear()
        if self._file.next_offset <= offset:
            await self._arrived.wait()

    async def acknowledge(self, offset: int, store_id: str, dropped: int = 0) -> None:
        """Delete every sample of a store before an offset: it is durable elsewhere. Raises StoreFault.

        `dropped`: so many of them nobody takes, and they are counted. Offsets of a store that is no more say nothing.
        """

        def forget() -> None:
            if self._file.store_id != store_id:
                raise StoreFault(f"{self.path} was begun anew meanwhile: its samples are sent as another store's")
            self._file.forget_before(offset, dropped)
            self._oldest_ms = self._file.time_at(self._file.first_offset)

        await self._in_thread(forget)

    async def renew(self) -> None:
        """Take another store id. Raises StoreFault."""
        await self._in_thread(self._file.renew)

    async def _write(self) -> bool:
        """Write a handful of what waits; return whether more does. Raises StoreFault, and it waits on."""
        if not self._unwritten and not self._eras and not self._lost:
            return False
        rows = list(islice(self._unwritten, _ROWS_AT_ONCE))
        eras, lost = list(self._eras), self._lost

        def write() -> None:
            too_large = self._file.used_bytes > self._most_bytes
            if too_large:
                self._dropped_by(self._file.drop_oldest(_UPKEEP_ROWS), "the file is at its bound")
            giving_way = len(rows) if not too_large and self._has_no_room(rows) else 0
            self._dropped_by(self._file.write(rows, eras, self._file.dropped + lost, giving_way), "the disk is full")
            if self._oldest_ms is None or self._file.waiting == len(rows):
                self._oldest_ms = self._file.time_at(self._file.first_offset)

        await self._in_thread(write)
        # What overflowed meanwhile went at the old end: of the rows written, so many are no longer in the list.
        for _ in range(len(rows) - (self._lost - lost)):
            self._unwritten.popleft()
        self._lost = max(0, self._lost - lost - len(rows))
        del self._eras[: len(eras)]
        self._arrived.set()
        return bool(self._unwritten)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        answer = self._thread.submit(self._guarded, work)
        asked = [(since, before) for since, before in self._asked if not before.done()]
        self._asked = [*asked, (asyncio.get_running_loop().time(), answer)]
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await asyncio.wrap_future(answer)
        except TimeoutError as error:
            raise StoreFault(f"{self.path} gives no answer: check its disk") from error

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do something with the file, in the thread; of a damaged one begin another. Raises StoreFault."""
        try:
            if self._damage:
                self._begin_anew()
            return work()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise StoreFault(f"{self.path} cannot be used ({error}): make room, or check the disk") from error
            self._damage = str(error)
            raise StoreFault(f"{self.path} is damaged ({error}): another is made of what can be read") from error
        except OSError as error:
            raise StoreFault(f"{self.path} cannot be used ({error.strerror}): check the disk") from error
        except StartError as error:
            raise StoreFault(str(error)) from error

    def _begin_anew(self) -> None:
        """Put what can be read of the damaged file into another, and go on with that.

        Raises sqlite3.Error, OSError or StartError: the damaged one is there still, and this is to be tried again.
        """
        old = self._file
        fresh = rescue(self.path, self._boot, old.waiting, old.dropped)
        old.close()
        put_in_place(fresh, self.path, self._damage)
        self._file = self._open()
        self._file.next_era = old.next_era
        self._oldest_ms = self._file.time_at(self._file.first_offset)
        if self._era is not None:
            self._eras.insert(0, self._era)
        self._damage = ""

    def _open(self) -> SampleFile:
        try:
            return SampleFile(self.path, self._boot)
        except (sqlite3.Error, OSError) as error:
            raise StartError(
                f"the samples {self.path} cannot be opened ({error}): make room, or check the folder's rights"
            ) from error

    def _has_no_room(self, rows: Sequence[Sample]) -> bool:
        """Say whether rows would make the file larger, on a disk that has no more to give.

        A file gives nothing back to the disk: room for new rows is what old ones leave in it.
        """
        status = os.statvfs(self.path.parent)
        if status.f_bavail * status.f_frsize >= self._least_free:
            return False
        texts = sum(len(row.value.encode()) for row in rows if isinstance(row.value, str))
        return self._file.free_bytes < _WRITE_BYTES + _ROW_BYTES * len(rows) + texts

    async def _drop_the_old(self) -> None:
        """Drop what is older than may be kept. By a clock that may be wrong nothing is old."""
        now_ms = self._clocking.right_ms() if self._clocking else None
        if now_ms is None:
            return

        def drop() -> int:
            old = self._file.older_than(now_ms - DAYS_KEPT * 86_400_000)
            self._dropped_by(self._file.drop_oldest(old), f"they are older than {DAYS_KEPT} days")
            return old

        while await self._in_thread(drop):
            pass

    def _dropped_by(self, count: int, reason: str) -> None:
        """Take note of samples that were dropped; what goes on each second is told now and then."""
        if not count:
            return
        self._oldest_ms = self._file.time_at(self._file.first_offset)
        self._untold += count
        now = time.monotonic()
        if now < self._tell_at:
            return
        self._tell_at = now + _TELL_PERIOD_S
        _logger.error("%d of the oldest samples were dropped: %s; %d in all", self._untold, reason, self._file.dropped)
        self._untold = 0

    def _tell(self, fault: str) -> None:
        """Tell once that nothing can be written, and once that it can again."""
        if fault and not self.fault:
            _logger.error("samples wait in memory: %s", fault)
        elif self.fault and not fault:
            _logger.warning("samples are written again")
        self.fault = fault


def _storable(value: Value | None) -> Value | None:
    """Return a value as SQLite takes it: one that it refused would hold up all that come after."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    return value
