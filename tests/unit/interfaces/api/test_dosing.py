"""What pumps gave and who asked: steps of totals, joined with writes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vigilia.history.backend import Bucket, Series
from vigilia.interfaces.api.dosing import Asked, Dose, doses
from vigilia.points import Severity

NOW = 1_795_179_600.0
POINT = "R1:acid:Dosed-Mon"
HOUR = 3660.0


def series(*totals: tuple[float, float | None], bad: tuple[float, ...] = ()) -> Series:
    buckets = [
        Bucket(round((NOW + at) * 1000), ml, ml, ml, Severity.INVALID if at in bad else Severity.NO_ALARM)
        for at, ml in totals
    ]
    return Series(POINT, 0, buckets)


def asked(
    at: float, value: Any = 2.0, name: str = "Dose-SP", outcome: str | None = "confirmed", who: str = "ana"
) -> Asked:
    return Asked(round(at), NOW + at, f"R1:acid:{name}", value, "web", who, "10.0.0.7", outcome)


def given_by(found: list[Dose]) -> list[tuple[float, float, list[str]]]:
    return [(dose.at - NOW, dose.ml, [one.user for one in dose.asked]) for dose in found]


def test_a_dose_is_that_of_who_asked_and_others_are_a_loop_s() -> None:
    found = doses(series((0, 10), (103, 12), (400, 12.5), (900, 12.5)), [asked(100)], NOW, HOUR)
    assert given_by(found) == [(103, 2.0, ["ana"]), (400, 0.5, [])]
    assert (found[0].total, found[0].since, found[0].began_anew) == (12, None, False)


def test_two_who_ask_one_after_the_other_have_a_dose_each() -> None:
    writes = [asked(100), asked(106, who="bia")]
    found = doses(series((0, 10), (103, 12), (109, 14)), writes, NOW, HOUR)
    assert given_by(found) == [(103, 2.0, ["ana"]), (109, 2.0, ["bia"])]


def test_what_was_refused_gave_nothing() -> None:
    writes = [asked(100, outcome="NotWritable"), asked(101, outcome="InvalidValue")]
    assert given_by(doses(series((0, 10), (103, 12)), writes, NOW, HOUR)) == [(103, 2.0, [])]
    for outcome in ("WriteTimeout", "Refused", "unknown", None):
        (dose,) = doses(series((0, 10), (103, 12)), [asked(100, outcome=outcome)], NOW, HOUR)
        assert [one.outcome for one in dose.asked] == [outcome]


def test_a_dose_over_a_time_and_a_steady_rate_last_so_long() -> None:
    totals = series((0, 0), (300, 5), (1790, 9), (1900, 10))
    for name in ("DoseOver-Cmd", "Rate-Cmd"):
        found = doses(totals, [asked(10, "10,30", name)], NOW, HOUR)
        assert given_by(found) == [(300, 5, ["ana"]), (1790, 4, ["ana"]), (1900, 1, [])]
    assert given_by(doses(totals, [asked(10, "10,much", "Rate-Cmd")], NOW, HOUR))[0] == (300, 5, [])


def test_a_pump_that_runs_until_it_is_stopped() -> None:
    stop = asked(600, True, "Stop-Cmd", who="bia")
    found = doses(series((0, 0), (300, 5), (605, 9), (1900, 10)), [asked(10, True, "Continuous-Cmd"), stop], NOW, HOUR)
    assert given_by(found) == [(300, 5, ["ana"]), (605, 4, ["ana"]), (1900, 1, [])]


def test_what_was_given_out_of_contact_is_known_less_well() -> None:
    found = doses(
        series((0, 0), (100, 0), (110, 0), (900, 3), bad=(110,)), [asked(105), asked(500, who="bia")], NOW, HOUR
    )
    assert (found[0].since, found[0].at) == (NOW + 100, NOW + 900)
    assert [one.user for one in found[0].asked] == ["ana", "bia"]
    (silent,) = doses(series((0, 0), (100, 0), (9000, 3)), [], NOW, HOUR)
    assert silent.since == NOW + 100, "the service was down meanwhile"


def test_a_ledger_that_began_anew() -> None:
    found = doses(series((0, 50), (100, 3), (200, 4)), [], NOW, HOUR)
    assert [(dose.ml, dose.began_anew) for dose in found] == [(3, True), (1, False)]


def test_buckets_of_a_long_time() -> None:
    def bucket(at: float, low: float, high: float) -> Bucket:
        return Bucket(round((NOW + at) * 1000), (low + high) / 2, low, high, Severity.NO_ALARM)

    wide = Series(POINT, 3_600_000, [bucket(0, 0, 2), bucket(3600, 3, 5), bucket(7200, 5, 5)])
    found = doses(wide, [asked(4000), asked(5000, who="bia"), asked(9000)], NOW, HOUR)
    assert [(dose.since, dose.at, dose.ml) for dose in found] == [(NOW + 3600, NOW + 7200, 3.0)]
    assert [one.user for one in found[0].asked] == ["ana", "bia"]


def test_what_was_before_only_tells_how_it_stood() -> None:
    assert given_by(doses(series((-500, 1), (-100, 3), (50, 4)), [], NOW, HOUR)) == [(50, 1, [])]
    assert doses(series((50, 4)), [], NOW, HOUR) == [], "how it stood before is not known"
    assert doses(series(), [asked(0)], NOW, HOUR) == []


@given(st.lists(st.floats(0, 100).map(lambda ml: round(ml, 3)), max_size=30))
def test_the_doses_are_what_the_total_grew_by(steps: list[float]) -> None:
    totals, total = [(0.0, 0.0)], 0.0
    for index, step in enumerate(steps, 1):
        total = round(total + step, 3)
        totals.append((index * 10.0, total))
    assert abs(sum(dose.ml for dose in doses(series(*totals), [], NOW, HOUR)) - total) < 0.002 * len(totals)
