"""Rows as they wait on disk: the same when they come out, and small."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.history.backend import Row
from vigilia.history.packing import pack, unpack
from vigilia.points import Severity, Status

rows = st.lists(
    st.builds(
        lambda point, time, value, severity, status: Row(
            point, time, None if isinstance(value, str) else value, value if isinstance(value, str) else None,
            severity, status,
        ),
        st.text(min_size=1, max_size=5),
        st.integers(0, 253_402_300_799_999),
        st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
        st.sampled_from(Severity),
        st.sampled_from(Status),
    ),
    min_size=1,
)  # fmt: skip


@given(rows, st.floats(0, 1e11))
def test_what_goes_in_comes_out(rows: list[Row], now: float) -> None:
    record = json.loads(json.dumps(pack(rows, now)))
    again, at = unpack(record)
    assert (again, at) == (rows, now)
    assert [list(map(type, row)) for row in again] == [list(map(type, row)) for row in rows]


def test_a_row_of_a_large_batch_takes_few_bytes() -> None:
    many = [
        Row(f"SIM-01:Cam-{port:03d}:Power-Mon", 1_760_000_000_000 + port // 48 * 7, 12.3 + port / 10, None, *GOOD)
        for port in range(2000)
    ]
    assert len(json.dumps(pack(many, 0.0), separators=(",", ":"))) / len(many) < 60


GOOD = (Severity.NO_ALARM, Status.NO_ALARM)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"names": ["a"], "base": 0, "point": [1], "time": [0], "value": [0], "alarm": [0], "at": 0},
        {"names": ["a"], "base": 0, "point": [0, 0], "time": [0], "value": [0], "alarm": [0], "at": 0},
        {"names": ["a"], "base": 0, "point": [0], "time": [0], "value": [[]], "alarm": [0], "at": 0},
        {"names": ["a"], "base": 0, "point": [0], "time": [0], "value": [0], "alarm": [412], "at": 0},
        {"names": ["a"], "base": None, "point": [0], "time": [0], "value": [0], "alarm": [0], "at": 0},
        {"names": 5, "base": 0, "point": [0], "time": [0], "value": [0], "alarm": [0], "at": 0},
    ],
)
def test_a_record_that_is_none_of_ours(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a record of no rows"):
        unpack(record)
