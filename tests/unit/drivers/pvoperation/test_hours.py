"""A plant's hours."""

import pytest

from tests.unit.drivers.pvoperation.api import utc
from vigilia.drivers.pvoperation.hours import is_open, silence_s
from vigilia.points import Window

WINDOW = Window("06:30", "17:30", "America/Sao_Paulo")
HOUR = 3600.0


@pytest.mark.parametrize(
    ("time", "expected"),
    [("06:29:59", False), ("06:30:00", True), ("12:00:00", True), ("17:30:00", True), ("17:30:01", False)],
)
def test_both_ends_belong_to_it(time: str, expected: bool) -> None:
    assert is_open(WINDOW, utc(f"2026-03-10 {time}")) is expected


@pytest.mark.parametrize(
    ("time", "hours"),
    [("12:00:00", 1), ("16:30:00", 1), ("16:30:01", 15 - 1 / 3600), ("18:00:00", 13.5), ("05:30:00", 2)],
)
def test_silence(time: str, hours: float) -> None:
    assert silence_s(WINDOW, utc(f"2026-03-10 {time}"), HOUR) == pytest.approx(hours * HOUR)
