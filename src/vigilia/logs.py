"""Where log lines go: to standard error, and to files that are changed each day and kept for a week.

All lines go to vigilia.log; those of the loggers `vigilia.log.rele` and `vigilia.log.inversor` also to a file of their
own. No secret that `hide` was told of gets into any of them.

Lines are written by a thread of their own, so that a slow disk or terminal does not hold up the watch.
"""

import logging
import logging.handlers
import queue
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from vigilia.errors import StartError, printable
from vigilia.redaction import guard_tracebacks, hide, redact
from vigilia.sidelogs import SideLogs

__all__ = ["DAYS_KEPT", "hide", "set_up_logs"]

DAYS_KEPT = 7
_MOST_LINES_WAITING = 10_000


@contextmanager
def set_up_logs(log_dir: Path) -> Generator[None]:
    """Send the program's log lines to standard error and `log_dir`/vigilia.log. Raises StartError where it cannot."""
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        file = _open_file(log_dir / "vigilia.log")
    except OSError as error:
        raise StartError(f"[site] log_dir: {log_dir} cannot be written ({error.strerror}): name another") from error
    screen = logging.StreamHandler(sys.stderr)
    side = SideLogs(log_dir, _open_file)
    for handler in (file, side, screen):
        handler.setFormatter(_OneLineFormatter("%(asctime)s %(levelname)-7s %(message)s"))
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(_MOST_LINES_WAITING)
    listener = logging.handlers.QueueListener(waiting, file, side, screen)
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
        listener.stop()
        file.close()
        side.close()


def _open_file(path: Path) -> logging.Handler:
    """Open a log file that is changed each midnight. Raises OSError."""
    return logging.handlers.TimedRotatingFileHandler(path, when="midnight", backupCount=DAYS_KEPT, encoding="utf-8")


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
