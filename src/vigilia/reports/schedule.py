"""Reports each week once: on Mondays at 00:05 local time, or at the first start after that."""

import logging
from collections.abc import Awaitable, Callable
from datetime import date, tzinfo
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.clock import Clock
from vigilia.notices import Notice
from vigilia.reports.week import Week, due_week, next_due
from vigilia.reports.weekly import ReportError, make_report, notice_of
from vigilia.store import Store, StoreError
from vigilia.store.marks import mark, marked

_logger = logging.getLogger(__name__)

MARK = "weekly report"
"""The mark that holds, as `monday`, the first day of the last week that was reported, ISO 8601."""

_LONGEST_SLEEP_S = 3600.0
"""The clock may be put right meanwhile."""
_RETRY_S = 60.0

Tell = Callable[[AsyncConnection, Notice], Awaitable[None]]
"""Puts a notice into the outbox, within the transaction of the connection."""


class WeeklyReports:
    """Makes each week's report when it is due, and has it told, once."""

    def __init__(self, store: Store, clock: Clock, zone: tzinfo, data_dir: Path, tell: Tell) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._data_dir = data_dir
        self._tell = tell
        self._failing = False

    async def run(self) -> None:
        """Report each week when it is due, until cancelled. What fails is tried again each minute."""
        while True:
            try:
                await self.report_due()
            except (StoreError, ReportError) as error:
                if not self._failing:
                    _logger.error("the weekly report waits: %s", error)
                self._failing = True
                await self._clock.sleep(_RETRY_S)
                continue
            self._failing = False
            now = self._clock.now()
            await self._clock.sleep(min(next_due(now, self._zone) - now, _LONGEST_SLEEP_S))

    async def report_due(self) -> Week | None:
        """Report the newest week that is due and was not reported; return it, or None. Raises StoreError, ReportError.

        The very first start reports nothing: there was no watch over the week before it.
        """
        now = self._clock.now()
        week = due_week(now, self._zone)
        last = _monday(await marked(self._store, MARK))
        if last is not None and last >= week.first:
            return None
        if last is None:
            async with self._store.writing() as connection:
                await mark(connection, MARK, {"monday": week.first.isoformat()})
            return None
        report = await make_report(self._store, week, self._zone, self._data_dir, now)
        async with self._store.writing() as connection:
            await self._tell(connection, notice_of(report, now))
            await mark(connection, MARK, {"monday": week.first.isoformat()})
        _logger.info("the report of the week of %s is %s", week.first, self._data_dir / report.file)
        return week


def _monday(value: dict[str, Any] | None) -> date | None:
    try:
        return date.fromisoformat(value["monday"]) if value else None
    except (KeyError, TypeError, ValueError):
        return None
