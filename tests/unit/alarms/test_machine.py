"""The state machine: every state and event, and what no sequence of events may do."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.alarms.machine import Base, Event, State, Tell, allows, step

STATES = [State(base, *flags) for base in Base for flags in itertools.product((False, True), repeat=4)]
NORMAL, UNACKNOWLEDGED, ACKNOWLEDGED, RETURNED = Base

NEXT = {
    Event.RAISE: {NORMAL: UNACKNOWLEDGED, RETURNED: UNACKNOWLEDGED},
    Event.CLEAR: {UNACKNOWLEDGED: RETURNED, ACKNOWLEDGED: NORMAL},
    Event.ACKNOWLEDGE: {UNACKNOWLEDGED: ACKNOWLEDGED, RETURNED: NORMAL},
    Event.WITHDRAW: {UNACKNOWLEDGED: NORMAL, ACKNOWLEDGED: NORMAL, RETURNED: NORMAL},
}
FLAGS = {
    Event.SHELVE: {"shelved": True},
    Event.UNSHELVE: {"shelved": False},
    Event.OUT_OF_SERVICE: {"out_of_service": True},
    Event.IN_SERVICE: {"out_of_service": False},
    Event.SUPPRESS: {"suppressed": True},
    Event.RELEASE: {"suppressed": False},
}


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("state", STATES, ids=str)
def test_every_pair_of_state_and_event(state: State, event: Event) -> None:
    base = NEXT.get(event, {}).get(state.base, state.base)
    if event is Event.CLEAR and base is RETURNED and not state.told:
        base = NORMAL  # nobody was told, so nobody has anything to acknowledge
    wanted = replace(state, base=base, **FLAGS.get(event, {}))
    tell = None
    if event is Event.WITHDRAW:
        wanted = replace(wanted, told=False)
    elif wanted.active and not wanted.told and not wanted.quiet:
        wanted, tell = replace(wanted, told=True), Tell.RAISED
    elif wanted.told and not wanted.active:
        wanted, tell = replace(wanted, told=False), Tell.CLEARED
    assert step(state, event) == (wanted, tell)
    assert allows(state, event) == (wanted != state)


@given(st.lists(st.sampled_from([event for event in Event if event is not Event.WITHDRAW])))
def test_raised_and_cleared_alternate_and_what_holds_in_the_open_is_told(events: list[Event]) -> None:
    state, told = State(), list[Tell]()
    active = False
    for event in events:
        active = event is Event.RAISE or (active and event is not Event.CLEAR)
        state, tell = step(state, event)
        if tell:
            told.append(tell)
        assert state.active == active
        assert told == [Tell.RAISED, Tell.CLEARED] * (len(told) // 2) + [Tell.RAISED] * (len(told) % 2)
        if active and not state.quiet:
            assert told[-1] is Tell.RAISED  # leaving what kept it quiet tells what still holds
        if not active:
            assert not told or told[-1] is Tell.CLEARED  # whatever keeps it quiet: its end is told


@given(st.lists(st.sampled_from(list(Event))))
def test_nothing_is_told_while_quiet_but_an_end(events: list[Event]) -> None:
    state = State()
    for event in events:
        state, tell = step(state, event)
        assert tell is not Tell.RAISED or not state.quiet


def test_one_word_for_a_state() -> None:
    standing = State(UNACKNOWLEDGED, suppressed=True)
    assert standing.name == "suppressed"
    assert replace(standing, shelved=True).name == "shelved"
    assert replace(standing, shelved=True, out_of_service=True).name == "out-of-service"
    assert State(suppressed=True).name == "normal"
