"""A network between an agent and its server that can go half open: nothing arrives any more, and nobody is told."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Self

HOST = "127.0.0.2"
"""Where the agent believes the server to be: the same ports as at 127.0.0.1."""
_PIECE = 65_536


class Network:
    """Passes on what comes to `ports` of HOST: `async with Network(ports) as network:`."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._servers: list[asyncio.Server] = []
        self._passes = asyncio.Event()
        self._passes.set()
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        for port in self._ports:
            self._servers.append(
                await asyncio.start_server(lambda *ends, port=port: self._accept(port, *ends), HOST, port)
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def drop(self) -> None:
        """Have packets vanish from now on, both ways; connections stay open, and new ones are made."""
        self._passes.clear()

    def mend(self) -> None:
        """Pass everything on again."""
        self._passes.set()

    def _accept(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._join(port, reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _join(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await self._passes.wait()
            try:
                theirs, ours = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return
            with contextlib.closing(ours):
                ways = [asyncio.create_task(self._pass(*way)) for way in ((reader, ours), (theirs, writer))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await source.read(_PIECE):
                await self._passes.wait()
                target.write(piece)
                await target.drain()
