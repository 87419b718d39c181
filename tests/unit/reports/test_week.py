"""Weeks and the moments at which their reports are due."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.reports.week import due_week, next_due, week_of

ZONE = ZoneInfo("America/Sao_Paulo")
ZONES = ("America/Sao_Paulo", "Europe/Lisbon", "Australia/Lord_Howe", "UTC")


def at(text: str, zone: ZoneInfo = ZONE) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize("day", range(16, 23))
def test_any_day_names_its_week(day: int) -> None:
    week = week_of(date(2026, 11, day), ZONE)
    assert (week.first, week.last) == (date(2026, 11, 16), date(2026, 11, 22))
    assert (week.start, week.end) == (at("2026-11-16"), at("2026-11-23"))


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/Lisbon", 167),
        (date(2026, 10, 25), "Europe/Lisbon", 169),
        (date(2026, 6, 1), "Europe/Lisbon", 168),
        (date(2018, 11, 4), "America/Sao_Paulo", 167),
        (date(2019, 2, 17), "America/Sao_Paulo", 169),
    ],
)
def test_a_week_has_seven_days_and_not_always_168_hours(day: date, zone: str, hours: int) -> None:
    week = week_of(day, ZoneInfo(zone))
    assert (week.end - week.start) / 3600 == hours


@pytest.mark.parametrize(
    ("now", "first"),
    [
        ("2026-11-23T00:04:59", date(2026, 11, 9)),
        ("2026-11-23T00:05:00", date(2026, 11, 16)),
        ("2026-11-25T12:00:00", date(2026, 11, 16)),
        ("2026-11-29T23:59:59", date(2026, 11, 16)),
        ("2026-11-30T00:00:00", date(2026, 11, 16)),
        ("2026-11-30T00:05:00", date(2026, 11, 23)),
    ],
)
def test_a_week_is_due_on_the_monday_after_it(now: str, first: date) -> None:
    assert due_week(at(now), ZONE).first == first


@given(st.integers(1_300_000_000, 1_900_000_000), st.sampled_from(ZONES))
def test_the_next_report_is_due_when_the_due_week_changes(now: int, zone: str) -> None:
    place = ZoneInfo(zone)
    following = next_due(now, place)
    assert now < following
    assert due_week(following - 1, place) == due_week(now, place)
    assert due_week(following, place).first == due_week(now, place).first + timedelta(days=7)
    local = datetime.fromtimestamp(following, place)
    assert (local.weekday(), local.hour, local.minute, local.second) == (0, 0, 5, 0)
