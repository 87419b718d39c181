"""Where log lines go: to standard error, and to files that are changed each day and kept for a week.

All lines go to vigilia.log; those of the loggers `vigilia.log.rele` and `vigilia.log.inversor` also to a file of their
own. No secret that `hide` was told of gets into any of them.

When a day's file has 50 MB it becomes `vigilia.log.1`, the one before it `.2`, and so on; what was `.4` is deleted. So
the folder holds about 600 MB at most.

Lines are written by a thread of their own, so that a slow disk or terminal does not hold up the watch. A log that takes
nothing (a terminal nobody reads, a full disk) costs lines, and neither the watch nor its stop.
"""

import atexit
import logging
import logging.handlers
import os
import queue
import select
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from vigilia.errors import StartError, printable
from vigilia.redaction import guard_tracebacks, hide, redact
from vigilia.sidelogs import SideLogs

__all__ = ["DAYS_KEPT", "hide", "set_up_logs"]

DAYS_KEPT = 7
_DAY_BYTES = 50_000_000
_PARTS_KEPT = 4
_MOST_LINES_WAITING = 10_000
_LAST_LINES_S = 2.0
"""How long a stop waits until the last lines are written."""
_SCREEN_WAIT_S = 0.5
_PIPE_BYTES = 4096
"""What a pipe that takes anything takes at once (POSIX's PIPE_BUF on Linux): a write up to this does not block."""


@contextmanager
def set_up_logs(log_dir: Path) -> Generator[None]:
    """Send the program's log lines to standard error and `log_dir`/vigilia.log. Raises StartError where it cannot."""
    # Where standard error was closed, its number may belong to a file of ours by now.
    screen = _Screen(sys.stderr.fileno()) if sys.stderr else logging.NullHandler()
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        file = _File(log_dir / "vigilia.log", screen)
    except OSError as error:
        raise StartError(f"[site] log_dir: {log_dir} cannot be written ({error.strerror}): name another") from error
    side = SideLogs(log_dir, lambda path: _File(path, screen))
    for handler in (file, side, screen):
        handler.setFormatter(_OneLineFormatter("%(asctime)s %(levelname)-7s %(message)s"))
    waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(_MOST_LINES_WAITING)
    listener = _Listener(waiting, file, side, screen)
    root = logging.getLogger()
    entry = _DroppingQueueHandler(waiting)
    root.addHandler(entry)
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    guard_tracebacks()
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(entry)
        if listener.end():
            with suppress(OSError):  # a full disk, which was told when the lines were refused
                file.close()
                side.close()
        else:
            # The thread, which dies with the process, holds its handler's lock: nothing may wait for that at exit.
            atexit.unregister(logging.shutdown)


class _OneLineFormatter(logging.Formatter):
    """Spells out control characters, so that a message is one line; only our own tracebacks have more."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class named it
        return printable(super().formatMessage(record))


class _DroppingQueueHandler(logging.handlers.QueueHandler):
    """Drops a line when the queue is full: the watch goes on, even where its log cannot."""

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(queue.Full):
            self.queue.put_nowait(record)


class _Listener(logging.handlers.QueueListener):
    """Writes the lines, and ends within a deadline."""

    def __init__(self, waiting: queue.Queue[logging.LogRecord | None], *handlers: logging.Handler) -> None:
        super().__init__(waiting, *handlers)
        self._waiting = waiting

    def end(self) -> bool:
        """Write what waits, for at most `_LAST_LINES_S`; return whether the thread is done."""
        deadline = time.monotonic() + _LAST_LINES_S
        thread = self._thread
        if thread is None:
            return True
        with suppress(queue.Full):
            self._waiting.put(None, timeout=_LAST_LINES_S)  # what ends the thread
        thread.join(max(0.0, deadline - time.monotonic()))
        return not thread.is_alive()


class _Screen(logging.Handler):
    """Writes to standard error; a line that nobody takes in time is dropped, and those after it until one is taken."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._taken = True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except OSError:  # closed: there is nowhere to say so
            self._taken = False

    def _write(self, rest: bytes) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        while rest:
            self._taken = bool(poll.poll(_SCREEN_WAIT_S * 1000 if self._taken else 0))
            if not self._taken:
                return
            rest = rest[os.write(self._descriptor, rest[:_PIPE_BYTES]) :]


class _File(logging.handlers.TimedRotatingFileHandler):
    """The file of the day, and the parts of a long one. That it refuses lines is told once, on `screen`."""

    def __init__(self, path: Path, screen: logging.Handler) -> None:
        super().__init__(path, when="midnight", backupCount=DAYS_KEPT, encoding="utf-8", errors="backslashreplace")
        self._screen = screen
        self._refused = False
        self._told = False

    def shouldRollover(self, record: logging.LogRecord) -> int:  # noqa: N802 - the base class named it
        return int(bool(super().shouldRollover(record)) or self._is_long())

    def doRollover(self) -> None:  # noqa: N802 - the base class named it
        if time.time() >= self.rolloverAt:
            super().doRollover()
            return
        try:
            if self.stream:
                self.stream.close()
            for number in range(_PARTS_KEPT, 1, -1):
                with suppress(FileNotFoundError):
                    self._part(number - 1).replace(self._part(number))
            Path(self.baseFilename).replace(self._part(1))
        finally:
            self.stream = self._open()

    def getFilesToDelete(self) -> list[str]:  # noqa: N802 - the base class named it
        """Return the days beyond the week, and parts as old."""
        parts = [part for number in range(1, _PARTS_KEPT + 1) if (part := self._part(number)).exists()]
        oldest = time.time() - DAYS_KEPT * 86_400
        return [*super().getFilesToDelete(), *(str(part) for part in parts if part.stat().st_mtime < oldest)]

    def _part(self, number: int) -> Path:
        return Path(f"{self.baseFilename}.{number}")

    def _is_long(self) -> bool:
        return bool(self.stream) and os.fstat(self.stream.fileno()).st_size >= _DAY_BYTES

    def emit(self, record: logging.LogRecord) -> None:
        self._refused = False
        super().emit(record)
        if not self._refused:
            self._told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class named it
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self._refused = True
        if not self._told:
            self._told = True
            text = "%s cannot be written (%s): make room, or check the disk"
            told = logging.LogRecord(
                __name__, logging.ERROR, __file__, 0, text, (self.baseFilename, error.strerror), None
            )
            self._screen.handle(told)
