"""The two ways to a circuit: an address on an I2C bus, and a serial line of its own."""

import asyncio
from functools import partial
from typing import Protocol

from vigilia.agent.buses import I2cBus, Nack, Operation, UartBus
from vigilia.agent.buses.bus import place_on
from vigilia.agent.ezo.protocol import (
    READ_BYTES,
    UNASKED,
    NotUnderstood,
    check_command,
    decode_i2c,
    decode_uart,
    has_ended,
    repeatable,
    sort_lines,
)
from vigilia.errors import BadAnswer, VigiliaError

TRIES = 3
"""How often a transaction that nobody acknowledged is done."""
AGAIN_S = 0.05
"""Before another try, and between two reads of a circuit that is still processing."""
MOST_PROCESSING_S = 2.0
"""Real seconds after which a circuit that is still processing is given up."""
_UART_MARGIN_S = 2.0
"""What a serial line may take besides the circuit's own time: 40 characters at 300 baud are 1.3 s."""
_PREPARE_S = 1.0


class Line(Protocol):
    """A way to one circuit."""

    @property
    def place(self) -> str:
        """Where the circuit is, for people."""
        ...

    async def exchange(self, command: str, wait_s: float) -> str:
        """Give a command; return the answer's text, which may be empty. Raises Nack, BusError or BadAnswer."""
        ...

    async def send(self, command: str) -> None:
        """Give a command that is not answered: I2C, Baud, Sleep. Raises Nack or BusError."""
        ...

    def heard(self) -> list[str]:
        """Return what the circuit said unasked since the last call: keys of UNASKED."""
        ...

    def operation(self, command: str) -> Operation:
        """Return how the guardian gives a command without this program."""
        ...


class I2cLine:
    """A circuit at an address of an I2C bus."""

    def __init__(self, bus: I2cBus, address: int) -> None:
        self.place = place_on(bus, address)
        self._bus = bus
        self._address = address

    async def exchange(self, command: str, wait_s: float) -> str:
        """Write the command, wait, and read until the circuit has done with it."""
        loop = asyncio.get_running_loop()
        await self._write(command)
        give_up_at = loop.time() + max(wait_s, MOST_PROCESSING_S)
        await asyncio.sleep(wait_s)
        while (text := decode_i2c(await self._read())) is None:
            if loop.time() >= give_up_at:
                raise BadAnswer(f"still processing {command!r} after {max(wait_s, MOST_PROCESSING_S):g} s (code 254)")
            await asyncio.sleep(AGAIN_S)
        return text

    async def send(self, command: str) -> None:
        """Write the command."""
        await self._write(command)

    def heard(self) -> list[str]:
        """Return nothing: over I2C a circuit only answers."""
        return []

    def operation(self, command: str) -> Operation:
        """Return how the guardian writes the command without this program."""
        return self._bus.operation(self._address, check_command(command))

    async def _write(self, command: str) -> None:
        data = check_command(command)
        for _ in range(TRIES - 1 if repeatable(command) else 0):
            try:
                await self._bus.write(self._address, data)
                return
            except Nack:
                await asyncio.sleep(AGAIN_S)
        await self._bus.write(self._address, data)

    async def _read(self) -> bytes:
        for _ in range(TRIES - 1):
            try:
                return await self._bus.read(self._address, READ_BYTES)
            except Nack:
                await asyncio.sleep(AGAIN_S)
        return await self._bus.read(self._address, READ_BYTES)


class UartLine:
    """A circuit on a serial line of its own.

    Circuits are sold in continuous mode, a reading each second unasked: the first thing said is to stop that, and to
    end each answer with `*OK`.
    """

    def __init__(self, bus: UartBus) -> None:
        self.place = bus.place
        self._bus = bus
        self._ready = False
        self._heard: list[str] = []

    async def exchange(self, command: str, wait_s: float) -> str:
        """Send the command; wait for what ends its answer."""
        data = check_command(command)
        if not self._ready:
            await self._prepare()
        try:
            came = await self._converse(data, wait_s + _UART_MARGIN_S)
            if not has_ended(came):  # but by `*DONE`: an `*OK` after it must not pass for the end of the next answer
                await asyncio.sleep(AGAIN_S)
            return decode_uart(came, command)
        except NotUnderstood:
            raise
        except VigiliaError:
            self._ready = False  # it may have been changed for another, or started anew
            raise

    async def send(self, command: str) -> None:
        """Send the command."""
        await self._bus.exchange(check_command(command) + b"\r", lambda _: True, 0.0)
        self._ready = False

    def heard(self) -> list[str]:
        """Return what the circuit said unasked since the last call."""
        heard, self._heard = self._heard, []
        return heard

    def operation(self, command: str) -> Operation:
        """Return how the guardian sends the command without this program."""
        return self._bus.operation(check_command(command) + b"\r")

    async def _prepare(self) -> None:
        # What stands half-written in the circuit, from before, would spoil the first command: hence the bare CR.
        await self._bus.exchange(b"\r", lambda _: True, 0.0)
        if not has_ended(await self._give(b"C,0", _PREPARE_S)):
            await self._give(b"*OK,1", _PREPARE_S)  # it was told to send no codes, perhaps
            decode_uart(await self._converse(b"C,0", _PREPARE_S), "C,0")
        self._ready = True

    async def _converse(self, data: bytes, deadline_s: float) -> bytes:
        """Send a command; return what came until the code that ends its answer, or the deadline. Raises Nack."""
        came = await self._give(data, deadline_s)
        if not came.strip():
            raise Nack(f"{self._bus.place}: nobody answers")
        return came

    async def _give(self, data: bytes, deadline_s: float) -> bytes:
        ended = partial(has_ended, command=data.decode("ascii"))
        before, came = await self._bus.exchange(data + b"\r", ended, deadline_s)
        unasked = [code for part in (before, came) for code in sort_lines(part).codes if code in UNASKED]
        self._heard = [*self._heard, *unasked][-16:]
        return came
