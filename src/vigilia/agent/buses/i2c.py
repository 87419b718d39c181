"""The I2C buses of a computer: /dev/i2c-N of Linux, through smbus2."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from vigilia.agent.buses.blocking import BlockingThread, Overdue
from vigilia.agent.buses.bus import BusError, Nack, Operation
from vigilia.errors import StartError

if TYPE_CHECKING:
    from smbus2 import SMBus, i2c_msg

DEADLINE_S = 1.5
"""Most real seconds of a transaction: the kernel's own limit is 1 s, then a circuit stretches the clock no longer."""

_NOT_ACKNOWLEDGED = (errno.EREMOTEIO, errno.ENXIO)
"""What kernel drivers give where nobody acknowledges: the Pi's EREMOTEIO ("Remote I/O error"), most others ENXIO."""

_WAYS_OUT = {
    errno.ENOENT: "there is no such bus: correct `number`, or enable I2C (raspi-config)",
    errno.EACCES: "not allowed: add the user to the group i2c",
    errno.ETIMEDOUT: "out of time: a circuit holds the clock, or a line is low; check wiring and pull-ups",
}


class DeviceI2cBus:
    """One /dev/i2c-N. The device is opened at the first transaction, and anew after it failed."""

    kind = "i2c"

    def __init__(self, name: str, number: int) -> None:
        """Raises StartError where smbus2 is not installed."""
        try:
            import smbus2
        except ModuleNotFoundError as error:
            raise StartError(f"the bus {name} (I2C) needs the extra [agent]: pip install 'vigilia[agent]'") from error
        self._smbus2 = smbus2
        self.name = name
        self.path = f"/dev/i2c-{number}"
        self._number = number
        self._device: SMBus | None = None
        self._thread = BlockingThread(name)

    def operation(self, address: int, data: bytes) -> Operation:
        """Return how the guardian writes `data` to an address without this program."""
        return ["i2c", self.path, address, data.hex()]

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes to an address. Raises Nack or BusError."""
        message = self._smbus2.i2c_msg.write(address, data)
        await self._transact(address, lambda: self._move(message))

    async def read(self, address: int, count: int) -> bytes:
        """Return `count` bytes of an address. Raises Nack or BusError."""
        message = self._smbus2.i2c_msg.read(address, count)
        await self._transact(address, lambda: self._move(message))
        return bytes(message)

    async def close(self) -> None:
        """Let go of the device."""
        with contextlib.suppress(Overdue):  # then it is stuck in the device; it is a daemon, and ends with us
            await self._thread.call(self._drop, DEADLINE_S)
        self._thread.close()

    async def _transact(self, address: int, work: Callable[[], None]) -> None:
        where = f"{self.name} ({self.path}), address {address}"
        try:
            await self._thread.call(work, DEADLINE_S)
        except Overdue as error:
            raise BusError(f"{where}: the transaction has not ended after {DEADLINE_S:g} s") from error
        except OSError as error:
            if error.errno in _NOT_ACKNOWLEDGED:
                raise Nack(f"{where}: nobody answers (NACK)") from error
            raise BusError(f"{where}: {_WAYS_OUT.get(error.errno or 0, error.strerror or str(error))}") from error

    def _move(self, message: "i2c_msg") -> None:
        """Do one transaction, in the thread."""
        if self._device is None:
            self._device = self._open()
        try:
            self._device.i2c_rdwr(message)
        except OSError as error:
            if error.errno not in _NOT_ACKNOWLEDGED:
                self._drop()
            raise

    def _open(self) -> "SMBus":
        """Open the device for this program alone: the answers to two programs' commands would mix."""
        device = self._smbus2.SMBus(self._number)
        try:
            fcntl.flock(cast(int, device.fd), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            device.close()
            if error.errno != errno.EWOULDBLOCK:
                raise
            raise OSError(
                errno.EBUSY, "another program uses it: the agent itself? Stop that first (systemctl stop vigilia-agent)"
            ) from error
        return device

    def _drop(self) -> None:
        if self._device is not None:
            device, self._device = self._device, None
            device.close()


def bus_numbers() -> list[int]:
    """Return the numbers of the I2C buses that this computer has."""
    names = [name for name in os.listdir("/dev") if name.startswith("i2c-")]  # noqa: PTH208 - names only
    return sorted(int(name[4:]) for name in names if name[4:].isdigit())
