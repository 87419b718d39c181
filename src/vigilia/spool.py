"""A bounded queue on disk: records put in survive the death of the process and wait until they are taken care of.

One JSON record a line. Appending is one write into the system's page cache: it survives `kill -9`, and costs the event
loop some microseconds. Delivery is at least once, in order: what was read but not yet acknowledged at a crash is read
again, so the reader must bear a repetition.

The queue is a row of files. Records go into the one that bears the queue's name; when it is large enough it is put by
under its name and a number, and a new one begun. A file that is wholly acknowledged is deleted: whatever waits, nothing
is ever copied, and no more than the part that is read comes into memory.
"""

import json
import logging
import os
import re
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

_logger = logging.getLogger(__name__)

Record = dict[str, Any]
Dumps = Callable[[Record], bytes]
Loads = Callable[[bytes], Any]

_SEGMENT_BYTES = 4_000_000
"""A file this large is put by. So much at most is read again after a crash, and lies idle on the disk."""
_LEAST_SEGMENTS = 8
"""Of a small queue a file is no more than such a part: what is acknowledged in it is room for nothing."""
_TAIL_BYTES = 65_536


@dataclass(slots=True)
class _Segment:
    """One file of the queue."""

    path: Path
    size: int
    synced: bool = False
    """Whether it is known to survive a loss of power."""


