"""Samples of two hundred reactors through gRPC into the history, 10,000 a second, beside their statuses each 5 s."""

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from figures import Figure, median, percentile
from programs import Bench, BenchError, Usage
from rig import Service, Simulator
from sampledriver import PROBES, reactor_of
from vigilia.wire.reactor.v1.reactor_pb2 import Reading, ReportRequest, SampleBatch, SampleColumn, Value
from vigilia.wire.reactor.v1.reactor_pb2_grpc import ManagerStub

REACTORS = 200
A_SECOND = 10
"""Samples of each probe: 200 reactors with 5 probes make 10,000 a second."""
STATUS_S = 5.0
WATCHED = 10
"""Reactors whose samples are looked for in the database."""
LOOK_S = 0.025
USAGE_S = 2.0
ARRIVED_S = 60.0
MONTH = 2_000
"""Samples of each probe in a message of a backlog."""
MESSAGES = 6
BEHIND = 20
"""Reactors that bring a backlog, of so many messages each."""
_PLUGIN = {
    "METADATA": "Metadata-Version: 2.1\nName: vigilia-bench-samples\nVersion: 0\n",
    "entry_points.txt": "[vigilia.drivers]\nsamples = sampledriver:driver\n",
}


@dataclass
class Seen:
    """What is seen from outside."""

    acknowledged: int = 0
    waits: list[float] = field(default_factory=list)
    """From sent to acknowledged."""
    lags: list[float] = field(default_factory=list)
    """From taken to found in the database."""
    statuses: list[float] = field(default_factory=list)
    """From a status sent to its answer."""
    used: list[Usage] = field(default_factory=list)


class Agent:
    """One reactor's agent."""

    def __init__(self, number: int, channel: grpc.aio.Channel, seen: Seen) -> None:
        self.name = reactor_of(number)
        self._stub = ManagerStub(channel)
        self._phase = number / REACTORS
        self._seen = seen
        self._offset = 0

    async def sample(self, seconds: float) -> None:
        """Bring a second's samples each second, for so many seconds; then wait until the last are acknowledged."""
        call = await self._open()
        loop = asyncio.get_running_loop()
        began, began_ms = loop.time() + self._phase, round(1000 * (time.time() + self._phase))
        for second in range(round(seconds)):
            await asyncio.sleep(began + second - loop.time())
            end_ms = began_ms + 1000 * second  # when it was due: of a point and a time there is one sample
            await self._bring(call, [end_ms - (A_SECOND - 1 - n) * 100 for n in range(A_SECOND)])
        await call.done_writing()

    async def backlog(self, seen: Seen) -> None:
        """Bring what a long time without network left, as fast as it is taken."""
        self._seen = seen
        call = await self._open()
        start_ms = round(time.time() * 1000) - 86_400_000
        for message in range(MESSAGES):
            first = start_ms + message * MONTH * 1000
            await self._bring(call, [first + n * 1000 for n in range(MONTH)])
        await call.done_writing()

    async def report(self) -> None:
        """Send a status each five seconds, until cancelled."""
        await asyncio.sleep(self._phase * STATUS_S)
        statuses = self._seen.statuses
        readings = [Reading(part=probe, parameter="Value", value=Value(number=7.0)) for probe in PROBES]
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            began = loop.time()
            await self._stub.Report(ReportRequest(reactor_id=self.name, readings=readings))
            statuses.append(loop.time() - began)
            due += STATUS_S
            await asyncio.sleep(due - loop.time())

    async def _open(self) -> grpc.aio.StreamStreamCall:
        call = self._stub.Samples(metadata=(("reactor", self.name),))
        await call.write(SampleBatch(reactor_id=self.name, store_id="bench"))
        self._offset = (await call.read()).next_offset
        return call

    async def _bring(self, call: grpc.aio.StreamStreamCall, times: Sequence[int]) -> None:
        first, count = self._offset, len(times) * len(PROBES)
        values = [(first + place * 7) % 1009 / 10 for place in range(len(times))]
        base = times[0]
        columns = [
            SampleColumn(part=probe, parameter="Value", times_ms=[moment - base for moment in times], values=values)
            for probe in PROBES
        ]
        message = SampleBatch(first_offset=first, next_offset=first + count, base_ms=base, columns=columns)
        began = time.monotonic()
        await call.write(message)
        answer = await call.read()
        if answer is grpc.aio.EOF or answer.next_offset != first + count:
            raise BenchError(f"{self.name}: the stream ended with {await call.code()}: {await call.details()}")
        self._seen.waits.append(time.monotonic() - began)
        self._offset = answer.next_offset
        self._seen.acknowledged += count


