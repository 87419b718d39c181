"""The operator's side: PVs watched and put over Channel Access with aioca, an EPICS client that is not ours."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

import aioca

from programs import BenchError

NO_ALARM, INVALID = 0, 3
TIMEOUT = 10
"""Alarm status of lost contact, in EPICS terms."""

Value = Any
"""What aioca gives: a value with `ok`, `severity`, `status` and `timestamp`."""


def pvs(switch: int, ports: int, suffix: str) -> list[str]:
    """The names of a PV of every port of a switch, as the simulator's configuration calls them."""
    return [f"SIM-{switch:02d}:Cam-{port:02d}:{suffix}" for port in range(1, ports + 1)]


def is_good(value: Value) -> bool:
    """Whether a value was read and is valid."""
    return value.severity < INVALID


def is_lost(value: Value) -> bool:
    """Whether a value carries the alarm of lost contact."""
    return value.severity == INVALID and value.status == TIMEOUT


class Watch:
    """Monitors PVs: `async with Watch(names) as watch:`. `latest` holds the newest value of each."""

    def __init__(self, names: Sequence[str]) -> None:
        self.latest: dict[str, Value] = {}
        self.first: float | None = None
        """When the first good value came."""
        self._names = list(names)
        self._changed = asyncio.Event()
        self._monitors: list[Any] = []

    async def __aenter__(self) -> Self:
        self._monitors = aioca.camonitor(
            self._names,
            self._take,
            events=aioca.DBE_VALUE | aioca.DBE_ALARM,
            format=aioca.FORMAT_TIME,
            all_updates=True,
            notify_disconnect=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for monitor in self._monitors:
            monitor.close()
        forget()

    async def until(self, wanted: Callable[[Value], bool], within_s: float, what: str) -> float:
        """Wait until every PV is as wanted; return the moment it was so. Raises BenchError when it is not in time."""
        try:
            async with asyncio.timeout(within_s):
                while not all(name in self.latest and wanted(self.latest[name]) for name in self._names):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            missing = [name for name in self._names if name not in self.latest or not wanted(self.latest[name])]
            raise BenchError(
                f"{len(missing)} of {len(self._names)} PVs are not {what} after {within_s:g} s, {missing[0]} among them"
            ) from None
        return time.monotonic()

    def _take(self, value: Value, index: int) -> None:
        if not value.ok:
            self.latest.pop(self._names[index], None)
            return
        self.latest[self._names[index]] = value
        if self.first is None and is_good(value):
            self.first = time.monotonic()
        self._changed.set()


async def put(name: str, value: int) -> float:
    """Put a value without waiting for completion; return the moment just before. Raises BenchError."""
    began = time.monotonic()
    answer = await aioca.caput(name, value, wait=False, throw=False, timeout=5)
    if not answer.ok:
        raise BenchError(f"the put to {name} failed: {answer}")
    return began


def forget() -> None:
    """Close all channels: another service may serve these names next, and none may remember this one."""
    aioca.purge_channel_caches()
