"""Rows as they wait on disk: the same when they come out, and small."""

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.history.scripted import packed
from vigilia.history.backend import Row
from vigilia.history.packing import pack, unpack
from vigilia.points import Severity, Status

GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
UNDEFINED = (Severity.INVALID, Status.UDF)


def row(point: str, time: int, value: float | str | None, severity: Severity, status: Status) -> Row:
    if value is None and severity is Severity.NO_ALARM:
        severity, status = UNDEFINED
    if isinstance(value, str):
        return Row(point, time, None, value, severity, status)
    return Row(point, time, value, None, severity, status)


rows = st.lists(
    st.builds(
        row,
        st.text(min_size=1, max_size=3),
        st.integers(0, 253_402_300_799_999),
        st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
        st.sampled_from(Severity) | st.just(Severity.NO_ALARM),
        st.sampled_from(Status) | st.just(Status.NO_ALARM),
    ),
    min_size=1,
)


@given(rows, st.floats(0, 1e11))
def test_what_goes_in_comes_out_in_the_order_of_each_point(rows: list[Row], now: float) -> None:
    found = unpack(orjson.loads(orjson.dumps(packed(rows, now))))
    assert found.at == now
    assert len(found.rows) == len(rows)
    for name in {row.point for row in rows}:
        assert [row for row in found.rows if row.point == name] == [row for row in rows if row.point == name]
    assert {type(value) for row in found.rows for value in row} <= {str, int, float, type(None), Severity, Status}
    assert all(type(row.value) is not int for row in found.rows)


def test_a_row_of_a_batch_takes_few_bytes() -> None:
    now = 1_760_000_000.0
    live = [Row(f"SIM-01:Cam-{port:03d}:Power-Mon", 1_759_999_999_900, 12.3 + port, None, *GOOD) for port in range(500)]
    assert len(orjson.dumps(packed(live, now))) / len(live) < 60
    past = [Row(f"19478:Inverter-{n % 20}:Pac-Mon", 1_759_900_000_000 + n, n / 7, None, *GOOD) for n in range(5000)]
    assert len(orjson.dumps(packed(past, now))) / len(past) < 40


def test_what_is_not_finite_is_no_value() -> None:
    record = pack({"a": ([1.0, 2.0, 3.0], [math.nan, math.inf, 1.0], [0, 201, 0])}, 3.0)
    assert [found[2:] for found in unpack(orjson.loads(orjson.dumps(record))).rows] == [
        (None, None, *UNDEFINED),
        (None, None, Severity.MAJOR, Status.READ),
        (1.0, None, *GOOD),
    ]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"base": 0, "at": 0, "columns": [["a", [0], [0, 0], 0]]},
        {"base": 0, "at": 0, "columns": [["a", [0], [0], [0, 0]]]},
        {"base": 0, "at": 0, "columns": [["a", [0], [[]], 0]]},
        {"base": 0, "at": 0, "columns": [["a", [0], [0], [412]]]},
        {"base": 0, "at": 0, "columns": [["a", [0], [0], 1]]},
        {"base": 0, "at": 0, "columns": [["a", ["x"], [0], 0]]},
        {"base": 0, "at": 0, "columns": [5]},
        {"base": 0, "at": "soon", "columns": []},
        {"base": None, "at": 0, "columns": [["a", [0], [0], 0]]},
    ],
)
def test_a_record_that_is_none_of_ours(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a record of no rows"):
        unpack(record)
