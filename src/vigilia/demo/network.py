"""A network that can be cut: a relay between what connects on one loopback address and what listens on another.

A cut is silence, as a pulled cable is: nothing is refused and nothing closed, and what was on its way comes late.
"""

import asyncio
from collections.abc import Sequence
from typing import Self

from vigilia.errors import StartError

_CHUNK_BYTES = 65_536


class Network:
    """What connects to `here` reaches the same port `there`: `async with Network(here, there, ports) as network:`.

    Entering it raises StartError where a port is not free.
    """

    def __init__(self, here: str, there: str, ports: Sequence[int]) -> None:
        self._here = here
        self._there = there
        self._ports = ports
        self._up = asyncio.Event()
        self._up.set()
        self._servers: list[asyncio.Server] = []
        self._relays: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Have nothing come through."""
        self._up.clear()

    def heal(self) -> None:
        """Have all come through again, what was on its way first."""
        self._up.set()

    async def __aenter__(self) -> Self:
        try:
            for port in self._ports:
                self._servers.append(
                    await asyncio.start_server(lambda r, w, to=port: self._accept(r, w, to), self._here, port)
                )
        except OSError as error:
            await self.__aexit__()
            raise StartError(f"{self._here}: the network that can be cut has no place there: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        relay = asyncio.create_task(self._relay(reader, writer, port), name=f"relay to port {port}")
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        ends = [writer]
        try:
            await self._up.wait()
            far_reader, far_writer = await asyncio.open_connection(self._there, port)
            ends.append(far_writer)
            ways = [
                asyncio.create_task(self._carry(reader, far_writer)),
                asyncio.create_task(self._carry(far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:  # nobody listens there: the caller is parted from, as by a refusal
            pass
        finally:
            for end in ends:
                end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes one way until that end closes; a close is not seen through a cut either."""
        try:
            while data := await reader.read(_CHUNK_BYTES):
                await self._up.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        await self._up.wait()
