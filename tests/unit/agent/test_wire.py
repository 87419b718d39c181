"""What goes into a message comes out of it."""

import math

from hypothesis import given
from hypothesis import strategies as st

from vigilia.agent.samplefile import Stored
from vigilia.agent.shipping import _MESSAGE_BYTES, _message
from vigilia.agent.wire import batch_of, plain_value, value_of
from vigilia.points import Kind
from vigilia.wire.reactor.v1 import reactor_pb2 as pb

KINDS = {"pH": Kind.NUMBER, "Raw": Kind.TEXT, "State": Kind.ENUM}


@st.composite
def rows(draw: st.DrawFn) -> list[Stored]:
    found: list[Stored] = []
    first = draw(st.integers(1, 2**40))
    for index in range(draw(st.integers(1, 30))):
        name = draw(st.sampled_from(sorted(KINDS)))
        value = draw(
            {"pH": st.floats(allow_nan=False) | st.none(), "Raw": st.text(max_size=20), "State": st.integers(0, 9)}[
                name
            ]
        )
        moment, alarm = draw(st.integers(0, 2**42)), draw(st.sampled_from([0, 105, 49]))
        found.append(Stored(first + index, draw(st.sampled_from("ab")), name, KINDS[name], moment, value, alarm))
    return found


@given(rows())
def test_a_batch_holds_its_samples(given_rows: list[Stored]) -> None:
    batch = pb.SampleBatch.FromString(batch_of(given_rows, "store").SerializeToString())
    assert (batch.store_id, batch.first_offset, batch.next_offset) == (
        "store",
        given_rows[0].offset,
        given_rows[-1].offset + 1,
    )
    assert len({(column.part, column.parameter) for column in batch.columns}) == len(batch.columns)
    for column in batch.columns:
        wanted = [row for row in given_rows if (row.part, row.parameter) == (column.part, column.parameter)]
        values = [None if isinstance(it, float) and math.isnan(it) else it for it in (column.texts or column.values)]
        assert [batch.base_ms + time for time in column.times_ms] == [row.time_ms for row in wanted]
        assert values == [row.value for row in wanted]
        assert (list(column.alarms) or [0] * len(wanted)) == [row.alarm for row in wanted]


def test_a_message_never_grows_too_large_and_has_a_column_for_each_parameter() -> None:
    long = [Stored(n, "a", "Raw", Kind.TEXT, n, "x" * 1024, 0) for n in range(2000)]
    taken, batch = _message(long, "store")
    assert 0 < len(taken) < 2000
    assert batch.ByteSize() <= _MESSAGE_BYTES
    mixed = [Stored(1, "a", "X", Kind.NUMBER, 1, 1.0, 0), Stored(2, "a", "X", Kind.TEXT, 2, "now a text", 0)]
    assert [len(_message(mixed, "s")[0]), len(_message(mixed[1:], "s")[0])] == [1, 1]


@given(st.sampled_from(list(Kind)), st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats() | st.text())
def test_a_value_of_any_kind_travels_or_is_none(kind: Kind, value: bool | float | str | None) -> None:
    sent = plain_value(pb.Value.FromString(value_of(kind, value).SerializeToString()))
    if value is None or (isinstance(value, float) and not math.isfinite(value) and kind is not Kind.TEXT):
        assert sent is None or kind is Kind.BOOLEAN
    elif kind is Kind.TEXT:
        assert sent == str(value).encode(errors="replace").decode()
    elif kind is Kind.BOOLEAN:
        assert sent is bool(value)
    elif not isinstance(value, str) and abs(value) < 2**63:
        assert sent == (float(value) if kind is Kind.NUMBER else int(value))
