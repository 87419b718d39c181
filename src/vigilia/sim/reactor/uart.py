"""A circuit on a serial line: a pty that a program opens like any serial port, under a link that stays the same."""

import asyncio
import contextlib
import os
import random
import termios
import tty
from collections import deque
from pathlib import Path

from vigilia.sim.reactor.circuits import Circuit
from vigilia.sim.reactor.exchange import PROCESSING, SUCCESS, SYNTAX_ERROR, Answer, Line
from vigilia.sim.reactor.faults import Faults
from vigilia.sim.reactor.inotify import CLOSE, OPEN, Watcher
from vigilia.sim.reactor.journal import Journal

_LONGEST_LINE = 256
_WAITING = 16
"""So many commands wait for the one in hand; a real circuit's buffer is no larger."""
_SPEEDS = {baud: getattr(termios, f"B{baud}") for baud in (300, 1200, 2400, 9600, 19200, 38400, 57600, 115200)}


class SerialPort(Line):
    """A circuit on a pty. `path` is the link to open; it is not there while the port has vanished."""

    def __init__(
        self, name: str, circuit: Circuit, faults: Faults, journal: Journal, path: Path, watcher: Watcher
    ) -> None:
        super().__init__(name, circuit, faults, journal)
        self.path = path
        self._watcher = watcher
        self._ours = self._theirs = -1
        self._handle = 0
        self._opened = 0
        self._heard = b""
        self._commands: deque[str] = deque(maxlen=_WAITING)
        self._due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        circuit.told.append(self._tell)

    @property
    def is_there(self) -> bool:
        """Whether it can be opened."""
        return self._ours >= 0

    @property
    def is_open(self) -> bool:
        """Whether somebody has it open."""
        return self._opened > 0

    def appear(self) -> None:
        """Make the pty and its link; nothing where they are there. Raises OSError."""
        if self.is_there:
            return
        self._ours, self._theirs = os.openpty()
        try:
            self._link_up()
        except OSError:
            self._close()
            raise
        self._tasks = [
            asyncio.create_task(self._serve(), name=f"UART {self.path}"),
            asyncio.create_task(self._report(), name=f"UART {self.path} readings"),
        ]

    async def vanish(self) -> None:
        """Take the link away and hang up on whoever has it open."""
        if not self.is_there:
            return
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        asyncio.get_running_loop().remove_reader(self._ours)
        self._watcher.forget(self._handle)
        self.path.unlink(missing_ok=True)
        self._close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _link_up(self) -> None:
        os.set_blocking(self._ours, False)
        # Held open by us too: a pty that nobody holds loses its settings and reads as hung up.
        tty.setraw(self._theirs)
        self._set_speed(_SPEEDS[self.circuit.baud])
        device = os.ttyname(self._theirs)
        link = self.path.with_name(f".{self.path.name}")
        link.unlink(missing_ok=True)
        link.symlink_to(device)
        # Watched before it can be found: the first opening is not missed.
        self._handle = self._watcher.watch(Path(device), OPEN | CLOSE, self._opened_or_closed)
        link.replace(self.path)
        asyncio.get_running_loop().add_reader(self._ours, self._read)

    def _close(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)
        self._ours = self._theirs = -1
        self._opened = 0
        self._heard = b""
        self._commands.clear()

    # What comes in

    def _opened_or_closed(self, mask: int, _name: str) -> None:
        self._opened = max(0, self._opened + (1 if mask & OPEN else -1))

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._hear(os.read(self._ours, 4096))

    def _hear(self, data: bytes) -> None:
        if not self.circuit.answers("uart") or self._baud_heard() != self.circuit.baud:
            self._heard = b""
            return
        if self.circuit.is_asleep:
            # Any character wakes it, and is lost with what comes at once after it.
            self.circuit.hear("", "uart")
            self._heard = b""
            return
        *lines, rest = (self._heard + data.replace(b"\n", b"")).split(b"\r")
        self._heard = rest[-_LONGEST_LINE:]
        self._commands.extend(line.decode("latin-1") for line in lines if line)
        self._due.set()

    async def _serve(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            while self._commands:
                await self._carry_out(self._commands.popleft())

    async def _carry_out(self, command: str) -> None:
        if not self.circuit.answers("uart") or self.refuses(command):
            return
        baud = self.circuit.baud
        answer = self.ask(command, "uart")
        await asyncio.sleep(answer.wait_s)
        if self.circuit.is_powered:
            self._send(_spoken(answer, self.circuit.says_ok), baud)

    # What goes out

    async def _report(self) -> None:
        """Send readings by itself, as a circuit does that nobody has told C,0."""
        while True:
            await asyncio.sleep(max(1, self.circuit.continuous_s) * self.circuit.pace or 0.01)
            if not self.is_open or self._commands or not self.circuit.answers("uart") or self.circuit.is_asleep:
                continue
            if self.circuit.reports():
                self._send(self.reading(), self.circuit.baud)

    def _tell(self, code: str) -> None:
        is_said = self.circuit.says_ok or code.startswith("*DONE")
        if self.is_open and is_said and "uart" in self.circuit.ways:
            self._send(f"{code}\r".encode("latin-1"), self.circuit.baud)

    def _send(self, data: bytes, baud: int) -> None:
        if not self.is_open or not data:
            return
        if self._baud_heard() != baud:
            data = bytes(random.choices(range(128, 256), k=len(data)))
        # What finds no room is lost, as on a real line that nobody reads.
        with contextlib.suppress(BlockingIOError):
            os.write(self._ours, data)

    def _baud_heard(self) -> int:
        speed = termios.tcgetattr(self._theirs)[5]
        return next((baud for baud, code in _SPEEDS.items() if code == speed), 0)

    def _set_speed(self, speed: int) -> None:
        settings = termios.tcgetattr(self._theirs)
        settings[4] = settings[5] = speed
        termios.tcsetattr(self._theirs, termios.TCSANOW, settings)


def _spoken(answer: Answer, says_ok: bool) -> bytes:
    """Return what a UART says for an answer: its text and *OK, or *ER, each ended by CR."""
    if answer.fault == "cut":
        return answer.body
    lines: list[bytes] = []
    if answer.code == SUCCESS:
        lines += [answer.body] if answer.body else []
        if says_ok and not answer.reply.ends_itself:
            lines += [code.encode() for code in ("*OK", answer.reply.after) if code]
    elif answer.code == SYNTAX_ERROR:
        lines += [code.encode() for code in (answer.reply.code, "*ER") if code]
    elif answer.code == PROCESSING:
        return b""
    return b"".join(line + b"\r" for line in lines)
