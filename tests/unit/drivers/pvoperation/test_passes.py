"""The hour that comes twice: records of its second pass get the times of that, and nothing else does."""

import random
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drivers.pvoperation.api import ZONE, utc
from vigilia.drivers.pvoperation.passes import SetBack, set_back_between
from vigilia.drivers.pvoperation.progress import Progress
from vigilia.drivers.pvoperation.records import Day, Record, local_time

SANTIAGO = ZoneInfo("America/Santiago")
MIDNIGHT = datetime.fromisoformat("2026-04-05T00:00:00-04:00").timestamp()
CHANGE = SetBack(MIDNIGHT - 3600, 3600.0)
"""At 24:00 of 4 April clocks are set back to 23:00."""
TRIP = ("r59A",)


def at(text: str) -> float:
    """A time of 4 April, "23:20" of the first pass, "23:20+" of the second."""
    first = utc(f"2026-04-04 {text[:5]}:00", SANTIAGO)
    return first + 3600 if text.endswith("+") else first


def as_parsed(moment: float) -> float:
    """What is made of the text that a logger gives to a moment."""
    found = local_time(datetime.fromtimestamp(moment, SANTIAGO).strftime("%Y-%m-%d %H:%M:%S"), SANTIAGO)
    assert found is not None
    return found


class Watch:
    """Scans of one plant: an answer has all records up to then, in their order."""

    def __init__(self) -> None:
        self.progress = Progress(at("12:00"))
        self.fresh: list[Record] = []

    def scan(self, now: float, records: Iterable[Record], *, newest_first: bool = False) -> list[Record]:
        texts = [record._replace(time=as_parsed(record.time)) for record in records if record.time <= now]
        start = self.progress.start(now)
        day = Day([record for record in (texts[::-1] if newest_first else texts) if record.time >= start - 3600])
        fresh, self.progress = self.progress.advance([self.progress.tell_passes_apart(day, CHANGE, now)], start)
        self.fresh += fresh
        return fresh


def every(minutes: int, begin: str = "22:00", end: str = "23:59+", offset: int = 0) -> list[float]:
    return [moment + 60 * offset for moment in range(int(at(begin)), int(at(end)), 60 * minutes)]


def test_when_clocks_are_set_back() -> None:
    assert set_back_between(MIDNIGHT - 86_400, MIDNIGHT + 40_000.5, SANTIAGO) == CHANGE
    assert set_back_between(MIDNIGHT - 3600.5, MIDNIGHT - 3599.5, SANTIAGO) == CHANGE
    assert set_back_between(MIDNIGHT, MIDNIGHT + 86_400, SANTIAGO) is None
    assert set_back_between(MIDNIGHT - 86_400, MIDNIGHT, ZONE) is None
    forward = datetime.fromisoformat("2026-09-06T00:00:00-04:00").timestamp()
    assert set_back_between(forward - 3600, forward + 3600, SANTIAGO) is None
    half = set_back_between(utc("2026-04-04 00:00:00"), utc("2026-04-05 00:00:00"), ZoneInfo("Australia/Lord_Howe"))
    assert half is not None
    assert half.by_s == 1800


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_trip_of_the_second_pass_is_found_at_once_and_at_its_time(newest_first: bool) -> None:
    """On the same minutes as the first pass, where nothing happened."""
    watch = Watch()
    trip = {at("23:20+"), at("23:25+"), at("23:30+")}
    day = [Record(moment, "R1", TRIP if moment in trip else ()) for moment in every(5)]
    watch.scan(at("23:15+"), day, newest_first=newest_first)
    assert [record.flags for record in watch.fresh] == [()] * len(watch.fresh)
    found = watch.scan(at("23:25+"), day, newest_first=newest_first)
    assert found == [Record(at("23:20+"), "R1", TRIP), Record(at("23:25+"), "R1", TRIP)]
    found = watch.scan(at("23:45+"), day, newest_first=newest_first)
    assert [(record.time, record.flags) for record in found] == [
        (at("23:30+"), TRIP),
        *((at(f"23:{minute}+"), ()) for minute in (35, 40, 45)),
    ]


def test_a_trip_of_the_first_pass_is_not_told_again() -> None:
    watch = Watch()
    trip = {at("23:20"), at("23:25")}
    day = [Record(moment, "R1", TRIP if moment in trip else ()) for moment in every(5)]
    for now in every(10, "22:10"):
        watch.scan(now, day)
    assert [record.time for record in watch.fresh if record.flags] == sorted(trip)
    assert len({record.time for record in watch.fresh}) == len(watch.fresh)


def test_other_minutes_in_the_second_pass() -> None:
    watch = Watch()
    moments = [*every(5, end="23:59"), *every(5, "23:00+", offset=2)]
    day = [Record(moment, "R1", TRIP if moment == at("23:22+") else ()) for moment in moments]
    for now in every(10, "22:10"):
        watch.scan(now, day)
    watch.scan(MIDNIGHT, day)
    assert [record.time for record in watch.fresh] == [moment for moment in moments if moment <= MIDNIGHT]
    assert [record.time for record in watch.fresh if record.flags] == [at("23:22+")]


def test_a_whole_day_asked_for_the_first_time() -> None:
    day = [Record(moment, "R1", TRIP if moment == at("23:20+") else ()) for moment in every(5)]
    found = Watch().scan(MIDNIGHT + 600, day)
    assert [record.time for record in found if record.flags] == [at("23:20+")]


@given(st.randoms(use_true_random=False), st.sampled_from([("23:40",), ("23:40", "23:30+"), ("23:58", "23:50+")]))
def test_repetitions_are_no_second_pass(chance: random.Random, scans: tuple[str, ...]) -> None:
    """Loggers and the API repeat records; and two of one time may say different things."""
    usual = [Record(moment, "R1") for moment in every(5, end="23:59")]
    day = [copy for record in usual for copy in [record] * chance.choice((1, 1, 2, 3))]
    day += [chance.choice(usual) for _ in range(3)]
    day.insert(day.index(usual[-3]) + 1, usual[-3]._replace(flags=TRIP))
    watch = Watch()
    for now in scans:
        watch.scan(at(now), day)
    assert max(record.time for record in watch.fresh) < CHANGE.at
    assert [record.flags for record in watch.fresh] == [()] * len(watch.fresh)


def test_each_equipment_has_its_own_passes() -> None:
    """That one logger is in its second pass says nothing of another."""
    day = [Record(at("23:50"), "R1"), Record(at("23:10"), "R2"), Record(at("23:20"), "R2", TRIP)]
    found = Watch().scan(at("23:55+"), day)
    assert [record.time for record in found] == [at("23:10"), at("23:20"), at("23:50")]


@given(
    st.lists(st.tuples(st.integers(0, 240), st.sampled_from(["R1", "R2"]), st.sampled_from([(), TRIP])), max_size=30)
)
def test_no_record_is_lost_and_none_comes_twice(given_records: list[tuple[int, str, tuple[str, ...]]]) -> None:
    day = [Record(at("22:00") + 60 * minute, name, flags) for minute, name, flags in given_records]
    watch = Watch()
    for now in every(30, "22:30"):
        watch.scan(now, day)
    times = [(record.time, record.equipment) for record in watch.fresh]
    assert len(times) == len(set(times))
    texts = {(as_parsed(record.time), record.equipment) for record in day if record.time <= at("23:30+")}
    assert {(as_parsed(moment), name) for moment, name in times} == texts
