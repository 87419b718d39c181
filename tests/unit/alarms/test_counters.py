"""Counting: held against a slow oracle that knows nothing of trimming, batches or the order of arrival."""

import itertools
import random
import statistics
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.alarms.counters import Counters, Episode, Span
from vigilia.alarms.judge import Side
from vigilia.rules import Rule

B, G, N = Side.BAD, Side.GOOD, Side.NEITHER
INVERTER = Rule("inverter", ("*",), "pv", low=0.0, on_count=3, off_count=3, most_gap=2.0)
PLAIN = Rule("plain", ("*",), "pv", low=0.0)
SLOW = Rule("slow", ("*",), "pv", low=0.0, on_delay_s=900.0)
RULES = [INVERTER, PLAIN, Rule("r", ("*",), "pv", low=0.0, on_count=2, off_count=1, most_gap=3.0)]

Reading = tuple[float, Side]


def oracle(rule: Rule, readings: list[Reading]) -> list[Episode]:
    """What the readings amount to, as pv.md has it: written for clearness, from all readings there ever were."""
    found: list[Episode] = []
    failed_since: float | None = None
    row: list[Reading] = []
    ordered = sorted(readings)
    for index, (moment, side) in enumerate(ordered):
        times = [time for time, _ in ordered[:index]]
        intervals = [b - a for a, b in itertools.pairwise(times)][-20:]
        usual = statistics.median(intervals) if len(intervals) >= 3 else 300.0
        if rule.most_gap is not None and times and moment - times[-1] > rule.most_gap * usual:
            row = []
        if side is N:
            continue
        row = [*row, (moment, side)] if row and row[-1][1] is side else [(moment, side)]
        long_enough = row[-1][0] - row[0][0] >= rule.on_delay_s
        if failed_since is None and side is B and len(row) >= rule.on_count and long_enough:
            failed_since, row = row[0][0], []
        elif failed_since is not None and side is G and len(row) >= rule.off_count:
            found.append(Episode(failed_since, row[0][0]))
            failed_since, row = None, []
    return [*found, Episode(failed_since, None)] if failed_since is not None else found


@st.composite
def readings(draw: st.DrawFn, most: int = 40) -> list[Reading]:
    pauses = draw(st.lists(st.sampled_from([60.0, 300.0, 300.0, 300.0, 301.0, 600.0, 601.0, 3600.0]), max_size=most))
    sides = draw(st.lists(st.sampled_from([B, B, G, G, N]), min_size=len(pauses), max_size=len(pauses)))
    moment, result = 1000.0, list[Reading]()
    for pause, side in zip(pauses, sides, strict=True):
        moment += pause
        result.append((moment, side))
    return result


def counted(rule: Rule, arriving: list[Reading]) -> Counters:
    counters = Counters()
    for moment, side in arriving:
        counters.add(rule, moment, side)
    return counters


