"""Everything about one incident."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from vigilia.language import tr
from vigilia.store import StoreError
from vigilia.store.database import Row
from vigilia.store.incidents import Incident
from vigilia.tui.charts import ChartScreen
from vigilia.tui.detail import Detail
from vigilia.tui.page import Keys, harmless, lines
from vigilia.tui.texts import STYLES, age, mark
from vigilia.tui.told import told_lines


class IncidentScreen(Detail):
    """One alarm from start to end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "chart", show=False),
    ]

    def __init__(self, incident: Incident) -> None:
        super().__init__()
        self._incident = incident
        self._told: Sequence[Row] | str = tr("reading …")

    def on_mount(self) -> None:
        """Ask the store who was told."""
        super().on_mount()
        self.run_worker(self._load)

    @property
    def keys(self) -> Keys:
        """The keys of this screen."""
        return (("c", tr("chart")), ("Esc", tr("back")))

    def action_chart(self) -> None:
        """Show what the point said around it."""
        one = self._incident
        self.top.push_screen(ChartScreen(one.point, around=(one.began_at, one.ended_at)))

    def draw(self) -> None:
        """Show what is known."""
        one, top = self._incident, self.top
        title = " - ".join(part for part in (one.family or one.rule, one.area, one.equipment) if part)
        head = Text().append(f"{mark(one.severity).strip()}  ", STYLES[one.severity])
        end = top.vigil.now if one.ended_at is None else one.ended_at
        began = self.moment(one.began_at) + ("" if one.start_known else " " + tr("(a guess: it was taken over)"))
        text = lines(
            [
                (tr("Began"), began),
                (tr("Ended"), tr("it lasts") if one.ended_at is None else self.moment(one.ended_at)),
                (tr("Lasted"), age(end - one.began_at)),
                (tr("Last seen"), self.moment(one.last_seen_at)),
                (tr("Learnt of"), self.moment(one.found_at)),
                (tr("Rule"), one.rule),
                (tr("Point"), one.point),
                (tr("System"), one.system),
                (tr("Detail"), one.detail or "-"),
                (tr("Suppressed by"), one.suppressed_by or "-"),
                (tr("Brief"), tr("yes: over when it was found, so that nobody was told") if one.brief else tr("no")),
                (tr("Outage"), tr("yes: the equipment counted as unavailable") if one.outage else tr("no")),
            ]
        )
        text.append("\n" + tr("Who was told") + "\n", "bold underline")
        text.append_text(told_lines(self._told, self.moment) or Text(tr("nobody") + "\n"))
        self.tell(head + Text(harmless(title), "bold"), text)

    async def _load(self) -> None:
        try:
            self._told = await self.top.vigil.store.notices_of(self._incident.id)
        except StoreError as error:
            self._told = str(error)
        self.draw()
