"""The weekly report: reads a week's incidents, writes the workbook, and says the totals."""

import asyncio
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from vigilia.errors import VigiliaError
from vigilia.language import tr
from vigilia.notices import Notice, NoticeKind
from vigilia.reports.unavailability import Unavailability, unavailability
from vigilia.reports.week import Week, week_of
from vigilia.reports.words import said_day, said_duration
from vigilia.reports.workbook import compose
from vigilia.store import Store, incidents

FOLDER = "reports"
"""Where in the data directory the workbooks are kept."""


class ReportError(VigiliaError):
    """The report could not be written; the text says why."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was written."""

    found: Unavailability
    file: str
    """The workbook's name, relative to the data directory."""


async def make_report(store: Store, week: Week, zone: tzinfo, data_dir: Path, now: float) -> Report:
    """Write the workbook of `week` and return what it says. Raises StoreError or ReportError.

    A workbook of the same week is replaced in one step. `now` is in seconds UTC.
    """
    made = await _maker(store, week, zone, now)
    file = f"{FOLDER}/{file_name(week)}"

    def write() -> Unavailability:
        found, content = made()
        _replace(data_dir / file, content)
        return found

    return Report(await asyncio.to_thread(write), file)


async def compose_report(store: Store, week: Week, zone: tzinfo, now: float) -> bytes:
    """Return the workbook of `week` as it would be written at `now`, seconds UTC. Raises StoreError."""
    made = await _maker(store, week, zone, now)
    return (await asyncio.to_thread(made))[1]


def file_name(week: Week) -> str:
    """Return what the workbook of a week is called."""
    return f"vigilia-{week.first.isoformat()}.xlsx"


async def first_week(store: Store, zone: tzinfo) -> Week | None:
    """Return the week of the oldest incident that reports tell of; None where there is none. Raises StoreError."""
    began = await incidents.first_outage(store)
    return None if began is None else week_of(datetime.fromtimestamp(began, UTC).astimezone(zone).date(), zone)


async def _maker(store: Store, week: Week, zone: tzinfo, now: float) -> Callable[[], tuple[Unavailability, bytes]]:
    """Read what the report of a week is made of; return what makes it, in a thread: that takes seconds."""
    windows = await incidents.windows(store)
    of_week = [i for i in await incidents.overlapping(store, week.start, week.end) if i.outage]

    def make() -> tuple[Unavailability, bytes]:
        found = unavailability(of_week, week, windows, now)
        return found, compose(found, zone, now)

    return make


def totals(found: Unavailability) -> tuple[tuple[str, str], ...]:
    """Return what a card says of a week: title and text of each figure."""
    total = found.total
    brief = sum(occurrence.incident.brief for occurrence in found.occurrences)
    unknown = sum(not occurrence.incident.start_known for occurrence in found.occurrences)
    said = [
        (tr("Week"), f"{said_day(found.week.first)} – {said_day(found.week.last)}"),
        (tr("Plants with incidents"), str(len(found.plants))),
        (tr("Incidents"), str(total.incidents)),
        (tr("Of them brief"), str(brief)),
        (tr("Still open"), str(total.still_open)),
        (tr("Unavailable in the week"), said_duration(total.seconds)),
    ]
    if total.window_seconds is not None:
        said.append((tr("Unavailable in the solar window"), said_duration(total.window_seconds)))
    if unknown:
        said.append((tr("Of the incidents, without a known start"), str(unknown)))
    return tuple(said)


def notice_of(report: Report, now: float) -> Notice:
    """Return the notice that tells of a report at `now` (seconds UTC)."""
    return Notice(
        kind=NoticeKind.REPORT,
        title=tr("Weekly report"),
        area="",
        line=tr("File: {file}").format(file=report.file),
        at=now,
        facts=totals(report.found),
        attachment=report.file,
    )


def _replace(path: Path, content: bytes) -> None:
    """Put a file at `path`, all of it or none, whenever the power goes. Raises ReportError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".xlsx", delete=False) as file:
            written = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                written.chmod(0o644)  # a temporary file is its owner's alone
                written.replace(path)
            except OSError:
                written.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ReportError(f"{path} cannot be written ({error.strerror}): make room, or check its rights") from error
