"""The weekly report from a real store to a real file, and its schedule."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.unit.reports.made import incident
from vigilia.clock import Clock
from vigilia.notices import Notice, NoticeKind
from vigilia.points import Kind, Point, Window
from vigilia.reports.schedule import MARK, WeeklyReports
from vigilia.reports.week import week_of
from vigilia.reports.weekly import ReportError, make_report, notice_of
from vigilia.store import Store, StoreError, schema
from vigilia.store.marks import mark, marked

ZONE = ZoneInfo("America/Sao_Paulo")
WEEK = week_of(date(2026, 11, 16), ZONE)
WINDOW = Window("06:30", "17:30", "America/Sao_Paulo")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    await store.remember_points("pvoperation", [Point("p", Kind.NUMBER, "i", area="UFV Sol", window=WINDOW)], 1.0)
    async with store.writing() as connection:
        await connection.execute(
            insert(schema.incidents),
            [
                asdict(incident(at("2026-11-17T05:30"), at("2026-11-17T08:00"), "a")),
                asdict(incident(at("2026-11-22T12:00"), None, "b", area="UFV Mar")),
                asdict(incident(at("2026-11-18T12:00"), at("2026-11-18T12:01"), "c", brief=True)),
                asdict(incident(at("2026-11-10T12:00"), at("2026-11-10T12:01"), "d")),
            ],
        )
    yield store
    await store.close()


class Told:
    """Takes notices, within the transaction they come in; `refuse` makes it fail."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.refuse = False

    async def __call__(self, connection: AsyncConnection, notice: Notice) -> None:
        assert connection.in_transaction()
        if self.refuse:
            raise StoreError("no room")
        self.notices.append(notice)


@pytest.fixture
def told() -> Iterator[Told]:
    return Told()


def reports(store: Store, tmp_path: Path, told: Told, now: str) -> WeeklyReports:
    return WeeklyReports(store, Clock(at(now), 1.0), ZONE, tmp_path, told)


async def test_the_report_is_a_file_and_a_notice(store: Store, tmp_path: Path) -> None:
    now = at("2026-11-23T00:05")
    report = await make_report(store, WEEK, ZONE, tmp_path, now)
    assert report.file == "reports/vigilia-2026-11-16.xlsx"
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["vigilia-2026-11-16.xlsx"]
    book = load_workbook(tmp_path / report.file)
    assert len(list(book["Occurrences"].rows)) == 1 + 3
    assert notice_of(report, now) == Notice(
        NoticeKind.REPORT,
        "Weekly report",
        "",
        "File: reports/vigilia-2026-11-16.xlsx",
        now,
        facts=(
            ("Week", "2026-11-16 – 2026-11-22"),
            ("Plants with incidents", "2"),
            ("Incidents", "3"),
            ("Of them brief", "1"),
            ("Still open", "1"),
            ("Unavailable in the week", "14:31:00"),
            ("Unavailable in the solar window", "1:31:00"),
        ),
        attachment="reports/vigilia-2026-11-16.xlsx",
    )


async def test_a_report_made_again_replaces_the_first(store: Store, tmp_path: Path) -> None:
    first = await make_report(store, WEEK, ZONE, tmp_path, at("2026-11-18T12:00"))
    before = (tmp_path / first.file).read_bytes()
    again = await make_report(store, WEEK, ZONE, tmp_path, at("2026-11-23T12:00"))
    assert again.file == first.file
    assert (tmp_path / again.file).read_bytes() != before
    assert len(list((tmp_path / "reports").iterdir())) == 1


async def test_a_folder_that_cannot_be_written_is_a_sentence(store: Store, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    with pytest.raises(ReportError, match=r"vigilia-2026-11-16\.xlsx cannot be written \(File exists\): make room"):
        await make_report(store, WEEK, ZONE, tmp_path, WEEK.end)


async def test_a_failed_replacement_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    (tmp_path / "reports" / "vigilia-2026-11-16.xlsx").mkdir(parents=True)
    with pytest.raises(ReportError, match="cannot be written"):
        await make_report(store, WEEK, ZONE, tmp_path, WEEK.end)
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["vigilia-2026-11-16.xlsx"]


async def test_the_first_start_reports_nothing(store: Store, tmp_path: Path, told: Told) -> None:
    assert await reports(store, tmp_path, told, "2026-11-25T12:00").report_due() is None
    assert (told.notices, (tmp_path / "reports").exists()) == ([], False)
    # … and the Monday after it does.
    week = await reports(store, tmp_path, told, "2026-11-30T00:05").report_due()
    assert week is not None
    assert week.first == date(2026, 11, 23)


async def test_each_week_is_reported_once(store: Store, tmp_path: Path, told: Told) -> None:
    await reports(store, tmp_path, told, "2026-11-22T12:00").report_due()
    for now, count in (
        ("2026-11-23T00:04:30", 0),
        ("2026-11-23T00:05:00", 1),
        ("2026-11-23T00:06:00", 1),
        ("2026-11-29T23:59:00", 1),
        ("2026-11-22T12:00:00", 1),  # the clock was put back
        ("2026-11-30T08:00:00", 2),  # the service was down at 00:05
        ("2026-12-23T08:00:00", 3),  # and for weeks: the newest only
    ):
        await reports(store, tmp_path, told, now).report_due()
        assert len(told.notices) == count, now
    assert [notice.attachment[-15:-5] for notice in told.notices] == ["2026-11-16", "2026-11-23", "2026-12-14"]


async def test_what_could_not_be_told_is_told_later(store: Store, tmp_path: Path, told: Told) -> None:
    await reports(store, tmp_path, told, "2026-11-22T12:00").report_due()
    told.refuse = True
    with pytest.raises(StoreError):
        await reports(store, tmp_path, told, "2026-11-23T00:05").report_due()
    told.refuse = False
    assert await reports(store, tmp_path, told, "2026-11-23T00:06").report_due() == WEEK
    assert len(told.notices) == 1


async def test_a_mark_that_is_no_day_counts_as_none(store: Store, tmp_path: Path, told: Told) -> None:
    for value in ({"monday": "yesterday"}, {"monday": 5}, {}):
        async with store.writing() as connection:
            await mark(connection, MARK, value)
        assert await reports(store, tmp_path, told, "2026-11-23T00:05").report_due() is None
        assert await marked(store, MARK) == {"monday": "2026-11-16"}


async def test_it_runs_by_the_clock(store: Store, tmp_path: Path, told: Told, caplog: Any) -> None:
    async with store.writing() as connection:
        await mark(connection, MARK, {"monday": "2026-11-09"})
    told.refuse = True
    clock = Clock(at("2026-11-23T00:04"), 1000.0)
    task = asyncio.create_task(WeeklyReports(store, clock, ZONE, tmp_path, told).run())
    try:
        async with asyncio.timeout(10):
            while "the weekly report waits: no room" not in caplog.text:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.01)
            told.refuse = False
            while not told.notices:  # noqa: ASYNC110 - neither has a list
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert caplog.text.count("the weekly report waits") == 1
    assert clock.now() >= at("2026-11-23T00:05")
