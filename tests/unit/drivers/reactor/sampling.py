"""What samples come into: table, history in SQLite, store and alarms, as the service has them; also as a program.

    python -m tests.unit.drivers.reactor.sampling FOLDER

serves the Samples stream over gRPC until it is killed, and prints its port.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import grpc

from tests.unit.tables import Notebook
from vigilia.alarms.engine import AlarmEngine
from vigilia.clock import Clock
from vigilia.drivers.reactor.columns import BadSamples
from vigilia.drivers.reactor.samples import SampleSink, Superseded
from vigilia.history.archive import History
from vigilia.history.backend import Row
from vigilia.history.config import HistoryConfig, HistoryUrl
from vigilia.points import Kind, Point
from vigilia.rules import Rule
from vigilia.store import Store
from vigilia.store.alarms import load_checkpoints
from vigilia.table import PointTable
from vigilia.wire.reactor.v1 import reactor_pb2_grpc
from vigilia.wire.reactor.v1.reactor_pb2 import SampleAck, SampleBatch, SampleColumn

NEVER = 10**14
SYSTEM = "reactor"


def points_of(reactor: str) -> list[Point]:
    def point(name: str, kind: Kind, *labels: str, sampled: bool = True) -> Point:
        device = f"{reactor}:{name.partition(':')[0]}"
        return Point(
            f"{reactor}:{name}", kind, device, reactor, labels=labels, area=reactor, max_age_s=3600, sampled=sampled
        )

    return [
        point("ph:pH-Mon", Kind.NUMBER),
        point("temp:Temp-Mon", Kind.NUMBER),
        point("ph:Calibration-Mon", Kind.TEXT),
        point("heater:Safe-Sts", Kind.ENUM, "Normal", "Safe"),
        point("heater:Lid-Sts", Kind.BOOLEAN),
        point("acid:Count-Mon", Kind.INTEGER),
        point("heater:Duty-RB", Kind.NUMBER, sampled=False),
    ]


@dataclass
class Reactor:
    id: str
    clock_ahead_s: float | None = 0.0
    lost: int = 0
    trouble: str = ""

    def hold_up(self, trouble: str) -> None:
        self.trouble = trouble

    def lose_samples(self, count: int) -> None:
        self.lost += count


class Service:
    """The parts of the service that samples meet, in a folder: they go on from what an earlier one left there."""

    def __init__(self, folder: Path, reactors: Sequence[str] = ("R1", "R2", "R3")) -> None:
        self.clock = Clock()
        self.table = PointTable(self.clock, Notebook())
        for reactor in reactors:
            self.table.add(points_of(reactor), system=SYSTEM)
        self.table.add([Point("T1:Power-Mon", Kind.NUMBER, "T1")], system="aruba")
        config = HistoryConfig(url=HistoryUrl(f"sqlite:///{folder}/history.db"))
        self.history = History(config, folder, "vigilia", self.table, self.clock)
        self.keeping = True
        self.rules: list[Rule] = []
        self._folder = folder
        self._tasks: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> "Service":
        await self.history.start()
        self.store = await Store.open(f"sqlite:///{self._folder}/vigilia.db")
        self.engine = AlarmEngine(self.table, self.store, self.clock, UTC, lambda _: (), lambda: None)
        await self.engine.load(self.rules)
        self.table.add_consumer(self.engine)
        self._tasks = [asyncio.create_task(service) for service in self.history.services().values()]
        if self.keeping:
            self.keep()
        self.sink = SampleSink(self.table, self.clock, await load_checkpoints(self.store, SYSTEM), SYSTEM)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sink.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.history.close()
        await self.store.close()

    def keep(self) -> None:
        """Have the store take what is to be kept, from now on."""
        self._tasks.append(asyncio.create_task(self.engine.run()))

    async def checkpoint(self, reactor: str) -> Any:
        return (await load_checkpoints(self.store, SYSTEM)).get(f"samples:{reactor}")

    async def rows(self, name: str, count: int) -> list[Row]:
        """Wait until the database has so many rows of a point; return them."""
        async with asyncio.timeout(20):
            while True:
                rows = await self.history.backend.rows(name, 0, NEVER, 1_000_000)
                if len(rows) >= count and not self.history.waiting_mb:
                    return list(rows)
                await asyncio.sleep(0.01)


class Stream:
    """An agent's side of the stream, without a network between."""

    def __init__(self, sink: SampleSink, reactor: str = "R1") -> None:
        self._queue: asyncio.Queue[SampleBatch | None] = asyncio.Queue()
        self.reactor = Reactor(reactor)
        self._acks = sink.take(self.reactor, self._batches())

    async def _batches(self) -> AsyncIterator[SampleBatch]:
        while (batch := await self._queue.get()) is not None:
            yield batch

    async def send(self, batch: SampleBatch) -> int:
        """Send a message and return the next answer."""
        self._queue.put_nowait(batch)
        return await self.answer()

    async def answer(self) -> int:
        return (await anext(self._acks)).next_offset

    async def open(self, store: str = "s1") -> int:
        """Begin; return where to go on."""
        return await self.send(SampleBatch(reactor_id="", store_id=store))

    async def close(self) -> None:
        await self._acks.aclose()


def column(name: str, times: Sequence[int], values: Sequence[float] = (), **more: Any) -> SampleColumn:
    part, _, parameter = name.partition(":")
    return SampleColumn(part=part, parameter=parameter, times_ms=times, values=values, **more)


def batch(first: int, base_ms: int, *columns: SampleColumn, **more: Any) -> SampleBatch:
    """A message whose samples take one offset each."""
    count = sum(len(column.times_ms) for column in columns)
    more = {"next_offset": first + count} | more
    return SampleBatch(first_offset=first, base_ms=base_ms, columns=columns, **more)


class Manager(reactor_pb2_grpc.ManagerServicer):
    """The one method of the service that is at stake here."""

    def __init__(self, sink: SampleSink) -> None:
        self._sink = sink

    async def Samples(  # noqa: N802 - gRPC's name
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[SampleAck]:
        reactor = dict(context.invocation_metadata())["reactor"]
        try:
            async for ack in self._sink.take(Reactor(reactor), request_iterator):
                yield ack
        except BadSamples as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Superseded as error:
            await context.abort(grpc.StatusCode.ABORTED, str(error))


async def serve(service: Service) -> tuple[grpc.aio.Server, int]:
    """Serve the stream; return the server and its port."""
    server = grpc.aio.server()
    reactor_pb2_grpc.add_ManagerServicer_to_server(Manager(service.sink), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def _main(folder: Path) -> None:
    async with Service(folder) as service:
        server, port = await serve(service)
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
