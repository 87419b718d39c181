"""Relays that report at a pace are told from those that speak when something happens."""

from hypothesis import given
from hypothesis import strategies as st

from vigilia.drivers.pvoperation.pace import FRESH_S, STEADY_S, Pace

SCAN_S = 600.0


def found_at(ages: list[float | None], every_s: float = SCAN_S) -> int | None:
    """The scan that finds a plant steady, given how old the newest record was at each."""
    pace = Pace()
    for number, age in enumerate(ages):
        now = number * every_s
        if pace.is_steady("1", None if age is None else now - age, now):
            return number
    return None


def test_six_hours_of_fresh_records_are_a_pace() -> None:
    assert found_at([FRESH_S] * 100) == STEADY_S / SCAN_S


def test_one_scan_without_a_fresh_record_begins_anew() -> None:
    for age in (None, FRESH_S + 1):
        assert found_at([60.0] * 30 + [age] + [60.0] * 100) == 31 + STEADY_S / SCAN_S


def test_a_pause_between_scans_begins_anew() -> None:
    assert found_at([60.0] * 100, every_s=FRESH_S + 1) is None
    assert found_at([60.0] * 100, every_s=FRESH_S) == STEADY_S / FRESH_S


def test_a_clock_that_is_set_back_begins_anew() -> None:
    pace = Pace()
    for now in (0.0, STEADY_S - 1, 0.0):
        assert not pace.is_steady("1", now, now)


def test_plants_are_judged_each_by_itself() -> None:
    pace = Pace()
    moments = [number * SCAN_S for number in range(37)]
    assert [pace.is_steady("2", None, now) or pace.is_steady("1", now, now) for now in moments] == [False] * 36 + [True]


@given(st.lists(st.integers(1, 24), max_size=6, unique=True))
def test_a_few_events_in_a_day_are_no_pace(hours: list[int]) -> None:
    scans = range(int(86_400 / SCAN_S))
    ages = [min((n * SCAN_S - h * 3600 for h in hours if h * 3600 <= n * SCAN_S), default=None) for n in scans]
    assert found_at(ages) is None
