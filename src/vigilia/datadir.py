"""The data directory: made where it is missing, and held by one instance at a time."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from vigilia.errors import AlreadyRunning, StartError
from vigilia.language import tr


def make_data_dir(path: Path) -> Path:
    """Make the data directory where it is missing, and return it. Raises StartError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"[site] data_dir: {path} cannot be made ({error.strerror}): name another") from error
    return path


def hold(data_dir: Path) -> FileLock:
    """Take the lock on the data directory: the kernel releases it when the process dies, however it dies.

    Raises AlreadyRunning, or StartError where it cannot be written.
    """
    holder = data_dir / "vigilia.pid"
    lock = FileLock(data_dir / "vigilia.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = holder.read_text().strip() if holder.is_file() else "?"
        raise AlreadyRunning(
            tr("Another instance is running: PID {pid} holds {data_dir}").format(pid=pid, data_dir=data_dir)
        ) from None
    except OSError as error:
        raise StartError(
            f"[site] data_dir: {data_dir} cannot be written ({error.strerror}): check its rights"
        ) from error
    try:
        holder.write_text(f"{os.getpid()}\n")
    except OSError as error:
        lock.release()
        raise StartError(f"{holder} cannot be written ({error.strerror}): make room or check its rights") from error
    return lock
