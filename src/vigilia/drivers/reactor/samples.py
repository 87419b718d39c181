"""An agent's stored samples on their way into the history: batches in, and word of what is durable here out.

A message of the stream becomes one batch, which carries as its checkpoint how far the reactor's store has come. It is
acknowledged when the batch is in the history's spool and its checkpoint in the store, both on the disk for good; an
agent keeps its samples until then. After a crash of either side the first answer of the next stream says where to go
on, so none is lost, and of those that come again what is known here is left out; of a point and a time there is one.

A sample that is of a time to come may be right, and our clock wrong: as long as that cannot be told its message is
refused, and waits on the reactor. What no clock can explain is left out, and counted with the samples that were lost.

A reactor has one message under way at a time, and all of them share a pace in small pieces, each in its turn: the one
that brings a month holds up the others, and the statuses that come meanwhile, for moments only.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from vigilia.clock import Clock
from vigilia.drivers.reactor.columns import Column, check, known_of, label
from vigilia.errors import VigiliaError
from vigilia.points import Batch, Checkpoint, Kind, Point, Run, Sample
from vigilia.table import PointTable
from vigilia.wire.reactor.v1.reactor_pb2 import SampleAck, SampleBatch, SampleColumn

_logger = logging.getLogger(__name__)

KEY = "samples:"
"""Begins the checkpoints' keys; the reactor's id follows."""

_EARLIEST_MS = 946_684_800_000
"""The year 2000: a time before it is that of a computer without a clock."""
_AHEAD_MS = 86_400_000
"""A sample that is further ahead of both clocks, ours and the reactor's, is not believed."""
_KEPT_MS = 30 * _AHEAD_MS
"""So long a reactor keeps its samples: where its clock says nothing, a time to come is waited for up to then."""
_PACE = 50_000
"""Samples a second, of all reactors together: several times what they make, and a part of what a core can do."""
_PIECE = 500
"""So many samples a reactor may bring before it is another's turn."""
_MOST_TOLD = 1_000


class Superseded(VigiliaError):
    """A later stream of the same reactor has taken over."""


class Ahead(VigiliaError):
    """A message whose samples are of a time to come, by our clock; nothing of it was taken, and it is to come again."""


class Sender(Protocol):
    """A reactor."""

    @property
    def id(self) -> str:
        """What begins the names of its points."""
        ...

    @property
    def clock_ahead_s(self) -> float | None:
        """How far its clock is ahead of ours; None: it is not right, or that is not known."""
        ...

    def hold_up(self, trouble: str) -> None:
        """Take note why its samples cannot be taken at present; empty: they can."""
        ...

    def lose_samples(self, count: int) -> None:
        """Take note that samples of it are of no use here, and are lost."""
        ...


