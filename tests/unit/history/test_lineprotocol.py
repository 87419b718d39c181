"""Rows as lines, and what the real engines make of them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.history.engines import EngineProgram, PromptVictoria
from tests.unit.history.places import START, row
from vigilia.history.backend import Backend, Keeping, PointInfo, RefusedRowsError, Row
from vigilia.history.influx import DIALECT as INFLUX
from vigilia.history.influx import InfluxHistory
from vigilia.history.ladder import LATEST_MS
from vigilia.history.lineprotocol import LINES_A_REQUEST, labels_of, lines_of, point_lines, requests, tag
from vigilia.history.victoria import DIALECT as VICTORIA
from vigilia.points import Severity, Status

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40) | st.text(
    "\\,= \"'%$a☀", min_size=1, max_size=8
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def test_a_row_is_a_line() -> None:
    rows = [
        row("a, b=c", START, 1, severity=Severity.MAJOR, status=Status.HIHI),
        row("a, b=c", START + 1, 1e-300),
        row("t", START, text='say "hi" \\'),
        row("n", START),
    ]
    assert lines_of(rows, INFLUX) == [
        f"vigilia,point=a\\,\\ b\\=c value=1.0,severity=2i,status=3i {START}",
        f"vigilia,point=a\\,\\ b\\=c value=1e-300,severity=0i,status=0i {START + 1}",
        f'vigilia,point=t text="say \\"hi\\" \\\\",severity=0i,status=0i {START}',
        f"vigilia,point=n severity=0i,status=0i {START}",
    ]
    assert lines_of(rows[2:3], VICTORIA) == [f"vigilia,point=t severity=0i,status=0i {START}"]


def test_of_the_same_point_and_time_only_the_last_is_sent() -> None:
    rows = [row("p", START, 1.0), row("q", START, 2.0), row("p", START, 3.0)]
    assert [line.split()[1].split(",")[0] for line in lines_of(rows, INFLUX)] == ["value=3.0", "value=2.0"]


@pytest.mark.parametrize("name", ["a\nb", "ends\\"])
def test_a_name_that_the_protocol_cannot_say_is_refused(name: str) -> None:
    with pytest.raises(RefusedRowsError, match="line protocol"):
        lines_of([row("p", START, 1.0), row(name, START, 1.0)], INFLUX)


def test_a_backslash_is_as_each_engine_reads_it() -> None:
    assert tag("a\\b\\", VICTORIA) == "a\\\\b\\\\"
    assert tag("a\\b", INFLUX) == "a\\b"


def test_many_lines_are_several_requests() -> None:
    lines = [str(number) for number in range(2 * LINES_A_REQUEST + 1)]
    parts = list(requests(lines))
    assert [len(part) for part in parts] == [LINES_A_REQUEST, LINES_A_REQUEST, 1]
    assert [line for part in parts for line in part] == lines
    assert list(requests([])) == []


def test_what_is_known_of_a_point_is_a_line() -> None:
    info = PointInfo("p", "enum", "", 'a "b"\nc', "dev 1", labels=("Off", "On"))
    assert point_lines([info], 5, INFLUX) == [
        'vigilia_point,point=p,kind=enum,device=dev\\ 1 units="",description="a \\"b\\"\nc",'
        'labels="[\\"Off\\", \\"On\\"]" 5'
    ]
    assert point_lines([info], 5, VICTORIA) == [
        'vigilia_point,point=p,kind=enum,device=dev\\ 1,description=a\\ "b"\\ c,labels=["Off"\\,\\ "On"] info=1 5'
    ]


@pytest.mark.parametrize("text", ["", "[", '["Off', "{}", "5"])
def test_labels_that_are_none(text: str) -> None:
    assert labels_of(text) == ()


def influx_takes(name: str) -> bool:
    return not name.endswith("\\")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(NAMES.filter(influx_takes), NUMBERS, min_size=1, max_size=8), st.text(max_size=30))
async def test_influx_gives_back_every_name_number_and_text(
    influx: EngineProgram, numbers: dict[str, float], text: str
) -> None:
    text = "".join(c for c in text if c != "\0" and not "\ud800" <= c <= "\udfff")
    history = await InfluxHistory.open(influx.fresh(), Keeping(0, 0, 0))
    try:
        written = [row(name, START, number) for name, number in numbers.items()]
        await history.write([*written, row(next(iter(numbers)), START + 1, text=text)])
        assert await taken(history, list(numbers)) == [*written, row(next(iter(numbers)), START + 1, text=text)]
    finally:
        await history.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(NAMES, st.integers(-(10**9), 10**9), min_size=1, max_size=8))
async def test_victoria_gives_back_every_name(victoria: EngineProgram, numbers: dict[str, int]) -> None:
    history = await PromptVictoria.open(victoria.fresh(), Keeping(0, 0, 0))
    try:
        written = [row(name, START, number / 1000) for name, number in numbers.items()]
        await history.write(written)
        assert await taken(history, list(numbers)) == written
        assert {found.point for found in await history.latest()} == numbers.keys()
    finally:
        await history.close()


async def taken(history: Backend, names: list[str]) -> list[Row]:
    """Every row of these points: the first of each in the order of their names, then the rest."""
    found = [found for name in names for found in await history.rows(name, 0, LATEST_MS, 10)]
    return sorted(found, key=lambda found: found.time_ms)
