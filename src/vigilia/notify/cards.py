"""Cards: what a message says, before any channel gives it a form; and what notices make of one.

Texts on a card are as people wrote them, on one line each and of bounded length. A channel escapes what its own format
would take for markup.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigilia.language import tr
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.panels import panel_of
from vigilia.points import Severity

LONGEST_TITLE = 150
LONGEST_LINE = 1000
LONGEST_FACT = 300
_LONGEST_FACT_TITLE = 40
_MOST_FACTS = 12
_JOINERS = "\u200d\ufe0f"
"""What holds an emoji of several characters together: not printable by itself, and harmless."""


class Tone(StrEnum):
    """How a card looks at first sight; the names are Adaptive Card container styles."""

    ATTENTION = "attention"
    WARNING = "warning"
    GOOD = "good"
    PLAIN = "emphasis"


@dataclass(frozen=True, slots=True)
class Card:
    """One message."""

    title: str
    tone: Tone
    lines: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    number: int | None = None
    """Counts the cards of a channel, so that a missing or repeated one is seen."""
    site: str = ""
    link: str = ""
    """Where to read on; empty: nowhere."""
    chart: str = ""
    """Where the readings behind it are shown; empty: nowhere."""
    attachment: str = ""
    """The name of a file in the data directory, for channels that take files."""

    @property
    def footer(self) -> str:
        """The card's number and the site."""
        number = "" if self.number is None else tr("no. {number}").format(number=self.number)
        return " · ".join(filter(None, (number, self.site)))


def plain(text: str, most: int) -> str:
    """Return `text` on one line, without control characters, cut to `most` characters."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in _JOINERS else " " for c in text)
    text = " ".join(unicodedata.normalize("NFC", text[: most * 4]).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def title_of(notice: Notice) -> str:
    """Return what a card of this notice begins with: its title and, after a dash, its area."""
    title, area = plain(notice.title, LONGEST_TITLE), plain(notice.area, LONGEST_TITLE)
    return f"{title} – {area}" if area else title


def grouped(notices: Sequence[Notice]) -> list[list[int]]:
    """Return the indices of `notices`, those of one title and area together, in the order of what came first.

    A notice never comes to stand before an earlier one of the same alarm: failure, recovery and a second failure of one
    inverter are three groups.
    """
    groups: list[list[int]] = []
    by_title: dict[tuple[str, str], int] = {}
    last_of_alarm: defaultdict[str, int] = defaultdict(lambda: -1)
    for index, notice in enumerate(notices):
        key = (notice.title, notice.area)
        place = by_title.get(key)
        if place is None or (notice.alarm and place < last_of_alarm[notice.alarm]):
            place = by_title[key] = len(groups)
            groups.append([])
        groups[place].append(index)
        if notice.alarm:
            last_of_alarm[notice.alarm] = place
    return groups


def compose(notices: Sequence[Notice], grafana_url: str = "") -> Card:
    """Return the card for `notices`, at least one, in the order in which they were queued.

    With Grafana's address, a card of alarms of one title and area leads to the panel behind them.

    Those of one title and area make a card of lines. Others make a summary: a line for each title and area, which
    begins as the card would, and has every line and the facts of it.
    """
    groups = grouped(notices)
    first = notices[0]
    tone = _tone(notices)
    if len({(notice.title, notice.area) for notice in notices}) == 1:
        lines = tuple(plain(notice.line, LONGEST_LINE) for notice in notices)
        chart = panel_of(grafana_url, notices)
        return Card(title_of(first), tone, lines, _facts(notices), attachment=first.attachment, chart=chart)
    return Card(tr("Summary of alerts"), tone, tuple(_summed([notices[index] for index in group]) for group in groups))


def _summed(notices: Sequence[Notice]) -> str:
    """Return the one line for notices of one title and area."""
    lines = "; ".join(plain(notice.line, LONGEST_LINE) for notice in notices)
    facts = ", ".join(f"{title}: {text}" for title, text in _facts(notices))
    return f"{title_of(notices[0])}: {lines}" + (f" ({facts})" if facts else "")


def _tone(notices: Sequence[Notice]) -> Tone:
    worst = max(notices, key=lambda notice: (notice.kind is NoticeKind.RAISED, notice.severity))
    match worst.kind:
        case NoticeKind.SERVICE if worst.severity is Severity.NO_ALARM:
            return Tone.GOOD
        case NoticeKind.RAISED | NoticeKind.SERVICE:
            return Tone.WARNING if worst.severity is Severity.MINOR else Tone.ATTENTION
        case NoticeKind.CLEARED:
            return Tone.GOOD
        case NoticeKind.HEARTBEAT:
            return Tone.GOOD if worst.severity is Severity.NO_ALARM else Tone.WARNING
        case NoticeKind.REPORT:
            return Tone.PLAIN


def _facts(notices: Sequence[Notice]) -> tuple[tuple[str, str], ...]:
    facts = dict.fromkeys(fact for notice in notices for fact in notice.facts)
    return tuple(
        (plain(title, _LONGEST_FACT_TITLE), plain(text, LONGEST_FACT)) for title, text in list(facts)[:_MOST_FACTS]
    )
