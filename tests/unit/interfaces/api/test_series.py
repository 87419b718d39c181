"""Where a series has gaps."""

import json
import math
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vigilia.history.backend import Bucket, Series, with_gaps
from vigilia.interfaces.api.series import series_json
from vigilia.points import Kind, Point, Severity

MINUTE = 60_000


def readings(*times: int) -> list[Bucket]:
    return [Bucket(time, 1.0, 1.0, 1.0, Severity.NO_ALARM) for time in times]


def marks(series: Series, until_ms: int = 0, interval_s: float = 60) -> Sequence[int]:
    return [bucket.time_ms for bucket in with_gaps(series, until_ms, interval_s) if bucket.value is None]


def raw(*times: int) -> Series:
    return Series("p", 0, readings(*times))


def test_a_gap_is_marked_right_after_the_last_reading_before_it() -> None:
    series = raw(0, MINUTE, 5 * MINUTE, 6 * MINUTE)
    found = with_gaps(series, 6 * MINUTE, 60)
    assert found[2] == Bucket(MINUTE + 1, None, None, None, Severity.INVALID)
    assert [bucket for bucket in found if bucket is not found[2]] == series.buckets


def test_two_and_a_half_distances_are_no_gap() -> None:
    assert marks(raw(0, 150_000)) == []
    assert marks(raw(0, 150_001)) == [1]


def test_the_end_counts() -> None:
    assert marks(raw(0), until_ms=150_000) == []
    assert marks(raw(0), until_ms=150_001) == [1]


def test_nothing_has_no_gap() -> None:
    assert marks(raw(), until_ms=10**12) == []


def test_buckets_are_no_closer_than_their_width() -> None:
    hours = Series("p", 60 * MINUTE, readings(0, 120 * MINUTE, 300 * MINUTE))
    assert marks(hours) == [180 * MINUTE], "at the end of the last bucket before it"


def test_a_slow_point_keeps_its_pace() -> None:
    times = [at * 15 * MINUTE for at in range(6)]
    assert marks(raw(*times)) == []
    assert marks(raw(*times, times[-1] + 45 * MINUTE)) == [times[-1] + 1]


def test_what_stands_until_it_is_changed_has_none() -> None:
    assert marks(raw(0, 10**9), until_ms=10**10, interval_s=math.inf) == []


@given(st.lists(st.integers(0, 10**9), unique=True).map(sorted), st.integers(0, 10**9), st.integers(1, 10_000))
def test_marks_come_in_order_and_change_nothing(times: list[int], until_ms: int, interval_s: int) -> None:
    series = raw(*times)
    found = with_gaps(series, until_ms, interval_s)
    assert [bucket for bucket in found if bucket.value is not None] == series.buckets
    assert [bucket.time_ms for bucket in found] == sorted({bucket.time_ms for bucket in found})
    assert not any(one.value is other.value is None for one, other in pairwise(found))


async def test_json() -> None:
    buckets = [
        Bucket(0, 1.0, math.inf, math.nan, Severity.MAJOR),
        Bucket(1, 1.5, 1.0, 2.0, Severity.NO_ALARM),
        Bucket(2, 'said "no"', None, None, Severity.NO_ALARM),
    ]
    count = Point('a/"b', Kind.INTEGER, "d", units="W")
    answer = json.loads(await series_json(count.name, count, 1500, buckets))
    assert (answer["name"], answer["units"], answer["resolution_s"]) == (count.name, "W", 1.5)
    assert answer["points"] == [
        {"time": "1970-01-01T00:00:00.000Z", "value": 1, "min": None, "max": None, "severity": "MAJOR"},
        {"time": "1970-01-01T00:00:00.001Z", "value": 1.5, "min": 1, "max": 2, "severity": "NO_ALARM"},
        {"time": "1970-01-01T00:00:00.002Z", "value": 'said "no"', "min": None, "max": None, "severity": "NO_ALARM"},
    ]
    assert isinstance(answer["points"][0]["value"], int)
    assert json.loads(await series_json("p", None, 0, ())) == {
        "name": "p", "units": None, "resolution_s": 0, "points": [],
    }  # fmt: skip


async def test_long_series_are_whole() -> None:
    answer = json.loads(await series_json("p", None, 0, readings(*range(1501))))
    assert len(answer["points"]) == 1501
