"""The computer's own I2C buses, with a stand-in for the object that does the transactions."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import smbus2

from vigilia.agent.buses import BusError, Nack
from vigilia.agent.buses import i2c as module
from vigilia.agent.buses.i2c import DeviceI2cBus
from vigilia.errors import StartError


class StandIn:
    """What `smbus2.SMBus(number)` gives, over a real file: it can be locked as a device can."""

    folder: Path
    opened = 0
    fails: list[int] = []
    stuck: threading.Event | None = None
    wrote: list[tuple[int, bytes]] = []

    def __init__(self, number: int) -> None:
        self.fd: int | None = os.open(self.folder / f"i2c-{number}", os.O_RDWR)
        type(self).opened += 1

    def close(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def i2c_rdwr(self, message: Any) -> None:
        if self.stuck is not None:
            self.stuck.wait(10)
        if self.fails:
            code = self.fails.pop(0)
            raise OSError(code, os.strerror(code))
        if message.flags:
            for index, byte in enumerate(b"\x017.02\0".ljust(message.len, b"\xff")):
                message.buf[index] = bytes([byte])
        else:
            self.wrote.append((message.addr, bytes(message)))


@pytest.fixture(autouse=True)
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "i2c-1").touch()
    monkeypatch.setattr(smbus2, "SMBus", StandIn)
    monkeypatch.setattr(StandIn, "folder", tmp_path, raising=False)
    for name, value in (("opened", 0), ("fails", []), ("stuck", None), ("wrote", [])):
        monkeypatch.setattr(StandIn, name, value)
    return tmp_path


@pytest.fixture
async def bus() -> AsyncIterator[DeviceI2cBus]:
    bus = DeviceI2cBus("main", 1)
    yield bus
    await bus.close()


async def test_bytes_go_and_come(bus: DeviceI2cBus) -> None:
    assert StandIn.opened == 0
    await bus.write(99, b"R")
    assert await bus.read(99, 8) == b"\x017.02\0\xff\xff"
    assert StandIn.wrote == [(99, b"R")]
    assert StandIn.opened == 1
    assert bus.operation(103, b"X") == ["i2c", "/dev/i2c-1", 103, "58"]


@pytest.mark.parametrize("code", [errno.EREMOTEIO, errno.ENXIO])
async def test_what_nobody_acknowledges_is_a_nack_and_leaves_the_bus_open(bus: DeviceI2cBus, code: int) -> None:
    StandIn.fails = [code]
    with pytest.raises(Nack, match=r"main \(/dev/i2c-1\), address 99: nobody answers \(NACK\)"):
        await bus.write(99, b"R")
    await bus.write(99, b"R")
    assert StandIn.opened == 1


@pytest.mark.parametrize(
    ("code", "says"),
    [(errno.ETIMEDOUT, "a line is low"), (errno.EIO, "Input/output error"), (errno.ENODEV, "No such device")],
)
async def test_a_failure_of_the_bus_is_told_and_the_device_opened_anew(bus: DeviceI2cBus, code: int, says: str) -> None:
    await bus.write(99, b"R")
    StandIn.fails = [code]
    with pytest.raises(BusError, match=rf"main \(/dev/i2c-1\), address 99: .*{says}"):
        await bus.read(99, 40)
    await bus.write(99, b"R")
    assert StandIn.opened == 2


async def test_a_device_that_is_missing_says_what_to_do_and_heals(bus: DeviceI2cBus, devices: Path) -> None:
    (devices / "i2c-1").unlink()
    with pytest.raises(BusError, match=r"there is no such bus: correct `number`, or enable I2C"):
        await bus.write(99, b"R")
    (devices / "i2c-1").touch()
    await bus.write(99, b"R")


async def test_a_bus_is_not_shared_with_another_program(bus: DeviceI2cBus) -> None:
    await bus.write(99, b"R")
    other = DeviceI2cBus("other", 1)
    with pytest.raises(BusError, match=r"other .*: another program uses it.*systemctl stop vigilia-agent"):
        await other.write(99, b"R")
    await bus.close()
    await other.write(99, b"R")
    await other.close()


async def test_a_transaction_that_does_not_end_holds_nobody_up(
    bus: DeviceI2cBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_S", 0.05)
    StandIn.stuck = threading.Event()
    for _ in range(2):
        with pytest.raises(BusError, match=r"has not ended after 0\.05 s"):
            await bus.write(99, b"R")
    StandIn.stuck.set()
    StandIn.stuck = None
    monkeypatch.setattr(module, "DEADLINE_S", 5.0)
    async with asyncio.timeout(5):
        while True:
            try:
                assert await bus.read(99, 3) == b"\x017."
            except BusError:
                await asyncio.sleep(0.001)
            else:
                break


async def test_without_smbus2_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "smbus2", None)
    with pytest.raises(StartError, match=r"the bus main \(I2C\) needs the extra \[agent\]: pip install"):
        DeviceI2cBus("main", 1)


def test_the_buses_of_this_computer_are_numbers() -> None:
    assert all(isinstance(number, int) for number in module.bus_numbers())
