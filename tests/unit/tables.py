"""A table with a journal, a consumer and equipment from a script, for the tests of the table."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

from vigilia.clock import Clock
from vigilia.points import Batch, Kind, Origin, Point, Reading, Sample, Severity, Status, Value
from vigilia.table import PointTable

OFF_ON = ("Off", "On")
RAW = Point("T1:PwrState-Raw", Kind.ENUM, "T1", "sw-1", labels=OFF_ON, max_age_s=3.0)
POWER = Point("T1:Power-Mon", Kind.NUMBER, "T1", "sw-1", units="W", max_age_s=3.0)
SEL = Point("T1:PwrState-Sel", Kind.ENUM, "T1", "sw-1", labels=OFF_ON, writable=True, setpoint=True, max_age_s=3.0)
FOREVER = Point("T1:Desc", Kind.TEXT, "T1", "sw-1")
ELSEWHERE = Point("T2:PwrState-Raw", Kind.ENUM, "T2", "sw-2", labels=OFF_ON, max_age_s=3.0)
GAIN = Point("T1:Gain", Kind.NUMBER, "T1", "sw-1", limits=(0, 10), writable=True)
ALL = (RAW, POWER, SEL, FOREVER, ELSEWHERE, GAIN)
ANA = Origin("epics", "ana", "console-1")
LOST = (Severity.INVALID, Status.TIMEOUT)
GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
WRITE_ALARM = (Severity.INVALID, Status.WRITE)


class Notebook:
    """A journal in memory."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        self.lines.append(("asked", point.name, value, previous, str(origin)))
        return str(len(self.lines))

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        self.lines.append(("answered", write_id, outcome, detail))


class Recorder:
    """A consumer that keeps what it was given, as slowly as it likes."""

    def __init__(self, delay_s: float = 0) -> None:
        self.batches: list[Batch] = []
        self._delay_s = delay_s

    async def take(self, batch: Batch) -> None:
        await asyncio.sleep(self._delay_s)
        self.batches.append(batch)


class Equipment:
    """What a driver's write reaches: it notes each, waits if told so, and answers from a script."""

    def __init__(self, *answers: Exception | None) -> None:
        self.written: list[tuple[str, Value]] = []
        self.go = asyncio.Event()
        self.go.set()
        self._answers = list(answers)

    async def write(self, point: Point, value: Value, _origin: Origin) -> None:
        self.written.append((point.name, value))
        answer = self._answers.pop(0) if self._answers else None
        await self.go.wait()
        if answer is not None:
            raise answer


class Bench:
    def __init__(self, *answers: Exception | None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.notebook = Notebook()
        self.equipment = Equipment(*answers)
        self.table = PointTable(self.clock, self.notebook)
        self.table.add(ALL, self.equipment.write)

    async def publish(self, point: Point, value: Value, time: float | None = None, **more: float) -> None:
        reading = Reading(value, self.clock.now() if time is None else time)
        await self.table.publish(Batch("test", [Sample(point.name, reading)], **more))

    def alarm(self, point: Point) -> tuple[Severity, Status]:
        return self.table.reading(point.name)[2:]

    def value(self, point: Point) -> Value | None:
        return self.table.reading(point.name).value


@contextlib.asynccontextmanager
async def background(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
