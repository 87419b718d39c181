"""What was said to a simulated reactor's circuits, and what they answered: the newest of it, numbered."""

import time
from collections import deque
from dataclasses import dataclass

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command. `monotonic`, `time`: real seconds; `reply`: the text, with its code where it is no success."""

    number: int
    monotonic: float
    time: float
    part: str
    way: str
    command: str
    reply: str


class Journal:
    """The exchanges of one reactor, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Exchange] = deque(maxlen=_KEPT)
        self.total = 0
        self.overrun = 0
        """How often a circuit was given a command before it was asked for the answer to the last."""

    def add(self, part: str, way: str, command: str, reply: str) -> None:
        """Keep an exchange."""
        self.total += 1
        self._kept.append(Exchange(self.total, time.monotonic(), time.time(), part, way, command, reply))

    def since(self, number: int) -> list[Exchange]:
        """Return the exchanges after that number, as far as they are kept."""
        return [exchange for exchange in self._kept if exchange.number > number]
