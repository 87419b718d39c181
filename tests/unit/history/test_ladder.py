"""Which buckets answer a question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.history.places import DAY, HOUR, MINUTE, SECOND, START
from vigilia.history.backend import HistoryError, Question
from vigilia.history.ladder import LATEST_MS, MOST_ROWS, Source, plans, value_of, width_for, within

EVERYTHING = dict.fromkeys(Source, 0)
YEAR = 365 * DAY


def question(start: int, end: int, most: int = 1000) -> Question:
    return Question("p", start, end, most)


def best(start: int, end: int, most: int = 1000, **since: int) -> tuple[Source, int]:
    dropped = {Source.RAW: since.get("raw", 0), Source.MINUTES: since.get("minutes", 0), Source.HOURS: 0}
    plan = plans(question(start, end, most), dropped)[0]
    return plan.source, plan.width_ms


@pytest.mark.parametrize(
    ("length", "most", "source", "width"),
    [
        (100 * SECOND, 1000, Source.RAW, SECOND),
        (HOUR, 1000, Source.RAW, 5 * SECOND),
        (HOUR, 61, Source.MINUTES, MINUTE),
        (HOUR, 60, Source.MINUTES, 2 * MINUTE),
        (DAY, 1000, Source.MINUTES, 2 * MINUTE),
        (YEAR, 1000, Source.HOURS, 12 * HOUR),
        (YEAR, 100, Source.HOURS, 7 * DAY),
        (100 * YEAR, 100, Source.HOURS, 448 * DAY),
    ],
)
def test_the_smallest_width_from_the_fewest_rows(length: int, most: int, source: Source, width: int) -> None:
    assert best(START, START + length, most) == (source, width)


def test_what_was_dropped_is_answered_by_what_is_left() -> None:
    end = START + HOUR
    assert best(START, end, raw=START + 1) == (Source.MINUTES, MINUTE)
    assert best(START, end, raw=START + 1, minutes=START + 1) == (Source.HOURS, HOUR)
    assert best(START, end, minutes=START + 1) == (Source.RAW, 5 * SECOND)
    assert best(START, end, raw=START) == (Source.RAW, 5 * SECOND)


def test_where_nothing_reaches_back_what_reaches_farthest_answers() -> None:
    since = {Source.RAW: START + 3 * HOUR, Source.MINUTES: START + 2 * HOUR, Source.HOURS: START + HOUR}
    (plan,) = plans(question(START, START + 4 * HOUR, 100), since)
    assert (plan.source, plan.width_ms) == (Source.HOURS, HOUR)


def test_too_many_rows_are_answered_coarser() -> None:
    (plan,) = plans(question(START, START + YEAR, 500_000), EVERYTHING)[-1:]
    assert (plan.source, plan.width_ms) == (Source.HOURS, HOUR)
    assert [plan.source for plan in plans(question(START, START + YEAR, 30_000), EVERYTHING)] == [
        *(Source.RAW, Source.HOURS),
    ], "30 minutes made of half a million minutes would be too many"


def test_a_question_is_cut_to_what_is_there() -> None:
    assert within(question(0, LATEST_MS), START, START + 5) == question(START, START + 5)
    assert within(question(START, START + 5), START + 6, START + 9) is None
    for start, end, most in ((2, 1, 10), (1, 2, 0)):
        with pytest.raises(HistoryError):
            within(question(start, end, most), 0, 10)


def test_what_a_bucket_says_depends_on_the_kind() -> None:
    assert value_of("number", 1.5, 2.0, None) == 1.5
    assert value_of("enum", 1.5, 2.0, None) == 2.0
    assert value_of("boolean", 0.5, 1.0, None) == 1.0
    assert value_of("text", None, None, "on") == "on"
    assert value_of("", None, None, "on") == "on", "nobody described it"
    assert value_of("number", None, None, None) is None


@given(
    start=st.integers(0, LATEST_MS),
    length=st.integers(0, 200 * YEAR),
    most=st.integers(1, 100_000),
    raw=st.integers(0, LATEST_MS),
    minutes=st.integers(0, LATEST_MS),
)
def test_every_plan_covers_the_question_with_few_enough_aligned_buckets(
    start: int, length: int, most: int, raw: int, minutes: int
) -> None:
    end = min(start + length, LATEST_MS)
    found = plans(question(start, end, most), {Source.RAW: raw, Source.MINUTES: minutes, Source.HOURS: 0})
    assert found
    for plan in found:
        assert plan.start_ms <= start
        assert plan.end_ms >= end
        assert plan.start_ms % plan.width_ms == 0
        assert (plan.end_ms + 1) % plan.width_ms == 0
        assert (plan.end_ms + 1 - plan.start_ms) // plan.width_ms <= most
        assert plan.source == Source.RAW or plan.width_ms % plan.source == 0
    wished = width_for(start, end, most)
    assert found[0].width_ms >= wished
    if found[0].source is Source.MINUTES and len(found) > 1:
        assert (end - start) // MINUTE <= MOST_ROWS