def _dumps(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


class Spool:
    """The queue in the files that begin with `path`, which together never grow beyond `most_bytes`."""

    def __init__(self, path: Path, most_bytes: int, dumps: Dumps = _dumps, loads: Loads = json.loads) -> None:
        """Open the queue, or make it. Raises OSError where it cannot be written.

        `dumps` and `loads` turn a record into one line of JSON and back, where those of the standard library are too
        slow.
        """
        self.path = path
        self._dumps = dumps
        self._loads = loads
        self._most_bytes = most_bytes
        self._number, past = _put_by(path)
        self._past = deque(past)
        """The files put by, the oldest first."""
        self._file = _open(path)
        self._size = _mend(self._file)
        """Of the file that records go into."""
        self._total = sum(segment.size for segment in self._past) + self._size
        """Of all files. Positions count from the beginning of the oldest."""
        self._done_to = 0
        self._names, self._names_synced = 1, 0
        """How often a file got its name, and up to which of these times that survives a loss of power."""

    def append(self, record: Record) -> None:
        """Put `record` at the end. Raises OSError where it does not fit; the queue is then as it was."""
        line = self._dumps(record) + b"\n"
        if self._total + len(line) > self._most_bytes:
            raise OSError(f"full at {self._most_bytes} bytes")
        if not self._in_place():
            self._put_back()
        if self._size and self._size + len(line) > min(_SEGMENT_BYTES, self._most_bytes // _LEAST_SEGMENTS):
            with suppress(OSError):  # the file then grows on
                self._put_by()
        written = os.write(self._file, line)
        if written < len(line):
            os.ftruncate(self._file, self._size)
            raise OSError("no space left")
        self._size += len(line)
        self._total += len(line)

    @property
    def waiting_bytes(self) -> int:
        """How much waits to be acknowledged."""
        return self._total - self._done_to

    @property
    def fill(self) -> float:
        """How full the queue is: 0 to 1."""
        return self._total / self._most_bytes

    def read(self, most: int, most_bytes: int = _SEGMENT_BYTES) -> tuple[list[Record], int]:
        """Return the oldest records not acknowledged, and the position to acknowledge them by.

        They are `most` at the most, and so many that the last begins within `most_bytes`. Raises OSError.
        """
        records: list[Record] = []
        position, start = self._done_to, 0
        limit = position + most_bytes
        for segment in (*self._past, _Segment(self.path, self._size)):
            end = start + segment.size
            if start <= position < end:
                position = self._read_from(segment, start, position, limit, most, records)
                if position < end:  # enough is read
                    break
            start = end
        return records, position

    def acknowledge(self, position: int) -> None:
        """Forget what was read up to `position`. Raises OSError where a file cannot be written."""
        self._done_to = position
        while self._past and self._past[0].size <= self._done_to:
            self._past[0].path.unlink(missing_ok=True)
            gone = self._past.popleft()
            self._done_to -= gone.size
            self._total -= gone.size
        if self._done_to == self._total:
            os.ftruncate(self._file, 0)
            self._size = self._total = self._done_to = 0

    def sync(self) -> Callable[[], None]:
        """Return what has all that was put in so far survive a loss of power, too.

        It is to be called once, in a thread, for it takes as long as the disk does; it raises OSError.
        """
        past = [segment for segment in self._past if not segment.synced]
        names, file = self._names, os.dup(self._file)

        def work() -> None:
            try:
                for segment in past:
                    with suppress(FileNotFoundError):  # it is acknowledged by now, and deleted
                        _sync(segment.path)
                    segment.synced = True
                os.fsync(file)
                if names > self._names_synced:
                    _sync(self.path.parent)
                    self._names_synced = names
            finally:
                os.close(file)

        return work

    def close(self) -> None:
        """Close the file; what waits stays on the disk."""
        os.close(self._file)

    def _read_from(
        self, segment: _Segment, start: int, position: int, limit: int, most: int, records: list[Record]
    ) -> int:
        """Add a file's records from `position` on, while they begin before `limit`; return where that ends.

        `start` is the position of the file's beginning.
        """
        end = start + segment.size
        try:
            # The file that records go into is open, and cannot be gone.
            file = segment.path.open("rb") if segment.path != self.path else os.fdopen(os.dup(self._file), "rb")
        except FileNotFoundError:
            _logger.error("%s is gone, and the records that waited in it", segment.path)
            return end
        with file:
            file.seek(position - start)
            while position < min(end, limit) and len(records) < most:
                line = file.readline(end - position)
                if not line:
                    _logger.error("%s: somebody took %d bytes from its end", segment.path, end - position)
                    return end
                position += len(line)
                record = self._record(line)
                if record is None:
                    _logger.error("%s: a damaged record is skipped: %r", segment.path, line[:200])
                else:
                    records.append(record)
        return position

    def _record(self, line: bytes) -> Record | None:
        """Return the record of a line; None for one that is damaged."""
        try:
            record = self._loads(line)
        except (ValueError, RecursionError):
            return None
        return cast(Record, record) if isinstance(record, dict) else None

    def _in_place(self) -> bool:
        """Say whether the file that records go into still has its name: what has none is gone with the process."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _put_back(self) -> None:
        """Write what is in the file that somebody deleted, moved or replaced into a new one. Raises OSError."""
        _logger.error("%s was taken away under the service: it is made anew, with what waited in it", self.path)
        successor = self.path.with_name(f"{self.path.name}.new")
        successor.unlink(missing_ok=True)
        fresh = _open(successor)
        try:
            with successor.open("wb") as file:
                file.write(os.pread(self._file, self._size, 0))
            successor.replace(self.path)
        except OSError:
            os.close(fresh)
            raise
        os.close(self._file)
        self._file = fresh
        self._names += 1

    def _put_by(self) -> None:
        """Give the file that is large enough its number, and begin another. Raises OSError, and nothing has changed."""
        past = self.path.with_name(f"{self.path.name}.{self._number:08d}")
        self.path.rename(past)
        try:
            fresh = _open(self.path)
        except OSError:
            past.rename(self.path)
            raise
        os.close(self._file)
        self._past.append(_Segment(past, self._size))
        self._number += 1
        self._names += 1
        self._file, self._size = fresh, 0


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, survive a loss of power. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _put_by(path: Path) -> tuple[int, list[_Segment]]:
    """Return the number that is free next, and the files that a run before has put by, the oldest first."""
    named = re.compile(re.escape(path.name) + r"\.(\d{8,})")
    found = sorted((int(name[1]), entry) for entry in path.parent.iterdir() if (name := named.fullmatch(entry.name)))
    return (found[-1][0] + 1 if found else 1), [_Segment(entry, entry.stat().st_size) for _, entry in found]


def _mend(file: int) -> int:
    """Cut off a last line that a crash left unfinished; return the size."""
    size = whole = os.fstat(file).st_size
    while whole:
        begin = max(0, whole - _TAIL_BYTES)
        newline = os.pread(file, whole - begin, begin).rfind(b"\n")
        whole = begin + newline + 1
        if newline >= 0:
            break
    if whole < size:
        os.ftruncate(file, whole)
    return whole
