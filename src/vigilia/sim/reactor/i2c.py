"""A simulated I2C bus: chips at addresses, one transaction at a time, and answers that must be waited for."""

import asyncio
import time
from collections.abc import Iterable

from vigilia.sim.reactor.circuits import Circuit
from vigilia.sim.reactor.exchange import NO_DATA, PROCESSING, Answer, Line
from vigilia.sim.reactor.faults import Faults
from vigilia.sim.reactor.journal import Journal

LONGEST_READ = 255
LONGEST_WRITE = 255


class Chip(Line):
    """A circuit as its I2C bus has it."""

    def __init__(self, name: str, circuit: Circuit, faults: Faults, journal: Journal) -> None:
        super().__init__(name, circuit, faults, journal)
        self.top_bit = False
        """Set the highest bit of each byte of text, as a Raspberry Pi's bus may read it."""
        self._answer: Answer | None = None
        self._ready = 0.0
        self._last = ""
        circuit.told.append(self._forget)

    def is_at(self, address: int) -> bool:
        """Whether it answers there now."""
        if not self.circuit.answers("i2c"):
            return False
        too_many = self.faults.find("same-address", self.name, time.monotonic())
        return address == self.circuit.address or (too_many is not None and address == too_many.address)

    def write(self, data: bytes) -> bool:
        """Take a command; no bytes ask whether anybody is there. Return whether it is acknowledged."""
        command = data.rstrip(b"\0\r").decode("latin-1")
        if self.refuses(command):
            return False
        if command and not self._misses(command):
            self._last = command
            self._answer = self.ask(command, "i2c")
            self._ready = time.monotonic() + self._answer.wait_s
        return True

    def _misses(self, command: str) -> bool:
        """Say whether the command is lost on a circuit that is at work on another."""
        if self._answer is None:
            return False
        self.journal.overrun += 1
        now = time.monotonic()
        if now >= self._ready or self.faults.take({"deaf"}, self.name, command, now) is None:
            return False
        self.journal.add(self.name, "i2c", command, "(lost)")
        return True

    def read(self, count: int) -> bytes | None:
        """Return so many bytes: a code, text, and zeros. None: not acknowledged."""
        if self.refuses(self._last):
            return None
        answer = self._answer
        if answer is None:
            return bytes([NO_DATA]).ljust(count, b"\0")[:count]
        if answer.code == PROCESSING or time.monotonic() < self._ready:
            return bytes([PROCESSING]).ljust(count, b"\0")[:count]
        self._answer = None
        text = bytes(byte | 0x80 for byte in answer.body) if self.top_bit else answer.body
        return (bytes([answer.code]) + text).ljust(count, b"\0")[:count]

    def delay_s(self) -> float:
        """Return how long it holds the bus at this exchange."""
        fault = self.faults.take({"stretch"}, self.name, self._last, time.monotonic())
        return 0.0 if fault is None else fault.delay_s

    def _forget(self, code: str) -> None:
        if code == "*RS":
            self._answer = None


class I2cBus:
    """The bus: what is written reaches every chip at that address, what they answer at once is a wired AND."""

    def __init__(self, chips: Iterable[Chip]) -> None:
        self.chips = list(chips)
        self.transactions = 0
        self._one = asyncio.Lock()

    async def write(self, address: int, data: bytes) -> bool:
        """Write to an address; return whether anybody acknowledged."""
        async with self._one:
            self.transactions += 1
            # Every one of them hears it, whoever acknowledges first.
            acknowledged = [chip.write(data) for chip in await self._there(address)]
            return any(acknowledged)

    async def read(self, address: int, count: int) -> bytes | None:
        """Read from an address; None where nobody acknowledged."""
        async with self._one:
            self.transactions += 1
            answers = [chip.read(count) for chip in await self._there(address)]
            said = [answer for answer in answers if answer is not None]
            # Whoever pulls the line low wins: of two chips that answer, each bit is their AND.
            return bytes(_low(column) for column in zip(*said, strict=True)) if said else None

    async def _there(self, address: int) -> list[Chip]:
        there = [chip for chip in self.chips if chip.is_at(address)]
        delay_s = max((chip.delay_s() for chip in there), default=0.0)
        if delay_s > 0:
            await asyncio.sleep(delay_s)
        return there


def _low(column: Iterable[int]) -> int:
    low = 0xFF
    for byte in column:
        low &= byte
    return low
