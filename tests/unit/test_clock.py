"""The clock: real by default, elsewhere and faster where VIGILIA_CLOCK says so."""

import asyncio
import time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.clock import Clock, iso, parse_clock
from vigilia.errors import StartError

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
TEN_TO_SIX = 1773132600.0  # 2026-03-10T05:50:00-03:00


def test_without_wishes_it_is_the_real_time() -> None:
    clock = parse_clock("", SAO_PAULO)
    assert clock.speed == 1
    assert abs(clock.now() - time.time()) < 0.1
    assert abs(clock.monotonic() - time.monotonic()) < 0.1
    assert clock.of_real(2.5) == 2.5


@pytest.mark.parametrize(
    ("text", "start", "speed"),
    [
        ("2026-03-10T05:50:00 x120", TEN_TO_SIX, 120),
        ("x120 2026-03-10T05:50:00", TEN_TO_SIX, 120),
        ("2026-03-10T05:50:00", TEN_TO_SIX, 1),
        ("2026-03-10T08:50:00Z", TEN_TO_SIX, 1),
        ("2026-03-10T09:50:00+01:00 x0.5", TEN_TO_SIX, 0.5),
    ],
)
def test_a_site_time_and_a_speed(text: str, start: float, speed: float) -> None:
    clock = parse_clock(text, SAO_PAULO)
    assert clock.speed == speed
    assert 0 <= clock.now() - start < 1.0 * speed


def test_a_speed_alone_begins_now() -> None:
    clock = parse_clock("x10", SAO_PAULO)
    assert abs(clock.now() - time.time()) < 5


@pytest.mark.parametrize("text", ["soon", "x0", "x-1", "xnan", "xinf", "x1e9", "x", "120", "2026-13-10T05:50:00"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(StartError, match=r"VIGILIA_CLOCK.*write a site time.*x120"):
        parse_clock(text, SAO_PAULO)


@given(st.text())
def test_no_text_does_worse_than_a_start_error(text: str) -> None:
    try:
        clock = parse_clock(text, SAO_PAULO)
    except StartError:
        return
    assert clock.speed > 0


async def test_waits_follow_the_clock() -> None:
    clock = Clock(start=0.0, speed=1000)
    began, real = clock.monotonic(), time.monotonic()
    await clock.sleep(50)
    assert clock.monotonic() - began >= 50
    assert clock.now() >= 50
    assert time.monotonic() - real < 5
    await clock.sleep(-1)
    async with asyncio.timeout(5):
        await clock.sleep(0)


def test_iso() -> None:
    assert iso(TEN_TO_SIX) == "2026-03-10T08:50:00.000Z"
    assert iso(0.9996) == "1970-01-01T00:00:01.000Z"
    assert iso(1.2344) == "1970-01-01T00:00:01.234Z"