async def samples(bench: Bench) -> list[Figure]:
    """200 reactors: a minute of samples as they are taken, then the backlog of a day of 20 of them."""
    seconds = bench.take(60, 10)
    port_file = bench.folder("samples") / "port"
    more = f'[samples]\nreactors = {REACTORS}\nport_file = "{port_file}"\n'
    async with (
        Simulator(bench, switches=1, options=("--life",)) as sim,
        _with_driver(Service(bench, sim, epics=False, more=more)) as service,
    ):
        history = service.folder / "state" / "history.db"
        async with _agents(await asyncio.to_thread(_port, port_file)) as (agents, seen):
            async with _observed(service, history, seen):
                began = time.monotonic()
                await asyncio.gather(*(agent.sample(seconds) for agent in agents))
                took = time.monotonic() - began
            rate = seen.acknowledged / (took - 1 / A_SECOND)
            lost = await _missing(history, seen.acknowledged)
            live = _figures("as they are taken", seen, took)
            backlog, before = Seen(), service.usage().cpu_s
            seen.statuses.clear()
            began = time.monotonic()
            await asyncio.gather(*(agent.backlog(backlog) for agent in agents[:BEHIND]))
            took = time.monotonic() - began
            cpu = 100 * (service.usage().cpu_s - before) / took
    return [
        Figure("samples acknowledged, as they are taken", rate, "a second", 9_900, at_least=True),
        Figure("acknowledged samples that are not in the database", lost, "", 0),
        *live,
        Figure("samples acknowledged, of a backlog", backlog.acknowledged / took, "a second", 10_000, at_least=True),
        Figure("a backlog: status to its answer, 99th percentile", percentile(seen.statuses, 99), "s", 0.2),
        Figure("a backlog: CPU of the service", cpu, "% of a core"),
    ]


def _figures(what: str, seen: Seen, took: float) -> list[Figure]:
    used = seen.used[-1].cpu_s - seen.used[0].cpu_s
    return [
        Figure(f"{what}: sent to acknowledged, median", median(seen.waits), "s"),
        Figure(f"{what}: sent to acknowledged, 99th percentile", percentile(seen.waits, 99), "s", 1),
        Figure(f"{what}: taken to found in the database, median", median(seen.lags), "s"),
        Figure(f"{what}: taken to found in the database, 99th percentile", percentile(seen.lags, 99), "s", 2),
        Figure(f"{what}: status to its answer, 99th percentile", percentile(seen.statuses, 99), "s", 0.2),
        Figure(f"{what}: CPU of the service", 100 * used / took, "% of a core"),
        Figure(f"{what}: memory of the service at most, proportional set size", max(u.pss_mb for u in seen.used), "MB"),
    ]


@contextlib.asynccontextmanager
async def _with_driver(service: Service) -> AsyncGenerator[Service]:
    """Run the service with the driver that takes samples, installed for it alone."""
    installed = service.folder / "vigilia_bench_samples-0.dist-info"
    installed.mkdir()
    for name, text in _PLUGIN.items():
        (installed / name).write_text(text)
    paths = [str(service.folder), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    service.environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    async with service:
        yield service


def _port(file: Path) -> int:
    """Wait until the driver says where it listens."""
    give_up = time.monotonic() + ARRIVED_S
    while not file.exists() or not file.read_text():
        if time.monotonic() > give_up:
            raise BenchError("the driver does not listen")
        time.sleep(0.05)
    return int(file.read_text())


@contextlib.asynccontextmanager
async def _agents(port: int) -> AsyncGenerator[tuple[list[Agent], Seen]]:
    """All agents, each with a connection of its own, and each reporting."""
    seen = Seen()
    apart = (("grpc.use_local_subchannel_pool", 1),)
    async with contextlib.AsyncExitStack() as channels:
        agents: list[Agent] = []
        for number in range(REACTORS):
            channel = await channels.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=apart))
            agents.append(Agent(number, channel, seen))
        reports = [asyncio.create_task(agent.report()) for agent in agents]
        try:
            yield agents, seen
        finally:
            for report in reports:
                report.cancel()
            await asyncio.gather(*reports, return_exceptions=True)


@contextlib.asynccontextmanager
async def _observed(service: Service, history: Path, seen: Seen) -> AsyncGenerator[None]:
    """Look at the service and at its database while agents bring samples."""
    looking = [asyncio.create_task(_look(history, seen)), asyncio.create_task(_use(service, seen))]
    try:
        yield
        seen.used.append(service.usage())
    finally:
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)


async def _use(service: Service, seen: Seen) -> None:
    while True:
        seen.used.append(service.usage())
        await asyncio.sleep(USAGE_S)


async def _look(history: Path, seen: Seen) -> None:
    """Look for new samples of some reactors, as another program would; until cancelled."""
    names = [f"{reactor_of(number * REACTORS // WATCHED)}:ph:Value-Mon" for number in range(WATCHED)]
    newest: dict[int, int] = {}
    file = sqlite3.connect(f"file:{history}?mode=ro", uri=True, check_same_thread=False)

    def look() -> list[int]:
        if len(newest) < len(names):
            places = ", ".join("?" * len(names))
            for (point,) in file.execute(f"SELECT id FROM points WHERE name IN ({places})", names):
                newest.setdefault(point, 0)
        found: list[int] = []
        for point, before in newest.items():
            (last,) = file.execute("SELECT max(time) FROM samples WHERE point = ?", (point,)).fetchone()
            if last is not None and last > before:
                newest[point] = last
                found.append(last)
        return found

    try:
        while True:
            found = await asyncio.to_thread(look)
            now = time.time()
            seen.lags += [now - moment / 1000 for moment in found]
            await asyncio.sleep(LOOK_S)
    finally:
        file.close()


async def _missing(history: Path, acknowledged: int) -> float:
    """How many of the samples acknowledged are not in the database, when all had time to come there."""
    give_up = time.monotonic() + ARRIVED_S
    while True:
        with contextlib.closing(sqlite3.connect(history)) as file:
            (count,) = file.execute(
                "SELECT count(*) FROM samples WHERE point IN (SELECT id FROM points WHERE name LIKE 'R___:%:Value-Mon')"
            ).fetchone()
        if count >= acknowledged or time.monotonic() > give_up:
            return acknowledged - count
        await asyncio.sleep(0.5)