class SampleSink:
    """Takes the samples of every reactor."""

    def __init__(self, table: PointTable, clock: Clock, checkpoints: Mapping[str, Any], system: str) -> None:
        """`checkpoints`: how far each reactor had come at the start (the driver's, by their keys).

        `system`: the driver that points and checkpoints belong to, by its section.
        """
        self._table = table
        self._clock = clock
        self._checkpoints = checkpoints
        self._system = system
        self._stores: dict[str, _Store] = {}
        self._pace = _Pace()

    async def take(self, reactor: Sender, batches: AsyncIterable[SampleBatch]) -> AsyncGenerator[SampleAck]:
        """Take the messages of one stream of the reactor that was found to be at its other end.

        The first message names the store, and is answered by where to go on; it may hold samples already. Each one
        with samples is then answered by how far everything is durable. Raises BadSamples; Ahead for what cannot be
        judged now, and is to come again later; Superseded when the reactor has begun another stream.
        """
        store = self._store(reactor.id)
        stream = store.stream = object()
        store_id = ""
        async for batch in batches:
            check(reactor.id, batch, store_id)
            begins, store_id = not store_id, batch.store_id or store_id
            if begins:
                async with store.held_by(stream):
                    known = store.offset if store.id == store_id else 0
                yield SampleAck(next_offset=known)
            if not begins or batch.next_offset > batch.first_offset:
                async with store.held_by(stream):
                    await self._take(reactor, store, store_id, batch)
                yield SampleAck(next_offset=store.offset)

    async def close(self) -> None:
        """Give up what is under way: it was not acknowledged, and will come again."""
        for store in self._stores.values():
            await store.give_up()

    def _store(self, reactor: str) -> "_Store":
        store = self._stores.get(reactor)
        if store is None:
            store = self._stores[reactor] = _Store(reactor, self._checkpoints.get(KEY + reactor))
        return store

    async def _take(self, reactor: Sender, store: "_Store", store_id: str, batch: SampleBatch) -> None:
        """Take what is new of a message; return when it is durable. It is carried through even if the stream ends."""
        if store.id != store_id:
            _logger.info(
                "%s: its samples are of another store from now on, and begin at offset %d",
                store.reactor,
                batch.first_offset,
            )
            store.begin(store_id, batch.first_offset)
        if batch.next_offset <= store.offset:
            return
        latest_ms = self._latest(reactor, batch)
        samples, runs, lost = self._read(store, batch, latest_ms)
        await self._pace.wait(len(samples) + sum(len(run.times) for run in runs))
        checkpoint = Checkpoint(KEY + store.reactor, {"store_id": store_id, "offset": batch.next_offset})
        made = Batch(self._system, samples, live=False, checkpoint=checkpoint, runs=runs)
        await store.carry_through(self._land(store, batch, made))
        reactor.lose_samples(lost)

    async def _land(self, store: "_Store", batch: SampleBatch, made: Batch) -> None:
        """Have what was made of a message be durable, and go on from there."""
        await self._table.publish(made)
        if batch.first_offset > store.offset:
            gap = batch.first_offset - store.offset
            _logger.warning(
                "%s: %d samples never came, those of the offsets %d to %d: its disk had no room for them, or they went "
                "elsewhere",
                store.reactor,
                gap,
                store.offset,
                batch.first_offset - 1,
            )
        store.offset = batch.next_offset

    def _latest(self, reactor: Sender, batch: SampleBatch) -> int:
        """Return the latest time that is believed of a message. Raises Ahead where that cannot be told now.

        An agent whose clock is ahead of ours may well be right. One that has no clock of its own has ours, and what is
        ahead of that comes to be in time.
        """
        bearable = round(self._clock.now() * 1000) + _AHEAD_MS
        ahead_s = reactor.clock_ahead_s
        conceivable = bearable + (_KEPT_MS if ahead_s is None else max(0, round(ahead_s * 1000)))
        if any(
            bearable < batch.base_ms + offset <= conceivable for column in batch.columns for offset in column.times_ms
        ):
            trouble = "its samples are of a time to come, and wait there: check the service's clock, and the reactor's"
            reactor.hold_up(trouble)
            raise Ahead(f"{reactor.id}: {trouble}")
        reactor.hold_up("")
        return bearable

    def _read(self, store: "_Store", batch: SampleBatch, latest_ms: int) -> tuple[list[Sample], list[Run], int]:
        """Return what is new of a message, ordered by time, and how many of it are of no use."""
        lost = 0
        skip = known_of(batch, store.offset)
        samples: list[Sample] = []
        runs: list[Run] = []
        strange: list[str] = []
        untimely: list[str] = []
        for column in batch.columns:
            found = Column(column, batch.base_ms, skip)
            if not found.values:
                continue
            point = self._point(store.reactor, column)
            if point is None or (point.kind is Kind.TEXT) is not bool(column.texts):
                lost += len(found.values)
                strange.append(label(column))
                continue
            if dropped := found.drop_times_outside(_EARLIEST_MS, latest_ms):
                lost += dropped
                untimely.append(label(column))
            run = found.run(point.name) if point.kind is Kind.NUMBER else None
            if run is not None:
                runs.append(run)
            else:
                samples += found.samples(point)
        store.tell_once("are of no point that is known here", strange)
        store.tell_once("have a time that cannot be", untimely)
        samples.sort(key=lambda sample: sample.reading.time or 0.0)
        return samples, runs, lost

    def _point(self, reactor: str, column: SampleColumn) -> Point | None:
        """Return the point of a column; None where none of the driver is known for it."""
        for suffix in ("-Mon", "-Sts"):
            name = f"{reactor}:{column.part}:{column.parameter}{suffix}"
            if name in self._table and self._table.system(name) == self._system:
                return self._table.point(name)
        return None


