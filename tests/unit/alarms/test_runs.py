"""Readings that come as a run count as the same readings one by one do."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.alarms.rig import INVERTER, NOON, PORT, STALE, inverter, port, record
from vigilia.alarms.alarm import Alarm
from vigilia.points import Point, Reading, Run, Sample, Window
from vigilia.rules import Rule

SUNNY = replace(inverter(), window=Window("06:30", "17:30", "UTC", latitude=-23.0, longitude=-47.0))
READINGS = st.lists(st.tuples(st.integers(0, 86_400), st.sampled_from([0.0, -1.0, 4.0, 5.0, 9.5, float("nan")])))


def fed(rule: Rule, point: Point) -> tuple[Alarm, Alarm]:
    return Alarm(rule, point), Alarm(rule, point)


@given(
    readings=READINGS,
    case=st.sampled_from([(INVERTER, inverter()), (INVERTER, SUNNY), (PORT, port(1)), (STALE, record())]),
)
def test_a_run_counts_as_its_readings_do(readings: list[tuple[int, float]], case: tuple[Rule, Point]) -> None:
    one_by_one, at_once = Alarm(*case), Alarm(*case)
    ordered = sorted(readings)
    times, values = [NOON - 43_200 + second for second, _ in ordered], [value for _, value in ordered]
    counted = [one_by_one.see(Sample(case[1].name, Reading(v, t))) for t, v in zip(times, values, strict=True)]
    assert at_once.see_run(Run(case[1].name, times, values)) is any(counted)
    assert at_once.row(NOON) == one_by_one.row(NOON)
    assert at_once.settle(NOON, late=True) == one_by_one.settle(NOON, late=True)
