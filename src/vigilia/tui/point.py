"""Everything about one point."""

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from vigilia.language import tr
from vigilia.tui.actions import write
from vigilia.tui.charts import ChartScreen
from vigilia.tui.detail import Detail
from vigilia.tui.model import Point
from vigilia.tui.page import Keys, harmless, lines
from vigilia.tui.texts import STYLES, age, mark, number, state_word, value_text


class PointScreen(Detail):
    """One point."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "write", show=False),
        Binding("c", "chart", show=False),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    @property
    def keys(self) -> Keys:
        """The keys of this screen."""
        return (("c", tr("chart")), ("w", tr("write")), ("Esc", tr("back")))

    def draw(self) -> None:
        """Show the picture as it is now."""
        self.top.vigil.follow([self._name])
        point = self.top.vigil.picture.points.get(self._name)
        text = Text(tr("there is no such point any more")) if point is None else self._about(point)
        self.tell(Text(harmless(self._name), "bold"), text)

    def action_chart(self) -> None:
        """Show what it said."""
        self.top.push_screen(ChartScreen(self._name))

    def action_write(self) -> None:
        """Write to it."""
        point = self.top.vigil.picture.points.get(self._name)
        if point is not None:
            write(self.top, point)

    def _about(self, point: Point) -> Text:
        watch = self.top.vigil
        said = "-"
        if point.time is not None:
            said = f"{self.moment(point.time)}  ({age(watch.now - point.time)})"
        alarms = [alarm for alarm in watch.picture.alarms if alarm.point == point.name]
        limits = f"{number(point.limits[0])} … {number(point.limits[1])} {point.units}" if point.limits else "-"
        value = harmless(value_text(point.value, point.labels, point.units))
        text = Text(f"\n  {value}\n", "bold")
        text.append(f"  {mark(point.severity).strip()}", STYLES[point.severity])
        text.append(f"  {point.status.name}\n\n" if point.status else "\n\n", STYLES[point.severity])
        text.append_text(
            lines(
                [
                    (tr("Read at"), said),
                    (tr("Description"), point.description or "-"),
                    (tr("Device"), ", ".join(part for part in (point.device, point.area, point.system) if part)),
                    (tr("Link"), point.link or "-"),
                    (tr("Kind"), point.kind),
                    (tr("Labels"), ", ".join(point.labels) or "-"),
                    (tr("Limits"), limits),
                    (tr("Access"), tr("read and write") if point.writable else tr("read")),
                    (tr("Alarms"), "\n".join(f"{a.name}: {state_word(a.state)}" for a in alarms) or "-"),
                ]
            )
        )
        return text
