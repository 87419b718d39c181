"""Rollups of an SQLite history: made step by step, they are what all readings amount to, whoever wrote them."""

import json
import math
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.history.places import DAY, HOUR, MINUTE, SECOND, START, row
from vigilia.history.backend import Bucket, Keeping, PointInfo, Question, Row
from vigilia.history.ladder import LATEST_MS, value_of, within
from vigilia.history.sqlite_file import transaction
from vigilia.history.sqlite_read import latest, read, rows
from vigilia.history.sqlite_rollups import Upkeep
from vigilia.history.sqlite_rows import Writer
from vigilia.history.sqlite_schema import migrate
from vigilia.points import Severity, Status

POINTS = [PointInfo("n", "number"), PointInfo("e", "enum"), PointInfo("t", "text"), PointInfo("u", "")]
Rollup = dict[int, tuple[Any, ...]]


def history() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with transaction(connection):
        migrate(connection, "x")
    Writer().describe(connection, POINTS)
    return connection


def maintain(connection: sqlite3.Connection, upkeep: Upkeep, now: int) -> None:
    upkeep.begin(now)
    while upkeep.roll_some(connection, now):
        pass
    while upkeep.merge_some(connection):
        pass
    upkeep.end_keeping(connection, now)
    while upkeep.drop_some(connection):
        pass


def amount(found: Sequence[Row]) -> tuple[Any, ...]:
    """What rows in order of time amount to: mean, low, high, last, text, severity, count, numbers."""
    values = [row.value for row in found if row.value is not None]
    said = [row for row in found if row.value is not None or row.text is not None]
    last = said[-1] if said else None
    return (
        math.fsum(values) / len(values) if values else None,
        min(values, default=None),
        max(values, default=None),
        last.value if last else None,
        last.text if last else None,
        max(row.severity for row in found),
        len(found),
        len(values),
    )


def folded(found: Sequence[Row], width: int) -> Rollup:
    parts: dict[int, list[Row]] = defaultdict(list)
    for each in found:
        parts[each.time_ms // width * width].append(each)
    return {time: amount(part) for time, part in parts.items()}


def close_to(rollup: Rollup) -> Any:
    return {time: (about(mean), *rest) for time, (mean, *rest) in rollup.items()}


def about(mean: float | None) -> Any:
    return None if mean is None else pytest.approx(mean, rel=1e-9, abs=1e-6)


def kept(connection: sqlite3.Connection, table: str, point: str) -> Rollup:
    found = connection.execute(
        f"SELECT time, mean, low, high, last, text, severity, count, numbers FROM {table} "
        "WHERE point = (SELECT id FROM points WHERE name = ?)",
        (point,),
    )
    return {time: tuple(rest) for time, *rest in found}


def check_rollups(connection: sqlite3.Connection) -> None:
    for info in POINTS:
        found = rows(connection, info.name, 0, LATEST_MS, 10**6)
        assert kept(connection, "minutes", info.name) == close_to(folded(found, MINUTE))
        assert kept(connection, "hours", info.name) == close_to(folded(found, HOUR))
    assert connection.execute("SELECT count(*) FROM dirty").fetchone() == (0,)


def check_answers(connection: sqlite3.Connection, start: int, end: int, most: int) -> None:
    """An answer is what the rows amount to, whether they are rolled up or not."""
    for info in POINTS:
        found = rows(connection, info.name, 0, LATEST_MS, 10**6)
        series = read(connection, Question(info.name, start, end, most))
        asked = found and within(Question(info.name, start, end, most), found[0].time_ms, found[-1].time_ms)
        if not asked:
            assert series.buckets == []
            continue
        width = series.resolution_ms
        inside = [row for row in found if asked.start_ms <= row.time_ms <= asked.end_ms]
        if not width:
            assert [bucket.time_ms for bucket in series.buckets] == [row.time_ms for row in inside]
            continue
        assert len(inside) > most
        first, last = asked.start_ms // width * width, asked.end_ms // width * width + width
        whole = folded([row for row in found if first <= row.time_ms < last], width)
        expected = [
            Bucket(time, value_of(info.kind, mean, value, text), low, high, severity)
            for time, (mean, low, high, value, text, severity, _, _) in sorted(whole.items())
        ]
        assert list(series.buckets) == [
            bucket._replace(value=about(bucket.value)) if isinstance(bucket.value, float) else bucket
            for bucket in expected
        ]


times = st.builds(
    lambda hour, minute, second: START + hour * HOUR + minute * MINUTE + second * 500,
    st.integers(0, 2),
    st.sampled_from([0, 30, 59]),
    st.sampled_from([0, 1, 119]),  # few, so that many rows are repeated
)
values = st.one_of(st.none(), st.integers(-5, 5).map(float), st.floats(-1e6, 1e6))
numbers = st.builds(
    Row, st.sampled_from(["n", "e", "u"]), times, values, st.none(), st.sampled_from(Severity), st.sampled_from(Status)
)
texts = st.builds(
    Row,
    st.sampled_from(["t", "u"]),
    times,
    st.none(),
    st.sampled_from(["", "on", "12.5"]),
    st.sampled_from(Severity),
    st.sampled_from(Status),
)
batches = st.lists(st.one_of(numbers, texts), max_size=8)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["write", "insert", "delete", "update"]), batches),
        st.tuples(st.just("move"), st.integers(1, 20)),
        st.tuples(st.just("maintain"), times),
        st.tuples(st.just("answer"), times, times, st.sampled_from([1, 3, 10, 60, 400])),
    ),
    max_size=15,
)

