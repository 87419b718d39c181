"""Samples on their way to where the server wants them: to its manager, or straight into a database.

Either way they go in order, in batches, and are deleted here once they are durable there. What goes wrong is told once,
and tried again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

import grpc.aio

from vigilia.agent.samplefile import Stored
from vigilia.agent.samples import SampleStore, StoreFault
from vigilia.agent.wire import batch_of
from vigilia.backoff import Backoff
from vigilia.clock import Clock
from vigilia.errors import StartError
from vigilia.points import Severity, Status, Value
from vigilia.redaction import redact
from vigilia.wire.reactor.v1 import reactor_pb2 as pb

_logger = logging.getLogger(__name__)

_ROWS = 2_000
"""In a message; the text of one is at most a thousand characters long."""
_MESSAGE_BYTES = 900_000
_IN_FLIGHT = 4
"""Messages that were not answered yet."""
_GATHER_S = 5.0
"""How long samples are gathered when all others are delivered: a message for each would wear out both disks."""
_ANSWER_S = 60.0
"""Real seconds within which the manager has a message on its disk."""
_BACKOFF = Backoff(1.0, 30.0)
_STATUSES = {int(status): status for status in Status}


class Shipper:
    """Delivers samples, one way at a time. Both ways run until cancelled."""

    def __init__(self, store: SampleStore, clock: Clock, reactor_id: str) -> None:
        self._store = store
        self._clock = clock
        self._reactor_id = reactor_id
        self._problem = ""

    async def to_manager(self, manager: Any, metadata: Sequence[tuple[str, str]]) -> None:
        """Deliver samples to a manager (its stub), by the stream Samples."""
        wait: float | None = None
        while True:
            stream = manager.Samples(metadata=metadata)
            began = self._clock.monotonic()
            try:
                await self._stream(stream)
            except grpc.aio.AioRpcError as error:
                self._tell(f"{error.code().name} {error.details() or ''}".strip())
            except TimeoutError:
                self._tell(f"no answer within {_ANSWER_S:g} s")
            except (StoreFault, asyncio.InvalidStateError) as error:  # the latter: the stream had ended meanwhile
                self._tell(str(error) or "the manager ended the stream")
            finally:
                stream.cancel()
            wait = _BACKOFF.after(None if self._clock.monotonic() - began > _ANSWER_S else wait)
            await self._clock.sleep(wait)

    async def to_database(self, url: str, revision: int) -> None:
        """Deliver samples to the database at `url`, whose revision is this by the server's word."""
        from vigilia.agent.direct import DirectError, StoredSample, make_direct

        wait: float | None = None
        while True:
            try:
                writer = make_direct(url, self._reactor_id, revision)
                while True:
                    store_id = self._store.store_id
                    rows = await self._rows(self._store.first_offset, store_id)
                    refused = await writer.write([StoredSample(*_plain(row)) for row in rows])
                    if refused:
                        _logger.error("%s never takes %d samples: %s", writer.name, len(refused), refused[0].reason)
                    await self._store.acknowledge(rows[-1].offset + 1, store_id, len(refused))
                    self._tell("")
                    wait = None
            except (DirectError, StoreFault, StartError) as error:
                self._tell(str(error))
            wait = _BACKOFF.after(wait)
            await self._clock.sleep(wait)

    async def _stream(self, stream: Any) -> None:
        """Deliver over one stream until it ends. Raises what ends it."""
        store_id = self._store.store_id
        position = await self._greet(stream, store_id)
        in_flight: deque[int] = deque()
        while True:
            while len(in_flight) < _IN_FLIGHT:
                rows = await (self._read if in_flight else self._rows)(position, store_id)
                if not rows:
                    break
                rows, batch = _message(rows, store_id)
                async with asyncio.timeout(_ANSWER_S):
                    await stream.write(batch)
                position = rows[-1].offset + 1
                in_flight.append(position)
            durable = (await self._answer(stream)).next_offset
            await self._store.acknowledge(min(durable, position), store_id)
            self._tell("")
            while in_flight and in_flight[0] <= durable:
                in_flight.popleft()

    async def _greet(self, stream: Any, store_id: str) -> int:
        """Say which store this is, and hear where to go on: before that offset everything is durable there."""
        first = self._store.first_offset
        greeting = pb.SampleBatch(reactor_id=self._reactor_id, store_id=store_id, first_offset=first, next_offset=first)
        async with asyncio.timeout(_ANSWER_S):
            await stream.write(greeting)
        known = (await self._answer(stream)).next_offset
        if known > self._store.next_offset:
            # This file is an old copy: its offsets were used for other samples since.
            await self._store.renew()
            raise StoreFault("the server has more of these samples than there are here: they are sent as a new store's")
        await self._store.acknowledge(known, store_id)
        return max(known, self._store.first_offset)

    async def _answer(self, stream: Any) -> pb.SampleAck:
        async with asyncio.timeout(_ANSWER_S):
            answer = await stream.read()
        if answer is grpc.aio.EOF:
            await stream.code()  # the end's reason is raised by what follows
            raise StoreFault("the manager ended the stream")
        return answer

    async def _read(self, position: int, store_id: str) -> list[Stored]:
        """Return samples from an offset on, now. Raises StoreFault where offsets are another store's by now."""
        rows = await self._store.read(position, _ROWS)
        if self._store.store_id != store_id:
            raise StoreFault("the samples are in another file from now on: they are sent as another store's")
        return rows

    async def _rows(self, position: int, store_id: str) -> list[Stored]:
        """Return samples from an offset on, once there are any; few are given some time to become more."""
        gathered = False
        while True:
            rows = await self._read(position, store_id)
            if len(rows) >= _ROWS or (rows and gathered):
                return rows
            if not rows:
                await self._store.wait_for(position)
            # Where there are some that cannot be read yet, their time is not known: that of the next look.
            await self._clock.sleep(_GATHER_S)
            gathered = True

    def _tell(self, problem: str) -> None:
        """Tell once that samples are not delivered, and once that they are again."""
        if problem and not self._problem:
            _logger.warning("samples are not delivered, and wait: %s", redact(problem))
        elif self._problem and not problem:
            _logger.info("samples are delivered again")
        self._problem = problem


def _message(rows: list[Stored], store_id: str) -> tuple[list[Stored], pb.SampleBatch]:
    """Return so many of the rows as a message may hold, and the message."""
    kinds = {(row.part, row.parameter): row.kind for row in reversed(rows)}
    for index, row in enumerate(rows):
        if kinds[row.part, row.parameter] != row.kind:  # of an agent whose parameters became others
            rows = rows[:index]
            break
    batch = batch_of(rows, store_id)
    while batch.ByteSize() > _MESSAGE_BYTES and len(rows) > 1:
        rows = rows[: len(rows) // 2]
        batch = batch_of(rows, store_id)
    return rows, batch


def _plain(row: Stored) -> tuple[str, str, Any, int, Value | None, Severity, Status]:
    severity, status = Severity(row.alarm >> 5), _STATUSES.get(row.alarm & 31, Status.UDF)
    return row.part, row.parameter, row.kind, row.time_ms, row.value, severity, status
