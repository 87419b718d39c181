"""Many simulated reactors together: their time goes on, and chance strikes them where it is asked to."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from vigilia.clock import Clock
from vigilia.sim.reactor.faults import FaultOptions
from vigilia.sim.reactor.inotify import Watcher
from vigilia.sim.reactor.reactor import DEFAULTS, Options, SimReactor

BEAT_S = 0.2
_log = logging.getLogger(__name__)

_CHANCE: tuple[tuple[str, FaultOptions], ...] = (
    ("nack", {"count": 2}),
    ("busy", {"count": 1}),
    ("no-data", {"count": 1}),
    ("empty", {"count": 1}),
    ("cut", {"count": 1}),
    ("garbage", {"count": 1}),
    ("four-values", {"count": 2}),
    ("stretch", {"count": 2, "delay_s": 0.3}),
    ("noise", {"duration_s": 10.0, "amplitude": 0.2}),
    ("stuck", {"duration_s": 20.0}),
    ("power-cut", {"duration_s": 2.0}),
    ("refused", {"count": 1}),
    ("no-motor-supply", {"duration_s": 5.0}),
    ("same-address", {"duration_s": 3.0, "address": 99}),
    ("crc", {"duration_s": 3.0}),
    ("vanish", {"duration_s": 3.0, "places": ("i2c",)}),
    ("vanish", {"duration_s": 3.0, "places": ("uart",)}),
)
"""What happens by chance, each for a short while. Nothing of it makes an output do what it was not told."""


class Fleet:
    """Starts and stops reactors together, and is their heart: `async with Fleet(names, folder, clock) as fleet:`.

    `fault_every_s` above 0: so often, in the mean, a random fault strikes one of them; `seed` says which.
    """

    def __init__(
        self,
        names: Sequence[str],
        folder: Path,
        clock: Clock,
        options: Options = DEFAULTS,
        *,
        fault_every_s: float = 0.0,
        seed: int = 1,
    ) -> None:
        """`options.port`: of the first bus, the others follow; 0: free ones."""
        self.clock = clock
        self.folder = folder
        self._watcher = Watcher()
        self._fault_every_s = fault_every_s
        self._chance = random.Random(seed)
        self._tasks: list[asyncio.Task[None]] = []
        self.reactors = [
            SimReactor(name, folder / name, clock, self._watcher, _nth(options, position))
            for position, name in enumerate(names)
        ]

    async def start(self) -> None:
        """Start every reactor, or none; raises OSError."""
        try:
            self._watcher.start()
            for reactor in self.reactors:
                await reactor.start()
        except BaseException:
            await self.stop()
            raise
        self._tasks.append(asyncio.create_task(self._beat(), name="reactors"))
        if self._fault_every_s > 0:
            self._tasks.append(asyncio.create_task(self._strike(), name="chance"))

    async def stop(self) -> None:
        """Stop every reactor and take its folder away."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for reactor in self.reactors:
            await reactor.stop()
        self._watcher.stop()
        with contextlib.suppress(OSError):
            self.folder.rmdir()
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _beat(self) -> None:
        failing: set[str] = set()
        while True:
            await asyncio.sleep(BEAT_S)
            for reactor in self.reactors:
                try:
                    await reactor.settle()
                except OSError as error:
                    if reactor.name not in failing:
                        _log.error("%s: %s; trying on", reactor.name, error)
                    failing.add(reactor.name)
                else:
                    failing.discard(reactor.name)

    async def _strike(self) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / self._fault_every_s))
            reactor = self._chance.choice(self.reactors)
            kind, options = self._chance.choice(_CHANCE)
            if kind != "vanish":
                options = options | {"parts": [self._chance.choice(_struck(kind, reactor))]}
            await reactor.inject(kind, **options)


def _struck(kind: str, reactor: SimReactor) -> list[str]:
    """Return the parts that a fault may strike by chance: a pump never hears what another circuit is told."""
    if kind == "crc":
        return [thermometer.name for thermometer in reactor.one_wire.thermometers]
    if kind == "no-motor-supply":
        return list(reactor.pumps)
    probes = [name for name in reactor.circuits if name not in reactor.pumps]
    return probes if kind == "same-address" else [*probes, *reactor.pumps]


def _nth(options: Options, position: int) -> Options:
    return replace(options, port=options.port + position) if options.port else options
