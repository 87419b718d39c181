"""What covers what, and until when."""

import math
from dataclasses import replace

from tests.unit.alarms.rig import INVERTER, NOON, RELAY, STALE, inverter, record, relay
from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alarms.counters import Span
from vigilia.alarms.suppression import Suppression
from vigilia.points import Severity


def standing(alarm: Alarm) -> Alarm:
    alarm.incident = Incident(NOON, NOON, Severity.MAJOR, "")
    return alarm


def test_an_alarm_covers_others_of_its_group_and_never_its_own_kind() -> None:
    suppression = Suppression()
    trip, other, failure = Alarm(RELAY, relay("A")), Alarm(RELAY, relay("B")), Alarm(INVERTER, inverter())
    elsewhere = Alarm(INVERTER, inverter(plant="Q"))
    for alarm in (trip, other, failure, elsewhere):
        suppression.add(alarm)
    assert suppression.cover(standing(trip)) == [failure]
    assert (suppression.cause(failure), suppression.cause(other), suppression.cause(elsewhere)) == (trip, None, None)
    assert (suppression.spans(failure), suppression.spans(elsewhere)) == ((Span(NOON, math.inf),), ())
    trip.incident = None
    assert suppression.uncover(trip, NOON, NOON + 60) == [failure]
    assert (suppression.cause(failure), suppression.spans(failure)) == (None, (Span(NOON, NOON + 60),))
    suppression.set_back(NOON + 30)
    assert suppression.spans(failure) == (Span(NOON, NOON + 30),)


def test_a_link_holds_only_what_tells_of_missing_data() -> None:
    assert Alarm(INVERTER, inverter()).holding == ("plant:P",)
    assert Alarm(STALE, record()).holding == ("link:api",)
    assert Alarm(replace(STALE, held_under_suppression=False), record()).holding == ()


def test_a_point_that_moves_to_another_group_is_covered_there_and_covers_there() -> None:
    suppression = Suppression()
    trip, failure = Alarm(RELAY, relay()), Alarm(INVERTER, inverter())
    for alarm in (trip, failure):
        suppression.add(alarm)
    suppression.cover(standing(trip))
    suppression.redefine(failure, inverter(plant="Q"))
    assert suppression.cause(failure) is None
    suppression.redefine(trip, relay(plant="Q"))
    assert suppression.cause(failure) is trip
    trip.incident = None
    assert suppression.uncover(trip, NOON, NOON) == [failure]
