"""The simulated I2C bus over TCP: a line asks, a line answers, and the socket can go and come back.

`W <address> <hex>` → `OK`, `NACK` or `ERR <text>`; `R <address> <count>` → `OK <hex>`, `NACK` or `ERR <text>`.
"""

import asyncio
import socket

from vigilia.sim.reactor.i2c import LONGEST_READ, LONGEST_WRITE, I2cBus

_LONGEST_LINE = 1024
_CONNECTIONS = 64


class BadRequest(ValueError):
    """A line that is no transaction."""


class BusServer:
    """Serves `bus` on one address, port 0 for a free one. Its port is its own from the first `listen` to `close`."""

    def __init__(self, bus: I2cBus, host: str, port: int) -> None:
        self.bus = bus
        self.host = host
        self.port = port
        self._holder: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self.accepted = 0

    @property
    def address(self) -> str:
        """The address to reach it at, HOST:PORT."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def listening(self) -> bool:
        """Whether connections are accepted; else they are refused."""
        return self._server is not None

    async def listen(self) -> None:
        """Begin to accept connections; nothing where it does already. Raises OSError when the port is not free."""
        if self._server is not None:
            return
        if self._holder is None:
            # A bound socket that never listens: no other program is given the port while this one does not listen.
            self._holder = _bound(self.host, self.port)
            self.port = self._holder.getsockname()[1]
        sock = _bound(self.host, self.port)
        try:
            self._server = await asyncio.start_server(self._accept, sock=sock, limit=_LONGEST_LINE)
        except BaseException:
            sock.close()
            raise

    def vanish(self) -> None:
        """Stop accepting connections and reset those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()

    async def close(self) -> None:
        """Stop for good and give the port back."""
        self.vanish()
        if self._holder is not None:
            self._holder.close()
            self._holder = None
        tasks = list(self._open.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if len(self._open) >= _CONNECTIONS:
            writer.transport.abort()
            return
        self._open[writer] = asyncio.create_task(self._serve(reader, writer), name="I2C bus connection")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(await self._answer(line))
                await writer.drain()
        except ConnectionError:
            pass
        except ValueError:  # a line beyond the limit: what follows cannot be told apart
            writer.write(f"ERR a line has {_LONGEST_LINE} bytes at most\n".encode())
        finally:
            self._open.pop(writer, None)
            writer.close()

    async def _answer(self, line: bytes) -> bytes:
        try:
            what, address, argument = _parsed(line)
            if what == "W":
                return b"OK\n" if await self.bus.write(address, bytes.fromhex(argument)) else b"NACK\n"
            found = await self.bus.read(address, int(argument))
            return b"NACK\n" if found is None else f"OK {found.hex()}\n".encode()
        except BadRequest as error:
            return f"ERR {error}\n".encode()


def _parsed(line: bytes) -> tuple[str, int, str]:
    """Return W or R, the address, and what to write or how much to read. Raises BadRequest."""
    words = line.decode("ascii", "replace").split()
    if len(words) < 2 or words[0] not in {"W", "R"} or len(words) > 3:
        raise BadRequest("a line is W <address> <hex> or R <address> <count>")
    if not words[1].isdecimal() or int(words[1]) > 127:
        raise BadRequest("an address is a whole number from 0 to 127")
    argument = words[2] if len(words) == 3 else ""
    if words[0] == "R":
        if not argument.isdecimal() or not 1 <= int(argument) <= LONGEST_READ:
            raise BadRequest(f"a count is a whole number from 1 to {LONGEST_READ}")
        return "R", int(words[1]), argument
    try:
        too_long = len(bytes.fromhex(argument)) > LONGEST_WRITE
    except ValueError:
        raise BadRequest("what is written is given as hexadecimal digits, two for each byte") from None
    if too_long:
        raise BadRequest(f"{LONGEST_WRITE} bytes at most are written at once")
    return "W", int(words[1]), argument


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        raise OSError(f"cannot listen on {host}:{port}: {error}") from error
    return sock
