"""The point table: the latest reading of every point, and the only way in and out.

What the equipment says is *published*; what somebody asks for is *written*; the two never share a verb.
*Consumers* (alarms, history) see every reading and `publish` waits for them; *viewers* subscribe and get the newest
value of each point, coalesced. See docs/explanation/architecture.md.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Protocol

from vigilia.clock import Clock
from vigilia.errors import Begun, NotWritable, Pending, ReadOnly, Refused, UnknownPoint, VigiliaError, WriteError
from vigilia.language import tr
from vigilia.points import NEVER_READ, Batch, Origin, Point, Reading, Sample, Severity, Status, Value

_logger = logging.getLogger(__name__)

Writer = Callable[[Point, Value, Origin], Awaitable[None]]
"""Carries a write to the equipment, for whoever asks; returns once it is confirmed, raises WriteError otherwise."""

Check = Callable[[Point, Reading], None]
"""Looks at a point right before it is written to. Raises WriteError where that must not be."""

MOST_WRITES_UNDER_WAY = 10_000
_STALENESS_CHECK_S = 0.5


class Consumer(Protocol):
    """Sees every reading, in order; `publish` waits for it."""

    async def take(self, batch: Batch) -> None:
        """Take one batch."""
        ...


class Journal(Protocol):
    """Remembers who asked for what, and how it ended. Neither call may block or raise."""

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        """Note a write before it is carried out; return its id."""
        ...

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        """Note how the write ended: "confirmed", "pending", or an error's name and text.

        Of what the equipment was only at ("pending") the end is noted later, in the place of that.
        """
        ...


class _Row:
    """A point and its present state."""

    __slots__ = ("expires", "point", "reading", "system", "writer")

    def __init__(self, point: Point, writer: Writer | None, system: str) -> None:
        self.reading = NEVER_READ
        self.expires = math.inf
        self.define(point, writer, system)

    def define(self, point: Point, writer: Writer | None, system: str) -> None:
        """Take the point's definition."""
        self.point = point
        self.writer = writer if point.writable else None
        self.system = system


class Subscription:
    """A viewer's queue: one slot a point, so that it is bounded by the number of points.

    Overflow rule: a value not yet fetched is replaced by a newer one of the same point, and counted.
    """

    def __init__(self, table: "PointTable", wanted: Callable[[Point], bool] | None) -> None:
        self.replaced = 0
        """Values that were replaced before they were fetched."""
        self._table = table
        self._wanted = wanted
        self._names: set[str] | None = None if wanted is None else set()
        self._waiting: dict[str, Reading] = {}
        self._wake = asyncio.Event()
        self._wake.set()
        for point in table.points():
            self.meet(point, table.reading(point.name))

    def meet(self, point: Point, reading: Reading) -> None:
        """Look at a point that is new, or defined anew; where it is one to follow, its reading counts as a change."""
        if self._names is not None and self._wanted is not None:
            if not self._wanted(point):
                self._names.discard(point.name)
                return
            self._names.add(point.name)
        self._waiting[point.name] = reading
        self._wake.set()

    def offer(self, name: str, reading: Reading) -> bool:
        """Put a new reading in its point's slot; return whether it replaced one that nobody had fetched."""
        if self._names is not None and name not in self._names:
            return False
        replaces = name in self._waiting
        self.replaced += replaces
        self._waiting[name] = reading
        self._wake.set()
        return replaces

    async def changes(self) -> dict[str, Reading]:
        """Wait for changes and return the newest reading of each changed point; the first call gives the snapshot."""
        await self._wake.wait()
        return self.fetch()

    def fetch(self) -> dict[str, Reading]:
        """Return what has changed so far, without waiting."""
        self._wake.clear()
        changed, self._waiting = self._waiting, {}
        return changed

    def close(self) -> None:
        """Stop listening."""
        self._table.unsubscribe(self)


