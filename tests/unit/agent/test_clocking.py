"""A clock that is not right, and what becomes of the samples that were taken by it."""

from dataclasses import dataclass, field

import pytest

from vigilia.agent.clocking import Clocking, kernel_synchronised, machine_boot
from vigilia.agent.samplefile import Correction
from vigilia.clock import Clock

TRUE = 1_800_000_000.0
"""What the time is."""


class SetClock(Clock):
    """A clock that stands, and can be set."""

    def __init__(self, wall: float) -> None:
        super().__init__()
        self.wall = wall
        self.mono = 1000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.mono

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.mono += seconds


@dataclass
class Keeper:
    """Keeps eras as the store does, and says what a sample's time is."""

    eras: dict[int, tuple[int, int, int | None]] = field(default_factory=dict)

    def begin_era(self, boot: str, base_ms: int, mono_ms: int, correction_ms: int | None) -> int:
        self.eras[len(self.eras) + 1] = base_ms, mono_ms, correction_ms
        return len(self.eras)

    def correct(self, correction: Correction) -> None:
        for number, (base, mono, known) in self.eras.items():
            if known is None:
                self.eras[number] = base, mono, correction.true_ms - (base + correction.mono_ms - mono)

    def time(self, stamp: tuple[int, int]) -> float | None:
        moment, era = stamp
        correction = self.eras[era][2] if era else 0
        return None if correction is None else (moment + correction) / 1000


class Site:
    def __init__(self, wall: float, *, synchronised: bool = False, floor: float = 0.0) -> None:
        self.clock = SetClock(wall)
        self.keeper = Keeper()
        self.synchronised = synchronised
        self.clocking = Clocking(self.clock, self.keeper, "boot-1", lambda: self.synchronised, floor)

    def sample(self) -> tuple[int, int]:
        return self.clocking.stamp(self.clock.now())

    def server(self, off: float = 0.0, trip: float = 0.0) -> None:
        now = self.clock.mono
        self.clocking.server_said(round((TRUE + off) * 1000), now - trip, now)


def test_a_synchronised_clock_is_taken_at_its_word() -> None:
    site = Site(TRUE, synchronised=True)
    assert site.clocking.trusted
    assert site.sample() == (round(TRUE * 1000), 0)
    site.server(off=3600)  # the server's is the wrong one
    assert site.clocking.trusted
    assert site.sample() == (round(TRUE * 1000), 0)


def test_samples_of_a_wrong_clock_are_corrected_when_the_server_is_heard() -> None:
    site = Site(100.0)
    first = site.sample()
    assert site.keeper.time(first) is None
    site.clock.pass_by(60)
    second = site.sample()
    site.server()
    assert (site.keeper.time(first), site.keeper.time(second)) == (TRUE - 60, TRUE)
    assert not site.clocking.trusted
    site.clock.pass_by(5)
    assert site.keeper.time(site.sample()) == TRUE + 5


def test_samples_of_a_wrong_clock_are_corrected_when_the_network_sets_it() -> None:
    site = Site(100.0)
    first = site.sample()
    site.clock.pass_by(60)
    site.clock.wall, site.synchronised = TRUE, True
    site.clocking.look()
    assert site.clocking.trusted
    assert site.keeper.time(first) == TRUE - 60
    assert site.sample() == (round(TRUE * 1000), 0)


def test_a_step_of_a_wrong_clock_moves_no_sample() -> None:
    site = Site(100.0)
    first = site.sample()
    site.clock.pass_by(10)
    site.clock.wall += 3600
    second = site.sample()
    site.clock.pass_by(10)
    site.server()
    assert (site.keeper.time(first), site.keeper.time(second)) == (TRUE - 20, TRUE - 10)


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_jump_of_a_clock_that_was_right_moves_no_sample(step: float) -> None:
    site = Site(TRUE)
    site.server()
    assert site.clocking.trusted
    site.clock.pass_by(5)
    site.clock.wall += step
    jumped = site.sample()
    assert not site.clocking.trusted
    assert site.keeper.time(jumped) == TRUE + 5
    site.clock.pass_by(5)
    assert site.keeper.time(site.sample()) == TRUE + 10
    site.clock.wall -= step
    site.server(off=10)
    assert site.clocking.trusted
    assert site.sample() == (round((TRUE + 10) * 1000), 0)


def test_a_correction_once_given_stays_and_drift_begins_another_era() -> None:
    site = Site(100.0)
    early = site.sample()
    site.server()
    assert site.keeper.time(early) == TRUE
    site.server(off=0.4)
    assert (site.keeper.time(early), len(site.keeper.eras)) == (TRUE, 1)
    site.server(off=2.5)
    assert (site.keeper.time(early), len(site.keeper.eras)) == (TRUE, 2)
    assert site.keeper.time(site.sample()) == TRUE + 2.5


def test_an_answer_that_took_long_says_nothing_and_a_short_trip_counts_half() -> None:
    site = Site(100.0)
    first = site.sample()
    site.server(trip=5.0)
    assert site.keeper.time(first) is None
    site.server(trip=1.0)
    assert site.keeper.time(first) == TRUE + 0.5


def test_a_clock_before_what_was_seen_is_not_believed() -> None:
    assert not Site(TRUE - 86_400, synchronised=True, floor=TRUE).clocking.trusted
    assert Site(TRUE - 60, synchronised=True, floor=TRUE).clocking.trusted
    assert not Site(1_700_000_000.0, synchronised=True).clocking.trusted  # older than this program


def test_a_sample_keeps_its_age() -> None:
    site = Site(100.0)
    late = site.clocking.stamp(site.clock.now() - 2)
    odd = site.clocking.stamp(site.clock.now() + 500)
    site.server()
    assert (site.keeper.time(late), site.keeper.time(odd)) == (TRUE - 2, TRUE)


def test_the_machine_can_be_asked() -> None:
    assert kernel_synchronised() in (True, False)
    assert machine_boot() == machine_boot() != ""
