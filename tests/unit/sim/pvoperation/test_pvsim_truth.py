"""The oracle: what a perfect monitor must tell, on days made for it and on days of chance."""

import math
from datetime import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sim.pvoperation.plants import CUIABA, DAY, SAO_PAULO, a_plant, a_script, at
from vigilia.sim.pvoperation import Alarm, Outage, Plant, Script, Span, Trip, generate, truth
from vigilia.sim.pvoperation.readings import flags_of, in_window, is_recorded, pac_kw, slots
from vigilia.sim.pvoperation.truth import class_of


def told(alarms: list[Alarm], plant: Plant) -> list[tuple[str, str, str | None]]:
    """Whose, from and to, plant-local."""

    def shown(moment: float | None) -> str | None:
        return None if moment is None else plant.local(moment).strftime("%H:%M")

    return [(alarm.equipment, shown(alarm.raised) or "", shown(alarm.cleared)) for alarm in alarms]


def failing(*outages: tuple[str, str]) -> Plant:
    plant = a_plant(inverters=1)
    plant.inverters["701"].outages += [Outage(at(start), at(end)) for start, end in outages]
    return plant


def test_nothing_happens_nothing_is_told() -> None:
    script = a_script(a_plant(1), a_plant(2, CUIABA))
    assert truth(script) == []
    assert truth(script, at("2026-03-14T12:00")) == []


@pytest.mark.parametrize(
    ("outages", "expected"),
    [
        ([("10:00", "10:14")], [("701", "10:10", "10:25")]),
        ([("10:00", "10:10")], []),
        ([("10:00", "10:20"), ("10:25", "10:40")], [("701", "10:10", "10:50")]),
        ([("06:00", "06:40")], []),
        ([("06:00", "06:41")], [("701", "06:40", "06:55")]),
        ([("17:20", "19:00")], [("701", "17:30", "06:40")]),
        ([("17:25", "17:31")], []),
    ],
)
def test_inverters(outages: list[tuple[str, str]], expected: list[tuple[str, str, str]]) -> None:
    plant = failing(*outages)
    assert told(truth(a_script(plant)), plant) == expected


def test_a_failure_that_lasts_over_night_goes_on_in_the_morning() -> None:
    plant = failing(("17:20", "19:00"))
    (alarm,) = truth(a_script(plant))
    assert plant.local(alarm.cleared or 0).isoformat() == "2026-03-11T06:40:00"
    (alarm,) = truth(a_script(plant), at("22:00"))
    assert alarm.cleared is None


def test_a_gap_starts_both_counts_anew() -> None:
    plant = failing(("10:00", "11:00"))
    plant.inverters["701"].stops += [Span(at("10:06"), at("10:16")), Span(at("11:06"), at("11:20"))]
    # 10:00, 10:05, silent, 10:20, 10:25, 10:30; then 11:00, 11:05, silent, 11:20, 11:25, 11:30.
    assert told(truth(a_script(plant)), plant) == [("701", "10:30", "11:30")]
    plant.inverters["701"].stops = [Span(at("10:06"), at("10:11"))]
    # 10 min from 10:05 to 10:15 is twice the interval, and not more.
    assert told(truth(a_script(plant)), plant) == [("701", "10:15", "11:10")]


def test_a_relay_alarm_and_its_flags() -> None:
    plant = a_plant(zone=CUIABA)
    plant.relays["901"].trips += [
        Trip(at("12:01", CUIABA), at("12:09", CUIABA), ("r59A",)),
        Trip(at("12:09", CUIABA), at("12:20", CUIABA), ("r59N",)),
    ]
    alarms = truth(a_script(plant))
    assert told(alarms, plant) == [("901", "12:05", "12:20")]
    assert (alarms[0].relay_class, alarms[0].flags) == ("SOBRETENSÃO", ("r59A", "r59N"))


def test_a_relay_with_two_alarms_is_normal_without_a_flag() -> None:
    plant = a_plant()
    plant.relays["901"].trips += [
        Trip(at("10:00"), at("10:10"), ("r59A",)),
        Trip(at("10:10"), at("10:20"), ("r27A",)),
    ]
    assert told(truth(a_script(plant)), plant) == [("901", "10:00", "10:20"), ("901", "10:10", "10:20")]


def test_a_relay_is_normal_only_on_evidence() -> None:
    plant = a_plant()
    plant.relays["901"].trips.append(Trip(at("10:00"), at("10:30"), ("r81O",)))
    plant.stops.append(Span(at("10:20"), at("12:01")))
    assert told(truth(a_script(plant)), plant) == [("901", "10:00", "12:05")]
    plant.stops = [Span(at("10:20"))]
    assert told(truth(a_script(plant)), plant) == [("901", "10:00", None)]


def test_what_happened_under_a_relay_alarm_is_not_told() -> None:
    plant = failing(("10:00", "10:46"))
    plant.relays["901"].trips.append(Trip(at("09:58"), at("10:30")))
    # The normal reading is that of 10:30: 10:35, 10:40 and 10:45 are later.
    assert told(truth(a_script(plant)), plant) == [("901", "10:00", "10:30"), ("701", "10:45", "11:00")]
    plant.inverters["701"].outages = [Outage(at("10:00"), at("10:45"))]
    assert told(truth(a_script(plant)), plant) == [("901", "10:00", "10:30")]


def test_a_brief_trip_breaks_a_sequence() -> None:
    plant = failing(("10:00", "10:24"))
    plant.relays["901"].trips.append(Trip(at("10:04"), at("10:06")))
    # 10:00 came before the trip, 10:05 under it, 10:10 with the normal reading: 10:15 and 10:20 are not enough.
    assert told(truth(a_script(plant)), plant) == [("901", "10:05", "10:10")]