class PointTable:
    """Holds the latest reading of every point. All calls belong to one event loop."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self.replaced = 0
        """Values that were replaced before a viewer fetched them, over all viewers since the start."""
        self.version = 0
        """Another number after each change of the points themselves: some were added, or defined anew."""
        self._version_changed = asyncio.Event()
        self._clock = clock
        self._journal = journal
        self._rows: dict[str, _Row] = {}
        self._by_link: dict[str, list[_Row]] = {}
        self._viewers: set[Subscription] = set()
        self._consumers: list[Consumer] = []
        self._writes: set[asyncio.Task[Reading]] = set()

    def add(self, points: Iterable[Point], writer: Writer | None = None, system: str = "vigilia") -> None:
        """Add points; `writer` carries writes to those that take them. Raises ValueError for a name already taken.

        `system` is the driver they belong to, by the name of its section.
        """
        for point in points:
            if point.name in self._rows:
                raise ValueError(f"two points are named {point.name}")
            self._put(point, writer, system)
        self._points_changed()

    def define(self, points: Iterable[Point], writer: Writer | None, system: str) -> list[Point]:
        """Add the points that are new, and define those anew that are known otherwise; return both.

        A point defined anew keeps its reading, but for one of another kind. Raises ValueError, before anything is
        changed, for a name that another system has.
        """
        changed = {point.name: point for point in points if self._is_change(point, system)}
        for point in changed.values():
            self._put(point, writer, system)
        if changed:
            self._points_changed()
        return list(changed.values())

    async def wait_for_version(self, seen: int) -> int:
        """Wait until the points are not those of version `seen` any more; return the version they then have."""
        while self.version == seen:
            await self._version_changed.wait()
        return self.version

    def add_consumer(self, consumer: Consumer) -> None:
        """Have `consumer` see every batch from now on."""
        self._consumers.append(consumer)

    def __contains__(self, name: str) -> bool:
        """Say whether a point of that name is known."""
        return name in self._rows

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self._rows)

    def points(self) -> Iterator[Point]:
        """Give every point, in the order they were added."""
        return (row.point for row in self._rows.values())

    def point(self, name: str) -> Point:
        """Return the point of that name. Raises UnknownPoint."""
        return self._row(name).point

    def system(self, name: str) -> str:
        """Return the driver that a point belongs to, by its section; the service: "vigilia". Raises UnknownPoint."""
        return self._row(name).system

    def reading(self, name: str) -> Reading:
        """Return the latest reading of a point. Raises UnknownPoint."""
        return self._row(name).reading

    def snapshot(self) -> Iterator[tuple[str, Reading]]:
        """Give the name and latest reading of every point."""
        return ((name, row.reading) for name, row in self._rows.items())

    def subscribe(
        self, names: Iterable[str] | None = None, *, where: Callable[[Point], bool] | None = None
    ) -> Subscription:
        """Return a viewer, which begins with a snapshot: no change falls between.

        It follows `names`, or the points for which `where` is true, or all; those that come later as well.
        """
        viewer = Subscription(self, where if names is None else _named(frozenset(names)))
        self._viewers.add(viewer)
        return viewer

    def unsubscribe(self, viewer: Subscription) -> None:
        """Forget a viewer."""
        self._viewers.discard(viewer)

    async def publish(self, batch: Batch) -> None:
        """Take what the equipment says: show it at once, then let every consumer have the whole batch.

        Raises UnknownPoint, before anything is shown, where a sample names no point: a driver's mistake.
        """
        newest = {name: Reading(values[-1], times[-1]) for name, times, values in batch.runs if times}
        for name, reading, _ in batch.samples:
            known = newest.get(name)
            if known is None or known.time is None or reading.time is None or reading.time >= known.time:
                newest[name] = reading
        rows = [(self._row(name), reading) for name, reading in newest.items()]
        contact = self._clock.monotonic()
        wall = self._clock.now()
        for row, reading in rows:
            shown = row.reading.time
            # A late reading is no news to a viewer. After the clock was set back, the one shown lies in the future.
            if shown is not None and reading.time is not None and reading.time < shown <= wall:
                continue
            max_age_s = row.point.max_age_s if batch.max_age_s is None else batch.max_age_s
            row.expires = math.inf if max_age_s is None or row.point.setpoint else contact + max_age_s
            self._show(row, reading)
        await self._tell_consumers(batch)

    def extend(self, link: str, seconds: float) -> None:
        """Suspend the staleness of a link's points for `seconds` of the clock: silence is expected there."""
        until = self._clock.monotonic() + seconds
        for row in self._by_link.get(link, ()):
            row.expires = max(row.expires, until)

    async def lose(self, link: str) -> None:
        """Mark what was read of a lost link TIMEOUT/INVALID: it keeps its value, and its alarm until a good reading.

        What people asked for, chosen values and commands, is not read: it stays as it is.
        """
        rows = self._by_link.get(link, ())
        await self._expire([row for row in rows if not (row.point.setpoint or row.point.writable)], f"link {link}")

    async def watch_staleness(self) -> None:
        """Mark points TIMEOUT/INVALID that were not read for longer than they may; runs until cancelled."""
        while True:
            await self._clock.sleep(_STALENESS_CHECK_S)
            now = self._clock.monotonic()
            await self._expire([row for row in self._rows.values() if row.expires < now], "staleness")

    async def write(self, name: str, value: object, origin: Origin, check: Check | None = None) -> Reading:
        """Ask the equipment for `value`; return the point's reading once it is confirmed.

        Every write ends in an answer: a reading, or one of the WriteErrors (of which Pending is good news). It is
        carried through even if the caller goes away. No other write comes between `check` and what is then chosen.
        """
        row = self._row(name)
        if len(self._writes) >= MOST_WRITES_UNDER_WAY:
            text = tr("{count} writes are under way already: try again later")
            raise NotWritable(text.format(count=len(self._writes)))
        task = asyncio.create_task(self._carry_out(row, value, origin, check), name=f"write {name}")
        self._writes.add(task)
        task.add_done_callback(self._forget_write)
        return await asyncio.shield(task)

    async def drain_writes(self) -> None:
        """Wait until every write under way has its answer."""
        if self._writes:
            await asyncio.wait(self._writes)

    def _forget_write(self, task: asyncio.Task[Reading]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # the caller may be gone: the journal has the answer

    def _is_change(self, point: Point, system: str) -> bool:
        row = self._rows.get(point.name)
        if row is None:
            return True
        if row.system != system:
            raise ValueError(f"two points are named {point.name}: one of {row.system}, one of {system}")
        return row.point != point

    def _put(self, point: Point, writer: Writer | None, system: str) -> None:
        """Give a point its row, or its row the new definition; viewers hear of it at once."""
        row = self._rows.get(point.name)
        if row is None:
            row = self._rows[point.name] = _Row(point, writer, system)
            self._by_link.setdefault(point.link, []).append(row)
        else:
            if row.point.link != point.link:
                self._by_link[row.point.link].remove(row)
                self._by_link.setdefault(point.link, []).append(row)
            if row.point.kind is not point.kind:
                row.reading, row.expires = NEVER_READ, math.inf
            row.define(point, writer, system)
        for viewer in self._viewers:
            viewer.meet(point, row.reading)

    def _points_changed(self) -> None:
        self.version += 1
        self._version_changed.set()
        self._version_changed = asyncio.Event()

    def _row(self, name: str) -> _Row:
        try:
            return self._rows[name]
        except KeyError:
            raise UnknownPoint(tr("no point is named {name}").format(name=repr(name[:80]))) from None

    async def _tell_consumers(self, batch: Batch) -> None:
        for consumer in self._consumers:
            await consumer.take(batch)

    def _show(self, row: _Row, reading: Reading) -> None:
        """Make `reading` the latest; viewers hear of it where more than its time is new."""
        known, row.reading = row.reading, reading
        if known[0] == reading[0] and known[2:] == reading[2:] and type(known[0]) is type(reading[0]):
            return
        for viewer in self._viewers:
            self.replaced += viewer.offer(row.point.name, reading)

    async def _expire(self, rows: list[_Row], source: str) -> None:
        now = self._clock.now()
        samples = [
            Sample(row.point.name, Reading(row.reading.value, now, Severity.INVALID, Status.TIMEOUT))
            for row in rows
            if row.reading.status is not Status.UDF
            and (row.reading.severity, row.reading.status) != (Severity.INVALID, Status.TIMEOUT)
        ]
        for row in rows:
            row.expires = math.inf
        if samples:
            await self.publish(Batch(source, samples, max_age_s=math.inf))

    async def _carry_out(self, row: _Row, value: object, origin: Origin, check: Check | None) -> Reading:
        point = row.point
        previous = row.reading.value
        try:
            if row.writer is None:
                raise ReadOnly(tr("{point} is read-only").format(point=point.name))
            wanted = _wanted(row, value, check)
        except WriteError as error:
            self._journal.answered(self._journal.asked(point, None, previous, origin), type(error).__name__, str(error))
            _logger.info("%s: refused a write by %s: %s", point.name, origin, error)
            raise
        write_id = self._journal.asked(point, wanted, previous, origin)
        shown: list[Sample] = []
        if point.setpoint:
            # What was chosen shows before the equipment has answered; a standing alarm stays until it has.
            shown.append(self._choose(row, row.reading._replace(value=wanted, time=self._clock.now())))
        try:
            await row.writer(point, wanted, origin)
        except Pending as pending:
            self._journal.answered(write_id, "pending", str(pending))
            _logger.info("%s: %r by %s: %s", point.name, wanted, origin, pending)
            self._follow(write_id, point, pending)
            if point.setpoint:
                shown.append(self._settle(row, Severity.NO_ALARM, Status.NO_ALARM))
            raise
        except Exception as error:  # whatever went wrong, the write has an answer, and it is on record
            if not isinstance(error, VigiliaError):
                _logger.exception("%s: a fault in the driver", point.name)
            failure = error if isinstance(error, WriteError) else Refused(f"{point.name}: {error}")
            self._journal.answered(write_id, type(failure).__name__, str(failure))
            _logger.warning("%s: the write of %r by %s failed: %s", point.name, wanted, origin, failure)
            if point.setpoint:
                shown.append(self._settle(row, Severity.INVALID, Status.WRITE))
            raise failure from error
        else:
            self._journal.answered(write_id, "confirmed", "")
            _logger.info("%s: %r written by %s", point.name, wanted, origin)
            if point.setpoint:
                shown.append(self._settle(row, Severity.NO_ALARM, Status.NO_ALARM))
            return row.reading
        finally:
            if shown:
                await self._tell_consumers(Batch("write", shown))

    def _follow(self, write_id: str, point: Point, pending: Pending) -> None:
        """Have the journal say how that ended of which whoever asked heard only the beginning."""
        if not isinstance(pending, Begun):
            return

        def note(end: asyncio.Future[WriteError | None]) -> None:
            error = end.result()
            self._journal.answered(write_id, "confirmed" if error is None else type(error).__name__, str(error or ""))
            if error is not None:
                _logger.warning("%s: what had begun did not end well: %s", point.name, error)

        pending.end.add_done_callback(note)

    def _choose(self, row: _Row, reading: Reading) -> Sample:
        self._show(row, reading)
        return Sample(row.point.name, reading)

    def _settle(self, row: _Row, severity: Severity, status: Status) -> Sample:
        """Give a chosen value its alarm. The value stays: a later write may already have chosen another."""
        return self._choose(row, Reading(row.reading.value, self._clock.now(), severity, status))


def _named(names: frozenset[str]) -> Callable[[Point], bool]:
    return lambda point: point.name in names


def _wanted(row: _Row, value: object, check: Check | None) -> Value:
    """Return what is to be written to a point. Raises WriteError where it does not take that, or not now."""
    wanted = row.point.coerce(value)
    if check is not None:
        check(row.point, row.reading)
    return wanted
