"""The agent's data directory: made where it is missing, and held by one agent at a time.

As `vigilia.datadir` does it, by the kernel's own lock: the library for locks takes 3 MB that a Pi can use better.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from vigilia.errors import AlreadyRunning, StartError
from vigilia.language import tr


@contextmanager
def held(data_dir: Path) -> Generator[None]:
    """Hold the data directory: the kernel releases it when the process dies, however it dies.

    Raises AlreadyRunning, or StartError where it cannot be made or written.
    """
    holder = data_dir / "vigilia.pid"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(data_dir / "vigilia.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(data_dir, error) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            holder.write_text(f"{os.getpid()}\n")
        except BlockingIOError:
            pid = holder.read_text().strip() if holder.is_file() else "?"
            raise AlreadyRunning(
                tr("Another instance is running: PID {pid} holds {data_dir}").format(pid=pid, data_dir=data_dir)
            ) from None
        except OSError as error:
            raise _unusable(data_dir, error) from error
        yield
    finally:
        os.close(lock)


def _unusable(data_dir: Path, error: OSError) -> StartError:
    return StartError(
        f"[agent] data_dir: {data_dir} cannot be used ({error.strerror}): make room, check its rights, or name another"
    )
