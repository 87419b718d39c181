"""Logs of one subject beside the common one: what the logger `vigilia.log.rele` says also goes to rele/rele.log."""

import logging
import re
from collections.abc import Callable
from pathlib import Path

PREFIX = "vigilia.log."
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MOST_FILES = 20


class SideLogs(logging.Handler):
    """Sends the lines of each logger `vigilia.log.NAME` to `log_dir`/NAME/NAME.log, a file made with its first line.

    `open_file` makes the handler that writes a file. What a file refuses is told once, over the common log.
    """

    def __init__(self, log_dir: Path, open_file: Callable[[Path], logging.Handler]) -> None:
        super().__init__()
        self._log_dir = log_dir
        self._open_file = open_file
        self._files: dict[str, logging.Handler | None] = {}
        self.addFilter(lambda record: record.name.startswith(PREFIX))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line to the file of its subject."""
        name = record.name.removeprefix(PREFIX)
        if name not in self._files and len(self._files) < _MOST_FILES and _NAME.fullmatch(name):
            self._files[name] = self._open(name)
        file = self._files.get(name)
        if file is not None:
            file.handle(record)

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            if file is not None:
                file.close()
        self._files.clear()
        super().close()

    def _open(self, name: str) -> logging.Handler | None:
        path = self._log_dir / name / f"{name}.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = self._open_file(path)
        except OSError as error:
            logging.getLogger(__name__).error(
                "%s cannot be written (%s): its lines are in the common log only", path, error.strerror
            )
            return None
        file.setFormatter(self.formatter)
        return file
