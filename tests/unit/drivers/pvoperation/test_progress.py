"""How far a plant's data was received: every record once, in order, and nothing passed over."""

import random
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drivers.pvoperation.api import ZONE, utc
from vigilia.drivers.pvoperation.progress import ABSENCES, OVERLAP_S, Progress, days_between
from vigilia.drivers.pvoperation.records import Day, Record

NOON = utc("2026-03-10 12:00:00")
BEGIN = Progress.begin(NOON, ZONE)


def day(*records: Record) -> Day:
    return Day(list(records))


def test_it_begins_at_midnight() -> None:
    assert BEGIN.start(NOON) == utc("2026-03-10 00:00:00")


def test_it_goes_on_from_the_newest_record_less_the_overlap() -> None:
    _, progress = BEGIN.advance([day(Record(NOON - 300, "7"))], BEGIN.start(NOON))
    assert progress.start(NOON) == NOON - 300 - OVERLAP_S


def test_it_does_not_go_back_before_its_beginning_nor_further_than_two_days() -> None:
    begin = utc("2026-03-10 00:00:00")
    _, progress = BEGIN.advance([day(Record(begin + 60, "7"))], begin)
    assert progress.start(begin + 600) == begin
    assert progress.start(NOON + 30 * 86400) == NOON + 28 * 86400


def test_a_clock_that_was_set_back_does_not_stop_the_watch() -> None:
    progress = Progress(0.0, NOON)
    assert progress.start(NOON - 86400) == NOON - 86400 + 600 - OVERLAP_S


def test_a_day_that_failed_is_not_passed() -> None:
    early, late = Record(NOON - 50_000, "7"), Record(NOON - 300, "7")
    start = NOON - 86400
    progress = Progress(0.0, NOON - 86400)
    fresh, after = progress.advance([None, day(late)], start)
    assert fresh == [late]
    assert after.until == progress.until
    fresh, after = after.advance([day(early), day(late)], start)
    assert fresh == [early]
    assert after.until == late.time


def test_nothing_received_moves_nothing() -> None:
    progress = Progress(0.0, NOON, {"7": (NOON,)})
    for days in ([], [None], [day()], [day(), None]):
        assert progress.advance(days, NOON - OVERLAP_S) == ([], progress)


def test_absences() -> None:
    progress = BEGIN
    for _ in range(ABSENCES):
        assert not progress.is_lost("7")
        progress = progress.count_absences(["7", "8"], ["8"], counting=True)
    assert progress.is_lost("7")
    assert progress.count_absences(["7", "8"], ["8"], counting=True) is progress
    assert progress.count_absences(["7", "8"], [], counting=False).absent == {"7": ABSENCES}
    assert not progress.count_absences(["7", "8"], ["7"], counting=False).is_lost("7")


@pytest.mark.parametrize(
    "value",
    [
        None, 5, "x", [], {}, {"until": 1}, {"since": "x", "until": 1, "seen": {}, "absent": {}},
        {"since": 0, "until": float("nan"), "seen": {}, "absent": {}},
        {"since": 0, "until": 1, "seen": [], "absent": {}},
        {"since": 0, "until": 1, "seen": {"7": ["x"]}, "absent": {}},
        {"since": 0, "until": 1, "seen": {"7": 5}, "absent": {}},
        {"since": 0, "until": 1, "seen": {}, "absent": {"7": None}},
    ],
)  # fmt: skip
def test_a_checkpoint_of_another_shape(value: object) -> None:
    with pytest.raises(ValueError, match=r"checkpoint|could not convert"):
        Progress.load(value)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-10 00:00:00", "2026-03-10 23:59:59", ["2026-03-10"]),
        ("2026-03-09 23:59:59", "2026-03-10 00:00:00", ["2026-03-09", "2026-03-10"]),
        ("2026-03-08 12:00:00", "2026-03-10 12:00:00", ["2026-03-08", "2026-03-09", "2026-03-10"]),
    ],
)
def test_days(start: str, end: str, expected: list[str]) -> None:
    assert [str(found) for found in days_between(utc(start), utc(end), ZONE)] == expected


def test_days_of_a_change_of_clocks() -> None:
    zone = ZoneInfo("America/New_York")
    found = days_between(utc("2026-03-07 23:30:00", zone), utc("2026-03-09 00:30:00", zone), zone)
    assert [str(each) for each in found] == ["2026-03-07", "2026-03-08", "2026-03-09"]


STEPS = st.integers(0, 72).map(lambda step: NOON - 300.0 * step)
RECORDS = st.lists(st.tuples(STEPS, st.sampled_from("789")).map(lambda found: Record(*found)), max_size=30)


@given(st.lists(RECORDS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_each_record_is_given_once_in_order_whatever_the_repetition(
    answers: list[list[Record]], chance: random.Random
) -> None:
    progress, given_out = BEGIN, []
    told: list[Record] = []
    for records in answers:
        told += records  # an API that repeats the day in any order
        chance.shuffle(told)
        start = progress.start(NOON)
        fresh, progress = progress.advance([day(*told)], start)
        assert fresh == sorted(fresh)
        assert all(record.time >= start for record in fresh)
        given_out += fresh
        progress = Progress.load(orjson.loads(orjson.dumps(progress.dump())))  # a restart
    assert len(set(given_out)) == len(given_out)
    newest = max((record.time for record in told), default=NOON)
    assert {record for record in told if record.time >= newest - OVERLAP_S} <= set(given_out)
    assert all(moment >= newest - OVERLAP_S for times in progress.seen.values() for moment in times)


@given(st.lists(st.tuples(RECORDS, st.booleans()), min_size=1, max_size=6))
def test_days_that_fail_now_and_then_lose_nothing(scans: list[tuple[list[Record], bool]]) -> None:
    """The first of two days fails now and then: nothing is given twice, and all of it once it comes."""
    border = NOON - 300.0 * 36
    progress, given_out = Progress(0.0, NOON - 86400), []
    told: set[Record] = set()
    for records, fails in [*scans, ([], False)]:
        told |= set(records)
        first = None if fails else day(*(record for record in told if record.time < border))
        second = day(*(record for record in told if record.time >= border))
        fresh, progress = progress.advance([first, second], progress.start(NOON))
        given_out += fresh
    assert len(set(given_out)) == len(given_out)
    if all(fails for _, fails in scans):
        assert set(given_out) == told
