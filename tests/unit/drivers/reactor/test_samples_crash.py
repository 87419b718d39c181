"""Samples through a real gRPC stream, while the service is killed again and again: all are there, each once."""

import asyncio
import contextlib
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc

from tests.unit.drivers.reactor.sampling import NEVER, Service, batch, column
from vigilia.wire.reactor.v1.reactor_pb2 import SampleBatch
from vigilia.wire.reactor.v1.reactor_pb2_grpc import ManagerStub

ROOT = Path(__file__).resolve().parents[4]
KILLS = 4
SAMPLES = 200
"""In a message, of two probes."""


class Agent:
    """An agent's store of samples, which forgets what is acknowledged and nothing else."""

    def __init__(self, reactor: str) -> None:
        self.reactor = reactor
        self.durable = 0
        self.made = 0
        self.base = round(time.time() * 1000) - 3_600_000
        self.at_rest = asyncio.Event()
        self.repeats = 0

    async def send(self, port: int) -> None:
        """Bring what there is to the service, until it goes away."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = ManagerStub(channel).Samples(metadata=(("reactor", self.reactor),))
            await call.write(SampleBatch(reactor_id=self.reactor, store_id=f"of {self.reactor}"))
            offset = (await call.read()).next_offset
            assert offset >= self.durable, "what was acknowledged is durable"
            self.repeats += offset > self.durable
            while True:
                self.durable = offset
                self.made = max(self.made, offset + SAMPLES)
                await call.write(self._message(offset))
                answer = await call.read()
                if answer is grpc.aio.EOF:
                    return
                assert answer.next_offset == offset + SAMPLES
                offset = answer.next_offset

    def _message(self, first: int) -> SampleBatch:
        half = SAMPLES // 2
        begin = first // 2
        times, values = range(begin, begin + half), [float(number) for number in range(begin, begin + half)]
        return batch(first, self.base, column("ph:pH", times, values), column("temp:Temp", times, values))


@contextlib.asynccontextmanager
async def program(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """The service, in a process of its own; it is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.unit.drivers.reactor.sampling", str(folder)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield process, int(await asyncio.wait_for(process.stdout.readline(), 60))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_the_service_is_killed_and_every_acknowledged_sample_is_there_once(tmp_path: Path) -> None:
    agents = [Agent("R1"), Agent("R2"), Agent("R3")]
    chance = random.Random(7)
    for _ in range(KILLS):
        async with program(tmp_path) as (process, port):
            sending = [asyncio.create_task(agent.send(port)) for agent in agents]
            await asyncio.sleep(chance.uniform(0.05, 0.6))
            process.kill()
            for outcome in await asyncio.gather(*sending, return_exceptions=True):
                assert outcome is None or isinstance(outcome, grpc.aio.AioRpcError | asyncio.InvalidStateError), outcome
    assert all(agent.durable >= SAMPLES for agent in agents), "something was sent at all"
    async with Service(tmp_path) as service:
        for agent in agents:
            durable = (await service.checkpoint(agent.reactor))["offset"]
            assert durable >= agent.durable
            for name in ("ph:pH-Mon", "temp:Temp-Mon"):
                rows = await service.rows(f"{agent.reactor}:{name}", durable // 2)
                values = [row.value for row in rows]
                assert values[: durable // 2] == [float(number) for number in range(durable // 2)]
                assert len(values) == len(set(values)) <= agent.made // 2
    with sqlite3.connect(tmp_path / "history.db") as file:
        ((rows, distinct),) = file.execute(
            "SELECT count(*), count(DISTINCT point * 100000000000000 + time) FROM samples WHERE time < ?", (NEVER,)
        ).fetchall()
    file.close()
    assert rows == distinct
