"""A driver of the service that takes samples over gRPC as that of reactors does: the section `[samples]`.

`reactorsamples.py` installs it for one run of the service. Agents need not register, and their reports are published.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc

from vigilia.drivers import Plugin, Surroundings
from vigilia.drivers.reactor.samples import SampleSink
from vigilia.link import Link
from vigilia.points import Batch, Kind, Point, Reading, Sample
from vigilia.rules import Rule
from vigilia.settings import Section
from vigilia.wire.reactor.v1 import reactor_pb2 as wire
from vigilia.wire.reactor.v1.reactor_pb2_grpc import ManagerServicer, add_ManagerServicer_to_server

SYSTEM = "samples"
PROBES = ("ph", "temp", "ec", "do", "orp")


class SamplesConfig(Section):
    """The section `[samples]`."""

    reactors: int
    port_file: str
    """Where the port is told."""
    epics: bool = False


class Named:
    """A reactor, whose clock is ours."""

    clock_ahead_s = 0.0

    def __init__(self, name: str) -> None:
        self.id = name

    def hold_up(self, trouble: str) -> None:
        """Fail where samples are not taken."""
        if trouble:
            raise RuntimeError(trouble)

    def lose_samples(self, count: int) -> None:
        """Fail where samples are left out."""
        if count:
            raise RuntimeError(f"{count} samples of {self.id} were left out")


class Samples(ManagerServicer):
    """The driver; also its own session, and the service that agents call."""

    sessions = 0
    deadline_s = 60.0
    open_deadline_s = 10.0

    def __init__(self, config: SamplesConfig, surroundings: Surroundings) -> None:
        self.points = [
            Point(
                f"{reactor_of(number)}:{probe}:Value-Mon",
                Kind.NUMBER,
                f"{reactor_of(number)}:{probe}",
                link="samples",
                area=reactor_of(number),
                sampled=True,
            )
            for number in range(config.reactors)
            for probe in PROBES
        ]
        self.rules: Sequence[Rule] = ()
        self._table, self._clock = surroundings.table, surroundings.clock
        self._port_file = Path(config.port_file)
        self._sink = SampleSink(self._table, self._clock, surroundings.checkpoints, SYSTEM)
        self._server: Any = None
        self.links = [Link("samples", self, self._clock)]

    async def open(self) -> None:
        """Listen."""
        self._server = grpc.aio.server()
        add_ManagerServicer_to_server(self, self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        self._port_file.write_text(str(port))

    async def close(self, *, lost: bool) -> None:
        """Listen no more."""
        await self._server.stop(0.5)
        await self._sink.close()

    async def write(self, *_: object) -> None:
        """No point is writable."""

    async def Report(self, request: wire.ReportRequest, _context: object) -> wire.ReportReply:  # noqa: N802
        """Show what an agent read."""
        samples = [
            Sample(f"{request.reactor_id}:{reading.part}:Value-Mon", Reading(reading.value.number, self._clock.now()))
            for reading in request.readings
        ]
        await self._table.publish(Batch(SYSTEM, samples))
        return wire.ReportReply(status_interval_ms=5000)

    async def Samples(self, request_iterator: Any, context: Any) -> AsyncIterator[wire.SampleAck]:  # noqa: N802
        """Take what an agent stored."""
        reactor = dict(context.invocation_metadata())["reactor"]
        async for ack in self._sink.take(Named(reactor), request_iterator):
            yield ack


def reactor_of(number: int) -> str:
    """The id of one of the reactors, numbered from 0."""
    return f"R{number:03d}"


def _build(config: Any, surroundings: Surroundings) -> Samples:
    return Samples(config, surroundings)


driver = Plugin(config=SamplesConfig, build=_build)
