"""A reactor's agent from a script, over real gRPC: it registers, reports at its pace, is nudged, and takes settings.

Also a program, of many of them: `python bench/fleetagent.py HOST:PORT REACTORS FILE` says that it is ready when all
have registered and reported, goes on until SIGTERM, and writes what it measured to FILE.
"""

import asyncio
import json
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc

from vigilia.wire.reactor.v1 import reactor_pb2 as wire
from vigilia.wire.reactor.v1.reactor_pb2_grpc import CoordinatorStub, ManagerStub

PROBES = ("ph", "ec", "do", "orp", "rtd")
VALUES = ("Value", "Second")
"""Each probe has so many: ten points in all."""
STATUS_S = 5.0
_ANSWER_S = 10.0
_APART = (("grpc.use_local_subchannel_pool", 1),)
"""A connection for each agent, as if they were computers of their own."""


@dataclass
class Seen:
    """What agents measure."""

    waits: list[float] = field(default_factory=list[float])
    """From a report sent to its answer."""
    intervals: list[float] = field(default_factory=list[float])
    """Between two answers."""
    samples: int = 0
    """Acknowledged."""
    failures: list[str] = field(default_factory=list[str])


def parts_of(probes: tuple[str, ...] = PROBES, values: tuple[str, ...] = VALUES) -> list[wire.Part]:
    """Probes with sampled readings, and a heater with a duty that can be set."""
    readings = [
        wire.Parameter(name=value, kind=wire.KIND_NUMBER, access=wire.ACCESS_READING, precision=2, sampled=True)
        for value in values
    ]
    limits = {"minimum": 0.0, "maximum": 100.0}
    duty = wire.Parameter(name="Duty", kind=wire.KIND_NUMBER, access=wire.ACCESS_SETTING, units="%", **limits)
    found = [wire.Part(name=probe, role=wire.ROLE_SENSOR, kind="ezo-ph", parameters=readings) for probe in probes]
    return [*found, wire.Part(name="heater", role=wire.ROLE_ACTUATOR, kind="pwm", parameters=[duty])]


class FleetAgent:
    """One reactor's agent."""

    def __init__(self, name: str, coordinator: str, seen: Seen, parts: list[wire.Part] | None = None) -> None:
        self.name = name
        self.manager: Any = None
        """The stub of its manager, once it is registered."""
        self._coordinator = coordinator
        self._seen = seen
        self._parts = parts or parts_of()
        self._channels: list[Any] = []
        self._sequence = 0
        self._duty = wire.SettingState(part="heater", parameter="Duty", value=wire.Value(number=0.0))
        self._decided = True
        self._wake = asyncio.Event()
        self._answered = 0.0

    async def register(self) -> None:
        """Register, and report in full."""
        stub: Any = CoordinatorStub(self._channel(self._coordinator))
        request = wire.RegisterRequest(
            protocol=1,
            reactor_id=self.name,
            name=f"Reactor {self.name}",
            version="0",
            boot_id=f"boot-{self.name}",
            machine_id=f"machine-{self.name}",
            parts=self._parts,
            time_ms=_now_ms(),
            clock_trusted=True,
        )
        reply = await stub.Register(request, timeout=6 * _ANSWER_S)
        if reply.decision != wire.RegisterReply.ACCEPTED:
            raise RuntimeError(f"{self.name} is not accepted: {reply.reason}")
        host = self._coordinator.rpartition(":")[0]
        self.manager = ManagerStub(self._channel(f"{host}{reply.manager}"))
        await self._report(full=True)

    async def report(self, phase: float) -> None:
        """Report each five seconds, and at once when there is a reason to, until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() + phase * STATUS_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - loop.time())):
                    await self._wake.wait()
            self._wake.clear()
            if loop.time() >= due:
                due = max(due + STATUS_S, loop.time())
                await self._report(measured=True)
            else:
                await self._report()
            while not self._decided:  # what was just taken is reported back at once
                await self._report()

    async def watch(self) -> None:
        """Have a nudge wake the reports, until cancelled."""
        async for _ in self.manager.Watch(wire.WatchRequest(reactor_id=self.name, boot_id=f"boot-{self.name}")):
            self._wake.set()

    async def sample(self, phase: float) -> None:
        """Bring one sample of each point each five seconds, until cancelled."""
        call = self.manager.Samples()
        await call.write(wire.SampleBatch(reactor_id=self.name, store_id=f"store-{self.name}", next_offset=0))
        offset = (await call.read()).next_offset
        loop = asyncio.get_running_loop()
        due = loop.time() + phase * STATUS_S
        while True:
            await asyncio.sleep(due - loop.time())
            due += STATUS_S
            columns = [
                wire.SampleColumn(part=part.name, parameter=it.name, times_ms=[0], values=[offset % 1009 / 10])
                for part in self._parts
                for it in part.parameters
                if it.sampled
            ]
            first, offset = offset, offset + len(columns)
            await call.write(
                wire.SampleBatch(first_offset=first, next_offset=offset, base_ms=_now_ms(), columns=columns)
            )
            if (await call.read()).next_offset != offset:
                raise RuntimeError(f"{self.name}: its samples were not acknowledged")
            self._seen.samples += len(columns)

    async def close(self) -> None:
        """Let go of the server."""
        for channel in self._channels:
            await channel.close()

    async def _report(self, *, full: bool = False, measured: bool = False) -> None:
        self._sequence += 1
        now_ms = _now_ms()
        value = wire.Value(number=self._sequence % 1000 / 100)
        readings = [
            wire.Reading(part=part.name, parameter=it.name, value=value, time_ms=now_ms)
            for part in self._parts
            for it in part.parameters
            if it.sampled and (full or measured)
        ]
        request = wire.ReportRequest(
            reactor_id=self.name,
            boot_id=f"boot-{self.name}",
            sequence=self._sequence,
            time_ms=now_ms,
            clock_trusted=True,
            readings=readings,
            full=full,
            settings=[self._duty] if full or not self._decided else [],
        )
        self._decided = True
        began = time.monotonic()
        reply = await self.manager.Report(request, timeout=_ANSWER_S)
        answered = time.monotonic()
        self._seen.waits.append(answered - began)
        if self._answered and measured:
            self._seen.intervals.append(answered - self._answered)
        if measured or full:
            self._answered = answered
        for setting in reply.settings:
            if setting.revision > self._duty.revision:
                self._duty.value.CopyFrom(setting.value)
                self._duty.revision = setting.revision
                self._decided = False

    def _channel(self, address: str) -> Any:
        channel = grpc.aio.insecure_channel(address, options=_APART)
        self._channels.append(channel)
        return channel


def _now_ms() -> int:
    return round(time.time() * 1000)


async def _fleet(coordinator: str, count: int) -> Seen:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    seen = Seen()
    agents = [FleetAgent(f"R{number:03d}", coordinator, seen) for number in range(count)]
    for agent in agents:
        await agent.register()
    tasks = [
        asyncio.create_task(work)
        for number, agent in enumerate(agents)
        for work in (agent.report(number / count), agent.watch(), agent.sample(number / count))
    ]
    print("fleet ready", flush=True)
    await stop.wait()
    seen.failures += [repr(task.exception()) for task in tasks if task.done() and not task.cancelled()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for agent in agents:
        await agent.close()
    return seen


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(asdict(asyncio.run(_fleet(sys.argv[1], int(sys.argv[2]))))))
