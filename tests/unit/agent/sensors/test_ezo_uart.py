"""Sensors on serial lines, which are real pseudo-terminals here."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.conftest import until
from tests.unit.agent.ezo.standin import Pty, StandIn, pty
from tests.unit.agent.sensors.bench import SPEED, Heard, ezo, running
from vigilia.agent.buses import UartBus
from vigilia.agent.parts import Measured
from vigilia.agent.sensors import Sensor, make_sensors
from vigilia.clock import Clock
from vigilia.points import Severity, Status


@contextlib.asynccontextmanager
async def probe(folder: Path, circuit: StandIn) -> AsyncIterator[tuple[Pty, Sensor, Heard]]:
    async with pty(folder, circuit) as line:
        bus = UartBus("uart-1", line.device, 9600)
        config = ezo("orp", "ezo-orp").model_copy(update={"bus": "uart-1"})
        (sensor,) = make_sensors([config], {"uart-1": bus}, Clock(speed=SPEED), {})
        heard = Heard()
        try:
            async with running([sensor], heard):
                await until(lambda: sensor.reading("ORP") is not None)
                yield line, sensor, heard
        finally:
            await bus.close()


def newest(sensor: Sensor, parameter: str = "ORP") -> Measured:
    reading = sensor.reading(parameter)
    assert reading is not None
    return reading


async def test_a_circuit_on_a_serial_line_is_read(tmp_path: Path) -> None:
    async with probe(tmp_path, StandIn("ORP", value="225.0")) as (line, sensor, heard):
        assert (newest(sensor).value, newest(sensor).severity) == (225.0, Severity.NO_ALARM)
        assert line.circuit.log[:3] == ["C,0", "i", "Status"]
        assert heard.of("ORP")


async def test_a_line_that_vanishes_and_returns_heals(tmp_path: Path) -> None:
    async with probe(tmp_path, StandIn("ORP", value="225.0")) as (line, sensor, _):
        line.vanish()
        await until(lambda: newest(sensor).status is Status.COMM)
        assert newest(sensor).value == 225.0
        assert newest(sensor).detail.startswith(f"uart-1, {line.device}: ")
        line.continuous = True
        line.appear()
        await until(lambda: newest(sensor).severity is Severity.NO_ALARM)


async def test_noise_is_a_bad_answer_and_heals(tmp_path: Path) -> None:
    async with probe(tmp_path, StandIn("ORP", value="225.0")) as (line, sensor, _):
        line.before = b"\xff\xfe"
        await until(lambda: newest(sensor).status is Status.READ)
        assert "noise" in newest(sensor).detail
        line.before = b""
        await until(lambda: newest(sensor).severity is Severity.NO_ALARM)


async def test_a_restart_that_the_circuit_tells_of_is_an_event(tmp_path: Path) -> None:
    async with probe(tmp_path, StandIn("ORP", value="225.0")) as (line, sensor, heard):
        line.circuit.restart = "B"
        line.say(b"*RS\r*RE\r")
        await until(lambda: bool(heard.of("Restart")))
        assert (heard.of("Restart")[0].value, heard.of("Restart")[0].detail) == ("brown-out", "it started anew")
        line.say(b"*UV\r")
        await until(lambda: newest(sensor, "Voltage").severity is Severity.MINOR)
        assert newest(sensor, "Voltage").detail == "its supply voltage is too low"
