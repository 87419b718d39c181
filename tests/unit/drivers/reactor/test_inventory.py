"""Declarations and values, whatever they are: a point for each, or a sentence."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drivers.reactor.agents import PARTS
from vigilia.drivers.reactor.inventory import BadInventory, Inventory, unpack
from vigilia.drivers.reactor.values import BadValue, alarm_of, value_of, wire_value
from vigilia.interfaces.epics.names import check_names
from vigilia.points import Kind, Point, Severity, Status
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

numbers = st.floats(width=64)
parameters = st.builds(
    wire.Parameter,
    name=st.one_of(st.sampled_from(["Duty", "pH", "Power", "Comm"]), st.text(max_size=50)),
    kind=st.integers(0, 9),
    access=st.integers(0, 9),
    units=st.text(max_size=20),
    minimum=st.none() | numbers,
    maximum=st.none() | numbers,
    labels=st.lists(st.text(max_size=30), max_size=18),
    precision=st.integers(0, 2**32 - 1),
    description=st.text(max_size=250),
    takes_value=st.booleans(),
)
parts = st.builds(
    wire.Part,
    name=st.one_of(st.sampled_from(["ph", "heater"]), st.text(max_size=30)),
    role=st.integers(0, 9),
    kind=st.text(max_size=20),
    place=st.text(max_size=20),
    title=st.text(max_size=20),
    parameters=st.lists(parameters, max_size=4),
)
values = st.one_of(
    st.just(wire.Value()),
    st.builds(lambda n: wire.Value(number=n), numbers),
    st.builds(lambda n: wire.Value(integer=n), st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda t: wire.Value(text=t), st.text(max_size=2000)),
    st.builds(lambda b: wire.Value(boolean=b), st.booleans()),
)
points = st.sampled_from(
    [
        Point("p", Kind.NUMBER, "d"),
        Point("p", Kind.INTEGER, "d"),
        Point("p", Kind.TEXT, "d"),
        Point("p", Kind.ENUM, "d", labels=("a", "b", "c")),
        Point("p", Kind.BOOLEAN, "d"),
    ]
)


@given(st.lists(parts, max_size=4))
def test_any_declaration_becomes_points_that_epics_can_serve_or_a_sentence(declared: list[wire.Part]) -> None:
    try:
        inventory = Inventory("R1", declared)
    except BadInventory:
        return
    assert list(check_names("", inventory.points)) == []
    for point in inventory.points:
        assert point.description.isprintable()
        assert point.writable == point.guarded == (inventory.key(point.name) is not None)
    again = unpack("R1", inventory.packed())
    assert again.points == inventory.points


@given(points, values)
def test_a_value_is_one_its_point_takes_or_none_of_it(point: Point, value: wire.Value) -> None:
    try:
        found = value_of(point, value)
    except BadValue:
        return
    if found is None:
        assert value.WhichOneof("kind") is None
    else:
        assert point.coerce(found) == found
        assert value_of(point, wire_value(point, found)) == found


@pytest.mark.parametrize(
    ("severity", "status", "expected"),
    [
        (0, 17, (Severity.NO_ALARM, Status.NO_ALARM)),
        (1, 6, (Severity.MINOR, Status.LOW)),
        (3, 9, (Severity.INVALID, Status.COMM)),
        (2, 99, (Severity.MAJOR, Status.STATE)),
        (2, 0, (Severity.MAJOR, Status.STATE)),
        (9, 9, (Severity.INVALID, Status.COMM)),
        (-1, 9, (Severity.INVALID, Status.COMM)),
    ],
)
def test_alarms_that_are_not_known_count_by_their_severity(
    severity: int, status: int, expected: tuple[Severity, Status]
) -> None:
    assert alarm_of(severity, status) == expected


def test_what_is_kept_and_cannot_be_read_is_told() -> None:
    with pytest.raises(BadInventory, match="cannot be read"):
        unpack("R1", [{"name": 7}])
    assert unpack("R1", [{"name": "ph", "newField": 1}]).parts[0].name == "ph"


def test_numbers_that_are_none_are_refused() -> None:
    ph = Inventory("R1", PARTS).readings["ph", "pH"]
    for number in (math.nan, math.inf):
        with pytest.raises(BadValue, match="R1:ph:pH-Mon cannot hold"):
            value_of(ph, wire.Value(number=number))
