"""The page of incidents: alarms from start to end, the newest first, as far back as the store has them."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from vigilia.language import tr
from vigilia.store import StoreError
from vigilia.store.incidents import Incident, Position
from vigilia.tui.charts import ChartScreen
from vigilia.tui.incident import IncidentScreen
from vigilia.tui.page import Keys, ListPage
from vigilia.tui.rows import Cell, Column, Rows
from vigilia.tui.texts import STYLES, mark, short_age

_PAGE = 200
_MOST = 20_000
"""Whoever wants more wants the report of a week."""


class IncidentsPage(ListPage[Incident]):
    """Incidents, fetched page by page as somebody goes down the list."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "chart", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows[Incident](
            (
                Column(lambda: tr("Began"), 19),
                Column(lambda: tr("lasted"), 7, right=True),
                Column(lambda: tr("Severity"), 10),
                Column(lambda: tr("told"), 4),
                Column(lambda: tr("Incident"), 0),
                Column(lambda: tr("Equipment"), 0, middle=True),
                Column(lambda: tr("Detail"), 0, from_width=120),
            ),
            self._cells,
            lambda incident: incident.id,
        )
        self._found: list[Incident] = []
        self._complete = False
        self._loading = False
        self._trouble = ""
        self._known: object = None
        """What the picture said of alarms when the first page was read."""

    @property
    def keys(self) -> Keys:
        """The keys of this page."""
        return (("Enter", tr("all of it")), ("c", tr("chart")), ("/", tr("search")), ("G", tr("older")))

    def draw(self) -> None:
        """Show what was read, and read the newest where something has changed."""
        alarms = self.picture.alarms
        if self._known is None or [a.incident for a in alarms] != self._known:
            self._known = [alarm.incident for alarm in alarms]
            self._load(anew=True)
        search = self.search
        found = [
            one
            for one in self._found
            if search.matches(
                one.family, one.label, one.rule, one.equipment, one.area, one.point, one.detail, one.system
            )
        ]
        self.rows.empty = self._why_empty()
        self.rows.show(found)

    def on_rows_moved(self) -> None:
        """Read on where the end of what was read is in sight."""
        if self.rows.at_end and not self._complete and len(self._found) < _MOST:
            self._load(anew=False)

    def on_rows_chosen(self) -> None:
        """Tell everything about an incident."""
        if (incident := self.rows.current) is not None:
            self.top.push_screen(IncidentScreen(incident))

    def action_chart(self) -> None:
        """Show what the point said around the incident."""
        if (incident := self.rows.current) is not None:
            self.top.push_screen(ChartScreen(incident.point, around=(incident.began_at, incident.ended_at)))

    def _load(self, *, anew: bool) -> None:
        if not self._loading and (self._found or anew):
            self._loading = True
            self.run_worker(partial(self._read, anew=anew))

    async def _read(self, *, anew: bool) -> None:
        before = None if anew or not self._found else Position(self._found[-1].began_at, self._found[-1].id)
        try:
            page = await self.top.vigil.store.incidents(before, _PAGE)
        except StoreError as error:
            self._trouble, self._known = str(error), None
        else:
            self._trouble = ""
            kept = self._found if before is not None else []
            if anew and page:
                # Those read before stay, where they are older than this page: nobody loses their place.
                last = (page[-1].began_at, page[-1].id)
                kept = []
                older = [one for one in self._found if (one.began_at, one.id) < last]
                self._found = [*page, *older]
            else:
                self._found = [*kept, *page]
                self._complete = len(page) < _PAGE
            if anew and len(page) < _PAGE:
                self._complete = True
        finally:
            self._loading = False
        self.draw()

    def _why_empty(self) -> str:
        if self._trouble:
            return self._trouble
        if self._loading or self._known is None:
            return tr("reading …")
        return tr("nothing matches") if self._found else tr("no incident yet")

    def _cells(self, incident: Incident) -> Sequence[Cell]:
        ongoing = incident.ended_at is None
        end = self.top.vigil.now if incident.ended_at is None else incident.ended_at
        style = STYLES[incident.severity] if ongoing else "dim"
        guess = "" if incident.start_known else "?"
        return (
            (self.moment(incident.began_at), ""),
            (f"{guess}{short_age(end - incident.began_at)}{'…' if ongoing else ' '}", "bold" if ongoing else ""),
            (mark(incident.severity), style),
            (tr("yes") if incident.told else "-", ""),
            (title_of(incident), ""),
            (f"{incident.area}: {incident.equipment}" if incident.area else incident.equipment, ""),
            (incident.detail, ""),
        )


def title_of(incident: Incident) -> str:
    """Return what an incident is called."""
    family = incident.family
    title = tr(family) if family else incident.rule
    return f"{title}: {tr(incident.label)}" if incident.label else title
