"""The file that a store was opened in: is it still the one at its path, and has its disk room?"""

import os
from pathlib import Path

from vigilia.store.faults import StoreError

_LEAST_FREE_BYTES = 10_000_000
"""Less than this, and the disk counts as full: the next writes may still fit, but somebody should make room."""


class DatabaseFile:
    """The file at `path`, told from another that comes into its place by device and inode."""

    def __init__(self, path: Path) -> None:
        """Note which file is at `path` now. Raises OSError where there is none."""
        self._path = path
        self._identity = _identity(path)

    def check_place(self) -> None:
        """Raise StoreError where the file was deleted or replaced.

        SQLite would go on in a file that nobody can see, and lose at the end of the process what it was given.
        """
        try:
            same = _identity(self._path) == self._identity
        except OSError as error:
            raise StoreError(
                f"{self._path} is away ({error.strerror}): put it back, or restart the service to begin another"
            ) from error
        if not same:
            raise StoreError(f"{self._path} was replaced while in use: restart the service to use the new file")

    def check_room(self) -> None:
        """Raise StoreError where the disk is read-only or full."""
        try:
            disk = os.statvfs(self._path)
        except OSError as error:
            raise StoreError(f"the disk of {self._path} gives no answer ({error.strerror}): check it") from error
        if disk.f_flag & os.ST_RDONLY:
            raise StoreError(f"the disk of {self._path} is read-only: check it, and mount it for writing")
        if disk.f_bavail * disk.f_frsize < _LEAST_FREE_BYTES:
            raise StoreError(f"the disk of {self._path} is full: make room")


def is_still(path: Path) -> bool:
    """Say whether nobody has the SQLite file at `path` open to write, and we could not put beside it what SQLite keeps.

    It is then opened as one that never changes; which it may, once the service starts: see `seen_by_readers`.
    """
    return not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()


def seen_by_readers(path: Path) -> tuple[int, ...]:
    """Return what is another where a reader must open the SQLite file at `path` anew. Raises OSError for none."""
    return *_identity(path), path.stat().st_mtime_ns if is_still(path) else 0


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
