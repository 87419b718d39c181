"""Where everything of a screen goes: a title, sections of rows under their headings, charts below them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vigilia.interfaces.epics.screens.bob import (
    BAND,
    BAR,
    CENTRE,
    PALE,
    RIGHT,
    SMALL,
    STRONG,
    TITLE,
    WHITE,
    Box,
    Display,
    Trace,
    fitted,
)
from vigilia.interfaces.epics.screens.templates import NAME, NAME_BOX, ROW_HEIGHT, ROW_WIDTH, Look, Template
from vigilia.language import tr

INDEX = "index.bob"
MARGIN = 12
WIDTH = ROW_WIDTH + 2 * MARGIN
_BAR, _SECTION, _HEADING, _GAP, _CHART = 64, 38, 24, 16, 300
_TILES, _TILE_HEIGHT = 4, 56
_CHARTS = 2
"""Charts beside each other."""
_BACK_WIDTH, _OPEN_WIDTH = 160, 160


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its template, and what its macros stand for."""

    template: Template
    macros: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together."""

    title: str
    rows: Sequence[Row]
    opens: str = ""
    """The file of the display that has more of it; empty: there is none."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Values over time, from `since` to now; the axis of each trace is an index of `axes`."""

    title: str
    since: str
    axes: Sequence[str]
    traces: Sequence[Trace]


@dataclass(frozen=True, slots=True)
class Screen:
    """A display with sections."""

    file: str
    title: str
    sections: Sequence[Section]
    charts: Sequence[Chart] = ()
    charts_first: bool = False
    """Whether the charts stand right below the first section, for there are many more; else below all of them."""

    def display(self) -> Display:
        """Return the screen, drawn."""
        height = _BAR + _GAP + sum(_height(section) for section in self.sections) + _charts_height(self.charts)
        display = Display(self.title, WIDTH, height)
        _bar(display, self.title)
        back = Box(WIDTH - MARGIN - _BACK_WIDTH, 14, _BACK_WIDTH, 36)
        display.open_button(INDEX, tr("Overview"), back)
        y = _BAR + _GAP
        before = 1 if self.charts_first else len(self.sections)
        for section in self.sections[:before]:
            y = _draw_section(display, section, y)
        y = _draw_charts(display, self.charts, y)
        for section in self.sections[before:]:
            y = _draw_section(display, section, y)
        return display


@dataclass(frozen=True, slots=True)
class Tile:
    """A button of the index."""

    title: str
    file: str
    pv: str = ""
    """Its alarm border; empty: it has none."""


@dataclass(frozen=True, slots=True)
class Index:
    """The display that leads to all others."""

    title: str
    groups: Sequence[tuple[str, Sequence[Tile]]]

    def display(self) -> Display:
        """Return it, drawn."""
        groups = [(title, tiles) for title, tiles in self.groups if tiles]
        height = _BAR + _GAP + sum(_SECTION + _GAP + _tile_rows(tiles) * (_TILE_HEIGHT + 8) for _, tiles in groups)
        display = Display(self.title, WIDTH, max(height, _BAR + 120))
        _bar(display, self.title)
        y = _BAR + _GAP
        if not groups:
            sentence = tr("There is no equipment yet: add some to the configuration, and write the displays again")
            display.label(sentence, Box(MARGIN, y, ROW_WIDTH, 32), STRONG)
        width = (ROW_WIDTH - (_TILES - 1) * 12) // _TILES
        for title, tiles in groups:
            _band(display, title, y)
            y += _SECTION + 8
            for number, tile in enumerate(tiles):
                place = Box(
                    MARGIN + (number % _TILES) * (width + 12),
                    y + (number // _TILES) * (_TILE_HEIGHT + 8),
                    width,
                    _TILE_HEIGHT,
                )
                display.open_button(tile.file, fitted(tile.title, width - 24, STRONG), place, tile.pv)
            y += _tile_rows(tiles) * (_TILE_HEIGHT + 8) + _GAP - 8
        return display


def _tile_rows(tiles: Sequence[Tile]) -> int:
    return -(-len(tiles) // _TILES)


def _bar(display: Display, title: str) -> None:
    display.area(Box(0, 0, WIDTH, _BAR), BAR)
    width = WIDTH - 3 * MARGIN - _BACK_WIDTH
    display.label(fitted(title, width, TITLE), Box(MARGIN + 4, 10, width, 44), TITLE, WHITE)


def _band(display: Display, title: str, y: int) -> None:
    display.area(Box(MARGIN, y, ROW_WIDTH, _SECTION - 4), BAND)
    width = ROW_WIDTH - _OPEN_WIDTH - 24
    display.label(fitted(title, width, STRONG), Box(MARGIN + 12, y, width, _SECTION - 4), STRONG)


def _runs(rows: Sequence[Row]) -> Iterator[tuple[Template, list[Row]]]:
    """Give rows of one template that follow each other, together."""
    run: list[Row] = []
    for row in rows:
        if run and run[0].template is not row.template:
            yield run[0].template, run
            run = []
        run.append(row)
    if run:
        yield run[0].template, run


def _height(section: Section) -> int:
    rows = sum(_HEADING + ROW_HEIGHT * len(run) for _, run in _runs(section.rows))
    return _SECTION + rows + _GAP


def _charts_height(charts: Sequence[Chart]) -> int:
    return -(-len(charts) // _CHARTS) * (_CHART + _GAP)


def _draw_charts(display: Display, charts: Sequence[Chart], y: int) -> int:
    """Draw charts from `y` on, side by side; return where the next thing goes."""
    columns = min(len(charts), _CHARTS)
    for number, chart in enumerate(charts):
        width = (ROW_WIDTH - (columns - 1) * MARGIN) // columns
        place = (MARGIN + number % _CHARTS * (width + MARGIN), y + number // _CHARTS * (_CHART + _GAP))
        title = fitted(chart.title, width)
        display.chart(title, Box(*place, width, _CHART), chart.axes, chart.traces, chart.since)
    return y + _charts_height(charts)


def _draw_section(display: Display, section: Section, y: int) -> int:
    """Draw a section from `y` on; return where the next one goes."""
    end = y + _height(section)
    _band(display, section.title, y)
    if section.opens:
        place = Box(MARGIN + ROW_WIDTH - _OPEN_WIDTH - 4, y + 3, _OPEN_WIDTH, _SECTION - 10)
        display.open_button(section.opens, tr("Open"), place, font=SMALL)
    y += _SECTION
    for template, rows in _runs(section.rows):
        _draw_headings(display, template, y)
        y += _HEADING
        for row in rows:
            macros = {**row.macros, NAME: fitted(row.macros[NAME], NAME_BOX.width, STRONG)}
            display.embedded(template.file, Box(MARGIN, y, ROW_WIDTH, ROW_HEIGHT), macros)
            y += ROW_HEIGHT
    return end


_ALIGNED = {Look.NUMBER: RIGHT, Look.ENTRY: RIGHT, Look.CHOICE: CENTRE}


def _draw_headings(display: Display, template: Template, y: int) -> None:
    box = Box(MARGIN + NAME_BOX.x, y, NAME_BOX.width, _HEADING)
    display.label(tr(template.heading), box, SMALL, PALE)
    for cell in template.columns:
        if cell.title:
            title = fitted(tr(cell.title), cell.width, SMALL)
            place = Box(MARGIN + cell.x, y, cell.width, _HEADING)
            display.label(title, place, SMALL, PALE, _ALIGNED.get(cell.look, 0))
