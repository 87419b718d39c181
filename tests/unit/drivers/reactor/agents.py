"""A reactor's agent from a script: a real gRPC client, which says and does what the test has it."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from vigilia.wire.reactor.v1 import reactor_pb2 as wire
from vigilia.wire.reactor.v1 import reactor_pb2_grpc as services

DEADLINE_S = 10.0
_boots = itertools.count(1)


def number(name: str, access: int, low: float | None = None, high: float | None = None, **more: Any) -> wire.Parameter:
    return wire.Parameter(name=name, kind=wire.KIND_NUMBER, access=access, minimum=low, maximum=high, **more)


def text(name: str, access: int, **more: Any) -> wire.Parameter:
    return wire.Parameter(name=name, kind=wire.KIND_TEXT, access=access, **more)


def choice(name: str, access: int, *labels: str) -> wire.Parameter:
    return wire.Parameter(name=name, kind=wire.KIND_ENUM, access=access, labels=labels)


PH = wire.Part(
    name="ph",
    role=wire.ROLE_SENSOR,
    kind="ezo-ph",
    place="i2c-1, address 99",
    parameters=[
        number("pH", wire.ACCESS_READING, precision=2),
        text("Calibration", wire.ACCESS_READING),
        number("Interval", wire.ACCESS_SETTING, 1, 3600, units="s"),
        text("Title", wire.ACCESS_SETTING),
        text("Calibrate", wire.ACCESS_COMMAND, takes_value=True),
        wire.Parameter(name="Find", kind=wire.KIND_BOOLEAN, access=wire.ACCESS_COMMAND),
    ],
)
HEATER = wire.Part(
    name="heater",
    role=wire.ROLE_ACTUATOR,
    kind="pwm",
    place="GPIO 18",
    title="Aquecedor",
    parameters=[
        number("Duty", wire.ACCESS_SETTING, 0, 100, units="%"),
        choice("Power", wire.ACCESS_SETTING, "Off", "On"),
        choice("Safe", wire.ACCESS_READING, "Normal", "Safe"),
        number("OnTime", wire.ACCESS_READING, units="s"),
    ],
)
ACID = wire.Part(
    name="acid",
    role=wire.ROLE_ACTUATOR,
    kind="ezo-pmp",
    parameters=[
        number("Dose", wire.ACCESS_COMMAND, 0.5, 20, units="ml", takes_value=True),
        number("Dosed", wire.ACCESS_READING, units="ml"),
    ],
)
PARTS = (PH, HEATER, ACID)
FIRST = {
    ("ph", "Interval"): wire.Value(number=10),
    ("ph", "Title"): wire.Value(text=""),
    ("heater", "Duty"): wire.Value(number=0),
    ("heater", "Power"): wire.Value(integer=0),
}
"""What holds of the settings of a new agent."""


def reading(part: str, parameter: str, value: float | str | None, **more: Any) -> wire.Reading:
    held = wire.Value()
    if isinstance(value, str):
        held = wire.Value(text=value)
    elif isinstance(value, int):
        held = wire.Value(integer=value)
    elif value is not None:
        held = wire.Value(number=value)
    more.setdefault("time_ms", now_ms())
    return wire.Reading(part=part, parameter=parameter, value=held, **more)


def now_ms() -> int:
    return round(time.time() * 1000)


def always(value: float = 7.0) -> list[wire.Reading]:
    return [
        reading("ph", "pH", value),
        reading("heater", "Safe", 0),
        reading("heater", "OnTime", 12.5),
        reading("acid", "Dosed", 3.5),
    ]


class Agent:
    """One start of an agent. What it remembers of settings is given to the next one by `memory`."""

    def __init__(
        self,
        coordinator: str,
        name: str = "R1",
        *,
        machine: str = "machine-1",
        token: str = "",
        parts: tuple[wire.Part, ...] = PARTS,
        memory: dict[tuple[str, str], tuple[wire.Value, int]] | None = None,
        root_certificate: bytes | None = None,
    ) -> None:
        self.name = name
        self.boot = f"boot-{next(_boots)}"
        self.machine = machine
        self.parts = parts
        self.holds: dict[tuple[str, str], wire.Value] = dict(FIRST)
        self.revisions: dict[tuple[str, str], int] = {}
        for key, (value, revision) in (memory or {}).items():
            self.holds[key], self.revisions[key] = value, revision
        self.rejected: dict[tuple[str, str], str] = {}
        self.over_limit = False
        """What it says of whatever it rejects."""
        self.refuse: Callable[[wire.Setting], str] = lambda _setting: ""
        self.obey: Callable[[wire.Command], wire.CommandState] = lambda command: wire.CommandState(
            id=command.id, outcome=wire.CommandState.DONE
        )
        self.commands: list[wire.Command] = []
        self.settings: list[wire.Setting] = []
        self.measure: Callable[[], list[wire.Reading]] = always
        self.sequence = 0
        self.interval_s = 5.0
        self.dropped = 0
        self.replies: list[wire.ReportReply] = []
        self._states: dict[str, wire.CommandState] = {}
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._root = root_certificate
        self._coordinator = coordinator
        self._channels: list[grpc.aio.Channel] = []
        self._manager: Any = None
        self._wake = asyncio.Event()

    def memory(self) -> dict[tuple[str, str], tuple[wire.Value, int]]:
        return {key: (self.holds[key], revision) for key, revision in self.revisions.items()}

    async def register(self, **more: Any) -> wire.RegisterReply:
        """Register once; a reply that accepts leads to the manager."""
        fields: dict[str, Any] = {
            "protocol": 1,
            "reactor_id": self.name,
            "name": "Reator um",
            "version": "0.5.0",
            "boot_id": self.boot,
            "machine_id": self.machine,
            "parts": self.parts,
            "time_ms": now_ms(),
            "clock_trusted": True,
            "settings_revision": max(self.revisions.values(), default=0),
        }
        stub = services.CoordinatorStub(self._channel(self._coordinator))
        request = wire.RegisterRequest(**(fields | more))
        reply = await stub.Register(request, timeout=DEADLINE_S, metadata=self._metadata)
        if reply.decision == wire.RegisterReply.ACCEPTED:
            host = self._coordinator.rpartition(":")[0]
            self._manager = services.ManagerStub(self._channel(host + reply.manager))
            self.interval_s = reply.status_interval_ms / 1000
            for setting in reply.settings:
                self._apply(setting)
        return reply

    async def report(
        self, readings: list[wire.Reading] | None = None, *, full: bool = True, **more: Any
    ) -> wire.ReportReply:
        """Report once, and do what the answer says."""
        self.sequence += 1
        fields: dict[str, Any] = {
            "reactor_id": self.name,
            "boot_id": self.boot,
            "sequence": self.sequence,
            "time_ms": now_ms(),
            "clock_trusted": True,
            "readings": self.measure() if readings is None else readings,
            "full": full,
            "settings": [self._state(key) for key in self.holds],
            "commands": list(self._states.values()),
            "samples_waiting": 3,
            "oldest_waiting_ms": 1500,
            "samples_dropped": self.dropped,
        }
        request = wire.ReportRequest(**(fields | more))
        reply = await self._manager.Report(request, timeout=DEADLINE_S, metadata=self._metadata)
        self.replies.append(reply)
        for done in reply.acknowledged:
            self._states.pop(done, None)
        for setting in reply.settings:
            self.settings.append(setting)
            self._apply(setting)
        for command in reply.commands:
            if command.id not in self._states:
                self.commands.append(command)
                self._states[command.id] = self.obey(command)
        if reply.settings or reply.commands:
            self._wake.set()
        return reply

    def end_command(self, state: wire.CommandState) -> None:
        """Have a command that was running end; the next report says so."""
        self._states[state.id] = state
        self._wake.set()

    @contextlib.asynccontextmanager
    async def reporting(self, *, watch: bool = True) -> AsyncIterator[None]:
        """Register, and report at the pace told and whenever there is reason to, until the end of the block."""
        reply = await self.register()
        assert reply.decision == wire.RegisterReply.ACCEPTED, reply
        await self.report()
        tasks = [asyncio.create_task(self._keep_reporting())]
        if watch:
            tasks.append(asyncio.create_task(self._watch()))
        try:
            yield
        finally:
            await _end(tasks)

    async def _keep_reporting(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.interval_s):
                    await self._wake.wait()
            self._wake.clear()
            await self.report()

    async def _watch(self) -> None:
        async for _nudge in self.watch():
            self._wake.set()

    def watch(self) -> Any:
        return self._manager.Watch(wire.WatchRequest(reactor_id=self.name, boot_id=self.boot), metadata=self._metadata)

    def samples(self, batches: AsyncIterator[wire.SampleBatch]) -> Any:
        return self._manager.Samples(batches, metadata=self._metadata)

    async def close(self) -> None:
        """Let go of the server, as the end of a process would."""
        await asyncio.gather(*(channel.close() for channel in self._channels))
        self._channels.clear()

    def _apply(self, setting: wire.Setting) -> None:
        key = (setting.part, setting.parameter)
        if setting.revision <= self.revisions.get(key, 0):
            return
        self.revisions[key] = setting.revision
        self.rejected[key] = self.refuse(setting)
        if not self.rejected[key]:
            self.holds[key] = setting.value

    def _state(self, key: tuple[str, str]) -> wire.SettingState:
        return wire.SettingState(
            part=key[0],
            parameter=key[1],
            value=self.holds[key],
            revision=self.revisions.get(key, 0),
            rejected=self.rejected.get(key, ""),
            over_limit=self.over_limit and bool(self.rejected.get(key)),
        )

    def _channel(self, address: str) -> grpc.aio.Channel:
        if self._root is not None:
            channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(self._root))
        else:
            channel = grpc.aio.insecure_channel(address)
        self._channels.append(channel)
        return channel


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    failed = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not [error for error in failed if error], failed
