"""A simulated I2C bus, over TCP: one line each way for a transaction.

`W <address> <hex>` is answered `OK`, `NACK` or `ERR <text>`; `R <address> <count>` is answered `OK <hex>`, `NACK` or
`ERR <text>`.
"""

import asyncio
import contextlib

from vigilia.agent.buses.bus import BusError, Nack, Operation
from vigilia.errors import printable

DEADLINE_S = 1.5
"""Most real seconds of a transaction, a new connection included."""
_LONGEST_LINE = 1024


class SimulatedI2cBus:
    """The I2C bus of a simulator. It connects at the first transaction, and anew after one failed."""

    kind = "sim"

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self._address = address
        self._host, _, self._port = address.rpartition(":")
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def operation(self, address: int, data: bytes) -> Operation:
        """Return how the guardian writes `data` to an address without this program."""
        return ["sim", self._address, address, data.hex()]

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes to an address. Raises Nack or BusError."""
        await self._transact(address, f"W {address} {data.hex()}")

    async def read(self, address: int, count: int) -> bytes:
        """Return `count` bytes of an address. Raises Nack or BusError."""
        answer = await self._transact(address, f"R {address} {count}")
        try:
            return bytes.fromhex(answer)[:count]
        except ValueError as error:
            raise BusError(f"{self._where(address)}: {printable(answer[:40])!r} is not hexadecimal") from error

    async def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            writer, self._streams = self._streams[1], None
            writer.close()
            with contextlib.suppress(OSError):  # a deadline as well: it is gone either way
                await asyncio.wait_for(writer.wait_closed(), DEADLINE_S)

    def _where(self, address: int) -> str:
        return f"{self.name} ({self._address}), address {address}"

    async def _transact(self, address: int, line: str) -> str:
        """Send a line; return what follows the OK of its answer."""
        where = self._where(address)
        async with self._lock:
            try:
                # Not wait_for: a cancellation that meets the answer is lost in it before Python 3.12.
                async with asyncio.timeout(DEADLINE_S):
                    answer = await self._exchange(line)
            except TimeoutError as error:
                raise BusError(f"{where}: the transaction has not ended after {DEADLINE_S:g} s") from error
            except ConnectionRefusedError as error:
                raise BusError(f"{where}: no simulator listens there") from error
            except (OSError, EOFError, ValueError) as error:  # ValueError: a line beyond all measure
                raise BusError(f"{where}: the simulator does not answer ({error})") from error
        outcome, _, rest = answer.partition(" ")
        match outcome:
            case "OK":
                return rest
            case "NACK":
                raise Nack(f"{where}: nobody answers (NACK)")
            case "ERR":
                raise BusError(f"{where}: {printable(rest[:200])}")
            case _:
                raise BusError(f"{where}: the simulator answers {printable(answer[:40])!r}")

    async def _exchange(self, line: str) -> str:
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, int(self._port), limit=_LONGEST_LINE)
            reader, writer = self._streams
            writer.write(f"{line}\n".encode())
            answer = await reader.readline()
            if not answer.endswith(b"\n"):
                raise EOFError("it closed the connection")
            return answer.decode("ascii", "replace").strip()
        except BaseException:  # a line that was not waited for would be taken for the next one's answer
            if self._streams is not None:
                self._streams[1].close()
                self._streams = None
            raise
