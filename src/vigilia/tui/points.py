"""The page of points: search, values as they change, write, chart."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from vigilia.language import tr
from vigilia.tui.actions import write
from vigilia.tui.charts import ChartScreen
from vigilia.tui.model import Point
from vigilia.tui.page import Keys, ListPage
from vigilia.tui.point import PointScreen
from vigilia.tui.rows import Cell, Column, Rows
from vigilia.tui.texts import STYLES, mark, short_age, value_text


class PointsPage(ListPage[Point]):
    """Every point with its newest reading."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "write", show=False),
        Binding("c", "chart", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows[Point](
            (
                Column(lambda: tr("Point"), 0, middle=True),
                Column(lambda: "", 1),
                Column(lambda: tr("Value"), 20),
                Column(lambda: tr("Severity"), 10),
                Column(lambda: tr("Status"), 8),
                Column(lambda: tr("age"), 6, right=True),
                Column(lambda: tr("Description"), 0, from_width=120),
            ),
            self._cells,
            lambda point: point.name,
        )

    @property
    def keys(self) -> Keys:
        """The keys of this page."""
        return (
            ("Enter", tr("all of it")),
            ("c", tr("chart")),
            ("w", tr("write")),
            ("/", tr("search")),
            ("g G", tr("first, last")),
        )

    def draw(self) -> None:
        """Show the picture as it is now."""
        search = self.search
        points = self.picture.points.values()
        self.rows.empty = self._why_empty()
        if search.value:
            points = [p for p in points if search.matches(p.name, p.description, p.area, p.system, p.severity.name)]
        self.rows.show(list(points))
        self.follow()

    def follow(self) -> None:
        """Have the values of the points that are seen come as they change."""
        self.top.vigil.follow([point.name for point in self.rows.seen])

    def on_rows_moved(self) -> None:
        """Follow other points."""
        self.follow()

    def on_rows_chosen(self) -> None:
        """Tell everything about a point."""
        if (point := self.rows.current) is not None:
            self.top.push_screen(PointScreen(point.name))

    def action_chart(self) -> None:
        """Show what the point said."""
        if (point := self.rows.current) is not None:
            self.top.push_screen(ChartScreen(point.name))

    def action_write(self) -> None:
        """Write to the point."""
        if (point := self.rows.current) is not None:
            write(self.top, point)

    def _why_empty(self) -> str:
        if not self.picture.loaded or (self.picture.running and not self.picture.points_known):
            return tr("reading …")
        if self.picture.points:
            return tr("nothing matches")
        return tr("no points are known: add a driver to the configuration, and start the service once")

    def _cells(self, point: Point) -> Sequence[Cell]:
        style = STYLES[point.severity]
        old = "-" if point.time is None else short_age(self.top.vigil.now - point.time)
        return (
            (point.name, ""),
            ("w" if point.writable else "", "bold"),
            (value_text(point.value, point.labels, point.units), style),
            (mark(point.severity), style),
            ("" if point.status.name == "NO_ALARM" else point.status.name, style),
            (old, ""),
            (point.description, "dim"),
        )
