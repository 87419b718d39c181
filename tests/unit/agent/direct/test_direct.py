"""What an agent writes into a database by itself is what the service would have written, and is read as such."""

import asyncio
import math
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.agent.direct.conftest import Door
from tests.unit.history.test_recorder import Bench
from vigilia.agent.direct import DirectError, StoredSample, make_direct
from vigilia.agent.direct.engine import line_of
from vigilia.agent.direct.rows import row_of
from vigilia.errors import StartError
from vigilia.history import influx, victoria
from vigilia.history.backend import Question, Row
from vigilia.history.lineprotocol import lines_of
from vigilia.points import Batch, Kind, Reading, Sample, Severity, Status

NOW = round(time.time() * 1000) - 3_600_000
GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
COMM = (Severity.INVALID, Status.COMM)
UNDEFINED = (Severity.INVALID, Status.UDF)


def sample(value: float | None, at: int = 0, *alarm: object, part: str = "ph") -> StoredSample:
    return StoredSample(part, "pH", Kind.NUMBER, NOW + at, value, *alarm)  # type: ignore[arg-type]


async def test_what_an_agent_writes_is_read_by_the_service(door: Door) -> None:
    writer = door.writer()
    samples = [
        sample(7.02),
        sample(7.0, 1000, Severity.MINOR, Status.HIGH),
        sample(None, 2000, *COMM),
        sample(0.0, 3000),
        StoredSample("ph", "Restart", Kind.TEXT, NOW, 'power "cut"\\'),
        StoredSample("heater", "Safe", Kind.ENUM, NOW, 1),
        StoredSample("heater", "Lid", Kind.BOOLEAN, NOW, value=True),
        StoredSample("acid", "Count", Kind.INTEGER, NOW, 12),
    ]
    assert await writer.write(samples) == []
    found = await door.rows("R1:ph:pH-Mon")
    assert [(row.time_ms - NOW, row.value, row.severity, row.status) for row in found] == [
        (0, 7.02, *GOOD),
        (1000, 7.0, Severity.MINOR, Status.HIGH),
        (2000, None, *COMM),
        (3000, 0.0, *GOOD),
    ]
    (text,) = await door.rows("R1:ph:Restart-Mon")
    assert text == Row("R1:ph:Restart-Mon", NOW, None, 'power "cut"\\' if door.place.keeps_text else None, *GOOD)
    assert [(row.value, row.text) for row in await door.rows("R1:heater:Safe-Sts")] == [(1.0, None)]
    assert [(row.value, row.text) for row in await door.rows("R1:heater:Lid-Sts")] == [(1.0, None)]
    assert [(row.value, row.text) for row in await door.rows("R1:acid:Count-Mon")] == [(12.0, None)]
    series = await door.backend.read(Question("R1:ph:pH-Mon", NOW, NOW + 10_000, 100))
    assert [bucket.value for bucket in series.buckets] == [7.02, 7.0, None, 0.0]


async def test_what_is_written_again_is_there_once(door: Door) -> None:
    writer = door.writer()
    samples = [sample(float(number), number * 1000) for number in range(100)]
    for _ in range(2):
        await writer.write([*samples, *samples[:3]])
    assert [row.value for row in await door.rows("R1:ph:pH-Mon")] == [float(number) for number in range(100)]


async def test_a_day_without_network_goes_in_pieces(door: Door) -> None:
    """More than vigilia_put takes at once, and than a request has."""
    samples = [sample(number / 8, number * 100) for number in range(12_001)]
    await door.writer().write(samples)
    assert [row.value for row in await door.rows("R1:ph:pH-Mon")] == [number / 8 for number in range(12_001)]


