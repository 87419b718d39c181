"""A week's unavailability as an XLSX workbook: a summary and the occurrences.

Everything that comes from equipment or people is written as a text and marked as one, so that no name is ever taken
for a formula, a link or a number, not even when somebody edits the cell.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from vigilia.language import tr
from vigilia.reports.unavailability import Figures, Occurrence, Unavailability, equipment_of
from vigilia.reports.words import local, plain, said_day, said_moment
from vigilia.store.incidents import Incident

_DAY_S = 86_400
_MOST_ROWS = 100_000
"""More occurrences than that are not written; a line says how many. (A sheet takes 1,048,576 rows.)"""
_HEADING_ROW = 5


@dataclass(frozen=True, slots=True)
class Duration:
    """A cell that shows hours, minutes and seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Share:
    """A cell that shows a part of a whole, in per cent."""

    part: float


Cell = str | int | datetime | Duration | Share | None


def compose(found: Unavailability, zone: tzinfo, now: float) -> bytes:
    """Return the workbook of a week; `now` is when it was made.

    Times of day of an occurrence are those of its plant, others those of `zone`.
    """
    import xlsxwriter  # 20 MB in memory, for a moment of each week

    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book: Any = xlsxwriter.Workbook(content, options)
    # The same file for the same content: the moment in its properties is that of the report.
    book.set_properties({"title": tr("Weekly report"), "created": local(now, zone)})
    formats = _Formats(book)
    summary = _Sheet(book, tr("Summary"), formats, (34, 34, 26, 12, 12, 18, 14, 18, 14))
    _write_head(summary, found, zone, now)
    _write_summary(summary, found)
    occurrences = _Sheet(book, tr("Occurrences"), formats, (34, 34, 22, 22, 14, 20, 20, 22, 16, 16, 16, 40, 12, 34))
    _write_occurrences(occurrences, found, zone)
    book.close()
    return content.getvalue()


class _Formats:
    """The looks of cells."""

    def __init__(self, book: Any) -> None:
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.heading = book.add_format({"bold": True, "bg_color": "#D9E2EC", "bottom": 1, "text_wrap": True})
        self.cells: dict[tuple[type, bool], Any] = {}
        for bold in (False, True):
            for kind, look in (
                (str, {"quote_prefix": True}),
                (int, {"num_format": "0"}),
                (datetime, {"num_format": "yyyy-mm-dd hh:mm:ss"}),
                (Duration, {"num_format": "[h]:mm:ss"}),
                (Share, {"num_format": "0.00%"}),
            ):
                self.cells[kind, bold] = book.add_format({**look, "bold": bold})


class _Sheet:
    """A sheet that is written row by row."""

    def __init__(self, book: Any, name: str, formats: _Formats, widths: Sequence[int]) -> None:
        self._sheet = book.add_worksheet(name)
        self._formats = formats
        self._columns = len(widths)
        self.row = 0
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width)
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)

    def title(self, text: str) -> None:
        """Write a title."""
        self._sheet.write_string(self.row, 0, plain(text), self._formats.title)
        self.row += 1

    def headings(self, texts: Sequence[str]) -> None:
        """Write the headings of the columns, and keep them in sight."""
        for column, text in enumerate(texts):
            self._sheet.write_string(self.row, column, text, self._formats.heading)
        self.row += 1
        self._sheet.freeze_panes(self.row, 0)
        self._sheet.repeat_rows(self.row - 1)

    def filter(self, heading_row: int) -> None:
        """Let people filter the rows between the headings and here."""
        if self.row > heading_row + 1:
            self._sheet.autofilter(heading_row, 0, self.row - 1, self._columns - 1)

    def add(self, *cells: Cell, bold: bool = False) -> None:
        """Write a row."""
        for column, cell in enumerate(cells):
            if cell is not None:
                self._put(column, cell, self._formats.cells[type(cell), bold])
        self.row += 1

    def _put(self, column: int, cell: Cell, look: Any) -> None:
        match cell:
            case str():
                self._sheet.write_string(self.row, column, plain(cell), look)
            case Duration(seconds):
                self._sheet.write_number(self.row, column, round(seconds) / _DAY_S, look)
            case Share(part):
                self._sheet.write_number(self.row, column, part, look)
            case datetime():
                self._sheet.write_datetime(self.row, column, cell, look)
            case _:
                self._sheet.write_number(self.row, column, cell, look)


