"""What every bus has in common: how it fails, and what may be asked of it.

    VigiliaError
    ├── Nack       nobody answered at that address, or on that line; the bus itself works
    └── BusError   the bus cannot be used: its device is gone, busy, stuck or out of reach; it is tried anew each time

Both become COMM alarms of what hangs on the bus; their texts name the bus and the address.
"""

from typing import Protocol

from vigilia.errors import VigiliaError

Operation = list[str | int]
"""How the guardian does one transaction without this program: `["i2c", device path, address, hex]` and the like."""


class Nack(VigiliaError):
    """Nobody answered at that address, or on that line. Worth another try; then something is missing there."""


class BusError(VigiliaError):
    """The bus cannot be used at present; the text says why. The next transaction begins anew, so that it heals."""


class I2cBus(Protocol):
    """An I2C bus: one transaction at a time, each with a deadline. It opens by itself at the first one."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        ...

    @property
    def kind(self) -> str:
        """As the configuration says it: "i2c" or "sim"."""
        ...

    def operation(self, address: int, data: bytes) -> Operation:
        """Return how the guardian writes `data` to an address without this program."""
        ...

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes to an address. Raises Nack or BusError."""
        ...

    async def read(self, address: int, count: int) -> bytes:
        """Return `count` bytes of an address; a faulty bus may give fewer. Raises Nack or BusError."""
        ...

    async def close(self) -> None:
        """Let go of the device. Never raises."""
        ...


def place_on(bus: I2cBus, address: int) -> str:
    """Return where a circuit is, for people: "i2c-1, address 99"."""
    return f"{bus.name}, address {address}"
