"""`vigilia top` in a terminal of its own: it starts, draws, and leaves the terminal as it was, however it ends."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

DEADLINE_S = 60.0
FIRST_SCREEN_BYTES = 20_000
AT_REST_BYTES_S = 500
"""About half of what a line of 9600 baud carries."""
WATCHED_S = 5.0
COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38;|48;)[0-9;]*m")


class Terminal:
    """A program on a pseudo-terminal of 80×24."""

    def __init__(self, config: Path, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.said = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vigilia", "top", str(config)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", **environment},
        )

    def until(self, holds: Callable[[bytes], bool], seconds: float = DEADLINE_S) -> None:
        deadline = time.monotonic() + seconds
        while not holds(self.said):
            assert time.monotonic() < deadline, self.said[-2000:]
            self._read(0.1)

    def read_for(self, seconds: float) -> float:
        """Take what the program says within a time; return how many bytes that were a second."""
        began, before = time.monotonic(), len(self.said)
        while (passed := time.monotonic() - began) < seconds:
            self._read(0.1)
        return (len(self.said) - before) / passed

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.said[-2000:]
            self._read(0.05)
        self._read(0.2)
        return self.process.returncode

    @property
    def after(self) -> list[object]:
        return termios.tcgetattr(self._theirs)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self, seconds: float) -> None:
        while select.select([self._ours], [], [], seconds)[0]:
            self.said += os.read(self._ours, 65_536)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "vigilia.toml"
    file.write_text('[site]\nlanguage = "en"\n[web]\nlisten = "127.0.0.1:1"\n')
    return file


ENDS: dict[str, Callable[[Terminal], None]] = {
    "q": lambda terminal: terminal.type("q"),
    "Ctrl-C": lambda terminal: terminal.type("\x03"),
    "SIGTERM": lambda terminal: terminal.process.send_signal(signal.SIGTERM),
    "SIGINT": lambda terminal: terminal.process.send_signal(signal.SIGINT),
    "SIGHUP": lambda terminal: terminal.process.send_signal(signal.SIGHUP),
}


@pytest.mark.parametrize("way", ENDS)
def test_it_draws_and_leaves_the_terminal_as_it_was(config: Path, way: str) -> None:
    terminal = Terminal(config)
    try:
        terminal.until(lambda said: b"there is no store at" in said)
        ENDS[way](terminal)
        assert terminal.ended() == 0, terminal.said[-2000:]
        assert terminal.after == terminal.before
        end = terminal.said[-300:]
        assert b"\x1b[?1049l" in end, "the screen before is back"
        assert b"\x1b[?25h" in end, "the cursor is back"
        assert b"\x1b[?1000h" not in terminal.said, "the mouse is left to the terminal: text can be selected"
        assert b"Traceback" not in terminal.said
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("environment", "coloured"), [({"TERM": "linux"}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "vt100"}, None)]
)
def test_consoles_without_colours(config: Path, environment: dict[str, str], coloured: bool | None) -> None:
    terminal = Terminal(config, **environment)
    try:
        terminal.until(lambda said: b"there is no store at" in said)
        if coloured is False:
            assert not COLOUR.search(terminal.said), COLOUR.search(terminal.said)
        assert b"\x1b[38;2;" not in terminal.said, "no more colours than the terminal's own"
        terminal.type("q")
        assert terminal.ended() == 0
    finally:
        terminal.close()


def test_a_slow_line_keeps_up(folder: Path) -> None:
    terminal = Terminal(folder / "vigilia.toml")
    try:
        terminal.until(lambda said: all(part in said for part in (b"service DOWN", b"reactor", b"none waits", b"sw-1")))
        assert len(terminal.said) <= FIRST_SCREEN_BYTES
        terminal.read_for(2)  # what it has not drawn yet of the first screen
        assert len(terminal.said) <= FIRST_SCREEN_BYTES
        for key, told in (("2", b"NEW"), ("4", b"Began"), ("1", b"none waits")):
            before = len(terminal.said)
            terminal.type(key)
            terminal.until(lambda said, told=told, before=before: told in said[before:])
            terminal.read_for(2)
            assert len(terminal.said) - before <= FIRST_SCREEN_BYTES, f"page {key}"
            assert terminal.read_for(WATCHED_S) <= AT_REST_BYTES_S, (f"page {key}", terminal.said[-2000:])
        before = len(terminal.said)
        terminal.type("3")
        terminal.until(lambda said: b"Lockout-Sts" in said[before:])
        terminal.type("q")
        assert terminal.ended() == 0, "it was there all the time"
    finally:
        terminal.close()


@pytest.mark.parametrize("terminal", ["dumb", ""])
def test_without_a_terminal_there_is_a_sentence(config: Path, terminal: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vigilia", "top", str(config)],
        env={**os.environ, "TERM": terminal},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "vigilia: vigilia top needs a terminal; for scripts there is vigilia status --json\n"
