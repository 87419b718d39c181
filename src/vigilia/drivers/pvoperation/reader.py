"""Reads large answers in a process of its own: a day of a plant takes longer to read than to publish.

In a thread it would share the interpreter with everything else the service does. The process is started with the first
answer, and ended after the scan. It lives as long as its socket: when the service is gone, so is the reader.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from vigilia.drivers.pvoperation.digest import Digest, Question
from vigilia.drivers.pvoperation.reading import ask
from vigilia.errors import BadAnswer

_DEADLINE_S = 60.0
"""For the largest answer; a usual one takes some hundredths of a second."""
_END_S = 5.0
_IDLE_S = 1.0
"""Real seconds after the last answer, of a scan above all, at which the process is not kept any longer."""


class Reader:
    """Reads one plant's answers at a time, so that large ones do not add up."""

    def __init__(self) -> None:
        # The thread only waits for the process.
        self._thread = ThreadPoolExecutor(1, "reader of answers")
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._ending = False
        self._asked = 0
        self._idle: asyncio.TimerHandle | None = None

    async def digest(self, question: Question, bodies: Sequence[bytes | None]) -> Digest:
        """Return what answers say. Raises BadAnswer where the process ends over them, or does not end with them."""
        loop = asyncio.get_running_loop()
        if self._idle:
            self._idle.cancel()
        self._asked += 1
        try:
            return await loop.run_in_executor(self._thread, self._ask, question, bodies)
        finally:
            self._asked -= 1
            if not self._asked:
                self._idle = loop.call_later(_IDLE_S, self.end)

    def end(self) -> None:
        """End the process, without waiting for it. What it reads at the time comes to nothing."""
        if self._idle:
            self._idle.cancel()
        if (process := self._process) is not None:
            self._ending = True
            process.kill()
            self._thread.submit(self._end)

    def _ask(self, question: Question, bodies: Sequence[bytes | None]) -> Digest:
        is_first = self._process is None
        try:
            return ask(self._socket or self._start(), question, bodies)
        except TimeoutError as error:
            self._end()
            raise BadAnswer(f"reading it took more than {_DEADLINE_S:g} s ({question.request})") from error
        except OSError as error:
            is_last = is_first or self._ending
            self._end()
            if is_last:
                raise BadAnswer(f"its reader did not survive it: {error} ({question.request})") from error
        return self._ask(question, bodies)  # the process had ended before, maybe over an earlier one: another tells

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "vigilia.drivers.pvoperation.reading", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
            )
        ours.settimeout(_DEADLINE_S)
        self._socket = ours
        return ours

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
        self._socket = self._process = None
        self._ending = False