_ID = "(SELECT id FROM points WHERE name = ?)"


def take(connection: sqlite3.Connection, writer: Writer, upkeep: Upkeep, step: Any) -> None:
    match step:
        case "write", batch:
            writer.write(connection, batch)
        case "insert", batch:
            for each in batch:
                connection.execute(f"INSERT INTO samples VALUES ({_ID}, ?, ?, ?, ?, ?)", each)
        case "delete", batch:
            for each in batch:
                connection.execute(f"DELETE FROM samples WHERE point = {_ID} AND time = ?", each[:2])
        case "update", batch:
            for each in batch:
                connection.execute(
                    f"UPDATE samples SET severity = 2, time = time + 500 WHERE point = {_ID} AND time = ?", each[:2]
                )
        case "move", most:
            writer.move_run(connection, most)
        case "maintain", now:
            maintain(connection, upkeep, now)
        case "answer", start, end, most:
            check_answers(connection, min(start, end), max(start, end), most)


@settings(max_examples=150)
@given(steps)
def test_rollups_made_step_by_step_are_those_of_all_rows(steps: list[Any]) -> None:
    """Late and repeated rows, those of other programs, rows changed and deleted, in whatever order."""
    with closing(history()) as connection:
        writer, upkeep = Writer(), Upkeep(Keeping(0, 0, 0))
        model: dict[tuple[str, int], Row] = {}
        for step in steps:
            take(connection, writer, upkeep, step)
            follow(model, step)
        for info in POINTS:
            found = rows(connection, info.name, 0, LATEST_MS, 10**6)
            assert found == [model[key] for key in sorted(model) if key[0] == info.name]
        maintain(connection, upkeep, START + DAY)
        check_rollups(connection)


def follow(model: dict[tuple[str, int], Row], step: Any) -> None:
    """What the rows are after a step."""
    if step[0] in ("write", "insert"):
        model |= {(each.point, each.time_ms): each for each in step[1]}
    elif step[0] == "delete":
        for each in step[1]:
            model.pop((each.point, each.time_ms), None)
    elif step[0] == "update":
        for each in step[1]:
            if changed := model.pop((each.point, each.time_ms), None):
                moved = changed._replace(time_ms=changed.time_ms + 500, severity=Severity.MAJOR)
                model[moved.point, moved.time_ms] = moved


