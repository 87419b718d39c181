"""Circuits that really listen, on a simulated I2C bus over TCP or on a pseudo-terminal, and misbehave on request."""

import asyncio
import contextlib
import fcntl
import os
import sys
import termios
import time
import tty
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import until

COLUMNS = {"EC": ["EC", "TDS", "S", "SG"], "DO": ["mg", "%"], "HUM": ["HUM", "T", "Dew"], "CO2": ["ppm", "t"]}
KEPT = {"EC": {"K": "1.00"}, "DO": {"S": "0.0,ppt", "P": "101.3"}, "RTD": {"S": "c"}}


@dataclass
class StandIn:
    """One circuit. `replies` overrides what it answers to a command; `None` there: it does not take it."""

    type: str = "pH"
    firmware: str = "2.16"
    value: str = "7.021"
    replies: dict[str, str | None] = field(default_factory=dict)
    processing_s: float = 0.0
    """How long each command takes it."""
    log: list[str] = field(default_factory=list)
    restart: str = "P"
    voltage: str = "5.04"
    degrees: float = 25.0
    points: int = 0
    slope: str = "99.7,100.3,-0.89"
    columns: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    # faults on I2C
    nacks: int = 0
    """So many of the next transactions are not acknowledged."""
    nacks_for_ever: bool = False
    busy_for_ever: bool = False
    raw: bytes | None = None
    """Instead of any answer."""
    top_bit: bool = False
    pending: bytes = b"\xff"
    ready_at: float = 0.0
    moved_to: int | None = None
    locked: bool = False
    exported: int = 0

    def __post_init__(self) -> None:
        self.columns = self.columns or COLUMNS.get(self.type, [])[:1]
        if not self.kept:
            self.kept = {"EC": {"K": "1.00"}, "DO": {"S": "0.0,ppt", "P": "101.3"}, "RTD": {"S": "c"}}.get(
                self.type, {}
            )

    def power_cut(self) -> None:
        self.degrees, self.restart, self.pending = 25.0, "P", b"\xff"

    def answer(self, command: str) -> str | None:
        """Return the text of the answer; None: a syntax error."""
        self.log.append(command)
        self.exported = 0 if command == "Export,?" else self.exported
        if command in self.replies:
            return self.replies[command]
        word, _, rest = command.partition(",")
        match word.upper(), rest:
            case "I", "":
                return f"?I,{self.type},{self.firmware}"
            case "STATUS", "":
                return f"?Status,{self.restart},{self.voltage}"
            case "R", "":
                return self.value
            case "RT", degrees:
                self.degrees = float(degrees)
                return self.value
            case "T", "?":
                return f"?T,{self.degrees:.1f}"
            case "T", degrees:
                self.degrees = float(degrees)
                return ""
            case (("CAL" | "TCAL"), _) if (word.upper() == "TCAL") != (self.type == "HUM"):
                return None
            case (("CAL" | "TCAL"), "?"):
                return f"?{word},{self.points}"
            case (("CAL" | "TCAL"), "clear"):
                self.points = 0
                return ""
            case (("CAL" | "TCAL"), _):
                self.points = 1 if rest.startswith("mid") else self.points + 1
                return ""
            case "SLOPE", "?":
                return f"?Slope,{self.slope}"
            case "EXPORT", _ if self.type == "HUM":
                return None
            case "EXPORT", "?":
                return "?Export,2,24"
            case "EXPORT", "":
                self.exported += 1
                return ["59 6F 75 20", "61 72 65 21", "*DONE"][min(self.exported, 3) - 1]
            case "O", "?" if self.type in COLUMNS:
                return f"?,O,{','.join(self.columns)}"
            case "O", _ if self.type in COLUMNS:
                column, on = rest.split(",")
                chosen = {*self.columns, column} if on == "1" else {*self.columns} - {column}
                self.columns = [name for name in COLUMNS[self.type] if name in chosen]
                return ""
            case (("K" | "S" | "P"), "?") if word in self.kept:
                return f"?{',' if word == 'P' else ''}{word},{self.kept[word]}"
            case (("K" | "S" | "P"), _) if word in self.kept:
                self.kept[word] = rest
                return ""
            case "I2C", _:
                self.moved_to = None if self.locked else int(rest)
                return ""
            case (("FIND" | "C" | "*OK"), _):
                return ""
            case _:
                return None

    # ---- as I2C sees it
    def write(self, data: bytes) -> str:
        if self._nacks():
            return "NACK"
        text = self.answer(data.decode("ascii"))
        self.ready_at = time.monotonic() + self.processing_s
        self.pending = b"\x02\0" if text is None else b"\x01" + text.encode() + b"\0"
        return "OK"

    def read(self, count: int) -> str:
        if self._nacks():
            return "NACK"
        data = self.pending
        if self.busy_for_ever or time.monotonic() < self.ready_at:
            data = b"\xfe"
        elif self.raw is not None:
            return f"OK {self.raw.hex()}"
        elif self.top_bit:
            data = data[:1] + bytes(byte | 0x80 for byte in data[1:])
        return f"OK {data.ljust(count, bytes(1))[:count].hex()}"

    def _nacks(self) -> bool:
        if self.nacks:
            self.nacks -= 1
            return True
        return self.nacks_for_ever


