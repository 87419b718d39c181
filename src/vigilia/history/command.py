"""What `vigilia history` does: readings out into a file and back in, beside the running service or without it."""

import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, Protocol

from vigilia.clock import moment
from vigilia.errors import StartError
from vigilia.history.backend import SECOND_MS, Backend, HistoryError, PointInfo, RefusedRowsError, Row
from vigilia.history.csvfile import HEADER, line_of, records, row_of
from vigilia.history.interrupting import run_until_interrupted
from vigilia.history.parquet import ParquetSink
from vigilia.history.progress import Progress
from vigilia.language import tr
from vigilia.points import shorten

EXIT_INCOMPLETE = 1
"""Some lines of the file could not be imported."""
EXIT_INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended."""

_ROWS_AT_ONCE = 10_000
_MOST_COMPLAINTS = 1000
_DAY_MS = 86_400_000
Opener = Callable[[], Awaitable[Backend]]


class Sink(Protocol):
    """Where an export goes."""

    def write(self, rows: Sequence[Row]) -> None:
        """Take rows. Raises OSError."""
        ...

    def close(self) -> None:
        """Write what is left; nothing follows. Raises OSError."""
        ...


class CsvSink:
    """Writes rows into a file as CSV."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.write(f"{HEADER}\n".encode())

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._file.write("".join(map(line_of, rows)).encode(errors="replace"))

    def close(self) -> None:
        """Write what the file still buffers."""
        self._file.flush()


SINKS: dict[str, Callable[[BinaryIO], Sink]] = {"csv": CsvSink, "parquet": ParquetSink}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported."""

    points: tuple[str, ...]
    """Names, or patterns with `*`, `?` and `[…]`."""
    start_ms: int
    end_ms: int


def wanted(points: Sequence[str], start: str, end: str, now: float) -> Wanted:
    """Return what the arguments ask for: times ISO 8601 with their zone, empty for all. Raises StartError."""
    start_ms = _time_ms("--from", start) if start else 0
    end_ms = _time_ms("--to", end) if end else round(now * SECOND_MS)
    if start_ms > end_ms:
        raise StartError(f"--from {start} is after --to, which is now unless it is given: swap them")
    return Wanted(tuple(points), start_ms, end_ms)


def _time_ms(option: str, text: str) -> int:
    try:
        return round(moment(text) * SECOND_MS)
    except ValueError:
        right = "write it with its zone, such as 2026-03-10T08:50:00Z"
        raise StartError(f"{option} {shorten(text)} is no time: {right}") from None


def run_export(look: Opener, asked: Wanted, form: str, out: Path | None) -> int:
    """Write the readings that are asked for to a file, or to the standard output; return the exit code.

    Raises StartError or HistoryError.
    """
    if out is None and form != "csv" and sys.stdout.isatty():
        raise StartError(f"{form} is nothing for a terminal: name a file with --out FILE")
    progress = Progress()
    try:
        with _output(out) as file:
            run_until_interrupted(_export(look, asked, lambda: SINKS[form](file), progress))
    except BrokenPipeError:
        # Whoever read this has seen enough. The interpreter's own last flush must not fail on it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        progress.clear()
        print(tr("vigilia: interrupted: the export is not complete"), file=sys.stderr)  # noqa: T201
        return EXIT_INTERRUPTED
    except OSError as error:
        raise StartError(f"{out or 'standard output'}: cannot be written: {error.strerror}") from error
    finally:
        progress.clear()
    return 0


@contextlib.contextmanager
def _output(out: Path | None) -> Generator[BinaryIO]:
    """Give the file to write to; one of that name is replaced once the new one is whole."""
    if out is None:
        yield sys.stdout.buffer
    elif out.exists() and not out.is_file():  # a pipe, a device
        with out.open("wb") as file:
            yield file
    else:
        part = out.with_name(f"{out.name}.part")
        try:
            with part.open("wb") as file:
                yield file
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)


async def _export(look: Opener, asked: Wanted, make: Callable[[], Sink], progress: Progress) -> None:
    backend = await look()
    try:
        names = names_of(asked.points, await backend.points())
        sink = make()
        count = 0
        for number, name in enumerate(names):
            first_ms = next_ms = asked.start_ms
            while page := await backend.rows(name, next_ms, asked.end_ms, _ROWS_AT_ONCE):
                sink.write(page)
                first_ms = page[0].time_ms if next_ms == asked.start_ms else first_ms
                next_ms = page[-1].time_ms + 1
                count += len(page)
                of_point = (next_ms - first_ms) / max(1, asked.end_ms - first_ms)
                progress.show((number + of_point) / len(names), f"{count:,}  {name}")
                if next_ms > asked.end_ms:
                    break
        sink.close()
    finally:
        await backend.close()


def names_of(patterns: Iterable[str], known: Sequence[PointInfo]) -> list[str]:
    """Return the names that patterns mean, each once. Raises StartError for a pattern that means none."""
    names = sorted(info.name for info in known)
    found: dict[str, None] = {}
    for pattern in patterns:
        # A name is itself, whatever characters it has.
        meant = [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]
        if not meant:
            raise StartError(f"the history knows no point {shorten(pattern, 200)}: see /api/v1/points for their names")
        found |= dict.fromkeys(meant)
    return list(found)


@dataclass(slots=True)
class Tally:
    """How far an import has come."""

    rows: int = 0
    """Rows that the history has taken."""
    bad: int = 0
    """Lines that were left out."""
    line: int = 0
    """The line up to which every row is in the history."""
    size: int = 0
    """The file's bytes; 0: not known."""
    progress: Progress = field(default_factory=Progress)

    def complain(self, path: Path, line: int, wrong: str) -> None:
        """Tell of a line that is left out."""
        self.bad += 1
        if self.bad <= _MOST_COMPLAINTS:
            self.say(f"{path}:{line}: {wrong}")
        elif self.bad == _MOST_COMPLAINTS + 1:
            self.say(tr("… and more lines, which are only counted"))

    def say(self, text: str) -> None:
        """Write a line for people."""
        self.progress.clear()
        print(text if text.isprintable() else ascii(text), file=sys.stderr)  # noqa: T201