@given(st.lists(batches, min_size=1, max_size=6), st.randoms())
def test_what_is_late_for_its_keeping_adds_up(parts: list[list[Row]], random: Any) -> None:
    """Batches whose readings are dropped one after the other amount to what they would at once."""
    whole = {(each.point, each.time_ms): each for part in parts for each in part}
    by_time = sorted(whole.values(), key=lambda each: each.time_ms)
    cuts = sorted(random.sample(range(len(by_time) + 1), min(3, len(by_time) + 1)))
    with closing(history()) as connection:
        writer, upkeep = Writer(), Upkeep(Keeping(1, 0, 0))
        writer.write(connection, [row("now", START + 3 * DAY, 0.0)])
        for begin, end in zip([0, *cuts], [*cuts, len(by_time)], strict=True):
            writer.write(connection, by_time[begin:end])
            maintain(connection, upkeep, START + 3 * DAY)
        assert connection.execute("SELECT count(*) FROM samples").fetchone() == (1,), "the one of now"
        assert connection.execute("SELECT count(*) FROM late").fetchone() == (0,)
        for info in POINTS:
            found = [each for each in by_time if each.point == info.name]
            for table, width in (("minutes", MINUTE), ("hours", HOUR)):
                merged = {time: (*rest[:3], *rest[5:]) for time, rest in kept(connection, table, info.name).items()}
                expected = close_to(folded(found, width))
                assert merged == {time: (*rest[:3], *rest[5:]) for time, rest in expected.items()}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(history()) as connection:
        yield connection


def test_a_late_reading_in_an_hour_that_is_not_rolled_up_yet_counts(connection: sqlite3.Connection) -> None:
    writer = Writer()
    for at in (59, 30, 0, 45):
        writer.write(connection, [row("n", START + at * MINUTE, float(at))])
        check_answers(connection, START, START + DAY, 2)
    maintain(connection, Upkeep(Keeping(0, 0, 0)), START + DAY)
    check_rollups(connection)


def test_minutes_that_go_before_the_readings_leave_the_hours_right(connection: sqlite3.Connection) -> None:
    writer, upkeep = Writer(), Upkeep(Keeping(0, 1, 0))
    writer.write(connection, [row("n", START + at * SECOND, float(at)) for at in range(0, 7200, 10)])
    writer.write(connection, [row("now", START + 3 * DAY, 0.0)])
    maintain(connection, upkeep, START + 3 * DAY)
    assert kept(connection, "minutes", "n") == {}
    writer.write(connection, [row("n", START + 50 * MINUTE + 1, 9999.0)])
    check_answers(connection, START, START + DAY, 2)
    maintain(connection, upkeep, START + 3 * DAY)
    assert kept(connection, "minutes", "n") == {}
    assert kept(connection, "hours", "n") == close_to(folded(rows(connection, "n", 0, LATEST_MS, 10_000), HOUR))


def test_an_hour_that_is_not_over_is_rolled_up_every_few_minutes(connection: sqlite3.Connection) -> None:
    writer, upkeep = Writer(), Upkeep(Keeping(0, 0, 0))
    for at in range(40):
        writer.write(connection, [row("n", START + at * MINUTE + part * SECOND, float(at)) for part in range(0, 60, 7)])
        maintain(connection, upkeep, START + (at + 1) * MINUTE)
        assert at - 5 <= len(kept(connection, "minutes", "n")) - 1 <= at
        check_answers(connection, START, START + HOUR, 30)
        check_answers(connection, START, START + HOUR, 1)


def test_sums_beyond_what_a_number_holds_stay_within_the_extremes(connection: sqlite3.Connection) -> None:
    Writer().write(connection, [row("n", START + at, 1.7e308) for at in range(3)])
    maintain(connection, Upkeep(Keeping(0, 0, 0)), START + DAY)
    assert kept(connection, "hours", "n")[START][:3] == (1.7e308, 1.7e308, 1.7e308)