class _Store:
    """What is known of a reactor's store of samples, and what of it is under way."""

    def __init__(self, reactor: str, checkpoint: Any) -> None:
        self.reactor = reactor
        self.id = ""
        self.offset = 0
        """Everything before it is durable here."""
        self.stream: object = None
        """The latest one."""
        self._held = asyncio.Lock()
        self._under_way: asyncio.Task[None] | None = None
        self._told: set[tuple[str, str]] = set()
        """Why samples were left out, and of which parameters."""
        if checkpoint is not None:
            self._recall(checkpoint)

    def begin(self, store_id: str, offset: int) -> None:
        """Go on with another store, whose first sample has this offset."""
        self.id, self.offset = store_id, offset

    @asynccontextmanager
    async def held_by(self, stream: object) -> AsyncGenerator[None]:
        """Have one stream at a time look at the store, and go on from it, with nothing under way from before.

        Raises Superseded where a later stream has begun.
        """
        async with self._held:
            if self._under_way is not None:
                await asyncio.wait([self._under_way])
            if self.stream is not stream:
                raise Superseded(f"{self.reactor}: another stream of its samples has begun")
            yield

    async def carry_through(self, landing: Coroutine[Any, Any, None]) -> None:
        """Wait until a batch is durable. Whoever is cancelled meanwhile does not stop it."""
        self._under_way = asyncio.create_task(landing, name=f"samples of {self.reactor}")
        self._under_way.add_done_callback(_look_at)
        await asyncio.shield(self._under_way)

    async def give_up(self) -> None:
        """Stop what is under way."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait([self._under_way])

    def tell_once(self, wrong: str, labels: Iterable[str]) -> None:
        """Log that samples of these parameters are left out, and why, once for each."""
        fresh = {(wrong, label) for label in labels} - self._told
        if fresh and len(self._told) < _MOST_TOLD:
            self._told |= fresh
            _, first = min(fresh)
            _logger.warning(
                "%s: samples are left out that %s: %d parameters, %s", self.reactor, wrong, len(fresh), first
            )

    def _recall(self, checkpoint: Any) -> None:
        try:
            self.id, self.offset = str(checkpoint["store_id"]), int(checkpoint["offset"])
        except (KeyError, TypeError, ValueError) as error:
            _logger.warning("%s: how far its samples had come cannot be read (%r)", self.reactor, error)


class _Pace:
    """Lets samples through at `_PACE`, in pieces, in the order in which they are asked for."""

    def __init__(self) -> None:
        self._free_at = 0.0
        """When the last piece that was asked for will be through, by the loop's time."""

    async def wait(self, count: int) -> None:
        """Wait until `count` samples are through."""
        loop = asyncio.get_running_loop()
        for begin in range(0, count, _PIECE):
            now = loop.time()
            self._free_at = max(now, self._free_at) + min(_PIECE, count - begin) / _PACE
            await asyncio.sleep(self._free_at - now)


def _look_at(task: asyncio.Task[None]) -> None:
    """Take note of how a task ended: whoever waited for it may be gone."""
    if not task.cancelled():
        task.exception()
