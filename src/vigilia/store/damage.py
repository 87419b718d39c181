"""A damaged SQLite file is put aside, so that the service begins a new one and people can mend the old."""

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from vigilia.errors import StartError

_logger = logging.getLogger(__name__)

_LARGEST_CHECKED_BYTES = 250_000_000
"""A file is read through up to this size: 0.15 s for 100 MB in the cache, 1.5 s from a disk."""
_LOCK_WAIT_S = 1.5
_COMPANIONS = ("-wal", "-shm")


def set_aside_if_damaged(path: Path, what: str) -> str:
    """Rename a damaged file, and what SQLite keeps beside it; return its new path, or nothing where it is whole.

    `what` the file is, such as "store", is said in the messages. Raises StartError where it cannot be renamed.
    """
    damage = _damage(path)
    return set_aside(path, what, damage) if damage else ""


def set_aside(path: Path, what: str, damage: str) -> str:
    """Rename a file that is known to be damaged; return its new path. Raises StartError where it cannot be renamed."""
    # By the real time, whatever the service's clock says: people look for it in a folder.
    aside = Path(f"{path}.corrupt.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    try:
        for end in (*_COMPANIONS, ""):  # the file last: while it is there, the next start finds the damage again
            if Path(f"{path}{end}").exists():
                Path(f"{path}{end}").rename(f"{aside}{end}")
    except OSError as error:
        raise StartError(
            f"the {what} {path} is damaged ({damage}) and cannot be set aside ({error.strerror}): "
            "check the rights of its folder, or move the file away"
        ) from error
    _logger.error(
        "the %s %s is damaged (%s): it is set aside as %s, and the watch starts clean", what, path, damage, aside
    )
    return str(aside)


def _damage(path: Path) -> str:
    """Return what is damaged in a file; nothing where it is whole, new, locked, or cannot be read at all."""
    if not path.is_file():
        return ""
    try:
        address = (
            f"{path.resolve().as_uri()}?mode=ro"  # it makes no file, and takes no write-ahead log into a damaged one
        )
        with closing(sqlite3.connect(address, uri=True, timeout=_LOCK_WAIT_S)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if path.stat().st_size > _LARGEST_CHECKED_BYTES:
                return ""
            (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says more of the same
        return str(error) if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else ""
    return "" if answer == "ok" else " ".join(str(answer).split())
