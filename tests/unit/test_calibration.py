"""When a reading has settled."""

import pytest

from vigilia.calibration import Seen, Tolerance, steadiness
from vigilia.points import Severity

NOW = 1_795_179_600.0
PH = Tolerance(0.02)


def seen(*values: float, every: float = 5.0, ago: float = 2.0, severity: Severity = Severity.MINOR) -> list[Seen]:
    last = NOW - ago
    return [Seen(last - every * n, value, severity) for n, value in reversed(list(enumerate(reversed(values))))]


def test_six_readings_that_agree_are_stable() -> None:
    found = steadiness(seen(4.0, 6.99, 7.00, 7.01, 7.00, 6.99, 7.00), PH, NOW)
    assert (found.stable, found.reason) == (True, "")
    assert found.mean == pytest.approx(6.9983, abs=1e-3)
    assert found.spread == pytest.approx(0.02)
    assert found.drift_per_min == pytest.approx(-0.0034, abs=0.01)
    assert found.allowed == 0.02
    assert len(found.readings) == 7


@pytest.mark.parametrize(
    ("readings", "reason"),
    [
        (seen(*[7.0] * 5), "few"),
        ([], "few"),
        (seen(*[7.0] * 6, ago=16), "late"),
        (seen(*[7.0] * 6, severity=Severity.INVALID), "bad"),
        (seen(7.0, 7.0, 7.0, 7.0, 7.0, 7.021), "spread"),
        (seen(7.0, 7.003, 7.006, 7.009, 7.012, 7.015), "drift"),
        (seen(*[7.0] * 6, every=20), "few"),
    ],
)
def test_what_is_not(readings: list[Seen], reason: str) -> None:
    found = steadiness(readings, PH, NOW)
    assert (found.stable, found.reason) == (False, reason)


def test_a_drift_is_by_the_minute() -> None:
    found = steadiness(seen(*(7.0 + 0.001 * n for n in range(6))), PH, NOW)
    assert found.drift_per_min == pytest.approx(0.012)
    falling = steadiness(seen(*(7.0 - 0.003 * n for n in range(6))), PH, NOW)
    assert (falling.drift_per_min, falling.reason) == (pytest.approx(-0.036), "drift")


def test_a_tolerance_may_be_a_part_of_the_reading() -> None:
    salty = seen(1400, 1410, 1413, 1412, 1411, 1410)
    assert steadiness(salty, Tolerance(0.01, relative=True), NOW).allowed == pytest.approx(14.13)
    assert steadiness(salty, Tolerance(0.01), NOW).reason == "spread"


def test_readings_of_one_time_have_no_drift() -> None:
    assert steadiness(seen(*[7.0] * 6, every=0.0), PH, NOW).drift_per_min == 0


def test_what_has_no_reading_is_never_stable() -> None:
    assert steadiness(seen(*[7.0] * 6), None, NOW).reason == "few"
