"""The file that samples wait in: SQLite, one row a sample, in the order in which they were taken.

A row's *offset* counts up from 1 and is never used twice; together with the store's id, drawn when the file was made,
it names a sample for ever. Rows leave at the old end only: what was acknowledged, and what there is no room for.

Times of an *era* in which the clock was not right are kept by a clock of their own, which never steps; the era's
correction, once it is known, is added when rows are read. See vigilia.agent.clocking.

Everything here blocks: it is called in one thread, that of `vigilia.agent.samples`.
"""

import logging
import os
import sqlite3
import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from vigilia.agent.salvage import Wreck, damage_of, set_aside
from vigilia.errors import StartError
from vigilia.points import Kind, Severity, Status, Value

_logger = logging.getLogger(__name__)

_REVISION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE series (
    id INTEGER PRIMARY KEY, part TEXT NOT NULL, parameter TEXT NOT NULL, kind TEXT NOT NULL,
    UNIQUE (part, parameter, kind)
);
CREATE TABLE eras (
    id INTEGER PRIMARY KEY, boot TEXT NOT NULL, base_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL,
    correction_ms INTEGER, guessed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE samples (
    "offset" INTEGER PRIMARY KEY, series INTEGER NOT NULL, time_ms INTEGER NOT NULL, value,
    alarm INTEGER NOT NULL, era INTEGER NOT NULL
);
"""
_LOCK_WAIT_S = 5.0
_DROP_AT_ONCE = 5_000
_MOST_RESCUED = 200_000
"""Rows that are taken from a damaged file into a new one: some ten seconds of a Pi. The rest stays in the old one."""
_LEFT_TO_OTHERS_BYTES = 20_000_000
"""What a new file leaves of the disk: the ledger is on it as well."""
_ROW_AND_LOG_BYTES = 200
"""A row, and the same once more in SQLite's log."""
_GUESSED = Severity.MINOR * 32 + Status.UDF
"""The alarm of a good value whose time was guessed: it was taken before the clock was right, and power was lost."""
_UNKNOWN = (0, True)
"""Correction of an era that a file lost: none, and its times are guesses."""


class Sample(NamedTuple):
    """A sample on its way into the file."""

    part: str
    parameter: str
    kind: Kind
    time_ms: int
    value: Value | None
    alarm: int
    """Severity * 32 + status, as it travels."""
    era: int
    """0: the clock was right."""


class Stored(NamedTuple):
    """A sample in the file, its time corrected."""

    offset: int
    part: str
    parameter: str
    kind: Kind
    time_ms: int
    value: Value | None
    alarm: int


class Era(NamedTuple):
    """A time in which the clock is not right. `base_ms` by its own clock was `mono_ms` by the machine's."""

    id: int
    boot: str
    base_ms: int
    mono_ms: int
    correction_ms: int | None = None


class Correction(NamedTuple):
    """What was learned: at `mono_ms` of this boot of the machine it was `true_ms`."""

    boot: str
    mono_ms: int
    true_ms: int


class SampleFile:
    """The open file."""

    def __init__(self, path: Path, boot: str) -> None:
        """Open the file, or make it; one that is damaged is set aside first. Raises StartError or sqlite3.Error.

        `boot` names the machine's present boot: eras of earlier ones are given the best guess.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if damage := damage_of(path):
            put_in_place(rescue(path, boot), path, damage)
        self._db = sqlite3.connect(path, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            self._set_up()
            self._series = {(p, q, Kind(k)): i for i, p, q, k in self._db.execute("SELECT * FROM series")}
            self._names = {number: key for key, number in self._series.items()}
            self._load_counts()
            self._guess_eras(boot)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file; the write-ahead log is worked off first where that can be done."""
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    @property
    def waiting(self) -> int:
        """How many rows there are."""
        return self.next_offset - self.first_offset

    @property
    def used_bytes(self) -> int:
        """What of the file is in use; what was freed is used again first."""
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        (size,) = self._db.execute("PRAGMA page_size").fetchone()
        return (pages - free) * size

    @property
    def free_bytes(self) -> int:
        """What of the file was freed, and is used again before the file grows."""
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        (size,) = self._db.execute("PRAGMA page_size").fetchone()
        return free * size

    def write(
        self, samples: Sequence[Sample], eras: Iterable[Era | Correction], dropped: int, making_room: int = 0
    ) -> int:
        """Put samples and what was learned of clocks at the end, durably. Raises sqlite3.Error: nothing has changed.

        `dropped`: how many were dropped in all, to be remembered. `making_room`: so many of the oldest rows give way,
        and are counted as well; returns how many there were.
        """
        gone = min(making_room, self.waiting)
        dropped += gone
        corrections = dict(self._corrections)
        fresh: dict[tuple[str, str, Kind], int] = {}
        rows: list[tuple[int, int, int, Value | None, int, int]] = []
        with self._transaction():
            if gone:
                self._db.execute('DELETE FROM samples WHERE "offset" < ?', (self.first_offset + gone,))
                self._set_meta("next_offset", self.next_offset)
            for era in eras:
                self._note(era, corrections)
            for number, sample in enumerate(samples, self.next_offset):
                key = sample.part, sample.parameter, sample.kind
                series = self._series.get(key) or fresh.get(key)
                if series is None:
                    into = self._db.execute("INSERT INTO series (part, parameter, kind) VALUES (?, ?, ?)", key)
                    series = fresh[key] = into.lastrowid or 0
                rows.append((number, series, sample.time_ms, sample.value, sample.alarm, sample.era))
            self._db.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._set_meta("dropped", dropped)
        self._corrections = corrections
        self._series |= fresh
        self._names |= {number: key for key, number in fresh.items()}
        self.next_offset += len(rows)
        self.first_offset += gone
        self.dropped = dropped
        return gone

    def read(self, start: int, most: int) -> list[Stored]:
        """Return samples from an offset on, up to the first whose time cannot be said yet. Raises sqlite3.Error."""
        found: list[Stored] = []
        columns = '"offset", series, time_ms, value, alarm, era'
        wanted = f'SELECT {columns} FROM samples WHERE "offset" >= ? ORDER BY "offset" LIMIT ?'  # noqa: S608 - ours
        for offset, series, time_ms, value, alarm, era in self._db.execute(wanted, (start, most)):
            correction, guessed = self._corrections.get(era, _UNKNOWN) if era else (0, False)
            if correction is None:
                break
            said = alarm or (_GUESSED if guessed else 0)
            found.append(Stored(offset, *self._names[series], time_ms + correction, value, said))
        return found

    def forget_before(self, offset: int, dropped: int = 0) -> int:
        """Delete the rows before an offset; return how many there were. Raises sqlite3.Error.

        `dropped`: so many of them are nowhere else, and are counted.
        """
        gone = 0
        while self.first_offset < min(offset, self.next_offset):
            until = min(offset, self.next_offset, self.first_offset + _DROP_AT_ONCE)
            with self._transaction():
                self._db.execute('DELETE FROM samples WHERE "offset" < ?', (until,))
                self._set_meta("next_offset", max(self.next_offset, until))
                self._set_meta("dropped", self.dropped + dropped)
            self.dropped, dropped = self.dropped + dropped, 0
            gone += until - self.first_offset
            self.first_offset = until
        return gone

    def drop_oldest(self, count: int) -> int:
        """Delete so many of the oldest rows, for want of room, and count them. Raises sqlite3.Error."""
        gone = min(count, self.waiting)
        if gone:
            with self._transaction():
                self._set_meta("dropped", self.dropped + gone)
                self._set_meta("next_offset", self.next_offset)
                self._db.execute('DELETE FROM samples WHERE "offset" < ?', (self.first_offset + gone,))
            self.first_offset += gone
            self.dropped += gone
        return gone

    def older_than(self, time_ms: int) -> int:
        """Return how many of the oldest rows (of a handful of thousands looked at) are before a time."""
        rows = self._db.execute('SELECT time_ms, era FROM samples ORDER BY "offset" LIMIT ?', (_DROP_AT_ONCE,))
        count = 0
        for when, era in rows:
            correction = self._corrections.get(era, _UNKNOWN)[0] if era else 0
            if correction is None or when + correction >= time_ms:
                break
            count += 1
        return count

    def time_at(self, offset: int) -> int | None:
        """Return the time of a row, corrected as far as that is known; None where there is no such row."""
        row = self._db.execute('SELECT time_ms, era FROM samples WHERE "offset" = ?', (offset,)).fetchone()
        if row is None:
            return None
        return row[0] + ((self._corrections.get(row[1], _UNKNOWN)[0] or 0) if row[1] else 0)

    def renew(self) -> None:
        """Take another store id: whoever knows more of this one than we do takes nothing of ours for a repetition."""
        with self._transaction():
            self.store_id = uuid.uuid4().hex
            self._set_meta("store_id", self.store_id)

    def _set_up(self) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -512", "journal_size_limit = 4000000"):
            self._db.execute(f"PRAGMA {pragma}").fetchone()
        (revision,) = self._db.execute("PRAGMA user_version").fetchone()
        if revision > _REVISION:
            raise StartError(f"{self.path} is of a newer version of the agent: update this one, or move the file away")
        if revision == 0:
            with self._transaction():
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._set_meta("store_id", uuid.uuid4().hex)
                self._db.execute(f"PRAGMA user_version = {_REVISION}")

    def _load_counts(self) -> None:
        meta = dict(self._db.execute("SELECT key, value FROM meta").fetchall())
        first, last = self._db.execute('SELECT min("offset"), max("offset") FROM samples').fetchone()
        self.store_id = str(meta["store_id"])
        self.dropped = int(meta.get("dropped", 0))
        self.next_offset = max(int(meta.get("next_offset", 1)), (last or 0) + 1)
        self.first_offset = first or self.next_offset
        if not self.waiting:
            self._db.execute("DELETE FROM eras")
        self._corrections: dict[int, tuple[int | None, bool]] = {
            number: (correction, bool(guessed))
            for number, correction, guessed in self._db.execute("SELECT id, correction_ms, guessed FROM eras")
        }
        self.next_era = max(self._corrections, default=0) + 1

    def _guess_eras(self, boot: str) -> None:
        """Settle eras that nothing more will be learned of: the machine was started anew since.

        Their clock was the machine's own, which many systems put at the last time they saw; it is believed as far as
        the order of the samples allows.
        """
        lost = self._db.execute("SELECT id FROM eras WHERE correction_ms IS NULL AND boot != ?", (boot,)).fetchall()
        for (era,) in lost:
            correction = 0
            found = self._db.execute('SELECT min("offset"), min(time_ms) FROM samples WHERE era = ?', (era,)).fetchone()
            before = self.time_at(found[0] - 1) if found[0] is not None else None
            if before is not None:
                correction = max(0, before + 1 - found[1])
            with self._transaction():
                self._db.execute("UPDATE eras SET correction_ms = ?, guessed = 1 WHERE id = ?", (correction, era))
            self._corrections[era] = correction, True
            if found[0] is not None:
                _logger.warning("samples from before the clock was right, and power was lost, are given guessed times")

    def _note(self, news: Era | Correction, corrections: dict[int, tuple[int | None, bool]]) -> None:
        """Write down an era that begins, or what was learned of those of this boot."""
        if isinstance(news, Era):
            columns = "id, boot, base_ms, mono_ms, correction_ms"
            self._db.execute(f"INSERT OR REPLACE INTO eras ({columns}) VALUES (?, ?, ?, ?, ?)", news)  # noqa: S608 - ours
            corrections[news.id] = news.correction_ms, False
            return
        open_eras = "SELECT id, base_ms, mono_ms FROM eras WHERE correction_ms IS NULL AND boot = ?"
        for era, base_ms, mono_ms in self._db.execute(open_eras, (news.boot,)).fetchall():
            correction = news.true_ms - (base_ms + news.mono_ms - mono_ms)
            self._db.execute("UPDATE eras SET correction_ms = ? WHERE id = ?", (correction, era))
            corrections[era] = correction, False

    def _set_meta(self, key: str, value: Value) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise


def rescue(path: Path, boot: str, waiting: int = 0, dropped: int = 0) -> Path:
    """Make a file of what can be read in a damaged one, under another store id; return its path.

    Samples that cannot be read, or have no room, count as dropped. `waiting`, `dropped`: what is known of the damaged
    file besides. One that the place they go to has already may be among those that can, and goes there again. Raises
    sqlite3.Error or OSError where not even an empty file can be made.
    """
    fresh = Path(f"{path}.new")
    with closing(Wreck(path)) as wreck:
        dropped, waiting = max(dropped, wreck.dropped), max(waiting, wreck.waiting)
        try:
            _remove(fresh)
            kept = _copy(wreck, fresh, boot, waiting, dropped)
        except (sqlite3.Error, OSError) as error:
            _logger.error("what can be read of the damaged %s cannot be written beside it: %s", path, error)
            _remove(fresh)
            kept = 0
            with closing(SampleFile(fresh, boot)) as file:
                file.write([], [], dropped + waiting)
    _logger.error(
        "of %s samples in the damaged %s %d could be read, and are kept", waiting or "an unknown number of", path, kept
    )
    return fresh


def _copy(wreck: Wreck, fresh: Path, boot: str, waiting: int, dropped: int) -> int:
    """Copy what can be read into a new file; return how many samples. Raises sqlite3.Error or OSError."""
    status = os.statvfs(fresh.parent)
    room = max(0, status.f_bavail * status.f_frsize - _LEFT_TO_OTHERS_BYTES) // _ROW_AND_LOG_BYTES
    with closing(SampleFile(fresh, boot)) as file:
        eras = {era[0]: era for era in wreck.eras()}
        file.write([], [Era(*era[:5]) for era in eras.values() if era[4] is None], dropped)
        rows = islice(_settled(wreck, eras), min(_MOST_RESCUED, room))
        while piece := list(islice(rows, _DROP_AT_ONCE)):
            file.write(piece, [], dropped)
        kept = file.waiting
        file.write([], [], dropped + max(0, waiting - kept))
        return kept


def _remove(file: Path) -> None:
    """Remove a file and what SQLite keeps beside it. Raises OSError."""
    for end in ("-wal", "-shm", ""):
        Path(f"{file}{end}").unlink(missing_ok=True)


def put_in_place(fresh: Path, path: Path, damage: str) -> None:
    """Have a new file take the place of a damaged one, which is set aside. Raises StartError."""
    set_aside(path, damage)
    try:
        fresh.rename(path)
    except OSError as error:
        raise StartError(f"{fresh} cannot be renamed ({error.strerror}): check the rights of the folder") from error


def _settled(wreck: Wreck, eras: Mapping[int, tuple[Any, ...]]) -> Iterator[Sample]:
    """Give the samples of a damaged file, with their right times where the correction is known, or lost."""
    for found in wreck.samples():
        era = eras.get(found.era)
        correction, guessed = (0, False) if not found.era else (era[4], bool(era[5])) if era else _UNKNOWN
        if correction is None:
            yield Sample(*found)
            continue
        said = found.alarm or (_GUESSED if guessed else 0)
        yield Sample(*found[:3], found.time_ms + correction, found.value, said, 0)
