"""What the API asks of the records: journal, figures, notices once more, and weekly reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from vigilia.points import Origin
from vigilia.store.alarmjournal import JournalEntry, JournalFilter, JournalPosition
from vigilia.store.database import Row
from vigilia.store.figures import Figures


@dataclass(frozen=True, slots=True)
class ReportWeek:
    """A week whose report can be had."""

    first: date
    """Its Monday."""
    last: date
    start: float
    """Seconds UTC."""
    end: float
    file: str
    """What its workbook is called."""


class Records(Protocol):
    """The records. Every method may raise StoreError."""

    async def journal(
        self, wanted: JournalFilter, *, before: JournalPosition | None = None, limit: int = 100
    ) -> list[JournalEntry]:
        """Return entries of the alarms' journal, the newest first, after the position `before`, at most `limit`."""
        ...

    async def figures(self, start: float, end: float) -> Figures:
        """Return the figures of the alarm system from `start` until before `end`, seconds UTC."""
        ...

    async def resend(self, notice: int, by: Origin) -> Row:
        """Queue a notice once more; return the new one. Raises UnknownNotice or NoticeRefused."""
        ...

    async def weeks(self) -> Sequence[ReportWeek]:
        """Return the weeks whose reports can be had, the newest first."""
        ...

    async def report(self, day: date) -> tuple[ReportWeek, bytes]:
        """Return the week of a day and its report as a workbook, made now. Raises LookupError where there is none.

        Raises TimeoutError where too many others are to be made before it.
        """
        ...
