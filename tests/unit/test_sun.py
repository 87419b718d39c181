"""The sun: irradiance against a published table, windows against a walk through every minute."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.points import Window
from vigilia.sun import clear_sky_irradiance, counts, openings

SAO_PAULO = "America/Sao_Paulo"
ZONES = (SAO_PAULO, "America/Cuiaba", "Europe/Lisbon", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata")

TIMES = ("06:30", "06:45", "07:00", "07:15", "17:00", "17:15", "17:30")
TABLE = {
    # Haurwitz over NOAA's formulas, W/m², site time UTC-3
    (-23.0, -47.0, "2026-06-21"): (0, 0, 4, 45, 57, 12, 0),
    (-23.0, -47.0, "2026-12-21"): (211, 270, 328, 386, 374, 316, 257),
    (-30.0, -51.0, "2026-06-21"): (0, 0, 0, 0, 52, 11, 0),
    (-8.0, -35.0, "2026-06-21"): (177, 237, 296, 354, 4, 0, 0),
}


def at(text: str, zone: str = SAO_PAULO) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(("place", "expected"), TABLE.items(), ids=str)
def test_irradiance_is_that_of_the_table(place: tuple[float, float, str], expected: tuple[int, ...]) -> None:
    latitude, longitude, day = place
    found = [clear_sky_irradiance(at(f"{day}T{time}"), latitude, longitude) for time in TIMES]
    assert found == pytest.approx(expected, abs=3)


def test_no_sun_at_night_and_much_at_noon() -> None:
    assert clear_sky_irradiance(at("2026-06-21T00:00"), -23, -47) == 0.0
    assert 1000 < clear_sky_irradiance(at("2026-12-21T12:00"), -23, -47) < 1098


@pytest.mark.parametrize(
    ("time", "inside"),
    [
        ("06:29:59.999", False),
        ("06:30:00", True),
        ("12:00", True),
        ("17:30:00", True),
        ("17:30:00.001", False),
        ("00:00", False),
    ],
)
def test_both_ends_belong_to_the_window(time: str, inside: bool) -> None:
    window = Window("06:30", "17:30", SAO_PAULO)
    assert counts(window, at(f"2026-06-21T{time}")) == (inside, inside)


def test_the_window_is_that_of_its_zone() -> None:
    moment = at("2026-06-21T06:30")
    assert counts(Window("06:30", "17:30", SAO_PAULO), moment) == (True, True)
    assert counts(Window("06:30", "17:30", "America/Cuiaba"), moment) == (False, False)


def test_before_the_sun_is_up_a_reading_counts_only_for_recovery() -> None:
    plain = Window("06:30", "17:30", SAO_PAULO)
    placed = Window("06:30", "17:30", SAO_PAULO, latitude=-30.0, longitude=-51.0)
    for time, failure in (("07:00", False), ("07:45", False), ("09:00", True), ("17:00", True), ("17:15", False)):
        moment = at(f"2026-06-21T{time}")
        assert counts(plain, moment) == (True, True)
        assert counts(placed, moment) == (failure, True), time
    assert counts(placed, at("2026-06-21T18:00")) == (False, False)


def test_how_much_sun_is_enough_can_be_chosen() -> None:
    moment = at("2026-06-21T17:15")
    for least, enough in ((10.0, True), (50.0, False)):
        window = Window("06:30", "17:30", SAO_PAULO, -30.0, -51.0, least_irradiance=least)
        assert counts(window, moment) == (enough, True)


def test_one_coordinate_is_no_place() -> None:
    window = Window("06:30", "17:30", SAO_PAULO, latitude=-30.0)
    assert counts(window, at("2026-06-21T07:00")) == (True, True)


def test_openings_of_a_week_cut_at_its_ends() -> None:
    window = Window("06:30", "17:30", SAO_PAULO)
    found = openings(window, at("2026-06-15T12:00"), at("2026-06-17T06:40"))
    assert found == [
        (at("2026-06-15T12:00"), at("2026-06-15T17:30")),
        (at("2026-06-16T06:30"), at("2026-06-16T17:30")),
        (at("2026-06-17T06:30"), at("2026-06-17T06:40")),
    ]
    assert openings(window, at("2026-06-15T18:00"), at("2026-06-15T20:00")) == []
    assert openings(window, 5.0, 5.0) == openings(window, 5.0, 4.0) == []


def test_openings_follow_the_clocks() -> None:
    def hours(window: Window, day: str) -> float:
        start = at(day, window.zone)
        end = (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=ZoneInfo(window.zone)).timestamp()
        return sum(to - begin for begin, to in openings(window, start, end)) / 3600

    lisbon = Window("00:30", "03:00", "Europe/Lisbon")
    assert hours(lisbon, "2026-03-28") == 2.5
    assert hours(lisbon, "2026-03-29") == 1.5  # 01:00 becomes 02:00
    assert hours(lisbon, "2026-10-25") == 3.5  # 02:00 becomes 01:00
    assert hours(Window("06:30", "17:30", "Europe/Lisbon"), "2026-03-29") == 11
    midnight = Window("00:00", "02:00", SAO_PAULO)
    assert hours(midnight, "2018-11-04") == 1  # a day whose midnight was skipped


minutes_of_day = st.integers(0, 24 * 60 - 1)


@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2011, 1, 1), datetime(2026, 12, 1)),  # noqa: DTZ001 - hypothesis wants them naive
    hours=st.integers(1, 200),
    ends=st.tuples(minutes_of_day, minutes_of_day),
    inside=st.floats(0, 1),
)
def test_openings_hold_the_very_moments_that_count(
    zone: str, start: datetime, hours: int, ends: tuple[int, int], inside: float
) -> None:
    first, last = (f"{minute // 60:02}:{minute % 60:02}" for minute in sorted(ends))
    window = Window(first, last, zone)
    begin = math.floor(start.replace(tzinfo=UTC).timestamp())
    end = begin + hours * 3600
    found = openings(window, begin, end)
    assert found == sorted(found)
    assert all(begin <= opened < closed <= end for opened, closed in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    # Half a second beside whole ones: the ends, which belong to both, are not hit.
    moment = begin + math.floor(inside * (end - begin - 1)) + 0.5
    assert any(opened < moment < closed for opened, closed in found) == counts(window, moment)[1]
