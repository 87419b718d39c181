"""Everything about one alarm: what, since when, why, who was told, and what was done about it."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from vigilia.clock import moment as parsed
from vigilia.language import tr
from vigilia.store import StoreError
from vigilia.store.database import Row
from vigilia.tui.actions import acknowledge, shelve, unshelve
from vigilia.tui.charts import ChartScreen
from vigilia.tui.detail import Detail
from vigilia.tui.model import Alarm
from vigilia.tui.page import Keys, harmless, lines
from vigilia.tui.texts import STYLES, age, mark, state_word, value_text
from vigilia.tui.told import told_lines

_MOST_BELOW = 200
_ASK_S = 10.0


class AlarmScreen(Detail):
    """One alarm."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "acknowledge", show=False),
        Binding("s", "shelve", show=False),
        Binding("u", "unshelve", show=False),
        Binding("c", "chart", show=False),
        Binding("r", "load", show=False),
    ]

    def __init__(self, alarm: str) -> None:
        super().__init__()
        self._id = alarm
        self._last: Alarm | None = None
        self._told: Sequence[Row] | str = tr("reading …")
        self._acts: Sequence[Row] | str = tr("reading …")

    def on_mount(self) -> None:
        """Ask the store for what only it knows."""
        super().on_mount()
        self.action_load()
        self.set_interval(_ASK_S, self.action_load)

    @property
    def keys(self) -> Keys:
        """The keys of this screen."""
        return (
            ("a", tr("acknowledge")),
            ("s", tr("shelve")),
            ("u", tr("unshelve")),
            ("c", tr("chart")),
            ("Esc", tr("back")),
        )

    def action_load(self) -> None:
        """Ask the store again."""
        self.run_worker(self._load, exclusive=True)

    def action_acknowledge(self) -> None:
        """Acknowledge it."""
        if self._last is not None:
            acknowledge(self.top, self._last)

    def action_shelve(self) -> None:
        """Shelve it."""
        if self._last is not None:
            shelve(self.top, self._last)

    def action_unshelve(self) -> None:
        """End its shelving."""
        if self._last is not None:
            unshelve(self.top, self._last)

    def action_chart(self) -> None:
        """Show what its point said."""
        if self._last is not None:
            self.top.push_screen(ChartScreen(self._last.point))

    def draw(self) -> None:
        """Show the picture as it is now."""
        alarm = self.top.vigil.picture.tree.alarms.get(self._id)
        gone = alarm is None
        alarm = alarm or self._last
        if alarm is None:
            self.tell(Text(harmless(self._id), "bold"), Text(tr("it is normal again")))
            return
        if self._last is not None and (alarm.state, alarm.since) != (self._last.state, self._last.since):
            self.action_load()  # somebody did something about it
        self._last = alarm
        head = Text().append(f"{mark(alarm.severity).strip()}  ", STYLES[alarm.severity])
        text = lines(self._facts(alarm, gone=gone))
        text.append("\n" + tr("Why") + "\n", "bold underline").append_text(self._why(alarm))
        text.append("\n" + tr("Who was told") + "\n", "bold underline").append_text(self._who(alarm))
        text.append("\n" + tr("What was done") + "\n", "bold underline").append_text(self._done())
        self.tell(head + Text(harmless(alarm.name), "bold"), text)

    async def _load(self) -> None:
        store, alarm = self.top.vigil.store, self._last
        if alarm is None:
            return
        try:
            self._told = await store.notices_of(alarm.incident) if alarm.incident else []
            self._acts = await store.acts_on(alarm.point, alarm.id.partition("@")[0])
        except StoreError as error:
            self._told = self._acts = str(error)
        self.draw()

    def _facts(self, alarm: Alarm, *, gone: bool) -> list[tuple[str, str]]:
        state = tr("normal again") if gone else state_word(alarm.state)
        if alarm.acknowledged_by:
            state += " " + tr("by {user}").format(user=alarm.acknowledged_by)
        if alarm.shelved_until is not None:
            state += " " + tr("until {time}").format(time=self.moment(alarm.shelved_until))
        since = f"{self.moment(alarm.since)}  ({age(self.top.vigil.now - alarm.since)})"
        began = "-" if alarm.began is None else f"{self.moment(alarm.began)}  ({age(self.top.vigil.now - alarm.began)})"
        point = self.top.vigil.picture.points.get(alarm.point)
        says = "-"
        if point is not None:
            says = value_text(point.value, point.labels, point.units)
            says += f"  ({mark(point.severity).strip()}, {self.moment(point.time)})"
        return [
            (tr("Began"), began),
            (tr("State"), state),
            (tr("Since"), since),
            (tr("Equipment"), alarm.device or "-"),
            (tr("Area, system"), ", ".join(part for part in (alarm.area, alarm.system) if part) or "-"),
            (tr("Point"), f"{alarm.point}\n{says}"),
            (tr("Detail"), alarm.detail or "-"),
        ]

    def _why(self, alarm: Alarm) -> Text:
        tree = self.top.vigil.picture.tree
        text = Text()
        chain = [*reversed(tree.causes(alarm)), alarm]
        if len(chain) == 1 and alarm.suppressed_by:
            text.append("  " + harmless(alarm.suppressed_by) + "\n")
        for depth, found in enumerate(chain):
            text.append("  " * depth + ("└ " if depth else ""))
            text.append(f"{mark(found.severity).strip()} ", STYLES[found.severity])
            style = "bold" if found.id == alarm.id else ""
            text.append(f"{harmless(found.name)}, {harmless(found.device or found.point)}\n", style)
        below = list(tree.descend(alarm.id))
        for found, depth in below[:_MOST_BELOW]:
            text.append("  " * (len(chain) + depth - 2) + f"└ {harmless(found.name)}, ")
            text.append(f"{harmless(found.device or found.point)} ({state_word(found.state)})\n", "dim")
        if len(below) > _MOST_BELOW:
            text.append(tr("… and {count} more").format(count=len(below) - _MOST_BELOW) + "\n")
        return text

    def _who(self, alarm: Alarm) -> Text:
        if (text := told_lines(self._told, self.moment)) is not None:
            return text
        if alarm.told_at is not None:
            return Text(tr("told at {time}").format(time=self.moment(alarm.told_at)) + "\n")
        return Text((tr("nobody: it is suppressed") if alarm.suppressed_by else tr("nobody")) + "\n")

    def _done(self) -> Text:
        if isinstance(self._acts, str):
            return Text(harmless(self._acts) + "\n")
        if not self._acts:
            return Text(tr("nothing yet") + "\n")
        text = Text()
        for act in self._acts:
            who = "@".join(part for part in (act["user"], act["host"]) if part) or act["via"]
            outcome = "" if act["outcome"] == "confirmed" else f" ({act['outcome']})"
            text.append(f"{self.moment(parsed(act['time']))} {harmless(who)}: {harmless(act['value'])}{outcome}\n")
        return text
