"""A server of agents from a script, over real gRPC; and a door before it that can be shut without a word."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc.aio

from vigilia.agent.uplink import url_hash
from vigilia.wire.reactor.v1 import reactor_pb2 as pb
from vigilia.wire.reactor.v1.reactor_pb2_grpc import (
    CoordinatorServicer,
    ManagerServicer,
    add_CoordinatorServicer_to_server,
    add_ManagerServicer_to_server,
)

_OPTIONS = (
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000),
    ("grpc.so_reuseport", 0),
)


class ScriptedServer(CoordinatorServicer, ManagerServicer):
    """Coordinator and manager in one. What it answers is in its attributes; what it heard too."""

    def __init__(self) -> None:
        self.decision: Any = pb.RegisterReply.ACCEPTED
        self.reason = ""
        self.manager = ""
        self.token = ""
        self.history = pb.HistoryPlace()
        self.interval_ms = 100
        self.wanted: dict[tuple[str, str], pb.Setting] = {}
        self.orders: dict[str, pb.Command] = {}
        self.acknowledged: list[str] = []
        self.known_boot = ""
        self.full_wanted = False
        self.error: grpc.StatusCode | None = None
        self.hang = False
        self.on_the_way_s = 0.0
        """How long an answer to a report takes to arrive."""
        self.offset_s = 0.0
        self.now: Callable[[], float] = lambda: 0.0
        self.registered: list[pb.RegisterRequest] = []
        self.reports: list[pb.ReportRequest] = []
        self.outcomes: dict[str, list[pb.CommandState]] = {}
        self.watchers = 0
        self.nudge = asyncio.Event()
        self.store_id = ""
        self.durable = 0
        self.batches: list[pb.SampleBatch] = []
        self.acks = True
        self.streams = 0
        self.port = 0
        self._server: grpc.aio.Server | None = None

    async def start(self, port: int = 0) -> None:
        self._server = grpc.aio.server(options=_OPTIONS)
        add_CoordinatorServicer_to_server(self, self._server)
        add_ManagerServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()

    async def stop(self) -> None:
        if self._server:
            await self._server.stop(None)
        self._server = None

    async def Register(self, request: pb.RegisterRequest, context: Any) -> pb.RegisterReply:  # noqa: N802
        await self._check(context)
        self.registered.append(request)
        self.known_boot = request.boot_id
        return pb.RegisterReply(
            decision=self.decision,
            reason=self.reason,
            retry_after_ms=100,
            manager=self.manager or f":{self.port}",
            status_interval_ms=self.interval_ms,
            history=self.history,
            history_changed=(request.history_url_hash, request.history_revision)
            != (url_hash(self.history.url), self.history.schema_revision),
            settings=self.wanted.values(),
            time_ms=round(self.now() * 1000),
        )

    async def Report(self, request: pb.ReportRequest, context: Any) -> pb.ReportReply:  # noqa: N802
        await self._check(context)
        if request.boot_id != self.known_boot:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "register again")
        self.reports.append(request)
        decided = {(state.part, state.parameter): state.revision for state in request.settings}
        for key, revision in decided.items():
            if key in self.wanted and self.wanted[key].revision <= revision:
                del self.wanted[key]
        ended: list[str] = []
        for state in request.commands:
            self.outcomes.setdefault(state.id, []).append(state)
            self.orders.pop(state.id, None)
            if state.outcome != pb.CommandState.RUNNING:
                ended.append(state.id)
        self.acknowledged += ended
        reply = pb.ReportReply(
            settings=self.wanted.values(),
            commands=self.orders.values(),
            acknowledged=ended,
            time_ms=round(self.now() * 1000),
            status_interval_ms=self.interval_ms,
            full_wanted=self.full_wanted,
        )
        await asyncio.sleep(self.on_the_way_s)
        return reply

    async def Watch(self, request: pb.WatchRequest, context: Any) -> AsyncIterator[pb.Nudge]:  # noqa: N802
        self.watchers += 1
        try:
            while True:
                await self.nudge.wait()
                self.nudge.clear()
                yield pb.Nudge()
        finally:
            self.watchers -= 1

    async def Samples(self, requests: Any, context: Any) -> AsyncIterator[pb.SampleAck]:  # noqa: N802
        self.streams += 1
        begun = False
        async for batch in requests:
            if not begun:
                begun = True
                if batch.store_id != self.store_id:
                    self.store_id, self.durable = batch.store_id, 0
                yield pb.SampleAck(next_offset=self.durable)
                continue
            self.batches.append(batch)
            if self.acks:
                self.durable = max(self.durable, batch.next_offset)
                yield pb.SampleAck(next_offset=self.durable)

    def samples(self) -> list[tuple[str, int, float | str]]:
        """Every sample that came, by parameter, time and value."""
        return [
            (column.parameter, batch.base_ms + time, value)
            for batch in self.batches
            for column in batch.columns
            for time, value in zip(column.times_ms, column.texts or column.values, strict=True)
        ]

    async def _check(self, context: Any) -> None:
        if self.hang:
            await asyncio.Event().wait()
        if self.error is not None:
            await context.abort(self.error, "as the script says")
        given = dict(context.invocation_metadata()).get("authorization", "")
        if self.token and given != f"Bearer {self.token}":
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is wrong")


class Door:
    """A TCP proxy. Shut, it takes everything and forwards nothing, as a network does that lost a cable."""

    def __init__(self) -> None:
        self.to = 0
        self.port = 0
        self.opened = 0
        self._shut_ones: set[int] = set()
        self.shut_new = False

    def shut_present(self) -> None:
        """Have what is open now be half open for ever; new connections work."""
        self._shut_ones |= set(range(self.opened))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.opened
        self.opened += 1
        try:
            onward = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(self._copy(number, reader, onward[1]), self._copy(number, onward[0], writer))
        finally:
            writer.close()
            onward[1].close()

    async def _copy(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if number in self._shut_ones or self.shut_new:
                    continue
                writer.write(data)
                await writer.drain()
            writer.close()


@asynccontextmanager
async def door_to(port: int) -> AsyncIterator[Door]:
    door = Door()
    door.to = port
    server = await asyncio.start_server(door.handle, "127.0.0.1", 0)
    door.port = server.sockets[0].getsockname()[1]
    try:
        yield door
    finally:
        server.close()
        others = [task for task in asyncio.all_tasks() if "Door.handle" in repr(task.get_coro())]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