def test_a_failure_under_a_later_relay_alarm_is_dropped_or_recovers() -> None:
    plant = failing(("10:00", "12:00"))
    plant.relays["901"].trips.append(Trip(at("10:14"), at("10:30")))
    script = a_script(plant)
    failure, relay = truth(script)
    assert told([failure, relay], plant) == [("701", "10:10", "12:10"), ("901", "10:15", "10:30")]
    assert (failure.suppressed, failure.dropped) == (at("10:15"), False)
    dropped, _, again = truth(script, dropped={(1, "701", at("10:10"))})
    assert (dropped.dropped, dropped.cleared) == (True, None)
    assert told([again], plant) == [("701", "10:45", "12:10")]
    (early,) = truth(script, at("10:12"), {(1, "701", at("10:10"))})
    assert (early.suppressed, early.dropped) == (None, False)


def test_a_negative_power_is_no_recovery_and_a_window_may_be_the_plant_s_own() -> None:
    plant = failing()
    plant.window = (time(8), time(9))
    plant.inverters["701"].outages.append(Outage(at("07:00"), at("08:20"), -0.4))
    assert told(truth(a_script(plant)), plant) == [("701", "08:10", "08:30")]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["r59N"], "SOBRETENSÃO"),
        (["r27_0", "r59A"], "SOBRETENSÃO"),
        (["r81U", "r27A"], "SUBTENSÃO"),
        (["r81O"], "FREQUÊNCIA"),
        (["r49_2"], "TÉRMICO"),
        (["rDO", "r86"], "BLOQUEIO"),
        (["rRL5"], "OUTROS"),
        ([], None),
    ],
)
def test_classes(flags: list[str], expected: str | None) -> None:
    assert class_of(flags) == expected


MOMENTS = st.integers(at("06:00"), at("18:30"))
LENGTHS = st.sampled_from([60, 240, 300, 301, 600, 700, 900, 1200, 2400, 3600, math.inf])
SPANS = st.tuples(MOMENTS, LENGTHS).map(lambda found: (float(found[0]), found[0] + found[1]))
FLAGS = st.sampled_from([("r59A",), ("r59A", "r81O"), ("r27A",), ("r86",)])


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """One plant with everything that can happen to it, close together."""
    plant = a_plant(inverters=1)
    relay, inverter = plant.relays["901"], plant.inverters["701"]
    relay.trips += [Trip(*span, draw(FLAGS)) for span in draw(st.lists(SPANS, max_size=3))]
    relay.stops += [Span(*span) for span in draw(st.lists(SPANS, max_size=1))]
    inverter.outages += [Outage(*span) for span in draw(st.lists(SPANS, max_size=4))]
    inverter.stops += [Span(*span) for span in draw(st.lists(SPANS, max_size=2))]
    return a_script(plant)


@given(scripts())
def test_the_truth_says_what_the_records_prove_and_leaves_nothing_out(script: Script) -> None:
    plant = script.plants[1]
    alarms = truth(script, at("23:59"))
    relay = plant.relays["901"]
    day = slots(plant, DAY)
    flagged = [(s.moment, flags_of(relay, s.moment)) for s in day if is_recorded(plant, relay, s.moment)]
    relays = [alarm for alarm in alarms if alarm.kind == "relay"]
    for moment, flags in flagged:
        covering = [a for a in relays if a.raised <= moment and (a.cleared is None or a.cleared > moment)]
        assert {a.relay_class for a in covering} >= ({class_of(flags)} if flags else set())
        assert bool(covering) <= bool(flags)
        assert len({a.relay_class for a in covering}) == len(covering)
    for alarm in relays:
        assert class_of(dict(flagged)[alarm.raised]) == alarm.relay_class
        assert alarm.cleared == next((m for m, flags in flagged if m > alarm.raised and not flags), None)

    inverter = plant.inverters["701"]
    read = [s for s in day if in_window(plant, s.moment) and is_recorded(plant, inverter, s.moment)]
    values = [(s.moment, pac_kw(inverter, s.moment, s.share)) for s in read]
    failures = [alarm for alarm in alarms if alarm.kind == "inverter"]
    downs, ups = [], []
    for i in range(2, len(values)):
        three = values[i - 2 : i + 1]
        if any(b - a > 600 for (a, _), (b, _) in pairwise(three)):
            continue
        first, last = three[0][0], three[2][0]
        clean = all(a.raised > last or (a.cleared is not None and a.cleared < first) for a in relays)
        if all(pac <= 0 for _, pac in three) and clean:
            downs.append(last)
        if all(pac > 0 for _, pac in three):
            ups.append((first, last))
    assert {alarm.raised for alarm in failures} <= set(downs)
    assert {alarm.cleared for alarm in failures} - {None} <= {last for _, last in ups}
    for moment in downs:
        assert any(a.raised <= moment and (a.cleared is None or a.cleared > moment) for a in failures)
    for first, last in ups:
        assert not [a for a in failures if a.raised < first and (a.cleared is None or a.cleared > last)]
    for earlier, later in pairwise(failures):
        assert earlier.cleared is not None
        assert earlier.cleared < later.raised


@given(st.integers(0, 10_000))
def test_a_generated_day_has_one_answer_only(seed: int) -> None:
    script = generate(2, 3, 2, seed=seed, first_day=DAY, zones=[SAO_PAULO, CUIABA])
    alarms = truth(script)
    assert all(alarm.suppressed is None and alarm.cleared is not None for alarm in alarms)
    for plant in script.plants.values():
        for relay in plant.relays.values():
            trips = sorted(relay.trips, key=lambda trip: trip.start)
            assert all(a.end < b.start for a, b in pairwise(trips))
