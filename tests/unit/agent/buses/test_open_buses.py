"""Buses from their configuration."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.unit.agent.ezo.standin import StandIn, pty
from vigilia.agent.buses import BusError, Nack, OneWireBus, UartBus, open_buses
from vigilia.agent.buses.config import BusConfig
from vigilia.errors import StartError

ADAPTER: TypeAdapter[Any] = TypeAdapter(BusConfig)


def config(**entry: object) -> Any:
    return ADAPTER.validate_python({"name": "b", **entry})


async def test_each_kind_becomes_its_bus_and_none_is_touched() -> None:
    buses = open_buses(
        [
            config(kind="i2c", number=77),
            config(name="u", kind="uart", device="/nowhere/tty"),
            config(name="w", kind="w1"),
            config(name="s", kind="sim", address="127.0.0.1:7"),
        ]
    )
    assert {name: (bus.name, bus.kind) for name, bus in buses.items()} == {
        "b": ("b", "i2c"),
        "u": ("u", "uart"),
        "w": ("w", "w1"),
        "s": ("s", "sim"),
    }
    line = buses["u"]
    assert isinstance(line, UartBus)
    assert line.baud == 9600
    for bus in buses.values():
        await bus.close()


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"kind": "spi"}, "spi"),
        ({"kind": "i2c"}, "Field required"),
        ({"kind": "i2c", "number": -1}, "greater than or equal to 0"),
        ({"kind": "i2c", "number": 1, "device": "x"}, "Extra inputs"),
        ({"kind": "uart"}, "Field required"),
        ({"kind": "uart", "device": "/dev/x", "baud": 9601}, "Input should be 300"),
        ({"kind": "sim", "address": "7070"}, "is not the address of a simulated bus"),
        ({"kind": "sim", "address": "127.0.0.1:70000"}, "is not the address of a simulated bus"),
        ({"kind": "w1", "name": "a b"}, "pattern"),
    ],
)
def test_what_cannot_be_a_bus(entry: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config(**entry)


def test_without_pyserial_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    with pytest.raises(StartError, match=r"the bus b \(UART\) needs the extra \[agent\]"):
        open_buses([config(kind="uart", device="/dev/ttyAMA0")])


async def test_a_serial_line_gives_what_came_unasked_apart(tmp_path: Path) -> None:
    async with pty(tmp_path, StandIn()) as line:
        bus = UartBus("u", line.device, 9600)
        await bus.exchange(b"C,0\r", lambda came: came.endswith(b"*OK\r"), 5.0)
        line.say_unasked(b"6.9\r")
        before, came = await bus.exchange(b"R\r", lambda came: came.endswith(b"*OK\r"), 5.0)
        assert (before, came) == (b"6.9\r", b"7.021\r*OK\r")
        line.silent = True
        assert await bus.exchange(b"R\r", bool, 0.1) == (b"", b"")
        await bus.close()


async def test_a_1_wire_bus_lists_what_hangs_on_it(tmp_path: Path) -> None:
    bus = OneWireBus("w", str(tmp_path / "devices"))
    with pytest.raises(BusError, match="devices is not there: correct `path`, or enable 1-Wire"):
        await bus.devices()
    for name in ("28-0316a2792dff", "10-000802deb8f0", "w1_bus_master1", "28-short"):
        (tmp_path / "devices" / name).mkdir(parents=True)
    assert await bus.devices() == ["10-000802deb8f0", "28-0316a2792dff"]
    with pytest.raises(Nack, match="w, 28-0316a2792dff: nobody answers"):
        await bus.read("28-0316a2792dff")
    (tmp_path / "devices/28-0316a2792dff/w1_slave").write_bytes(b"\xff" * 5000)
    assert len(await bus.read("28-0316a2792dff")) == 1024
    await bus.close()