def _write_head(sheet: _Sheet, found: Unavailability, zone: tzinfo, now: float) -> None:
    sheet.title(tr("Weekly report"))
    week = f"{said_day(found.week.first)} – {said_day(found.week.last)} ({zone})"
    if found.until < found.week.end:
        week += " " + tr("as far as {moment}").format(moment=said_moment(found.until, zone))
    sheet.add(tr("Week"), week)
    sheet.add(tr("Made"), said_moment(now, zone))
    sheet.add(tr("A moment counts once for a plant, however many of its incidents hold it."))
    if any(not occurrence.incident.start_known for occurrence in found.occurrences):
        sheet.add(tr("Incidents taken over from the monitor before have no known start: it is a guess."))
    sheet.row = _HEADING_ROW


def _write_summary(sheet: _Sheet, found: Unavailability) -> None:
    sheet.headings(
        (
            tr("Plant"),
            tr("Equipment"),
            tr("Kind"),
            tr("Incidents"),
            tr("Still open"),
            tr("Unavailable in the week"),
            tr("Of the week (%)"),
            tr("Unavailable in the solar window"),
            tr("Of the solar window (%)"),
        )
    )
    passed = found.until - found.week.start
    for plant in found.plants:
        sheet.add(plant.name, tr("(whole plant)"), None, *_figures(plant.figures, passed), bold=True)
        for equipment in plant.equipment:
            kinds = ", ".join(tr(title) for title in equipment.families)
            sheet.add(plant.name, equipment.name, kinds, *_figures(equipment.figures, passed))
    sheet.filter(_HEADING_ROW)
    sheet.row += 1
    sheet.add(tr("All plants"), None, None, *_figures(found.total, passed * len(found.plants)), bold=True)


def _figures(figures: Figures, passed: float) -> tuple[Cell, ...]:
    window = figures.window_seconds
    return (
        figures.incidents,
        figures.still_open,
        Duration(figures.seconds),
        _share(figures.seconds, passed),
        None if window is None else Duration(window),
        None if window is None else _share(window, figures.window_of),
    )


def _share(part: float, whole: float | None) -> Share | None:
    return Share(min(1.0, part / whole)) if whole else None


def _write_occurrences(sheet: _Sheet, found: Unavailability, zone: tzinfo) -> None:
    sheet.headings(
        (
            tr("Plant"),
            tr("Equipment"),
            tr("Kind"),
            tr("Class"),
            tr("Severity"),
            tr("Began"),
            tr("Ended"),
            tr("Time zone"),
            tr("Duration"),
            tr("Of it in the week"),
            tr("Of it in the solar window"),
            tr("Detail"),
            tr("Told"),
            tr("Suppressed by"),
        )
    )
    for occurrence in found.occurrences[:_MOST_ROWS]:
        sheet.add(*_occurrence(occurrence, found.until, zone))
    sheet.filter(0)
    left_out = len(found.occurrences) - _MOST_ROWS
    if left_out > 0:
        sheet.add(tr("{number} more are not written here.").format(number=left_out))


def _occurrence(occurrence: Occurrence, until: float, zone: tzinfo) -> tuple[Cell, ...]:
    incident = occurrence.incident
    local_zone = ZoneInfo(occurrence.zone) if occurrence.zone else zone
    ended = until if incident.ended_at is None else incident.ended_at
    return (
        occurrence.plant,
        equipment_of(incident),
        _translated(incident.family),
        _translated(incident.label),
        incident.severity.name,
        _began(incident, local_zone),
        tr("still open") if incident.ended_at is None else local(incident.ended_at, local_zone),
        str(local_zone),
        Duration(max(0.0, ended - incident.began_at)) if incident.start_known else None,
        Duration(occurrence.seconds),
        None if occurrence.window_seconds is None else Duration(occurrence.window_seconds),
        incident.detail,
        tr("brief") if incident.brief else tr("yes") if incident.told else tr("no"),
        incident.suppressed_by,
    )


def _began(incident: Incident, zone: tzinfo) -> Cell:
    if incident.start_known:
        return local(incident.began_at, zone)
    return tr("not known; taken as {moment}").format(moment=said_moment(incident.began_at, zone))


def _translated(title: str) -> str:
    return tr(title) if title else ""  # the catalogue's head is what an empty text is in it
