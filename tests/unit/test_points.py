"""Points: what they take for a value, and what they say to everything else."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.errors import InvalidValue
from vigilia.points import INTEGER_RANGE, LONGEST_TEXT, NEVER_READ, Kind, Origin, Point, Severity, Status, shorten

CHOICE = Point("T1:PwrState-Sel", Kind.ENUM, "T1", labels=("Off", "On"), writable=True, setpoint=True)
DUTY = Point("R1:heater:Duty-SP", Kind.NUMBER, "R1", units="%", limits=(0, 100), writable=True)
COUNT = Point("x", Kind.INTEGER, "x")
TEXT = Point("x", Kind.TEXT, "x")
FLAG = Point("x", Kind.BOOLEAN, "x")
NAMED_FLAG = Point("x", Kind.BOOLEAN, "x", labels=("No", "Yes"))
EVERY_KIND = (CHOICE, DUTY, COUNT, TEXT, FLAG, NAMED_FLAG)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
anything = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
hostile = st.sampled_from([-(10**400), math.nan, math.inf, object(), 1j])


@given(st.sampled_from(EVERY_KIND), anything | hostile)
def test_coerce_gives_a_fitting_value_or_invalid_value(point: Point, value: object) -> None:
    try:
        taken = point.coerce(value)
    except InvalidValue as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert point.name in refusal
        assert "write" in refusal, "the way out is missing"
        assert len(refusal) < 300
        return
    match point.kind:
        case Kind.ENUM:
            assert type(taken) is int
            assert taken in range(len(point.labels))
        case Kind.BOOLEAN:
            assert type(taken) is bool
        case Kind.INTEGER:
            assert type(taken) is int
            assert INTEGER_RANGE[0] <= taken <= INTEGER_RANGE[1]
        case Kind.NUMBER:
            assert type(taken) is float
            assert 0 <= taken <= 100
        case Kind.TEXT:
            assert taken == value
            assert len(taken) <= LONGEST_TEXT


@pytest.mark.parametrize(
    ("point", "value", "expected"),
    [
        (CHOICE, 0, 0),
        (CHOICE, 1.0, 1),
        (CHOICE, "On", 1),
        (DUTY, 50, 50.0),
        (DUTY, 100.0, 100.0),
        (COUNT, 3.0, 3),
        (COUNT, -(2**31), -(2**31)),
        (TEXT, "", ""),
        (TEXT, "é" * LONGEST_TEXT, "é" * LONGEST_TEXT),
        (FLAG, True, True),
        (FLAG, 0, False),
        (FLAG, "True", True),
        (NAMED_FLAG, "Yes", True),
        (NAMED_FLAG, False, False),
    ],
)
def test_what_is_taken(point: Point, value: object, expected: object) -> None:
    taken = point.coerce(value)
    assert taken == expected
    assert type(taken) is type(expected)


@pytest.mark.parametrize(
    ("point", "value"),
    [
        (CHOICE, 7),
        (CHOICE, -1),
        (CHOICE, "maybe"),
        (CHOICE, "on"),
        (CHOICE, "1"),
        (CHOICE, math.nan),
        (CHOICE, math.inf),
        (CHOICE, 0.5),
        (CHOICE, True),
        (CHOICE, None),
        (CHOICE, [1]),
        (DUTY, 100.001),
        (DUTY, math.nan),
        (DUTY, -math.inf),
        (DUTY, 10**400),
        (DUTY, "50"),
        (DUTY, True),
        (COUNT, 2**31),
        (COUNT, 1.5),
        (TEXT, "x" * (LONGEST_TEXT + 1)),
        (TEXT, b"x"),
        (FLAG, 2),
        (FLAG, "yes"),
    ],
)
def test_what_is_refused(point: Point, value: object) -> None:
    with pytest.raises(InvalidValue, match="write"):
        point.coerce(value)


@pytest.mark.parametrize("point", EVERY_KIND, ids=lambda point: point.kind)
def test_values_that_python_itself_cannot_print_are_refused_like_any_other(point: Point) -> None:
    nested: list[object] = []
    for _ in range(5000):
        nested = [nested]
    for value in (10**5000, nested):
        with pytest.raises(InvalidValue):
            point.coerce(value)


def test_a_refusal_says_what_would_be_right() -> None:
    with pytest.raises(InvalidValue, match=r"T1:PwrState-Sel does not take 'maybe': write 0 or 'Off', 1 or 'On'"):
        CHOICE.coerce("maybe")
    with pytest.raises(InvalidValue, match=r"does not take 120: write 0 to 100 %"):
        DUTY.coerce(120)


def test_labels() -> None:
    assert CHOICE.label(1) == "On"
    assert CHOICE.label(2) is None
    assert CHOICE.label(-1) is None
    assert CHOICE.label(None) is None
    assert DUTY.label(1) is None
    assert NAMED_FLAG.label(True) == "Yes"


def test_never_read_is_undefined_and_not_zero() -> None:
    assert NEVER_READ.value is None
    assert NEVER_READ.time is None
    assert (NEVER_READ.severity, NEVER_READ.status) == (Severity.INVALID, Status.UDF)


def test_alarm_numbers_are_those_of_epics() -> None:
    assert [int(severity) for severity in Severity] == [0, 1, 2, 3]
    assert {status.name: int(status) for status in Status} == {
        "NO_ALARM": 0,
        "READ": 1,
        "WRITE": 2,
        "HIHI": 3,
        "HIGH": 4,
        "LOLO": 5,
        "LOW": 6,
        "STATE": 7,
        "COMM": 9,
        "TIMEOUT": 10,
        "UDF": 17,
    }


@given(anything | hostile, st.integers(1, 100))
def test_shorten_keeps_to_its_length(value: object, most: int) -> None:
    assert len(shorten(value, most)) <= most


def test_origin_as_a_log_line_has_it() -> None:
    assert str(Origin("epics", "ana", "console-1")) == "ana@console-1 (epics)"
    assert str(Origin("api", "", "127.0.0.1")) == "127.0.0.1 (api)"
    assert str(Origin("api")) == "unknown (api)"
