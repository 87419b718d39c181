"""A probe that is being calibrated when the agent ends: the loops of the next run leave its buffer alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.conftest import until
from tests.unit.agent.sensors.bench import ezo
from vigilia.agent.buses.sim import SimulatedI2cBus
from vigilia.agent.calibrating import Calibrations
from vigilia.agent.ledger import Ledger
from vigilia.agent.limits import SystemTimes
from vigilia.agent.sensors import make_sensors
from vigilia.agent.sensors.calibration import LASTS_S
from vigilia.agent.sensors.ezo import EzoSensor
from vigilia.clock import Clock


class Later(SystemTimes):
    """Clocks that are ahead, and a wall clock that somebody sets."""

    ahead_s = 0.0
    moved_s = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self.ahead_s

    def wall(self) -> float:
        return super().wall() + self.moved_s


@asynccontextmanager
async def agent(folder: Path, times: SystemTimes) -> AsyncIterator[tuple[EzoSensor, Ledger]]:
    """One run of an agent, as far as calibrations go; its bus is out of reach."""
    ledger = Ledger(folder / "ledger.db", times)
    (sensor,) = make_sensors([ezo("ph", "ezo-ph")], {"i2c-1": SimulatedI2cBus("i2c-1", "127.0.0.1:9")}, Clock(), {})
    assert isinstance(sensor, EzoSensor)
    calibrations = Calibrations([sensor], ledger)
    calibrations.resume()
    work = asyncio.create_task(calibrations.run())
    try:
        yield sensor, ledger
    finally:
        work.cancel()
        await asyncio.wait([work])
        await ledger.close()


async def test_a_calibration_outlives_the_agent_until_its_end_is_asked_for(tmp_path: Path) -> None:
    times = Later()
    async with agent(tmp_path, times) as (sensor, ledger):
        assert not sensor.calibrating
        await sensor.command("Calibrate", "begin", "c1")
        await until(lambda: ledger.calibrating_at("ph") is not None)
    times.moved_s = 86_400.0  # a clock that is set is not time that went by
    async with agent(tmp_path, times) as (sensor, ledger):
        assert sensor.calibrating
        await sensor.command("Calibrate", "end", "c2")
        assert not sensor.calibrating
        await until(lambda: ledger.calibrating_at("ph") is None)
    async with agent(tmp_path, times) as (sensor, _):
        assert not sensor.calibrating


async def test_a_calibration_that_was_forgotten_is_over_after_a_while(tmp_path: Path) -> None:
    times = Later()
    async with agent(tmp_path, times) as (sensor, ledger):
        await sensor.command("Calibrate", "begin", "c1")
        await until(lambda: ledger.calibrating_at("ph") is not None)
    times.ahead_s = LASTS_S
    async with agent(tmp_path, times) as (sensor, ledger):
        assert not sensor.calibrating
        await until(lambda: ledger.calibrating_at("ph") is None)
