"""The first page: every system at a glance, the links, and how the watch itself fares."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.widget import Widget

from vigilia.language import tr
from vigilia.points import Severity
from vigilia.tui.model import Link, System
from vigilia.tui.page import Keys, Line, Page, harmless
from vigilia.tui.rows import Cell, Column, Rows
from vigilia.tui.texts import STYLES, age, contact_word, mark, number

_MOST_SYSTEMS = 8


class SystemsPage(Page):
    """Systems above, links below, and a line about notices."""

    DEFAULT_CSS = "SystemsPage #watch { margin: 1 0; }"

    def __init__(self) -> None:
        super().__init__()
        self.systems = Rows[System](
            (
                Column(lambda: tr("System"), 0),
                Column(lambda: tr("Worst"), 10),
                Column(lambda: tr("new"), 6, right=True),
                Column(lambda: tr("standing"), 8, right=True),
                Column(lambda: tr("quiet"), 6, right=True),
                Column(lambda: tr("links"), 9, right=True),
                Column(lambda: tr("points"), 7, right=True),
            ),
            self._system,
            lambda system: system.name,
        )
        """Above: each system at a glance."""
        self.links = Rows[Link](
            (
                Column(lambda: tr("Link"), 20, middle=True),
                Column(lambda: tr("Contact"), 13),
                Column(lambda: tr("since"), 10),
                Column(lambda: tr("ms"), 6, right=True),
                Column(lambda: tr("last error"), 0),
            ),
            self._link,
            lambda link: link.name,
        )
        """Below: the links, those without contact first."""
        self._notices = Line(id="watch")

    def parts(self) -> ComposeResult:
        """Make the two lists."""
        yield self.systems
        yield self._notices
        yield self.links

    @property
    def main(self) -> Widget:
        """The list of systems."""
        return self.systems

    def on_rows_edge(self, event: Rows.Edge) -> None:
        """Go from one list to the other."""
        if event.by > 0 and event.rows is self.systems and self.links.current is not None:
            self.links.action_end(0)
            self.links.focus()
        elif event.by < 0 and event.rows is self.links:
            self.systems.focus()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Turn to a system's alarms, or to what the watch knows of a link."""
        if event.rows is self.systems:
            self.action_alarms()
        elif (link := self.links.current) is not None:
            self.top.show_points_of(link.name)

    def action_alarms(self) -> None:
        """Turn to the alarms of the system."""
        if (system := self.systems.current) is not None:
            self.top.show_alarms_of(system.name)

    @property
    def keys(self) -> Keys:
        """The keys of this page."""
        return (("Enter", tr("alarms, points")), ("↑ ↓", tr("move")), ("/", tr("search")), ("r", tr("refresh")))

    def draw(self) -> None:
        """Show the picture as it is now."""
        shown = list(self.picture.systems)[:_MOST_SYSTEMS]
        self.systems.styles.height = max(2, len(shown)) + 1
        self.systems.empty = self._why_empty()
        self.systems.show(shown)
        self._notices.say(self._watch_line())
        self.links.empty = tr("no links are known") if self.picture.loaded else tr("reading …")
        found = [link for link in self.picture.links if self.search.matches(link.name, link.error, link.system)]
        self.links.show(sorted(found, key=lambda link: (link.contact == "connected", link.name)))

    def _why_empty(self) -> str:
        if not self.picture.loaded:
            return tr("reading …")
        return tr("no points are known: add a driver to the configuration, and start the service once")

    def _watch_line(self) -> Text:
        waiting = self.picture.waiting
        if waiting is None:
            return Text(tr("Notices: not known"))
        count, oldest = waiting
        if not count or oldest is None:
            return Text(tr("Notices: none waits"))
        said = tr("Notices: !! {count} wait to be delivered, the oldest for {age}")
        return Text(said.format(count=count, age=age(self.top.vigil.now - oldest)), "bold red")

    def _link(self, link: Link) -> Sequence[Cell]:
        connected = link.contact == "connected"
        style = "" if connected else "dim" if link.contact.startswith("was") else STYLES[Severity.MAJOR]
        return (
            (link.name, ""),
            (contact_word(link.contact), style),
            (self.moment(link.since), ""),
            (number(link.round_trip_ms) if link.round_trip_ms is not None else "-", ""),
            ("" if "connected" in link.contact.split() else harmless(link.error), style),
        )

    def _system(self, system: System) -> Sequence[Cell]:
        known = self.picture.alarms_known
        cells = list(_cells_of(system))
        if not known:  # not known is not normal
            cells[1:5] = [(" ? " + tr("unknown"), STYLES[Severity.INVALID]), ("?", ""), ("?", ""), ("?", "")]
        return cells


def _cells_of(system: System) -> Sequence[Cell]:
    lost = system.connected is not None and system.connected < system.links
    connected = "?" if system.connected is None else str(system.connected)
    return (
        (system.name, "bold"),
        (mark(system.worst), STYLES[system.worst]),
        (str(system.new), "bold" if system.new else ""),
        (str(system.standing), ""),
        (str(system.quiet), ""),
        (f"{'!! ' if lost else ''}{connected}/{system.links}", STYLES[Severity.MAJOR] if lost else ""),
        (str(system.points), ""),
    )
