"""`vigilia agent scan`: what answers where, and what is not as configured."""

from pathlib import Path

import pytest

from tests.unit.agent.ezo.standin import Pty, StandIn, pty, sim_bus
from vigilia.agent.buses import OneWireBus, UartBus
from vigilia.agent.buses.sim import SimulatedI2cBus
from vigilia.agent.ezo import Identity, protocol
from vigilia.agent.scan import Expected, Found, buses_here, expected_of, run_scan, scan
from vigilia.agent.sensors.config import Ds18b20Config, EzoConfig
from vigilia.language import use

GOOD = "b7 01 4b 46 7f ff 09 10 55 : crc=55 YES\nb7 01 4b 46 7f ff 09 10 55 t=27437\n"


@pytest.fixture(autouse=True)
def quick_circuits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_WAIT_S", 0.002)


async def test_every_address_is_looked_at_and_circuits_are_asked_what_they_are() -> None:
    circuits = {
        99: StandIn(),
        100: StandIn("EC", "2.10"),
        103: StandIn("PMP", "1.03"),
        64: StandIn(replies={"i": None}),  # another chip
        32: StandIn("RTD", "2.01"),  # where port expanders are
    }
    async with sim_bus(circuits) as equipment:
        bus = SimulatedI2cBus("i2c-1", equipment.address)
        found = [found async for found in scan([bus])]
        assert [(entry.address, entry.identity) for entry in found] == [
            (32, None),
            (64, None),
            (99, Identity("pH", "2.16")),
            (100, Identity("EC", "2.10")),
            (103, Identity("PMP", "1.03")),
        ]
        assert "port expander" in found[0].detail
        assert "another device, or two at once" in found[1].detail
        assert circuits[32].log == []  # nothing was written there
        reads = [line for line in equipment.lines if line.endswith(" 1")]
        assert reads == [f"R {address} 1" for address in range(3, 120)]
        found = [found async for found in scan([bus], [("i2c-1", 32)])]
        assert found[0].identity == Identity("RTD", "2.01")
        await bus.close()


async def test_a_scan_is_told_bus_by_bus_with_what_is_configured(tmp_path: Path) -> None:
    for name in ("28-0316a2792dff", "10-000802deb8f0"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "w1_slave").write_text(GOOD)
    sensors = [
        EzoConfig(name="ph", bus="i2c-1", kind="ezo-ph"),
        EzoConfig(name="ec", bus="i2c-1", kind="ezo-ec", address=50),
        EzoConfig(name="orp", bus="i2c-1", kind="ezo-orp"),
        Ds18b20Config(name="temp", bus="w1", kind="ds18b20"),
    ]
    async with sim_bus({99: StandIn(), 50: StandIn("DO", "2.0"), 102: StandIn("RTD")}) as equipment:
        buses = [SimulatedI2cBus("i2c-1", equipment.address), OneWireBus("w1", str(tmp_path))]
        said: list[str] = []
        assert await run_scan(buses, expected_of(sensors, buses), said.append) == 1
        assert said == [
            "i2c-1:",
            "  50 (0x32): DO circuit, firmware 2.0; WRONG: configured as ec (EC)",
            "  99 (0x63): pH circuit, firmware 2.16; configured as ph",
            "  102 (0x66): RTD circuit, firmware 2.16; not configured",
            "w1:",
            "  10-000802deb8f0: answers, but is no DS18B20",
            "  28-0316a2792dff: DS18B20; 27.44 °C; configured as temp",
            "missing: orp (ORP) at i2c-1, 98 (0x62)",
        ]
        said.clear()
        assert await run_scan(buses, expected_of(sensors[:1], buses[:1]), said.append) == 0
        for bus in buses:
            await bus.close()


async def test_a_bus_that_cannot_be_used_does_not_end_the_scan(tmp_path: Path) -> None:
    async with sim_bus({99: StandIn()}) as equipment:
        buses = [
            SimulatedI2cBus("away", "127.0.0.1:1"),
            OneWireBus("w1", str(tmp_path / "none")),
            UartBus("uart-1", str(tmp_path / "none"), 9600),
            SimulatedI2cBus("i2c-1", equipment.address),
        ]
        said: list[str] = []
        assert await run_scan(buses, [Expected("uart-1", None, "ph", "pH")], said.append) == 1
        assert [line for line in said if not line.startswith(" ")] == [
            "away:",
            "w1:",
            "uart-1:",
            "i2c-1:",
            "missing: ph (pH) at uart-1",
        ]
        assert "no simulator listens there" in said[1]
        assert "enable 1-Wire" in said[3]
        assert "there is no such device" in said[5]
        assert "99 (0x63): pH circuit, firmware 2.16; not configured" in said[7]
        for bus in buses:
            await bus.close()


async def test_a_circuit_on_a_serial_line_is_found(tmp_path: Path) -> None:
    async with pty(tmp_path, StandIn("ORP", "1.97")) as line:
        bus = UartBus("uart-1", line.device, 9600)
        said: list[str] = []
        assert await run_scan([bus], [Expected("uart-1", None, "orp", "ORP")], said.append) == 0
        assert said == ["uart-1:", "  ORP circuit, firmware 1.97; configured as orp"]


class AtAnotherRate(Pty):
    """A pseudo-terminal has no rate: noise stands for what a wrong one makes of an answer."""

    rate = 38_400

    def _answer(self, command: str) -> None:
        import termios

        speed = termios.tcgetattr(self._slave)[4]
        if speed == termios.B38400:
            super()._answer(command)
        else:
            self.say(b"\xf8\x80\xfe")


async def test_a_circuit_at_another_rate_is_found_and_told_of(tmp_path: Path) -> None:
    line = AtAnotherRate(tmp_path / "tty", StandIn())
    line.appear()
    found = [found async for found in scan([UartBus("uart-1", line.device, 9600)])]
    assert found == [
        Found(
            "uart-1",
            None,
            Identity("pH", "2.16"),
            "speaks at 38400 baud, not at 9600: write baud = 38400",
            wrong=True,
        )
    ]
    line.vanish()


async def test_without_a_bus_the_way_out_is_told_in_the_language_in_use() -> None:
    said: list[str] = []
    assert await run_scan([], [], said.append) == 1
    assert "enable I2C or 1-Wire" in said[0]
    use("en")


def test_the_buses_of_this_computer_can_be_listed() -> None:
    assert all(bus.kind in ("i2c", "w1") for bus in buses_here())
