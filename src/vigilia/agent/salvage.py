"""A damaged file of samples: what is still to be read in it, and putting it aside.

SQLite finds damage page by page: what lies before and behind a bad page can be read from either end. Everything here
blocks.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from vigilia.errors import StartError
from vigilia.points import Kind, Severity, Value

_logger = logging.getLogger(__name__)

_LARGEST_CHECKED_BYTES = 100_000_000
"""A file is read through at the start up to this size: some seconds from a memory card."""
_LOCK_WAIT_S = 5.0
_LEAP = 16
"""Rows: a page of the file holds some hundred."""
_HIGHEST_ALARM = Severity.INVALID * 32 + 31
_KINDS = frozenset(Kind)
_SAMPLES = 'SELECT "offset", series, time_ms, value, alarm, era FROM samples'


class Found(NamedTuple):
    """A row that could be read, as it was written."""

    part: str
    parameter: str
    kind: Kind
    time_ms: int
    value: Value | None
    alarm: int
    era: int


class Wreck:
    """A damaged file, open to be read. Nothing here raises for what cannot be."""

    def __init__(self, path: Path) -> None:
        self._db: sqlite3.Connection | None = None
        with suppress(sqlite3.Error):
            where = f"{path.absolute().as_uri()}?mode=rw"  # which makes none where there is none
            self._db = sqlite3.connect(where, timeout=_LOCK_WAIT_S, isolation_level=None, uri=True)
            self._db.execute("PRAGMA cell_size_check = ON")
        self._series = {
            number: (part, parameter, Kind(kind))
            for number, part, parameter, kind in self._rows("SELECT id, part, parameter, kind FROM series")
            if kind in _KINDS
        }

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()

    @property
    def dropped(self) -> int:
        """How many samples had been dropped, as far as that can be read."""
        counts = [value for (value,) in self._rows("SELECT value FROM meta WHERE key = 'dropped'")]
        return max((count for count in counts if isinstance(count, int)), default=0)

    @property
    def waiting(self) -> int:
        """How many rows there were, as far as that can be read."""
        ends = [value for (value,) in self._rows('SELECT min("offset") FROM samples')]
        ends += [value for (value,) in self._rows('SELECT max("offset") FROM samples')]
        whole = [offset for offset in ends if isinstance(offset, int)]
        return max(whole) - min(whole) + 1 if len(whole) == 2 else 0

    def eras(self) -> list[tuple[Any, ...]]:
        """Return what can be read of the eras."""
        wanted = "SELECT id, boot, base_ms, mono_ms, correction_ms, guessed FROM eras"
        return list(self._rows(wanted))

    def samples(self) -> Iterator[Found]:
        """Give the rows that can be read, in order: those before the damage, then those behind it."""
        last = 0
        for row in self._rows(f'{_SAMPLES} WHERE "offset" > 0 ORDER BY "offset"'):
            last = row[0]
            yield from self._understood(row)
        behind = self._behind(last)
        if behind is not None:
            for row in self._rows(f'{_SAMPLES} WHERE "offset" >= {behind} ORDER BY "offset"'):
                yield from self._understood(row)

    def _behind(self, last: int) -> int | None:
        """Return the first offset behind the damage after `last` that is found to be readable; None where none is.

        It is looked for by leaps: millions of rows may lie there, and few are lost by it.
        """
        newest = max((offset for (offset,) in self._rows('SELECT max("offset") FROM samples') if offset), default=0)
        leap = _LEAP
        while last + leap <= newest:
            wanted = f'SELECT "offset" FROM samples WHERE "offset" >= {last + leap} ORDER BY "offset" LIMIT 1'  # noqa: S608 - ours
            for (offset,) in self._rows(wanted):
                return int(offset)
            leap += max(_LEAP, leap // 64)
        return None

    def _rows(self, wanted: str) -> Iterator[tuple[Any, ...]]:
        """Give the rows of a question, up to the first that cannot be read."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                yield from self._db.execute(wanted)

    def _understood(self, row: tuple[Any, ...]) -> Iterator[Found]:
        _, series, time_ms, value, alarm, era = row
        numbers = all(isinstance(number, int) for number in (time_ms, alarm, era))
        if series in self._series and numbers and 0 <= alarm <= _HIGHEST_ALARM and not isinstance(value, bytes):
            yield Found(*self._series[series], time_ms, value, alarm, era)


def set_aside(path: Path, damage: str) -> None:
    """Rename a damaged file and what SQLite keeps beside it. Raises StartError where that cannot be done."""
    # By the machine's own time, whatever the agent's clock says: people look for it in a folder.
    aside = Path(f"{path}.corrupt.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    try:
        for end in ("-wal", "-shm", ""):  # the file last: while it is there, the next start finds the damage again
            if Path(f"{path}{end}").exists():
                Path(f"{path}{end}").rename(f"{aside}{end}")
    except OSError as error:
        raise StartError(
            f"the samples {path} are damaged ({damage}) and cannot be set aside ({error.strerror}): "
            "check the rights of the folder, or move the file away"
        ) from error
    _logger.error("the samples %s are damaged (%s): set aside as %s, and a new file is begun", path, damage, aside)


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether an error means that the file is damaged."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damage_of(path: Path) -> str:
    """Return what is damaged in a file; nothing where it is whole, new, or cannot be read at all."""
    if not path.is_file() or path.stat().st_size == 0:
        return ""
    try:
        db = sqlite3.connect(path, timeout=_LOCK_WAIT_S)
    except sqlite3.Error:
        return ""
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if path.stat().st_size > _LARGEST_CHECKED_BYTES:
            return ""
        (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error) if is_damage(error) else ""
    finally:
        db.close()
    return "" if answer == "ok" else " ".join(str(answer).split())
