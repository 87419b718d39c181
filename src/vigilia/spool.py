"""A bounded queue on disk: records put in survive the death of the process and wait until they are taken care of.

One JSON record a line. Appending is one write into the system's page cache: it survives `kill -9`, and costs the event
loop some microseconds. Delivery is at least once, in order: what was read but not yet acknowledged at a crash is read
again, so the reader must bear a repetition.
"""

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any, cast

_logger = logging.getLogger(__name__)

Record = dict[str, Any]

_COMPACT_AT_BYTES = 1_000_000


class Spool:
    """The queue in the file `path`, which never grows beyond `most_bytes`."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        """Open the queue, or make it. Raises OSError where the file cannot be written."""
        self.path = path
        self.dropped = 0
        """Records refused because the queue was full or the disk would not take them."""
        self._most_bytes = most_bytes
        self._done_to = 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = self._mend()

    def append(self, record: Record) -> bool:
        """Put `record` at the end; return False where it did not fit, which is counted and logged with the record."""
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            if self._size + len(line) > self._most_bytes:
                raise OSError(f"full at {self._most_bytes} bytes")
            written = os.write(self._file, line)
            if written < len(line):
                os.ftruncate(self._file, self._size)
                raise OSError("no space left")
        except OSError as error:
            self.dropped += 1
            _logger.error("%s: a record could not be kept (%s): %s", self.path, error, line.decode().rstrip())
            return False
        self._size += len(line)
        return True

    @property
    def waiting_bytes(self) -> int:
        """How much waits to be acknowledged."""
        return self._size - self._done_to

    def read(self, most: int) -> tuple[list[Record], int]:
        """Return up to `most` of the oldest records not acknowledged, and the position to acknowledge them by."""
        records: list[Record] = []
        position = self._done_to
        with self.path.open("rb") as file:
            file.seek(position)
            for line in file:
                if len(records) == most or not line.endswith(b"\n"):
                    break
                position += len(line)
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    record = None
                if isinstance(record, dict):
                    records.append(cast(Record, record))
                else:
                    _logger.error("%s: a damaged record is skipped: %r", self.path, line[:200])
        return records, position

    def acknowledge(self, position: int) -> None:
        """Forget what was read up to `position`. Raises OSError where the file cannot be written."""
        self._done_to = position
        if position == self._size:
            os.ftruncate(self._file, 0)
            self._size = self._done_to = 0
        elif position > _COMPACT_AT_BYTES and position >= self.waiting_bytes:
            # What is copied was matched by as much that went: all copies together are no more than all records.
            self._compact()

    def close(self) -> None:
        """Close the file; what waits stays in it."""
        os.close(self._file)

    def _mend(self) -> int:
        """Cut off a last line that a crash left unfinished; return the size."""
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._file, whole)
        return whole

    def _compact(self) -> None:
        """Put what still waits into a new file in the old one's place."""
        successor = self.path.with_suffix(".new")
        successor.touch(0o600)
        with self.path.open("rb") as old, successor.open("wb") as new:
            old.seek(self._done_to)
            shutil.copyfileobj(old, new)
        file = os.open(successor, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        successor.replace(self.path)
        os.close(self._file)
        self._file = file
        self._size -= self._done_to
        self._done_to = 0