BAD = {
    "samples: point": (99, START, 1.0, None, 0, 0),
    "samples: time": (1, START + 0.5, 1.0, None, 0, 0),
    "samples: time is": (1, "2026-01-01", 1.0, None, 0, 0),
    "samples: time is an": (1, -1, 1.0, None, 0, 0),
    "samples: value": (1, START, "12", None, 0, 0),
    "samples: value is": (1, START, float("inf"), None, 0, 0),
    "samples: text": (1, START, 1.0, "both", 0, 0),
    "samples: severity": (1, START, 1.0, None, 4, 0),
    "samples: severity is": (1, START, 1.0, None, 0, 32),
}


@pytest.mark.parametrize("says", BAD)
def test_what_another_program_must_not_insert_is_refused(connection: sqlite3.Connection, says: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=says):
        connection.execute("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)", BAD[says])
    assert connection.execute("SELECT count(*) FROM samples").fetchone() == (0,)


def test_another_program_need_not_say_what_is_usual(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO samples (point, time, value) VALUES (1, ?, 4)", (START,))
    assert rows(connection, "n", 0, LATEST_MS, 10) == [row("n", START, 4.0)]
    assert latest(connection) == [row("n", START, 4.0)]
    connection.execute("INSERT INTO samples (point, time, value, status) VALUES (1, ?, 5, 13)", (START + 1,))
    assert latest(connection)[0].status is Status.UDF, "a status of EPICS that Vigilia does not use"


def test_points_say_their_labels_as_json(connection: sqlite3.Connection) -> None:
    Writer().describe(connection, [PointInfo("é", "enum", labels=("Não", '"On"'))])
    (found,) = connection.execute("SELECT labels FROM points WHERE name = 'é'").fetchone()
    assert json.loads(found) == ["Não", '"On"']


QUESTIONS = [
    "SELECT time, value FROM samples WHERE point = (SELECT id FROM points WHERE name = 'n') AND time BETWEEN 1 AND 2",
    "SELECT time, mean FROM minutes WHERE point = (SELECT id FROM points WHERE name = 'n') AND time BETWEEN 1 AND 2",
    "SELECT name, time, value FROM samples JOIN points ON id = point WHERE name IN ('n', 'e') AND time BETWEEN 1 AND 2",
    "SELECT name, time, value FROM samples JOIN points ON id = point WHERE name LIKE 'n%' AND time BETWEEN 1 AND 2",
    "SELECT name, time, low FROM hours JOIN points ON id = point WHERE name LIKE 'n%' AND time BETWEEN 1 AND 2",
    "SELECT name, time / 60000 AS t, avg(mean) FROM minutes JOIN points ON id = point WHERE area = 'a' "
    "AND time BETWEEN 1 AND 2 GROUP BY name, t",
    # A view of two tables is not looked into by a sum: the rows are named first.
    "WITH some AS MATERIALIZED (SELECT name, time, value FROM samples JOIN points ON id = point WHERE name LIKE 'n%' "
    "AND time BETWEEN 1 AND 2) SELECT name, time / 60000 AS t, avg(value) FROM some GROUP BY name, t",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_of_another_program_finds_its_rows_by_the_key(tmp_path: Path, question: str) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as made, transaction(made):
        migrate(made, "x")
    with closing(sqlite3.connect(tmp_path / "x.db")) as other:
        plan = [step[-1] for step in other.execute(f"EXPLAIN QUERY PLAN {question}")]
    assert not {f"SCAN {table}" for table in ("stored", "arrived", "minutes", "hours", "samples")} & set(plan)
    assert any(
        re.fullmatch(r"SEARCH \w+ USING PRIMARY KEY \(point=\? AND time>\? AND time<\?\)", step) for step in plan
    )
