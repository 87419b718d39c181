"""The help screen: every key, and what the signs mean."""

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from vigilia.language import tr
from vigilia.tui.detail import Detail
from vigilia.tui.page import Keys, lines


class HelpScreen(Detail):
    """What every key does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,f1", "app.pop_screen", show=False)]

    @property
    def keys(self) -> Keys:
        """The way back."""
        return (("Esc", tr("back")),)

    def draw(self) -> None:
        """Show the text."""
        self.tell(Text(tr("Keys and signs"), "bold"), _text())


def _text() -> Text:
    text = lines(
        [
            ("1 2 3 4", tr("systems, alarms, points, incidents; Tab: the next")),
            ("↑ ↓ PgUp PgDn", tr("move; j k too; g or Home: first, G or End: last")),
            ("Enter", tr("everything about the line; Esc goes back")),
            ("/", tr("search: every word must be in the line; Enter keeps it, Esc ends it")),
            ("a", tr("alarms: acknowledge, with a comment")),
            ("s u", tr("alarms: shelve for a time; end the shelving")),
            ("Space", tr("alarms: show or hide what the alarm suppresses")),
            ("w", tr("points: write; what can be written has a w beside it")),
            ("c", tr("chart; + - another span, ← → another time, n now")),
            ("r", tr("ask everything again now")),
            ("q Ctrl-C", tr("end")),
        ]
    )
    text.append("\n" + tr("Signs") + "\n", "bold underline")
    text.append_text(
        lines(
            [
                ("!! MAJOR", tr("somebody must act")),
                (" ! MINOR", tr("somebody should know")),
                (" ? INVALID", tr("nothing is known: no contact, or a bad answer")),
                (tr("NEW"), tr("nobody has acknowledged it")),
                (tr("returned"), tr("it is over, and nobody has acknowledged that it was")),
                ("└", tr("suppressed by the alarm above it; (+5): five are folded away")),
            ]
        )
    )
    text.append("\n" + tr("Where this comes from") + "\n", "bold underline")
    text.append(
        tr(
            "Alarms, incidents and notices are read from the store, charts from the history: they are there while the "
            "service is down. Values are the service's own while it answers, and else the newest of the history; the "
            "first line says which, and how old. What you do goes through the service, and stands in its audit."
        )
    )
    return text
