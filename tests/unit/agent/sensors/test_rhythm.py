"""When a sensor reads, and which readings are samples, on a clock that stands where it is put."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.agent.sensors.rhythm import Rhythm
from vigilia.clock import Clock


class Still(Clock):
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 1000.0

    def monotonic(self) -> float:
        return self.at


def run(rhythm: Rhythm, clock: Still, until: float, takes: float = 0.0) -> list[tuple[float, bool]]:
    """Read until a time, each reading taking so long; return when they began and which were samples."""
    readings: list[tuple[float, bool]] = []
    while clock.at + max(0.0, rhythm.wait_s()) < 1000.0 + until:
        clock.at += max(0.0, rhythm.wait_s())
        readings.append((round(clock.at - 1000.0, 6), rhythm.begin()))
        clock.at += takes
    return readings


def test_readings_come_between_samples() -> None:
    clock = Still()
    readings = run(Rhythm(clock, 12.0), clock, 24.5)
    assert readings == [(0, True), (5, False), (10, False), (12, True), (17, False), (22, False), (24, True)]


def test_a_slow_reading_does_not_shift_the_samples() -> None:
    clock = Still()
    readings = run(Rhythm(clock, 1.0), clock, 4.5, takes=0.9)
    assert readings == [(0, True), (1, True), (2, True), (3, True), (4, True)]


def test_missed_samples_are_not_made_up_for() -> None:
    clock = Still()
    rhythm = Rhythm(clock, 1.0)
    assert rhythm.begin()
    clock.at += 7.3
    assert rhythm.begin()
    assert rhythm.wait_s() == pytest.approx(0.7)


def test_a_new_interval_holds_at_once() -> None:
    clock = Still()
    rhythm = Rhythm(clock, 3600.0)
    rhythm.begin()
    rhythm.interval_s = 2.0
    assert rhythm.wait_s() == pytest.approx(2.0)
    rhythm.hurry()
    assert rhythm.wait_s() == 0.0
    assert not rhythm.begin()


@given(st.floats(1, 100), st.floats(0, 20))
def test_samples_are_never_closer_than_their_interval_and_stay_on_its_grid(interval_s: float, takes: float) -> None:
    clock = Still()
    readings = run(Rhythm(clock, interval_s), clock, 300, takes)
    samples = [at for at, sample in readings if sample]
    slots = [int(at / interval_s + 1e-6) for at in samples]
    assert len(set(slots)) == len(slots)
    if takes < 1:
        assert slots == list(range(len(slots)))
