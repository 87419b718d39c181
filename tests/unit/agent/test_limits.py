"""The timeline of boots, and budgets on it: never in favour of more."""

from hypothesis import given
from hypothesis import strategies as st

from vigilia.agent.limits import DAY_S, HOUR_S, Budget, Given, SystemTimes, Timeline, first_seen, time_off


def test_the_computer_tells_its_boot_and_its_time() -> None:
    times = SystemTimes()
    assert len(times.boot()) == 36
    assert times.elapsed() <= times.elapsed()
    assert SystemTimes().boot() == times.boot()


def test_a_reboot_without_a_clock_counts_as_no_time() -> None:
    before = first_seen("a", 500.0, 1_000_500.0)
    after = first_seen("b", 10.0, 1_000_510.0)  # it woke with the time it had gone to sleep with
    assert time_off(before, after) == 0
    assert Timeline([before, after]).position(1, 10.0) - Timeline([before]).position(0, 500.0) == 10.0


def test_a_night_without_power_counts_but_for_the_margin() -> None:
    before = first_seen("a", 500.0, 1_000_500.0)
    after = first_seen("b", 10.0, 1_000_500.0 + 8 * HOUR_S + 10)
    assert time_off(before, after) == 7 * HOUR_S


def test_a_clock_that_was_seen_to_jump_is_believed_at_its_least() -> None:
    before = first_seen("a", 500.0, 1_000_500.0)
    after = first_seen("b", 10.0, 1_000_510.0).seen(20.0, 1_000_520.0 + 100 * HOUR_S)
    assert time_off(before, after) == 0, "the first look says that no time passed"
    jumped = before.seen(501.0, 1_000_501.0 + 100 * HOUR_S)
    assert time_off(jumped, first_seen("b", 10.0, 1_000_510.0 + 101 * HOUR_S)) == 0


@given(
    st.lists(
        st.tuples(
            st.floats(1, 1e6),  # how long a boot lasts
            st.floats(0, 1e6),  # how long the computer is off after it
            st.floats(-HOUR_S, HOUR_S),  # by how much its clock is wrong when it is looked at first
        ),
        min_size=2,
        max_size=8,
    )
)
def test_two_moments_are_never_further_apart_than_they_were(boots: list[tuple[float, float, float]]) -> None:
    true, seen, moments = 1e9, [], []
    for number, (lasts, off, _) in enumerate(boots):
        # Errors that differ by an hour at the most between neighbours: half of it on either side.
        wrong = boots[number][2] / 2
        seen.append(first_seen(str(number), 0.0, true + wrong).seen(lasts, true + lasts + wrong))
        moments.append(true + lasts)
        true += lasts + off
    timeline = Timeline(seen)
    positions = [timeline.position(number, boot.last) for number, boot in enumerate(seen)]
    for first in range(len(boots)):
        for second in range(first, len(boots)):
            assert positions[second] - positions[first] <= moments[second] - moments[first] + 1e-3


def test_a_budget_counts_a_dose_until_a_window_after_its_end() -> None:
    hour = Budget(20, HOUR_S, "max_dose_ml_hour")
    given = [Given(15, "", 0.0), Given(4, "", None)]
    assert hour.spent(given, HOUR_S - 1) == 19
    assert hour.spent(given, HOUR_S) == 4
    assert hour.spent(given, 10 * DAY_S) == 4, "what has not ended counts for ever"
    assert "max_dose_ml_hour = 20" in hour.refusal(2, given, 100.0)
    assert "1 ml are left" in hour.refusal(2, given, 100.0)
    assert hour.refusal(1, given, 100.0) == ""


def test_no_limit_is_none_and_a_loop_has_its_own() -> None:
    given = [Given(1e6, "", 0.0), Given(3, "ph", 0.0)]
    assert Budget(0, HOUR_S, "x").refusal(1e9, given, 0.0) == ""
    mine = Budget(5, DAY_S, "max_day_ml", "ph")
    assert mine.refusal(2, given, 1.0) == ""
    assert mine.refusal(2.1, given, 1.0)


def test_ten_tenths_are_one() -> None:
    given = [Given(0.1, "", 0.0) for _ in range(9)]
    assert Budget(1, HOUR_S, "x").refusal(0.1, given, 1.0) == ""
