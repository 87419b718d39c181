"""The guardian: starts the agent's worker, and makes every output safe when the worker dies or is stuck.

It is a process of its own, light and simple: what kills the worker (the kernel short of memory, a fault in a library, a
`kill -9`) leaves it alive. The worker tells it, by lines of JSON through one end of a pair of sockets:

    {"arm": {"heater": [operation, …]}}   how that output is made safe; before it may ever be switched on
    {"alive": ["heater"]}                 these are on, and looked after; every half second
    {"off": ["heater"]}                   these are safe, and confirmed
    {"bye": true}                         all are safe; the worker ends

What it hears it answers, with bytes that say nothing: so the worker knows that somebody listens. The pair's end is the
worker's end: at once all that was armed is made safe. An output that is on and was not renewed for two seconds is one
whose worker is stuck: the worker is killed, all is made safe, and a new one started. A pin has a level only while some
process holds it: after a worker that said farewell the guardian holds them. Should the guardian die, or stand still and
answer nothing, the worker leaves safe and ends. Time here is real and monotonic.

Nothing is imported but the standard library and `safeops`. Run it as `python -m vigilia.agent.guardian [CONFIG]`.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, cast

from vigilia.agent.safeops import Operation, SafeHands, check_operations

DEADLINE_S = 2.0
"""How long an output may be on without being renewed."""
DESCRIPTOR = "VIGILIA_GUARDIAN_FD"
"""The environment variable that tells the worker its end of the pair."""
FINAL_CODES = frozenset({0, 2, 3})
"""Exit codes after which no worker is started again: it was told to end, or its configuration or place is wrong."""
STOP_S = 9.0
"""How long a worker may take to end once it is told to, or has said that all is safe."""
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_STEADY_S = 60.0
"""A worker that lived so long is started anew without much waiting."""
_DEATH_S = 0.2
"""How long to wait for the end of a worker that was killed, before outputs are made safe: it may hold their pins."""
_RETRY_S = 0.5
_LONGEST_RETRY_S = 10.0
"""What cannot be made safe is tried ever more slowly: a worker must be guarded meanwhile."""
_ANSWER = b"\n"
_LONGEST_LINE = 65_536
_MOST_OUTPUTS = 200
_STDERR = 2
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def say(text: str) -> None:
    """Write a line for the journal, where it takes one at once: nobody who stops reading may stop the guardian."""
    line = f"guardian: {text}\n".encode()[: select.PIPE_BUF]
    with contextlib.suppress(OSError):
        if select.select([], [_STDERR], [], 0)[1]:
            os.write(_STDERR, line)


class Guardian:
    """Guards one worker after another, until one ends for good."""

    def __init__(self, command: Sequence[str], tell: Callable[[str], None] = say) -> None:
        """`command`: what starts a worker."""
        self._command = list(command)
        self._tell = tell
        self._hands = SafeHands()
        self._armed: dict[str, list[Operation]] = {}
        self._due: dict[str, float] = {}
        """When each output that is on must have been renewed."""
        self._unsafe: dict[str, list[Operation]] = {}
        """What could not be made safe, and is tried again."""
        self._told: dict[str, str] = {}
        """Why each of those is not safe, as it was said."""
        self._retry_at = 0.0
        self._retry_wait = _RETRY_S
        self._said_bye = False
        self._stopping = False
        self._end_by: float | None = None
        """When the worker must have ended: it was told to, or said that it does."""
        self._worker: subprocess.Popen[bytes] | None = None
        self._wake, self._woken = socket.socketpair()

    def run(self) -> int:
        """Guard until a worker ends for good; return its exit code."""
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)  # wakes, so that a worker's death is noticed by it as well
        for number in _PASSED_ON:
            signal.signal(number, self._pass_on)
        wait = _FIRST_WAIT_S
        while True:
            began = time.monotonic()
            code = self._guard_one()
            if code in FINAL_CODES or self._stopping:
                return self._last_code(code)
            wait = _FIRST_WAIT_S if time.monotonic() - began > _STEADY_S else wait
            self._tell(f"the worker {_ending(code)}; it is started again in {wait:g} s")
            self._idle(wait)
            if self._stopping:
                return 0
            wait = min(_LONGEST_WAIT_S, wait * 2)

    def _guard_one(self) -> int:
        """Start a worker, guard it to its end, make safe what it left; return its exit code."""
        self._armed, self._due, self._said_bye, self._end_by = {}, {}, False, None
        self._hands.release()
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                try:
                    self._worker = self._start(theirs.fileno())
                except OSError as error:  # no memory, or too many processes: that passes
                    self._tell(f"the worker cannot be started: {error.strerror}")
                    return 1
            if self._stopping:  # the signal came too early to be passed on
                self._worker.terminate()
            ours.setblocking(False)
            self._listen(ours, self._worker)
            return self._end(self._worker)

    def _start(self, descriptor: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            pass_fds=[descriptor],
            env=os.environ | {DESCRIPTOR: str(descriptor)},
            process_group=0,  # Ctrl-C of a terminal reaches it through us alone, once
        )

    def _listen(self, pair: socket.socket, worker: subprocess.Popen[bytes]) -> None:
        """Return when the worker has ended or closed its end, is stuck, or talks nonsense."""
        waiting = b""
        while True:
            readable, _, _ = select.select([pair, self._woken], [], [], self._patience())
            if self._woken in readable:
                self._woken.recv(4096)
            heard = False
            # What has arrived is heard before anybody is judged late: we ourselves may have been held up.
            while True:
                try:
                    arrived = pair.recv(_LONGEST_LINE)
                except BlockingIOError:
                    break
                except OSError:
                    return
                *lines, waiting = (waiting + arrived).split(b"\n")
                if not arrived:
                    return
                heard = True
                if len(waiting) > _LONGEST_LINE or not all(map(self._hear, lines)):
                    self._tell("the worker talks nonsense, and is ended")
                    return
            if heard:
                with contextlib.suppress(OSError):  # it does not read, and will be late; or has just ended
                    pair.send(_ANSWER)
            if worker.poll() is not None:
                return
            if late := self._late():
                self._tell(f"{late}; the worker is ended")
                return
            self._retry()

    def _hear(self, line: bytes) -> bool:
        """Take in one line; return whether it made sense."""
        try:
            message: Any = json.loads(line)
            for key, value in cast(dict[str, Any], message).items():
                match key:
                    case "arm":
                        for name, operations in value.items():
                            self._armed[name] = check_operations(operations)
                            self._unsafe.pop(name, None)  # it is the new worker's to make safe
                    case "alive":
                        self._due |= dict.fromkeys(value, time.monotonic() + DEADLINE_S)
                    case "off":
                        for name in value:
                            self._due.pop(name, None)
                            self._unsafe.pop(name, None)
                    case "bye":
                        self._said_bye = True
                        self._due.clear()
                        self._end_soon()
                    case _:
                        return False
        except (ValueError, TypeError, AttributeError, RecursionError):
            return False
        return len(self._armed) <= _MOST_OUTPUTS and self._due.keys() <= self._armed.keys()

    def _late(self) -> str:
        """Return what has taken too long, or an empty text."""
        now = time.monotonic()
        stuck = [name for name, due in self._due.items() if now >= due]
        if stuck:
            return f"{', '.join(stuck)}: on, and not renewed for {DEADLINE_S:g} s"
        return "it did not end in time" if self._end_by is not None and now >= self._end_by else ""

    def _patience(self) -> float | None:
        """Return how long there is nothing to do but to listen; None: for ever."""
        moments = list(self._due.values())
        if self._end_by is not None:
            moments.append(self._end_by)
        if self._unsafe:
            moments.append(self._retry_at)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _end(self, worker: subprocess.Popen[bytes]) -> int:
        """See the worker to its end, and make safe what it left armed; return its exit code."""
        if self._said_bye:
            try:
                code = worker.wait(max(0.0, (self._end_by or 0.0) - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._tell("the worker does not end, and is killed")
            else:
                self._hold_pins()
                return code
        worker.kill()
        try:
            worker.wait(_DEATH_S)
        except subprocess.TimeoutExpired:
            self._tell("the worker is killed, and hangs in the kernel")
        if self._armed:
            self._unsafe |= self._armed
            self._retry_wait = _RETRY_S
            self._make_safe("made safe")
        while True:
            try:
                return worker.wait(_RETRY_S)
            except subprocess.TimeoutExpired:
                self._retry()

    def _make_safe(self, done: str) -> None:
        failures = self._hands.make_safe(self._unsafe)
        for name in [name for name in self._unsafe if name not in failures]:
            del self._unsafe[name]
            self._tell(f"{name}: {done}")
        for name, failure in failures.items():
            if failure != self._told.get(name):
                self._tell(f"{name} IS NOT SAFE: {failure}")
        self._told = failures
        self._retry_at = time.monotonic() + self._retry_wait
        self._retry_wait = min(_LONGEST_RETRY_S, self._retry_wait * 2)

    def _hold_pins(self) -> None:
        """Take over the pins, which with their worker went to nothing, whatever they were left at."""
        pins = {name: found for name, ops in self._armed.items() if (found := [it for it in ops if it[0] == "gpio"])}
        for name, failure in self._hands.make_safe(pins).items():
            self._tell(f"{name} is safe, but its pin cannot be held so: {failure}")

    def _retry(self) -> None:
        if self._unsafe and time.monotonic() >= self._retry_at:
            self._make_safe("made safe at last")

    def _idle(self, seconds: float) -> None:
        """Wait, trying again what could not be made safe; a signal to stop ends the wait."""
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            readable, _, _ = select.select([self._woken], [], [], min(left, _RETRY_S) if self._unsafe else left)
            if readable:
                self._woken.recv(4096)
            self._retry()

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._stopping = True
        self._end_soon()
        if self._worker is not None and self._worker.poll() is None:
            self._worker.send_signal(number)

    def _end_soon(self) -> None:
        if self._end_by is None:
            self._end_by = time.monotonic() + STOP_S

    def _last_code(self, code: int) -> int:
        """Return our own exit code: a worker that had to be killed at the stop did not end well."""
        if code >= 0:
            return code
        return 1 if code == -signal.SIGKILL else 0


def _ignore(number: int, frame: FrameType | None) -> None:
    del number, frame


def _ending(code: int) -> str:
    return f"ended with code {code}" if code >= 0 else f"was ended by signal {-code}"


def main(arguments: Sequence[str]) -> int:
    """Guard the agent's worker with `arguments`, a configuration or none; return the exit code."""
    return Guardian([sys.executable, "-m", "vigilia.agent.worker", *arguments]).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
