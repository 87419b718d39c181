"""The page of alarms: what, since when, why, who knows; and what one can do about it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from vigilia.language import tr
from vigilia.tui.actions import acknowledge, shelve, unshelve
from vigilia.tui.alarm import AlarmScreen
from vigilia.tui.charts import ChartScreen
from vigilia.tui.model import Alarm, Row
from vigilia.tui.page import Keys, ListPage
from vigilia.tui.rows import Cell, Column, Rows
from vigilia.tui.texts import STYLES, mark, short_age, state_word


class AlarmsPage(ListPage[Row]):
    """Alarms that are not normal, those that want a person first, what is suppressed below its cause."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "acknowledge", show=False),
        Binding("s", "shelve", show=False),
        Binding("u", "unshelve", show=False),
        Binding("c", "chart", show=False),
        Binding("space", "fold", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows[Row](
            (
                Column(lambda: tr("Severity"), 10),
                Column(lambda: tr("State"), 10),
                Column(lambda: tr("for"), 6, right=True),
                Column(lambda: tr("told"), 4),
                Column(lambda: tr("Alarm"), 0),
                Column(lambda: tr("Equipment"), 0, middle=True),
                Column(lambda: tr("Detail"), 0, from_width=120),
            ),
            self._cells,
            lambda row: row.alarm.id,
        )
        self._unfolded: set[str] = set()

    @property
    def keys(self) -> Keys:
        """The keys of this page."""
        return (
            ("Enter", tr("why, who")),
            ("a", tr("ack")),
            ("s", tr("shelve")),
            ("c", tr("chart")),
            ("Space", tr("fold")),
            ("/", tr("search")),
        )

    def draw(self) -> None:
        """Show the picture as it is now."""
        search, picture = self.search, self.picture
        found = [
            alarm
            for alarm in picture.alarms
            if search.matches(
                alarm.name, alarm.device, alarm.point, alarm.area, alarm.system, alarm.detail, alarm.state
            )
        ]
        self.rows.empty = self._why_empty()
        unfolded = picture.tree.alarms if search.value else self._unfolded
        self.rows.show(picture.tree.rows(found, unfolded))

    def on_rows_chosen(self) -> None:
        """Tell everything about an alarm."""
        if (alarm := self._current) is not None:
            self.top.push_screen(AlarmScreen(alarm.id))

    def action_acknowledge(self) -> None:
        """Acknowledge the alarm that the cursor stands on."""
        if (alarm := self._current) is not None:
            acknowledge(self.top, alarm)

    def action_shelve(self) -> None:
        """Shelve it."""
        if (alarm := self._current) is not None:
            shelve(self.top, alarm)

    def action_unshelve(self) -> None:
        """End its shelving."""
        if (alarm := self._current) is not None:
            unshelve(self.top, alarm)

    def action_chart(self) -> None:
        """Show what its point said."""
        if (alarm := self._current) is not None:
            self.top.push_screen(ChartScreen(alarm.point))

    def action_fold(self) -> None:
        """Show or hide what the alarm suppresses."""
        row = self.rows.current
        if row is None:
            return
        causes = self.picture.tree.causes(row.alarm)
        root = causes[-1].id if row.depth and causes else row.alarm.id
        self._unfolded ^= {root}
        self.draw()

    @property
    def _current(self) -> Alarm | None:
        row = self.rows.current
        return row.alarm if row is not None else None

    def _why_empty(self) -> str:
        if not self.picture.alarms_known:
            return (
                tr("not known: neither the service nor the store answers") if self.picture.loaded else tr("reading …")
            )
        return tr("nothing matches") if self.search.value and self.picture.alarms else tr("no alarm: all is normal")

    def _cells(self, row: Row) -> Sequence[Cell]:
        alarm = row.alarm
        style = STYLES[alarm.severity] if alarm.state in ("unacknowledged", "acknowledged") else "dim"
        indent = "  " * (row.depth - 1) + "└ " if row.depth else ""
        folded = f"(+{row.hidden}) " if row.hidden else ""
        return (
            (mark(alarm.severity), style),
            (state_word(alarm.state), "bold" if alarm.state in ("unacknowledged", "returned") else "dim"),
            (short_age(self.top.vigil.now - (alarm.since if alarm.began is None else alarm.began)), ""),
            (tr("yes") if alarm.told_at is not None else "-", ""),
            (f"{indent}{folded}{alarm.name}", ""),
            (place_of(alarm), ""),
            (alarm.detail, ""),
        )


def place_of(alarm: Alarm) -> str:
    """Return where an alarm is: area and equipment."""
    device = alarm.device or alarm.point
    return f"{alarm.area}: {device}" if alarm.area and alarm.area != device else device
