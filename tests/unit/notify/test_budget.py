"""The rate budget: no window is ever exceeded, and what is reserved is not taken by others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.notify.budget import Budget, reserve
from vigilia.notify.config import BUDGET

WINDOWS = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 60).map(float)), min_size=1, max_size=3)
STEPS = st.lists(st.tuples(st.floats(0, 40), st.booleans(), st.floats(0, 3), st.booleans()), min_size=1, max_size=80)


@given(WINDOWS, STEPS)
def test_no_window_is_exceeded_whatever_is_asked_when(
    windows: list[tuple[int, float]], steps: list[tuple[float, bool, float, bool]]
) -> None:
    """Requests of both kinds, each of which takes some time, with restarts in between."""
    now = 1_000_000.0
    budget = Budget(windows)
    began: list[float] = []
    ended: list[float] = []
    ordinary: list[float] = []
    for pause, urgent, takes, restart in steps:
        now += pause
        if restart:
            budget = Budget(windows, budget.sent)
        if budget.wait(now, urgent=urgent) > 0:
            continue
        budget.spend(now)
        began.append(now)
        if not urgent:
            ordinary.append(now)
        now += takes
        ended.append(now)
        budget.settle(now)
    for count, seconds in windows:
        for index in range(count, len(began)):
            # It arrived after it began and before it ended: at worst the earlier ones late, and this one early.
            assert began[index] - ended[index - count] >= seconds - 1e-6
        most = count - reserve(count)
        for index in range(most, len(ordinary)):
            assert ordinary[index] - ordinary[index - most] >= seconds - 1e-6


@given(WINDOWS, st.lists(st.floats(0, 100), max_size=40), st.booleans())
def test_the_wait_is_enough_and_not_more(windows: list[tuple[int, float]], pauses: list[float], urgent: bool) -> None:
    budget, now = Budget(windows), 1000.0
    for pause in pauses:
        now += pause
        wait = budget.wait(now, urgent=urgent)
        if wait > 0.01:
            assert budget.wait(now + wait * 0.9, urgent=urgent) > 0
        now += wait + 1e-6
        assert budget.wait(now, urgent=urgent) == 0
        budget.spend(now)


def test_the_reserve_is_there_when_the_rest_is_spent() -> None:
    budget = Budget([(count, float(seconds)) for count, seconds in BUDGET])
    sent = 0
    while budget.wait(sent * 20.0, urgent=False) == 0:
        budget.spend(sent * 20.0)
        sent += 1
    assert sent == 80, "of 100 in an hour"
    assert budget.wait(1600.0, urgent=True) == 0
    assert budget.wait(1600.0, urgent=False) == pytest.approx(2000.0)


def test_a_clock_that_is_set_back_holds_nothing_up_for_long() -> None:
    budget = Budget([(2, 10.0)], [5000.0, 5001.0])
    assert budget.wait(1000.0, urgent=True) == pytest.approx(10.0)
    assert budget.wait(1010.5, urgent=True) == 0
    assert budget.sent == []
