"""An engine on a real table, store and outbox, with a plant to read: what the engine's tests share."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from vigilia.alarms.engine import AlarmEngine
from vigilia.clock import Clock
from vigilia.notices import Notice
from vigilia.points import Batch, Checkpoint, Kind, Origin, Point, Reading, Sample, Severity, Value, Window
from vigilia.rules import Rule
from vigilia.store import Store, schema
from vigilia.store.alarms import IncidentRow, load_incidents
from vigilia.store.outbox import claim, waiting
from vigilia.table import PointTable

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC).timestamp()
RELAY = Rule("relay", ("*:Relay-*-Sts",), "pv", states=frozenset(("Active",)), title="Relay failure", about_area=True)
INVERTER = Rule(
    "inverter",
    ("*:Inverter-*:Pac-Mon",),
    "pv",
    low=0.0,
    on_count=3,
    off_count=3,
    most_gap=2.0,
    held_under_suppression=True,
    title="Inverter failure",
)
STALE = Rule(
    "stale", ("*:LastRecord-Mon",), "pv", Severity.MINOR, stale_s=2700.0, held_under_suppression=True, title="Stale"
)
CONTACT = Rule("contact", ("*:Connected-Sts",), "poe", states=frozenset(("Disconnected",)), title="No contact")
PORT = Rule("port", ("sw-1:*:PwrState-Raw",), "poe", high=5.0, hihi=9.0, severity=Severity.MINOR, title="Port")
RULES = (RELAY, INVERTER, STALE, CONTACT, PORT)
WINDOW = Window("06:30", "17:30", "UTC")


def inverter(number: int = 1, plant: str = "P") -> Point:
    return Point(
        f"{plant}:Inverter-{number}:Pac-Mon",
        Kind.NUMBER,
        f"{plant}-I{number}",
        "api",
        area=plant,
        window=WINDOW,
        under=(f"plant:{plant}",),
    )


def relay(name: str = "A", plant: str = "P") -> Point:
    return Point(
        f"{plant}:Relay-{name}-Sts",
        Kind.ENUM,
        f"{plant}-R{name}",
        "api",
        labels=("Normal", "Active"),
        area=plant,
        covers=f"plant:{plant}",
    )


def record(plant: str = "P") -> Point:
    return Point(f"{plant}:LastRecord-Mon", Kind.TEXT, plant, "api", area=plant, window=WINDOW)


def contact(link: str) -> Point:
    labels = ("Disconnected", "Connected")
    return Point(f"vigilia:{link}:Connected-Sts", Kind.ENUM, link, labels=labels, covers=f"link:{link}")


def port(number: int) -> Point:
    return Point(f"sw-1:{number}:PwrState-Raw", Kind.NUMBER, f"sw-1:{number}", "sw-1")


POINTS = (inverter(1), inverter(2), relay("A"), relay("B"), record(), contact("api"), contact("sw-1"), port(1), port(2))


class SetClock(Clock):
    """A clock that stands where it is put; waits are short, and real."""

    def __init__(self, now: float = NOON) -> None:
        super().__init__()
        self.time = now

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.005))


class Notes:
    """A journal that holds what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        self.lines.append((point.name, str(value), str(origin)))
        return str(len(self.lines))

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        self.lines.append((write_id, outcome, detail))


class Rig:
    """An engine at work; `restart` leaves it behind and goes on with another from the same file."""

    def __init__(self, path: Path, points: Sequence[Point] = POINTS, rules: Sequence[Rule] = RULES) -> None:
        self.path = path
        self.points = points
        self.rules = rules
        self.clock = SetClock()
        self.notes = Notes()
        self.channels: tuple[str, ...] = ("teams",)
        self.told = 0
        """How often it was said that there are notices."""
        self.store: Store
        self.engine: AlarmEngine
        self.table: PointTable
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, keeps: bool = True) -> None:
        """`keeps` False: nothing it judges is ever kept, as if it were killed before."""
        self.store = await Store.open(f"sqlite:///{self.path}/vigilia.db")
        self.table = PointTable(self.clock, self.notes)
        self.table.add(self.points)
        self.engine = AlarmEngine(self.table, self.store, self.clock, UTC, self.route, self.notice_waits)
        await self.engine.load(self.rules)
        self.table.add_consumer(self.engine)
        self._task = asyncio.create_task(self.engine.run()) if keeps else None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Have somebody else hold the store's lock."""
        other = sqlite3.connect(self.path / "vigilia.db")
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()

    async def stop_engine(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def stop(self) -> None:
        await self.stop_engine()
        await self.store.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def route(self, notice: Notice) -> tuple[str, ...]:
        return self.channels

    def notice_waits(self) -> None:
        self.told += 1

    async def publish(self, *samples: Sample, checkpoint: bool = True) -> None:
        moments = [sample.reading.time for sample in samples if sample.reading.time is not None]
        self.clock.time = max([self.clock.time, *moments])
        mark = Checkpoint("P", max(moments)) if checkpoint and moments else None
        if mark:
            samples = (*samples, Sample(record().name, Reading("newest", max(moments))))
        await self.table.publish(Batch("pv", samples, checkpoint=mark))
        if mark is None:
            await self.engine.keeper.drain()

    async def notices(self) -> list[str]:
        """What was queued, in order: "raised inverter@P:Inverter-1:Pac-Mon"."""
        async with self.store.reading() as connection:
            rows = await connection.execute(select(schema.outbox).order_by(schema.outbox.c.id))
            return [f"{row.kind} {row.alarm.split('@')[1]}" for row in rows]

    async def incidents(self) -> list[IncidentRow]:
        return await load_incidents(self.store, 0.0)

    async def claim(self) -> None:
        """Have the channel take up what waits: from now on somebody may have read it."""
        rows = await waiting(self.store, "teams", 100)
        assert await claim(self.store, "teams", [[row.id] for row in rows if row.card is None], self.clock.now())


def pac(minute: float, value: float | None, number: int = 1, detail: str = "") -> Sample:
    """A power, so many minutes after noon."""
    severity = Severity.INVALID if value is None else Severity.NO_ALARM
    return Sample(inverter(number).name, Reading(value, NOON + 60 * minute, severity), detail)


def flags(minute: float, text: str, name: str = "A") -> Sample:
    """A relay's record with such flags, none: normal."""
    return Sample(relay(name).name, Reading(int(bool(text)), NOON + 60 * minute), text)


def fresh(minute: float) -> Sample:
    return Sample(record().name, Reading("x", NOON + 60 * minute))


def linked(minute: float, link: str, *, up: bool) -> Sample:
    return Sample(contact(link).name, Reading(int(up), NOON + 60 * minute))


def raw(minute: float, value: float, number: int = 1) -> Sample:
    return Sample(port(number).name, Reading(value, NOON + 60 * minute))
