"""The newest readings of probes: bounded, in order, and only of what somebody asks for."""

import math

from vigilia.drivers.reactor.recent import ASKED_S, MOST_PROBES, MOST_READINGS, Recent
from vigilia.points import Reading, Sample, Severity, Value

NOW = 1_795_179_600.0


def sample(at: float, value: Value | None = 7.0, name: str = "R1:ph:pH-Mon") -> Sample:
    return Sample(name, Reading(value, NOW + at))


def values(recent: Recent, at: float = 0.0, name: str = "R1:ph:pH-Mon") -> list[float]:
    return [seen.value for seen in recent.of(name, NOW + at)]


def test_only_what_is_asked_for() -> None:
    recent = Recent()
    recent.note([sample(-1)])
    recent.want("R1:ph:pH-Mon", NOW)
    recent.note([sample(0), sample(0, 8.0, "R2:ph:pH-Mon")])
    assert values(recent) == [7.0]
    assert values(recent, name="R2:ph:pH-Mon") == []


def test_numbers_in_order_only() -> None:
    recent = Recent()
    recent.want("R1:ph:pH-Mon", NOW)
    recent.note([sample(-3, 1.0), sample(-3, 2.0), sample(-5, 3.0), sample(-2, math.nan), sample(-2, "x")])
    recent.note([sample(-2, True), sample(-2, None), sample(-1, 4), Sample("R1:ph:pH-Mon", Reading(5.0, None))])
    assert values(recent) == [1.0, 4.0]
    recent.note([Sample("R1:ph:pH-Mon", Reading(4.0, NOW, Severity.INVALID))])
    assert recent.of("R1:ph:pH-Mon", NOW)[-1].severity is Severity.INVALID


def test_a_minute_of_them_and_not_too_many() -> None:
    recent = Recent()
    recent.want("R1:ph:pH-Mon", NOW)
    recent.note([sample(-61, 1.0), sample(-60, 2.0), sample(0, 3.0), sample(1, 4.0)])
    assert values(recent) == [2.0, 3.0]
    recent.note([sample(2 + n / 100) for n in range(1000)])
    assert len(values(recent, 12)) == MOST_READINGS


def test_what_is_not_asked_for_any_more_is_forgotten() -> None:
    recent = Recent()
    recent.want("R1:ph:pH-Mon", NOW)
    recent.note([sample(0)])
    recent.want("other", NOW + ASKED_S)
    assert values(recent) == [7.0]
    recent.want("other", NOW + ASKED_S + 1)
    assert values(recent) == []


def test_of_too_many_the_oldest_is_forgotten() -> None:
    recent = Recent()
    for number in range(MOST_PROBES + 1):
        recent.want(f"R{number}", NOW)
        recent.want("R0" if number < MOST_PROBES - 1 else f"R{number}", NOW)
    recent.note([sample(0, name="R0"), sample(0, name="R1")])
    assert (values(recent, name="R0"), values(recent, name="R1")) == ([7.0], [])
