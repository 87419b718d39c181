"""Who was told, in lines: a notice for each channel, with its card's number, or why it waits."""

from collections.abc import Callable, Sequence

from rich.text import Text

from vigilia.clock import moment
from vigilia.language import tr
from vigilia.store.database import Row
from vigilia.tui.page import harmless


def told_lines(told: Sequence[Row] | str, shown: Callable[[float | None], str]) -> Text | None:
    """Return the notices of an incident, or the sentence why they are not known; None where there are none."""
    if isinstance(told, str):
        return Text(harmless(told) + "\n")
    if not told:
        return None
    text = Text()
    for notice in told:
        text.append(f"{harmless(notice['channel'])}: {harmless(notice['title'])} ")
        if notice["delivered_at"]:
            card = "" if notice["card"] is None else tr("card {number}, ").format(number=notice["card"])
            text.append(f"({card}{shown(moment(notice['delivered_at']))})\n")
        else:
            waits = tr("!! waits, {attempts} attempts: {error}")
            text.append(waits.format(attempts=notice["attempts"], error=harmless(notice["error"] or "-")), "bold red")
            text.append("\n")
    return text
