"""Who speaks for a reactor, and whether it still does: boot ids, sequence numbers, and the time since the last word.

A reactor is alive from its registration or report until it has said nothing for almost two status intervals. An agent
that registers again and again, and whose reports do not come, says nothing: they alone tell what it reads. While one
agent is alive, another with the same id is refused: by the computer it runs on, or by the stream that is still open.
"""

import asyncio
from collections import deque
from enum import Enum, auto

_ALMOST_TWO = 1.9
"""Status intervals of silence after which a reactor is lost: with the pace of the look, less than two."""
_REMEMBERED_BOOTS = 8


class Verdict(Enum):
    """What a call of an agent is worth."""

    KNOWN = auto()
    """It is the agent that speaks for the reactor."""
    NEW = auto()
    """It is another start, and nobody else speaks for the reactor."""
    OTHER = auto()
    """Another agent speaks for the reactor at this time."""


class Liveness:
    """Who speaks for one reactor."""

    def __init__(self, interval_s: float) -> None:
        self.boot = ""
        """Of the agent that speaks, or spoke last."""
        self.machine = ""
        self.sequence = 0
        """The highest that was seen of that boot."""
        self.alive = False
        self.watching = 0
        """How many streams are open on which it waits for a nudge."""
        self._patience_s = _ALMOST_TWO * interval_s
        self._heard = 0.0
        self._reported = False
        """Whether a report has come since the last registration."""
        self._gone: deque[str] = deque(maxlen=_REMEMBERED_BOOTS)

    def judge(self, boot: str, machine: str | None = None) -> Verdict:
        """Say what a call is worth: a registration, which names its `machine`, or any other.

        An agent that starts anew on its computer takes over at once, unless the one before still holds its stream open:
        the end of a process closes that. One that was taken over from stays refused while its successor is alive.
        """
        if boot == self.boot:
            return Verdict.KNOWN
        if self.alive and (machine is None or machine != self.machine or self.watching or boot in self._gone):
            return Verdict.OTHER
        return Verdict.NEW

    def begin(self, boot: str, machine: str) -> None:
        """Have the agent of a registration speak from now on."""
        if boot != self.boot:
            if self.boot:
                self._gone.append(self.boot)
            if boot in self._gone:
                self._gone.remove(boot)
            self.boot, self.sequence, self.watching = boot, 0, 0
            self._reported = True
        self.machine = machine
        if self._reported:
            self.touch()
        self._reported = False

    def touch(self) -> bool:
        """Take note of a word; return whether the reactor is alive only by it."""
        self._heard = asyncio.get_running_loop().time()
        back, self.alive = not self.alive, True
        return back

    def is_newer(self, sequence: int) -> bool:
        """Say whether a report is newer than all before, and take note of it."""
        self._reported = True
        newer = sequence > self.sequence
        self.sequence = max(self.sequence, sequence)
        return newer

    def expire(self, now: float) -> bool:
        """Say whether the reactor is lost by now, by the event loop's time, and was not before."""
        if not self.alive or now - self._heard < self._patience_s:
            return False
        self.alive = False
        return True
