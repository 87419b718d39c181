"""The records as people ask for them: the alarms' journal and figures, notices once more, weekly reports."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from vigilia.clock import Clock
from vigilia.errors import NoticeRefused, UnknownNotice
from vigilia.interfaces.api.records import ReportWeek
from vigilia.notify.notifier import Notifier
from vigilia.points import Kind, Origin, Point
from vigilia.reports.week import Week, week_of
from vigilia.reports.weekly import compose_report, file_name, first_week
from vigilia.store import Store, alarmjournal, notices
from vigilia.store.alarmjournal import JournalEntry, JournalFilter, JournalPosition
from vigilia.store.database import Row
from vigilia.store.figures import Figures, figures
from vigilia.store.notices import NoticeFilter
from vigilia.store.repeating import repeat
from vigilia.table import Journal

_FIRST = date(2000, 1, 3)
"""A Monday: an incident before it has a clock that was wrong."""
_QUESTIONS_AT_ONCE = 2
"""Figures of a year keep a core busy for a second; the database has others to answer."""
_MOST_WORKBOOKS = 20
"""Workbooks that may wait: they are made one after the other, in seconds each, also when nobody waits any more."""


class Records:
    """Answers from the store; `interfaces.api.records.Records`."""

    def __init__(self, store: Store, clock: Clock, zone: tzinfo, journal: Journal, notifier: Notifier) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._journal = journal
        self._notifier = notifier
        self._questions = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
        self._workbooks = asyncio.Semaphore(1)
        self._composing: dict[date, asyncio.Task[bytes]] = {}
        """The workbooks that are asked for, each once however many ask, by the first day of the week."""

    async def journal(
        self, wanted: JournalFilter, *, before: JournalPosition | None = None, limit: int = 100
    ) -> list[JournalEntry]:
        """Return entries of the alarms' journal, the newest first. Raises StoreError."""
        return await alarmjournal.newest(self._store, wanted, before=before, limit=limit)

    async def figures(self, start: float, end: float) -> Figures:
        """Return the figures of the alarm system of a time. Raises StoreError."""
        async with self._questions:
            return await figures(self._store, start, end)

    async def resend(self, notice: int, by: Origin) -> Row:
        """Queue a notice once more for its channel, and have the audit say who asked. Return the new notice.

        Raises UnknownNotice, NoticeRefused or StoreError.
        """
        asked = self._journal.asked(Point(f"outbox:{notice}", Kind.TEXT, "outbox"), "resend", None, by)
        try:
            number = await repeat(
                self._store, notice, self._notifier.channel_names, by.user or str(by), self._clock.now()
            )
        except (UnknownNotice, NoticeRefused) as error:
            self._journal.answered(asked, type(error).__name__, str(error))
            raise
        except BaseException:
            self._journal.answered(asked, "unknown", "the service stopped, or failed, before it was queued")
            raise
        self._journal.answered(asked, "confirmed", f"queued as notice {number}")
        self._notifier.wake()
        (row,) = await notices.newest(self._store, NoticeFilter(number=number), limit=1)
        return row

    async def weeks(self) -> Sequence[ReportWeek]:
        """Return the weeks from the first incident to the present week, the newest first. Raises StoreError."""
        present = week_of(self._today(), self._zone)
        oldest = await first_week(self._store, self._zone)
        first = present.first if oldest is None else max(oldest.first, _FIRST)
        found = [present.first - timedelta(weeks=n) for n in range((present.first - first).days // 7 + 1)]
        return [_report_week(week_of(monday, self._zone)) for monday in found]

    async def report(self, day: date) -> tuple[ReportWeek, bytes]:
        """Return the week of a day and its workbook, made now and one at a time.

        Raises LookupError, StoreError, or TimeoutError where so many are asked for that it would not be made in time.
        """
        if not _FIRST <= day <= week_of(self._today(), self._zone).last:
            raise LookupError(day)
        week = week_of(day, self._zone)
        # A thread cannot be stopped: whoever goes away leaves it to its end, and the next one waits for that.
        task = self._composing.get(week.first)
        if task is None:
            if len(self._composing) >= _MOST_WORKBOOKS:
                raise TimeoutError(f"{_MOST_WORKBOOKS} workbooks are to be made before")
            task = asyncio.create_task(self._compose(week), name="weekly report for a page")
            self._composing[week.first] = task
            task.add_done_callback(lambda _: self._composing.pop(week.first))
        return _report_week(week), await asyncio.shield(task)

    async def _compose(self, week: Week) -> bytes:
        async with self._workbooks:
            return await compose_report(self._store, week, self._zone, self._clock.now())

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now(), UTC).astimezone(self._zone).date()


def _report_week(week: Week) -> ReportWeek:
    return ReportWeek(week.first, week.last, week.start, week.end, file_name(week))