@given(st.sampled_from(RULES), readings(), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_arrival_matters(
    rule: Rule, given_readings: list[Reading], chance: random.Random
) -> None:
    arriving = given_readings * 2
    chance.shuffle(arriving)
    assert counted(rule, arriving).episodes(rule) == oracle(rule, given_readings)


@given(st.sampled_from(RULES), readings(most=150), st.randoms(use_true_random=False), st.sampled_from([0.0, 7800.0]))
def test_deciding_and_trimming_as_one_goes_change_nothing(
    rule: Rule, given_readings: list[Reading], chance: random.Random, kept_s: float
) -> None:
    """Readings in their order, in batches of any size, with a restart after each."""
    counters, decided = Counters(), list[Episode]()
    ahead = list(given_readings)
    while ahead:
        size = chance.randint(1, 40)
        batch, ahead = ahead[:size], ahead[size:]
        for moment, side in batch:
            counters.add(rule, moment, side)
        found = counters.episodes(rule, decided)
        counters.trim(rule, decided, batch[-1][0] - kept_s)
        decided = [*(episode for episode in decided if episode.ended is not None), *found]
        counters = Counters.from_json(counters.to_json())
    assert decided == oracle(rule, given_readings)


@given(st.sampled_from(RULES), readings(), st.randoms(use_true_random=False))
def test_trimming_changes_nothing_for_what_comes_late(
    rule: Rule, given_readings: list[Reading], chance: random.Random
) -> None:
    """Half an hour late at most: whether old readings were let go of makes no difference."""
    arriving = sorted(given_readings, key=lambda reading: reading[0] + chance.uniform(0, 1800))
    before = [(1000.0 - 300.0 * i, G) for i in reversed(range(200))]
    lean, whole = counted(rule, before), counted(rule, before)
    for moment, side in arriving:
        for counters in (lean, whole):
            counters.add(rule, moment, side)
        lean.trim(rule, (), max(lean.times) - 7800)
    assert lean.episodes(rule) == whole.episodes(rule)
    assert not arriving or len(lean.times) < len(whole.times)


def at(*minutes: float) -> list[float]:
    return [60.0 * minute for minute in minutes]


def test_an_alarm_that_was_told_ends_by_good_readings_only() -> None:
    counters = counted(INVERTER, [(moment, B) for moment in at(0, 5, 10)])
    known = counters.episodes(INVERTER)
    assert known == [Episode(0.0, None)]
    counters.add(INVERTER, 180.0, G)  # late: now no three bad readings follow each other
    assert counters.episodes(INVERTER) == []
    assert counters.episodes(INVERTER, known) == known
    for moment in at(11, 12, 13):
        counters.add(INVERTER, moment, G)
    assert counters.episodes(INVERTER, known) == [Episode(0.0, 660.0)]


def test_an_alarm_that_is_over_is_not_found_again_when_a_bad_reading_comes_late() -> None:
    rows = [*((moment, B) for moment in at(0, 5, 10)), *((moment, G) for moment in at(15, 20, 25))]
    counters = counted(INVERTER, rows)
    known = [Episode(0.0, 900.0)]
    assert counters.episodes(INVERTER) == known
    counters.add(INVERTER, 1000.0, B)
    assert counters.episodes(INVERTER) == [Episode(0.0, None)]
    assert counters.episodes(INVERTER, known) == []


def test_bad_readings_up_to_the_floor_are_held_and_those_after_it_count() -> None:
    counters = counted(INVERTER, [(moment, B) for moment in at(0, 5)])
    counters.hold((Span(-inf, inf),))
    for moment in at(10, 15, 20, 25):
        counters.add(INVERTER, moment, B)
    assert counters.episodes(INVERTER) == []
    assert counters.quiet
    counters.hold((Span(-inf, 600.0),))
    assert counters.episodes(INVERTER) == [Episode(900.0, None)]
    counters.hold((Span(-inf, 900.0),))
    assert counters.episodes(INVERTER) == []


def test_what_was_over_before_a_suppression_began_is_found() -> None:
    rows = [*((moment, B) for moment in at(0, 5, 10)), *((moment, G) for moment in at(15, 20, 25))]
    counters = counted(INVERTER, rows)
    counters.hold((Span(1800.0, inf),))
    assert counters.episodes(INVERTER) == [Episode(0.0, 900.0)]
    counters.hold((Span(1800.0, 2000.0),))
    assert counters.episodes(INVERTER) == [Episode(0.0, 900.0)]


@pytest.mark.parametrize("span", [Span(700.0, 800.0), Span(900.0, inf), Span(660.0, 3000.0), Span(600.0, 600.0)])
def test_what_was_not_told_when_a_suppression_began_is_closed(span: Span) -> None:
    counters = counted(INVERTER, [(moment, B) for moment in at(0, 5, 10)])
    counters.hold((span,))
    assert counters.episodes(INVERTER) == []
    for moment in at(15, 20):
        counters.add(INVERTER, moment, B)
    assert counters.episodes(INVERTER) == [], "two readings later than the suppression at most"
    counters.add(INVERTER, 1500.0, B)
    assert counters.episodes(INVERTER) == ([Episode(900.0, None)] if span.end < 900.0 else [])


def test_a_pause_starts_both_counts_anew() -> None:
    assert counted(INVERTER, [(moment, B) for moment in at(0, 5, 15)]).episodes(INVERTER) != []
    assert counted(INVERTER, [(moment, B) for moment in at(0, 5, 15.1)]).episodes(INVERTER) == []


@pytest.mark.parametrize("minutes", [(0, 5, 10, 15), (0, 15), range(16)])
def test_a_delay_counts_from_the_first_to_the_last_reading(minutes: tuple[float, ...]) -> None:
    counters = counted(SLOW, [(moment, B) for moment in at(*minutes)[:-1]])
    assert counters.episodes(SLOW) == []
    counters.add(SLOW, 900.0, B)
    assert counters.episodes(SLOW) == [Episode(0.0, None)]
    assert len(counters.times) <= 3


def test_a_delay_and_a_count_are_both_reached() -> None:
    rule = Rule("both", ("*",), "pv", low=0.0, on_delay_s=60.0, on_count=4)
    counters = counted(rule, [(float(second), B) for second in range(100)])
    assert counters.episodes(rule) == [Episode(0.0, None)]
    assert len(counters.times) <= 5


def test_memory_is_bounded_whatever_the_times() -> None:
    counters = Counters()
    for i in range(5000):
        counters.add(PLAIN, i / 1000, G)
        counters.trim(PLAIN, (), 0.0)
    assert len(counters.times) <= 1100


def test_readings_older_than_what_was_let_go_of_are_not_new() -> None:
    counters = Counters()
    for minute in range(200):
        counters.add(INVERTER, 60.0 * minute, G)
        counters.trim(INVERTER)
    kept = list(counters.times)
    counters.add(INVERTER, 30.0, B)
    assert counters.times == kept


def test_a_clock_set_back_takes_later_readings_away() -> None:
    counters = counted(PLAIN, [(moment, G) for moment in at(0, 60, 61)])
    counters.forget_after(60.0)
    counters.add(PLAIN, 120.0, B)
    assert counters.episodes(PLAIN) == [Episode(120.0, None)]
