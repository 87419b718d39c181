"""Unavailability, against a count of every second."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.reports.made import incident
from vigilia.points import Window
from vigilia.reports.unavailability import Unavailability, unavailability
from vigilia.reports.week import Week, week_of
from vigilia.store.incidents import Incident

ZONE = ZoneInfo("America/Sao_Paulo")
WINDOW = Window("06:30", "17:30", "America/Sao_Paulo")
WEEK = week_of(date(2026, 11, 16), ZONE)
HOUR = 3600.0
LATER = WEEK.end + 30 * 24 * HOUR


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def of(*incidents: Incident, now: float = LATER, week: Week = WEEK) -> Unavailability:
    return unavailability(incidents, week, {"UFV Sol": WINDOW}, now)


def test_a_week_without_incidents() -> None:
    found = of()
    assert (found.plants, found.occurrences) == ((), ())
    assert (found.total.seconds, found.total.window_seconds, found.total.incidents) == (0, None, 0)


def test_hours_in_the_week_and_in_the_window() -> None:
    (plant,) = of(incident(at("2026-11-17T05:30"), at("2026-11-17T08:00:01"))).plants
    assert plant.figures.seconds == 2.5 * HOUR + 1
    assert plant.figures.window_seconds == 1.5 * HOUR + 1
    assert plant.figures.window_of == 7 * 11 * HOUR


def test_right_to_the_second_across_the_borders_of_weeks() -> None:
    across = incident(at("2026-11-22T23:59:58"), at("2026-11-23T00:00:03"))
    assert of(across).total.seconds == 2
    assert of(across, week=week_of(date(2026, 11, 23), ZONE)).total.seconds == 3
    assert of(across, week=week_of(date(2026, 11, 9), ZONE)).plants == ()
    assert of(incident(WEEK.start - 5, WEEK.start)).plants == ()
    assert of(incident(WEEK.end, WEEK.end + 5)).plants == ()
    whole = of(incident(WEEK.start - 5, WEEK.end + 5))
    assert (whole.total.seconds, whole.total.window_seconds) == (168 * HOUR, 77 * HOUR)
    assert whole.total.still_open == 1


def test_an_incident_without_an_end_counts_until_now_or_the_end_of_the_week() -> None:
    lasting = incident(at("2026-11-22T12:00"), None)
    found = of(lasting)
    assert (found.total.seconds, found.total.window_seconds, found.until) == (12 * HOUR, 5.5 * HOUR, WEEK.end)
    assert found.total.still_open == 1
    early = of(lasting, now=at("2026-11-22T13:00"))
    assert (early.total.seconds, early.total.window_seconds) == (HOUR, HOUR)
    assert early.plants[0].figures.window_of == (6 * 11 + 6.5) * HOUR
    assert of(lasting, now=at("2026-11-22T11:00")).total.seconds == 0
    assert of(lasting, now=WEEK.start - 99).until == WEEK.start


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 167), (date(2026, 10, 25), 169)])
def test_a_week_in_which_the_clocks_change(day: date, hours: int) -> None:
    week = week_of(day, ZoneInfo("Europe/Lisbon"))
    window = Window("06:30", "17:30", "Europe/Lisbon")
    found = unavailability([incident(week.start - 1, None)], week, {"UFV Sol": window}, LATER)
    assert found.total.seconds == hours * HOUR
    assert found.total.window_seconds == 77 * HOUR


def test_time_is_counted_once_where_incidents_overlap() -> None:
    relay = incident(at("2026-11-17T10:00"), at("2026-11-17T12:00"), "a")
    same = incident(at("2026-11-17T11:00"), at("2026-11-17T13:00"), "b", label="THERMAL")
    inverter = incident(
        at("2026-11-17T11:30"), at("2026-11-17T14:00"), "c", device="1:Inverter-7", equipment="7", family="Inverters"
    )
    other = incident(at("2026-11-17T11:30"), at("2026-11-17T12:00"), "d", area="UFV Mar")
    found = of(inverter, same, other, relay)
    mar, sol = found.plants
    assert (mar.name, sol.name) == ("UFV Mar", "UFV Sol")
    assert (sol.figures.seconds, sol.figures.incidents) == (4 * HOUR, 3)
    assert [(e.name, e.figures.seconds, e.families) for e in sol.equipment] == [
        ("7", 2.5 * HOUR, ("Inverters",)),
        ("Relé 1", 3 * HOUR, ("Relay alarms",)),
    ]
    assert (mar.figures.seconds, mar.figures.window_seconds, mar.figures.window_of) == (0.5 * HOUR, None, None)
    total = found.total
    assert (total.seconds, total.window_seconds, total.incidents) == (4.5 * HOUR, 4 * HOUR, 4)
    assert [(o.incident.id, o.seconds) for o in found.occurrences] == [
        ("d", 0.5 * HOUR),
        ("a", 2 * HOUR),
        ("b", 2 * HOUR),
        ("c", 2.5 * HOUR),
    ]


def test_devices_of_one_name_are_two() -> None:
    found = of(incident(WEEK.start, WEEK.start + 5, "a"), incident(WEEK.start, WEEK.start + 5, "b", device="other"))
    assert [equipment.name for equipment in found.plants[0].equipment] == ["Relé 1", "Relé 1"]


def test_an_incident_that_lasted_no_time_is_counted() -> None:
    found = of(incident(WEEK.start, WEEK.start, brief=True))
    assert (found.total.seconds, found.total.incidents) == (0, 1)


def test_what_has_no_area_goes_by_its_equipment_or_device() -> None:
    names = [plant.name for plant in of(incident(WEEK.start, None, area="", equipment="")).plants]
    assert names == ["1:Relay-1"]
    assert [p.name for p in of(incident(WEEK.start, None, area="")).plants] == ["Relé 1"]


# A small "week" around the opening of a window, so that every one of its seconds can be looked at.
SMALL_START = int(at("2026-11-16T06:28:00"))
SMALL = Week(date(2026, 11, 16), SMALL_START, SMALL_START + 300)
BRIEF_WINDOW = Window("06:29", "06:31", "America/Sao_Paulo")

seconds = st.integers(SMALL_START - 100, SMALL_START + 400)


@st.composite
def some_incidents(draw: st.DrawFn) -> list[Incident]:
    found: list[Incident] = []
    for number in range(draw(st.integers(0, 8))):
        began = draw(seconds)
        ended = draw(st.none() | st.integers(began, SMALL_START + 450))
        area, device = draw(st.sampled_from("PQ")), draw(st.sampled_from("xy"))
        found.append(incident(began, ended, str(number), area=area, device=device, equipment=device))
    return found


@given(some_incidents(), st.integers(SMALL_START - 50, SMALL_START + 600))
def test_the_figures_are_those_of_a_count_of_every_second(incidents: list[Incident], now: int) -> None:
    windows = {"P": BRIEF_WINDOW}
    found = unavailability(incidents, SMALL, windows, now)

    def lasts(one: Incident, second: int) -> bool:
        return one.began_at <= second < (now if one.ended_at is None else one.ended_at)

    def opened(second: int) -> bool:
        return 60 <= second - SMALL_START < 180

    for plant in found.plants:
        mine = [one for one in incidents if one.area == plant.name]
        for figures, counted in (
            (plant.figures, mine),
            *((e.figures, [one for one in mine if one.device == e.name]) for e in plant.equipment),
        ):
            held = [s for s in range(SMALL_START, SMALL_START + 300) if any(lasts(one, s) for one in counted)]
            assert figures.seconds == len(held)
            if plant.name == "P":
                assert figures.window_seconds == len([s for s in held if opened(s)])
            else:
                assert figures.window_seconds is None
    held_by_nobody_listed = {one.area for one in incidents} - {plant.name for plant in found.plants}
    for one in incidents:
        if one.area in held_by_nobody_listed:
            assert not any(lasts(one, s) for s in range(SMALL_START, SMALL_START + 300))