async def test_two_agents_and_the_service_write_at_once(door: Door) -> None:
    async def write(reactor: str) -> None:
        writer = make_direct(door.url, reactor)
        for turn in range(5):
            await writer.write([sample(float(turn), turn * 1000 + number) for number in range(200)])

    async def serve() -> None:
        for turn in range(5):
            rows = [Row("R3:ph:pH-Mon", NOW + turn * 1000 + number, float(turn), None, *GOOD) for number in range(200)]
            await door.backend.write(rows)

    await asyncio.gather(write("R1"), write("R2"), serve())
    for reactor in ("R1", "R2", "R3"):
        found = await door.rows(f"{reactor}:ph:pH-Mon")
        assert [row.value for row in found] == [float(turn) for turn in range(5) for _ in range(200)]


async def test_what_is_never_taken_is_told_and_costs_no_other(door: Door) -> None:
    bad = [sample(1.0, -NOW - 1), sample(1.0, 253_402_300_800_000 - NOW)]
    refused = await door.writer().write([sample(1.0), bad[0], sample(2.0, 1000), bad[1], sample(3.0, 2000)])
    assert [one.sample for one in refused] == bad
    assert all("is no time that is kept there" in one.reason for one in refused)
    assert [row.value for row in await door.rows("R1:ph:pH-Mon")] == [1.0, 2.0, 3.0]
    assert await door.writer().write([]) == []


texts = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=20)
rows = st.builds(
    Row,
    st.just("R1:ph:pH-Mon"),
    st.integers(0, 10**13),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
    st.sampled_from(Severity),
    st.sampled_from(Status),
) | st.builds(
    Row,
    st.just("R1:ph:Restart-Mon"),
    st.integers(0, 10**13),
    st.none(),
    texts,
    st.sampled_from(Severity),
    st.sampled_from(Status),
)


@given(rows)
def test_lines_are_those_of_the_service(row: Row) -> None:
    for dialect in (influx.DIALECT, victoria.DIALECT):
        assert [line_of(row, keeps_text=dialect.keeps_text)] == lines_of([row], dialect)  # type: ignore[arg-type]


@given(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.floats() | st.text(max_size=1100),
    st.sampled_from([GOOD, COMM, (Severity.MINOR, Status.HIGH)]),
)
def test_rows_are_those_that_the_service_makes_of_a_sample(
    value: float | str | None, alarm: tuple[Severity, Status]
) -> None:
    kind = Kind.TEXT if isinstance(value, str) else Kind.NUMBER
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        name = "R1:ph:pH-Mon"
        batch = Batch("test", [Sample(name, Reading(value, NOW / 1000, *alarm))], live=False)
        asyncio.run(bench.recorder.take(batch))
        (kept,) = bench.kept()
        bench.spool.close()
        bench.present.close()
    made = row_of("R1", StoredSample("ph", "pH", kind, NOW, value, *alarm))
    assert tuple(made) == tuple(kept)
    assert made.value is None or math.isfinite(made.value)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////tmp/x.db",
        "http://127.0.0.1:8086",
        "influx+http:///?db=x",
        "influx+http://[::1",
        "",
        "influx+ftp://x",
    ],
)
def test_an_address_that_agents_cannot_write_to_is_refused(url: str) -> None:
    with pytest.raises(DirectError):
        make_direct(url, "R1")


@pytest.mark.parametrize("reactor", ["", "R 1", "R1,x=y", "R1\nR2", "x" * 65])
def test_an_id_that_is_none_is_refused(reactor: str) -> None:
    with pytest.raises(DirectError, match="is no id of a reactor"):
        make_direct("postgresql://vigilia@127.0.0.1/vigilia", reactor)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(StartError, match=r"pip install 'vigilia\[agent,postgres\]'"):
        make_direct("postgresql://vigilia@127.0.0.1/vigilia", "R1")


@pytest.mark.parametrize("scheme", ["postgresql", "influx+http", "influx+https"])
def test_no_name_shows_who_signs_in(scheme: str) -> None:
    writer = make_direct(f"{scheme}://agent:hush%2Fhush@db.example.org:1234/vigilia?password=hush%2Fhush", "R1")
    assert writer.name == f"{scheme}://db.example.org:1234/vigilia"