class SimBus:
    """An I2C bus over TCP, with circuits by their addresses. It can vanish and return."""

    def __init__(self, circuits: dict[int, StandIn]) -> None:
        self.circuits = circuits
        self.lines: list[str] = []
        self.answer: str | None = None
        """Instead of any answer; "": none at all."""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def appear(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def vanish(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()
        await until(lambda: not self._writers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := (await reader.readline()).decode():
                self.lines.append(line.strip())
                answer = self._do(*line.split()) if self.answer is None else self.answer
                if answer:
                    writer.write(f"{answer}\n".encode())
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _do(self, what: str, address: str, rest: str) -> str:
        circuit = self.circuits.get(int(address))
        if circuit is None:
            return "NACK"
        answer = circuit.write(bytes.fromhex(rest)) if what == "W" else circuit.read(int(rest))
        if circuit.moved_to is not None:
            self.circuits[circuit.moved_to] = self.circuits.pop(int(address))
            circuit.moved_to = None
        return answer


@contextlib.asynccontextmanager
async def sim_bus(circuits: dict[int, StandIn]) -> AsyncIterator[SimBus]:
    bus = SimBus(circuits)
    await bus.appear()
    try:
        yield bus
    finally:
        await bus.vanish()


class Pty:
    """A serial line with one circuit, as a pseudo-terminal that a link points to; it can vanish and return."""

    def __init__(self, link: Path, circuit: StandIn) -> None:
        self.device = str(link)
        self.circuit = circuit
        self.codes = True
        self.continuous = True
        self.silent = False
        self.before = b""
        """Said before each answer."""
        self.cut = False
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._master = self._slave = -1

    def appear(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._link.symlink_to(os.ttyname(self._slave))
        self._loop.add_reader(self._master, self._hear)

    def vanish(self) -> None:
        self._loop.remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._link.unlink()

    def say(self, data: bytes) -> None:
        os.write(self._master, data)

    def say_unasked(self, data: bytes) -> None:
        """Say something while nobody reads: it can be read when this returns, which the kernel takes its time for."""
        self.say(data)
        deadline = time.monotonic() + 5
        while self._unread() < len(data):
            assert time.monotonic() < deadline, "somebody reads"
            time.sleep(0.001)

    def _unread(self) -> int:
        return int.from_bytes(fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)), sys.byteorder)

    def _hear(self) -> None:
        self._received += os.read(self._master, 1024)
        *commands, self._received = self._received.split(b"\r")
        for command in commands:
            if not self.silent:
                self._answer(command.decode("ascii", "replace"))

    def _answer(self, command: str) -> None:
        if not command:
            return self.say(b"*ER\r" if self.codes else b"")
        if command == "*OK,1":
            self.codes = True
        if command == "C,0":
            self.continuous = False
        text = self.circuit.answer(command)
        out = self.before + (b"6.9\r" if self.continuous else b"")
        out += f"{text}\r".encode() if text else b""
        out += (b"*ER\r" if text is None else b"*OK\r") if self.codes else b""
        self.say(out[:-2] if self.cut else out)
        return None


@contextlib.asynccontextmanager
async def pty(folder: Path, circuit: StandIn) -> AsyncIterator[Pty]:
    line = Pty(folder / "tty", circuit)
    line.appear()
    try:
        yield line
    finally:
        line.vanish()
