"""What the tests of simulated reactors share: a client of the bus, a clock to set, and a way to wait."""

import asyncio
from typing import Self

from vigilia.clock import Clock
from vigilia.sim.reactor import SimReactor

FAST = 0.01
"""Circuits that take a hundredth of the real time."""


class SetClock(Clock):
    """Stands where the test has put it."""

    def __init__(self) -> None:
        super().__init__(1_770_000_000.0)
        self.at = 1000.0

    def now(self) -> float:
        return 1_770_000_000.0 + self.at

    def monotonic(self) -> float:
        return self.at


class BusClient:
    """A real connection to a reactor's bus."""

    def __init__(self, reactor: SimReactor) -> None:
        self._server = reactor.server

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._server.host, self._server.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def line(self, text: str) -> str:
        """What the server answers to a line, as it stands."""
        self._writer.write(f"{text}\n".encode())
        async with asyncio.timeout(10):
            return (await self._reader.readline()).decode().rstrip("\n")

    async def write(self, address: int, text: str) -> str:
        return await self.line(f"W {address} {text.encode('latin-1').hex()}")

    async def read(self, address: int, count: int = 40) -> bytes | None:
        answer = await self.line(f"R {address} {count}")
        return None if answer == "NACK" else bytes.fromhex(answer.removeprefix("OK "))

    async def raw(self, address: int, command: str) -> bytes:
        """What is read after a command once it is no longer being processed."""
        assert await self.write(address, command) == "OK"
        async with asyncio.timeout(10):
            while True:
                answer = await self.read(address)
                assert answer is not None
                if answer[0] != 254:
                    return answer
                await asyncio.sleep(0.001)

    async def ask(self, address: int, command: str) -> str:
        """The text of a success; otherwise its code, in brackets."""
        answer = await self.raw(address, command)
        text, _, rest = answer[1:].partition(b"\0")
        assert not any(rest)
        return text.decode("latin-1") if answer[0] == 1 else f"({answer[0]})"
