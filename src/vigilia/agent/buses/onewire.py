"""The 1-wire bus as the kernel shows it: a folder for each thermometer in /sys/bus/w1/devices."""

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vigilia.agent.buses.blocking import BlockingThread, Overdue
from vigilia.agent.buses.bus import BusError, Nack

DEADLINE_S = 5.0
"""Most real seconds of a transaction: a DS18B20 converts for 0.75 s, and the kernel tries again after a wrong CRC."""
_IDENTITY = re.compile(r"[0-9a-f]{2}-[0-9a-f]{12}")
_MOST_BYTES = 1024

Result = TypeVar("Result")


class OneWireBus:
    """The thermometers of one 1-wire bus, by their identities such as "28-0316a2792dff"."""

    kind = "w1"

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self._path = Path(path)
        self._thread = BlockingThread(name)

    async def devices(self) -> list[str]:
        """Return the identities of what hangs on the bus. Raises BusError."""
        return await self._call(self._list, self.name)

    async def read(self, identity: str) -> str:
        """Have a thermometer convert; return what the kernel writes of it (`w1_slave`). Raises Nack or BusError."""
        return await self._call(lambda: self._read(identity), f"{self.name}, {identity}")

    async def close(self) -> None:
        """End the bus's thread."""
        self._thread.close()

    async def _call(self, work: Callable[[], Result], where: str) -> Result:
        try:
            return await self._thread.call(work, DEADLINE_S)
        except Overdue as error:
            raise BusError(f"{where}: no answer within {DEADLINE_S:g} s") from error
        except OSError as error:
            if not self._path.is_dir():
                raise BusError(
                    f"{where}: {self._path} is not there: correct `path`, or enable 1-Wire (raspi-config)"
                ) from error
            if error.errno == errno.ENOENT:
                raise Nack(f"{where}: nobody answers: it is not on the bus") from error
            raise BusError(f"{where}: {error.strerror or error}") from error

    def _list(self) -> list[str]:
        return sorted(entry.name for entry in self._path.iterdir() if _IDENTITY.fullmatch(entry.name))

    def _read(self, identity: str) -> str:
        with (self._path / identity / "w1_slave").open("rb") as file:
            return file.read(_MOST_BYTES).decode("ascii", "replace")