def run_import(start: Opener, path: Path, now: float) -> int:
    """Take the readings of a CSV file into the history; return the exit code: 1 where lines were left out.

    Rows that are there already are written again, which changes nothing; but those from before raw's keeping are added
    to the rollups each time. Raises StartError or HistoryError.
    """
    tally = Tally()
    try:
        with path.open("rb") as file:
            tally.size = path.stat().st_size if path.is_file() else 0
            run_until_interrupted(_import(start, path, file, round(now * SECOND_MS) + _DAY_MS, tally))
    except KeyboardInterrupt:
        tally.say(_interrupted(tr("vigilia: interrupted"), tally))
        return EXIT_INTERRUPTED
    except HistoryError as error:
        if not tally.line:
            raise
        raise HistoryError(_interrupted(str(error), tally)) from error
    except OSError as error:
        raise StartError(f"{path}: cannot be read: {error.strerror}") from error
    finally:
        tally.progress.clear()
    print(tr("{rows} rows imported, {bad} lines left out").format(rows=tally.rows, bad=tally.bad))  # noqa: T201
    return EXIT_INCOMPLETE if tally.bad else 0


def _interrupted(why: str, tally: Tally) -> str:
    far = tr("{why}: imported up to line {line}, {rows} rows; the same command again does the rest")
    return far.format(why=why, line=tally.line, rows=tally.rows)


async def _import(start: Opener, path: Path, file: BinaryIO, latest_ms: int, tally: Tally) -> None:
    found = records(file)
    head = next(found, None)
    if head is None or head.wrong or head.text.strip() != HEADER:
        raise StartError(f"{path}: is no history: its first line must be {HEADER}")
    backend = await start()
    try:
        rows: list[tuple[int, Row]] = []
        for record in found:
            try:
                if record.wrong:
                    raise ValueError(record.wrong)
                rows.append((record.line, row_of(record.text, latest_ms)))
            except ValueError as error:
                tally.complain(path, record.line, str(error))
            if len(rows) >= _ROWS_AT_ONCE:
                await _keep(backend, path, rows, tally)
                tally.line = record.line
                tally.progress.show(file.tell() / tally.size if tally.size else 0.0, f"{tally.rows:,}")
                rows.clear()
        await _keep(backend, path, rows, tally)
    finally:
        await backend.close()


async def _keep(backend: Backend, path: Path, rows: Sequence[tuple[int, Row]], tally: Tally) -> None:
    """Have rows written; where some are refused for good, find out which, and tell of them."""
    if not rows:
        return
    try:
        await backend.write([row for _, row in rows])
    except RefusedRowsError as error:
        if len(rows) == 1:
            tally.complain(path, rows[0][0], str(error))
            return
        middle = len(rows) // 2
        await _keep(backend, path, rows[:middle], tally)
        await _keep(backend, path, rows[middle:], tally)
    else:
        tally.rows += len(rows)
