"""What outputs are tested with: a guardian's end that listens, a tree as sysfs has it, and a pump that answers."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vigilia.agent.ledger import Ledger
from vigilia.agent.outputs import Contact, Gear, Guard
from vigilia.agent.parts import Measured, Part
from vigilia.agent.safeops import Operation
from vigilia.clock import Clock
from vigilia.errors import BadAnswer, VigiliaError


class GuardianEnd:
    """The other end of a guard: what was said, and whether an output is known to be on. `mute`: it answers nothing."""

    def __init__(self, *, mute: bool = False) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.setblocking(False)
        self.guard = Guard(theirs.detach())
        self.said: list[dict[str, Any]] = []
        self.armed: dict[str, list[Operation]] = {}
        self.on: set[str] = set()
        self.renewals = 0
        self._over = threading.Event()
        if not mute:
            threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while not self._over.wait(0.1):
            with suppress(OSError):
                self.socket.send(b"\n")

    def listen(self) -> None:
        """Take in what has been said so far."""
        with suppress(BlockingIOError):
            for line in self.socket.recv(1_000_000).splitlines():
                message = json.loads(line)
                self.said.append(message)
                self.armed |= message.get("arm", {})
                self.on |= set(message.get("alive", []))
                self.renewals += "alive" in message
                self.on -= set(message.get("off", []))

    def close(self) -> None:
        self._over.set()
        self.socket.close()


class Listener:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.changes = 0

    def changed(self, part: Part) -> None:
        del part
        self.changes += 1

    def sampled(self, part: Part, samples: Sequence[Measured]) -> None:
        raise AssertionError("outputs and loops take no samples")


@dataclass
class Rig:
    """All that an output works with, over one ledger in `folder`."""

    folder: Path
    failsafe_after_s: float = 30.0
    guardian: GuardianEnd = field(default_factory=GuardianEnd)
    listener: Listener = field(default_factory=Listener)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.folder / "ledger.db")
        self.contact = Contact(self.failsafe_after_s)
        self.gear = Gear(self.guardian.guard, self.contact, self.ledger, Clock())

    @asynccontextmanager
    async def running(self, *parts: Part) -> AsyncIterator[None]:
        """Have parts at work; they have left when this ends."""
        tasks = [asyncio.create_task(part.run(self.listener)) for part in parts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    raise result

    async def close(self) -> None:
        await self.ledger.close()
        if not self.guardian.guard.gone:
            self.guardian.guard.close()
        self.guardian.close()


@asynccontextmanager
async def rig_in(folder: Path, failsafe_after_s: float = 30.0) -> AsyncIterator[Rig]:
    rig = Rig(folder, failsafe_after_s)
    try:
        yield rig
    finally:
        await rig.close()


class PwmTree:
    """A folder as the kernel's PWM has it, with channel 0 exported."""

    def __init__(self, folder: Path) -> None:
        self.chip = folder / "pwmchip0"
        self.channel = self.chip / "pwm0"
        self.channel.mkdir(parents=True, exist_ok=True)
        (self.chip / "export").write_text("")
        for name in ("period", "duty_cycle", "enable"):
            (self.channel / name).write_text("0")

    @property
    def duty(self) -> float:
        """Per cent; 0 where it is not enabled."""
        period, duty, enable = (
            int((self.channel / name).read_text() or 0) for name in ("period", "duty_cycle", "enable")
        )
        return round(100 * duty / period, 3) if enable and period else 0.0

    @property
    def frequency(self) -> float:
        return 1e9 / int((self.channel / "period").read_text())


class ScriptedPump:
    """The circuit of an EZO-PMP, at a hundred times the pace: 0.3 s are 3 ms, and 105 ml take 0.6 s."""

    place = "i2c-1, address 103"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.supply = 12.1
        self.rate_ml_s = 175.0
        self.total_ml = 0.0
        self.type = "PMP"
        self.fastest_ml_min = 105.0
        self.fail: dict[str, VigiliaError] = {}
        """What is answered instead, by the beginning of the command."""
        self._target = self._given = 0.0
        self._began: float | None = None
        self._lock = asyncio.Lock()

    def operation(self, command: str) -> Operation:
        return ["i2c", "/dev/i2c-1", 103, command.encode().hex()]

    @property
    def running(self) -> bool:
        self._advance()
        return self._began is not None

    @property
    def doses(self) -> list[str]:
        return [command for command in self.asked if command.startswith(("D,", "DC,")) and command[-1] != "?"]

    def lose_power(self) -> None:
        """Forget all that a pump forgets."""
        self._advance()
        self._began, self.total_ml = None, 0.0

    async def ask(self, command: str, wait_s: float | None = None) -> str:
        del wait_s
        async with self._lock:
            await asyncio.sleep(0.003)
            self._advance()
            self.asked.append(command)
            for start, error in self.fail.items():
                if command.startswith(start):
                    raise error
            return self._answer(command)

    def _answer(self, command: str) -> str:
        word, *rest = command.split(",")
        match word:
            case "TV":
                return f"?TV,{self.total_ml:.2f}"
            case "PV":
                return f"?PV,{self.supply:.2f}"
            case "i":
                return f"?I,{self.type},1.06"
            case "DC" if rest == ["?"]:
                return f"?MAXRATE,{self.fastest_ml_min:.2f}"
            case "D" if rest == ["?"]:
                return f"?D,{self._target:.2f},{int(self._began is not None)}"
            case "D" | "DC":
                if self.supply < 1:
                    raise BadAnswer("not understood")
                self._target = float(rest[0]) * (float(rest[1]) if word == "DC" else 1)
                self._pace = self._target / float(rest[1]) / 0.6 if len(rest) > 1 else self.rate_ml_s
                self._began, self._given = time.monotonic(), 0.0
            case "X":
                given, self._began = self._given, None
                return f"*DONE,{given:.2f}"
            case "Cal":
                return "?CAL,1" if rest == ["?"] else ""
            case "Clear":
                self.total_ml = 0.0
            case _:
                raise BadAnswer("not understood")
        return ""

    def _advance(self) -> None:
        if self._began is None:
            return
        given = min(self._target, (time.monotonic() - self._began) * self._pace)
        self.total_ml += given - self._given
        self._given = given
        if given >= self._target:
            self._began = None
