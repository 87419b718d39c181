"""The manager: what a registered agent reports to, and is told by."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc

from vigilia.clock import Clock
from vigilia.drivers.reactor.calls import CallRefused, Context, answer, metadata, refuse
from vigilia.drivers.reactor.columns import BadSamples
from vigilia.drivers.reactor.inventory import MOST_POINTS
from vigilia.drivers.reactor.liveness import Verdict
from vigilia.drivers.reactor.reactor import Reactor
from vigilia.drivers.reactor.registry import Registry
from vigilia.drivers.reactor.samples import Ahead, SampleSink, Superseded
from vigilia.points import shorten
from vigilia.wire.reactor.v1 import reactor_pb2 as wire
from vigilia.wire.reactor.v1 import reactor_pb2_grpc as services

_MOST_COMMAND_STATES = 1000
_FIRST_S = 10.0
"""Real seconds within which the first message of a stream of samples must come."""

Heard = Callable[[Reactor, wire.ReportRequest], Awaitable[list[str]]]
"""Takes a report that is newer than all before; returns the ids of the commands whose end was heard."""


class Manager(services.ManagerServicer):
    """Takes reports, nudges, and takes samples."""

    def __init__(
        self, registry: Registry, clock: Clock, interval_s: float, *, heard: Heard, samples: SampleSink
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._interval_ms = round(interval_s * 1000)
        self._heard = heard
        self._samples = samples

    async def Report(self, request: wire.ReportRequest, context: Context) -> wire.ReportReply:  # noqa: N802
        """Take a report; answer what should change."""
        return await answer(context, lambda: self._report(request, context))

    async def Watch(  # noqa: N802
        self, request: wire.WatchRequest, context: Context
    ) -> AsyncIterator[wire.Nudge]:
        """Give a message each time the next report should not wait."""
        try:
            reactor = self._speaker(request.reactor_id, request.boot_id, context)
        except CallRefused as refused:
            await refuse(context, refused)
        nudged = reactor.watch()
        if self._owes(reactor):
            nudged.set()
        try:
            while True:
                await nudged.wait()
                if not reactor.is_watched_by(nudged):
                    return
                nudged.clear()
                yield wire.Nudge()
        finally:
            reactor.end_watch(nudged)

    async def Samples(  # noqa: N802
        self, request_iterator: AsyncIterator[wire.SampleBatch], context: Context
    ) -> AsyncIterator[wire.SampleAck]:
        """Take stored samples."""
        try:
            async for ack in self._take_samples(request_iterator, context):
                yield ack
        except CallRefused as refused:
            await refuse(context, refused)
        except Superseded as error:
            await refuse(context, CallRefused(grpc.StatusCode.ABORTED, str(error)))
        except Ahead as error:
            await refuse(context, CallRefused(grpc.StatusCode.OUT_OF_RANGE, str(error)))
        except BadSamples as error:
            await refuse(context, CallRefused(grpc.StatusCode.INVALID_ARGUMENT, str(error)))

    async def _report(self, request: wire.ReportRequest, context: Context) -> wire.ReportReply:
        reactor = self._speaker(request.reactor_id, request.boot_id, context)
        if (
            max(len(request.readings), len(request.settings)) > MOST_POINTS
            or len(request.commands) > _MOST_COMMAND_STATES
        ):
            raise CallRefused(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"{reactor.id}: a report may have {MOST_POINTS} readings and as many settings, and "
                f"{_MOST_COMMAND_STATES} commands",
            )
        gap = request.sequence > reactor.liveness.sequence + 1 and not request.full
        acknowledged: list[str] = []
        if reactor.liveness.is_newer(request.sequence):
            reactor.full_wanted = reactor.full_wanted or gap  # what changed meanwhile was in a report that was lost
            acknowledged = await self._heard(reactor, request)
        return wire.ReportReply(
            settings=reactor.settings.owed(reactor.inventory),
            commands=reactor.commands.owed(),
            acknowledged=acknowledged,
            time_ms=round(self._clock.now() * 1000),
            status_interval_ms=self._interval_ms,
            full_wanted=reactor.full_wanted,
        )

    def _owes(self, reactor: Reactor) -> bool:
        return bool(reactor.settings.owed(reactor.inventory) or reactor.commands.waiting)

    def _speaker(self, name: str, boot: str, context: Context) -> Reactor:
        """Return the reactor that a call speaks for. Raises CallRefused."""
        reactor = self._known(name, context)
        match reactor.liveness.judge(boot):
            case Verdict.KNOWN:
                return reactor
            case Verdict.OTHER:
                why = f"another agent with the id {name} has taken over: give each reactor an id of its own"
                raise CallRefused(grpc.StatusCode.ALREADY_EXISTS, why)
            case Verdict.NEW:
                raise CallRefused(grpc.StatusCode.FAILED_PRECONDITION, f"{name} is not registered: register first")

    def _known(self, name: str, context: Context) -> Reactor:
        if not self._registry.allows(name, metadata(context)):
            raise CallRefused(grpc.StatusCode.UNAUTHENTICATED, f"{shorten(name)}: the token is missing or wrong")
        reactor = self._registry.reactors.get(name)
        if reactor is None:
            raise CallRefused(grpc.StatusCode.FAILED_PRECONDITION, f"{shorten(name)} is not registered: register first")
        return reactor

    async def _take_samples(
        self, batches: AsyncIterator[wire.SampleBatch], context: Context
    ) -> AsyncIterator[wire.SampleAck]:
        arriving = aiter(batches)
        try:
            async with asyncio.timeout(_FIRST_S):
                first = await anext(arriving)
        except StopAsyncIteration:
            return
        except TimeoutError:
            why = f"no sample came within {_FIRST_S:g} s"
            raise CallRefused(grpc.StatusCode.DEADLINE_EXCEEDED, why) from None
        reactor = self._known(first.reactor_id, context)
        if not reactor.liveness.boot:  # it has not said yet what it has now
            raise CallRefused(grpc.StatusCode.FAILED_PRECONDITION, f"{reactor.id} is not registered: register first")
        async for ack in self._samples.take(reactor, _chained(first, arriving)):
            yield ack


async def _chained(first: wire.SampleBatch, others: AsyncIterator[wire.SampleBatch]) -> AsyncIterator[wire.SampleBatch]:
    yield first
    async for batch in others:
        yield batch
