"""A bench: simulated circuits on a bus, the sensors on it at work, and who hears of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tests.unit.agent.ezo.standin import SimBus, StandIn, sim_bus
from vigilia.agent.buses.sim import SimulatedI2cBus
from vigilia.agent.parts import Measured, Part
from vigilia.agent.sensors import Sensor, make_sensors
from vigilia.agent.sensors.config import Ds18b20Config, EzoConfig
from vigilia.clock import Clock

SPEED = 100
"""Of the clock: a live reading each 50 ms."""


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.changes: list[str] = []
        self.samples: list[Measured] = []

    def changed(self, part: Part) -> None:
        self.changes.append(part.declaration.name)

    def sampled(self, part: Part, samples: Sequence[Measured]) -> None:
        del part
        self.samples += samples

    def of(self, parameter: str) -> list[Measured]:
        return [sample for sample in self.samples if sample.parameter == parameter]


TAKEN = {("i2c-1", 112): "acid"}
"""Where a pump is."""


class Bench:
    """What a test has in hand."""

    def __init__(self, bus: SimBus, sensors: list[Sensor]) -> None:
        self.bus = bus
        self.heard = Heard()
        self.sensors = {sensor.name: sensor for sensor in sensors}

    def __getitem__(self, name: str) -> Sensor:
        return self.sensors[name]

    def newest(self, name: str, parameter: str) -> Measured:
        found = self.sensors[name].reading(parameter)
        assert found is not None, f"{name} has no {parameter}"
        return found

    def has(self, name: str, parameter: str) -> bool:
        return self.sensors[name].reading(parameter) is not None


def ezo(name: str, kind: str, **more: Any) -> EzoConfig:
    return EzoConfig(name=name, bus="i2c-1", kind=kind, **more)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def bench(
    circuits: dict[int, StandIn], *configs: EzoConfig | Ds18b20Config, speed: float = SPEED
) -> AsyncIterator[Bench]:
    async with sim_bus(circuits) as simulated:
        bus = SimulatedI2cBus("i2c-1", simulated.address)
        made = Bench(simulated, make_sensors(configs, {"i2c-1": bus}, Clock(speed=speed), TAKEN))
        try:
            async with running(made.sensors.values(), made.heard):
                yield made
        finally:
            await bus.close()


@contextlib.asynccontextmanager
async def running(sensors: Any, heard: Heard) -> AsyncIterator[None]:
    async with asyncio.timeout(30):
        tasks = [asyncio.create_task(sensor.run(heard)) for sensor in sensors]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(error, asyncio.CancelledError) for error in ended), ended
