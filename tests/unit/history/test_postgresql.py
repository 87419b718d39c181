"""What PostgreSQL adds: rows that others write, partitions, roles, and databases that come and go."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.history.places import DAY, FOR_EVER, HOUR, MINUTE, SECOND, START, Place, row
from tests.unit.store.postgresql import PASSWORD, Cluster, in_own_loop
from vigilia.errors import StartError
from vigilia.history import postgresql_partitions, postgresql_server
from vigilia.history.backend import Bucket, HistoryError, Keeping, PointInfo, Question
from vigilia.history.ladder import LATEST_MS
from vigilia.history.postgresql import PostgresHistory
from vigilia.history.postgresql_partitions import SAMPLES
from vigilia.history.postgresql_schema import agents_role
from vigilia.points import Severity

NOW = START + DAY
FOREIGN = "INSERT INTO samples (point, time, value) VALUES ((SELECT id FROM points WHERE name = 'p'), '{}', {})"

Step = tuple[str, list[int]]
OFFSETS = st.lists(st.integers(0, 8 * HOUR // 1000).map(lambda second: second * 1000), min_size=1, max_size=30)
STEPS = st.tuples(st.sampled_from(["write", "write", "delete", "maintain"]), OFFSETS)


@pytest.fixture
def url(postgresql_place: Place) -> str:
    return postgresql_place.url


@pytest.fixture
async def history(url: str) -> AsyncIterator[PostgresHistory]:
    history = await PostgresHistory.open(url, FOR_EVER)
    yield history
    await history.close()


@pytest.fixture
async def other(url: str, history: PostgresHistory) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else's connection to the history's database."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


def database(url: str) -> str:
    return url.rpartition("/")[2]


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - what another process does
            await asyncio.sleep(0.01)


async def everything(history: PostgresHistory, point: str = "p") -> list[tuple[int, float | str | None]]:
    return [(r.time_ms, r.text if r.value is None else r.value) for r in await history.rows(point, 0, LATEST_MS, 10**6)]


async def the_hour(history: PostgresHistory, start: int = START) -> list[Bucket]:
    return list((await history.read(Question("p", start, start + HOUR - 1, 1))).buckets)


async def test_foreign_rows_of_any_age_are_there_at_once_and_find_their_partition(
    history: PostgresHistory, other: asyncpg.Connection
) -> None:
    await history.write([row("p", START, 1.0)])
    await other.execute(FOREIGN.format("1999-12-31 23:59:59.5Z", 2.0))
    await other.execute(FOREIGN.format("2026-01-01 00:00:01Z", 3.0))
    before = [(946_684_799_500, 2.0), (START, 1.0), (START + SECOND, 3.0)]
    assert await everything(history) == before
    assert await other.fetchval("SELECT count(*) FROM samples_default") == 1
    assert [latest.value for latest in await history.latest()] == [3.0]
    await history.maintain(NOW)
    assert await everything(history) == before
    assert await other.fetchval("SELECT count(*) FROM samples_default") == 0
    assert await other.fetchval("SELECT count(*) FROM samples_19991230") == 1
    assert await other.fetchval("SELECT count(*) FROM hours") == 2
    assert await the_hour(history) == [Bucket(START, 2.0, 1.0, 3.0, Severity.NO_ALARM)]


async def test_a_row_that_is_changed_or_deleted_by_others_changes_its_rollup(
    history: PostgresHistory, other: asyncpg.Connection
) -> None:
    await history.write([row("p", START + at * 5 * MINUTE, 4.0) for at in range(12)])
    await history.maintain(NOW)
    await other.execute("UPDATE samples SET value = 10 WHERE time = '2026-01-01 00:15Z'")
    await other.execute("DELETE FROM samples WHERE time > '2026-01-01 00:20Z'")
    for _ in range(2):
        assert await the_hour(history) == [Bucket(START, pytest.approx(5.2), 4.0, 10.0, Severity.NO_ALARM)]
        await history.maintain(NOW)
    assert await other.fetchval("SELECT count(*) FROM dirty") == 0
    assert await other.fetchval("SELECT count FROM hours") == 5


async def test_a_transaction_that_ends_during_maintenance_is_counted(
    history: PostgresHistory, other: asyncpg.Connection, url: str
) -> None:
    """It found its hour marked, and made no mark of its own: maintenance must not have been over before it ends."""
    await history.write([row("p", START, 1.0)])
    late = other.transaction()
    await late.start()
    await other.execute(FOREIGN.format("2026-01-01 00:00:01Z", 3.0))
    maintenance = asyncio.create_task(history.maintain(NOW))
    watcher = await asyncpg.connect(url)
    await until(lambda: watcher.fetchval("SELECT taken FROM dirty"))
    await asyncio.wait({maintenance}, timeout=0.5)
    assert not maintenance.done(), "it waits for the other, however long that takes"
    await late.commit()
    await maintenance
    assert await watcher.fetchrow("SELECT count, low, high FROM hours") == (2, 1.0, 3.0)
    await watcher.close()


async def test_an_hour_that_is_not_over_is_rolled_up_every_few_minutes(
    history: PostgresHistory, other: asyncpg.Connection
) -> None:
    for at in range(20):
        await history.write([row("p", START + at * MINUTE, float(at))])
        await history.maintain(START + at * MINUTE + SECOND)
        assert at - 5 <= await other.fetchval("SELECT count(*) FROM minutes") - 1 <= at
        assert (await the_hour(history))[0].high == at


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=12))
def test_rollups_made_step_by_step_are_those_of_all_rows(cluster: Cluster, steps: list[Step]) -> None:
    in_own_loop(lambda: follow(cluster.fresh(), steps))


async def follow(url: str, steps: list[Step]) -> None:
    """Take steps, and look after each whether the answers are those of all rows there are, and the rollups at last."""
    history = await PostgresHistory.open(url, FOR_EVER)
    other = await asyncpg.connect(url)
    model: dict[int, float] = {}
    await history.describe([PointInfo("p", "number")])
    for what, offsets in steps:
        if what == "write":
            await history.write([row("p", START + at, float(at)) for at in offsets])
            model |= {START + at: float(at) for at in offsets}
        elif what == "delete":
            times = [f"'{datetime.fromtimestamp((START + at) / 1000, UTC).isoformat()}'" for at in offsets]
            await other.execute(f"DELETE FROM samples WHERE time IN ({','.join(times)})")
            for at in offsets:
                model.pop(START + at, None)
        else:
            await history.maintain(START + offsets[0])
        await check_hours(history, model)
    await history.maintain(START + 10 * DAY)
    await check_hours(history, model)
    for table, width in (("minutes", MINUTE), ("hours", HOUR)):
        found = await other.fetch(f"SELECT extract(epoch FROM time) * 1000, low, high, mean, count FROM {table}")
        assert {int(r[0]): (r[1], r[2], pytest.approx(r[3]), r[4]) for r in found} == folded(model, width)
    await other.close()
    await history.close()


async def check_hours(history: PostgresHistory, model: dict[int, float]) -> None:
    series = await history.read(Question("p", START, START + 9 * HOUR, 3))
    if series.resolution_ms:
        expected = folded(model, series.resolution_ms)
        assert {b.time_ms: (b.low, b.high, pytest.approx(b.value)) for b in series.buckets} == {
            at: of[:3] for at, of in expected.items()
        }
    else:
        assert {b.time_ms: b.value for b in series.buckets} == model


def folded(model: dict[int, float], width: int) -> dict[int, tuple[float, float, float, int]]:
    found: dict[int, list[float]] = {}
    for time_ms, value in model.items():
        found.setdefault(time_ms // width * width, []).append(value)
    return {at: (min(of), max(of), sum(of) / len(of), len(of)) for at, of in found.items()}


async def test_values_at_the_end_of_what_a_double_holds_spoil_no_rollup(history: PostgresHistory) -> None:
    most = 1.7976931348623157e308
    await history.write([row("p", START + at * SECOND, most) for at in range(50)])
    await history.write([row("q", START + at * SECOND, -most if at % 2 else most) for at in range(50)])
    for _ in range(2):
        assert await the_hour(history) == [Bucket(START, most, most, most, Severity.NO_ALARM)]
        await history.maintain(NOW)


async def test_partitions_are_made_ahead_and_dropped_whole(url: str) -> None:
    history = await PostgresHistory.open(url, Keeping(14, 0, 0))
    await history.write([row("p", START + at * DAY, float(at)) for at in range(40)])
    await history.maintain(START + 40 * DAY)
    connection = await asyncpg.connect(url)
    there = await partitions(connection)
    assert there == ["20260122", "20260129", "20260205", "20260212", "20260219", "20260226", "20260305", "20260312",
                     "20260319", "20260326"]  # fmt: skip
    assert len(await everything(history)) == 14
    assert await connection.fetchval("SELECT count(*) FROM hours") == 40
    await connection.close()
    await history.close()


async def partitions(connection: asyncpg.Connection) -> list[str]:
    names = await connection.fetch(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'samples'::regclass"
    )
    return sorted(name[0].removeprefix("samples_") for name in names if name[0] != "samples_default")


async def test_rows_of_too_many_odd_times_wait_in_the_default_partition(
    history: PostgresHistory, other: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_partitions, "MOST_PARTITIONS", 5)
    written = [row("p", START + at * 30 * DAY, float(at)) for at in range(12)]
    await history.write(written)
    await history.write(written[3:])
    assert await history.rows("p", 0, LATEST_MS, 100) == written
    assert len(await partitions(other)) == 5
    await history.maintain(START + 400 * DAY)
    assert await history.rows("p", 0, LATEST_MS, 100) == written
    assert await other.fetchval("SELECT count(*) FROM hours") == 12


async def test_who_reads_for_long_holds_up_no_write(history: PostgresHistory, other: asyncpg.Connection) -> None:
    async with other.transaction():
        await other.fetch("SELECT * FROM samples")
        await history.write([row("p", START, 1.0)])
    assert await everything(history) == [(START, 1.0)]
    await history.maintain(NOW)
    assert await everything(history) == [(START, 1.0)]


async def test_a_role_for_agents_inserts_and_does_nothing_else(
    history: PostgresHistory, other: asyncpg.Connection, url: str
) -> None:
    await other.execute('DROP ROLE IF EXISTS "agent ""7"""')
    await other.execute(agents_role('agent "7"'))
    await other.execute(f'ALTER ROLE "agent ""7""" PASSWORD \'{PASSWORD}\'')
    agent = await asyncpg.connect(url, user='agent "7"', password=PASSWORD)
    put = "SELECT vigilia_put($1, $2::text[]::timestamptz[], $3, $4, $5, $6)"
    times = ["2026-01-01 00:00:00Z", "2026-01-01 00:00:01.0004Z", "2026-01-01 00:00:01Z", "2026-01-01 00:00:00Z"]
    await agent.execute(
        put, ["p", "p", "p", "it's"], times, [1.0, 2.0, 3.0, None], [None, None, None, "on"], [0, 0, 2, None], [0] * 4
    )
    await agent.execute(put, ["p"], times[:1], [1.0], [None], [0], [0])
    assert await everything(history) == [(START, 1.0), (START + SECOND, 3.0)]
    assert await everything(history, "it's") == [(START, "on")]
    assert sorted(latest.point for latest in await history.latest()) == ["it's", "p"]
    await history.maintain(NOW)
    assert await the_hour(history) == [Bucket(START, 2.0, 1.0, 3.0, Severity.MAJOR)]
    assert await other.fetchval("SELECT sum(count) FROM hours") == 3
    tables = ["samples", "samples_default", "samples_20260101", "minutes", "hours", "points", "latest", "dirty", "kept"]
    for table in tables:
        for statement in ("SELECT * FROM {}", "DELETE FROM {}", "DROP TABLE {}", "INSERT INTO {} DEFAULT VALUES"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await agent.execute(statement.format(table))
    for wrong in (
        (["p"], times[:2], [1.0], [None], [0], [0]),
        (["p"], times[:1], [float("nan")], [None], [0], [0]),
        ([""], times[:1], [1.0], [None], [0], [0]),
        ([None], times[:1], [1.0], [None], [0], [0]),
        (["p"], times[:1], [1.0], [None], [4], [0]),
        (["p"], ["infinity"], [1.0], [None], [0], [0]),
        (["p"] * 10_001, times[:1] * 10_001, [1.0] * 10_001, [None] * 10_001, [0] * 10_001, [0] * 10_001),
    ):
        with pytest.raises((asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)):
            await agent.execute(put, *wrong)
    await agent.close()
    await other.execute('DROP OWNED BY "agent ""7"""; DROP ROLE "agent ""7"""')


async def test_two_services_on_one_database_harm_nothing(url: str) -> None:
    services = await asyncio.gather(*(PostgresHistory.open(url, Keeping(3, 0, 0)) for _ in range(3)))

    async def serve(number: int) -> None:
        for at in range(12):
            rows = [row(f"p{point}", START + at * 6 * HOUR + point, float(at)) for point in range(50)]
            await services[number].write(rows[:: 1 if number else -1])
            await services[number].maintain(START + at * 6 * HOUR)

    await asyncio.gather(*(serve(number) for number in range(3)))
    for service in services:
        await service.maintain(START + 4 * DAY)
    for point in range(50):
        series = await services[0].read(Question(f"p{point}", START, START + 3 * DAY, 12))
        assert [bucket.value for bucket in series.buckets] == list(range(12))
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT sum(count) FROM hours") == 12 * 50
    assert await connection.fetchval("SELECT count(*) FROM history_version") == 1
    await connection.close()
    for service in services:
        await service.close()


async def test_a_database_dropped_and_made_again_is_filled_again(
    history: PostgresHistory, cluster: Cluster, url: str
) -> None:
    await history.write([row("other", START, 1.0), row("p", START, 1.0)])
    await asyncio.to_thread(cluster.sql, f"DROP DATABASE {database(url)} WITH (FORCE)", "postgres")
    for attempt in (history.write([row("p", START, 1.0)]), history.latest(), history.maintain(NOW)):
        with pytest.raises(HistoryError, match=f"the history .*{database(url)}") as raised:
            await attempt
        assert PASSWORD not in str(raised.value)
    await asyncio.to_thread(cluster.sql, f"CREATE DATABASE {database(url)} TEMPLATE template0", "postgres")
    await history.write([row("p", START, 2.0)])
    assert await everything(history) == [(START, 2.0)]
    assert await everything(history, "other") == []


async def test_tables_that_are_gone_are_made_again_by_the_next_write(
    history: PostgresHistory, other: asyncpg.Connection
) -> None:
    await history.write([row("other", START, 1.0), row("p", START, 1.0)])
    await other.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await history.write([row("p", START, 2.0)])
    assert await everything(history) == [(START, 2.0)]


async def test_a_server_that_stops_and_starts_is_found_again(
    history: PostgresHistory, cluster: Cluster, url: str
) -> None:
    await history.write([row("p", START, 1.0)])
    await asyncio.to_thread(cluster.stop)
    for attempt in (history.write([row("p", START + 1, 1.0)]), history.latest(), history.describe([])):
        with pytest.raises(HistoryError, match="the history postgresql://"):
            await attempt
    with pytest.raises(HistoryError, match="the history postgresql://"):
        await PostgresHistory.open(url, FOR_EVER)
    await asyncio.to_thread(cluster.start)
    await history.write([row("p", START + 1, 2.0)])
    assert (await everything(history))[-1] == (START + 1, 2.0)


async def test_a_connection_lost_in_the_middle_of_a_write_leaves_all_or_nothing(
    history: PostgresHistory, other: asyncpg.Connection
) -> None:
    await history.write([row("p", START, 1.0)])
    async with other.transaction():
        await other.execute("LOCK TABLE latest IN ACCESS EXCLUSIVE MODE")
        writing = asyncio.create_task(history.write([row("p", START + at, 2.0) for at in range(1, 100)]))
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        await until(lambda: other.fetchval(waiting))
        await other.execute(f"SELECT pg_terminate_backend(({waiting}))")
        with pytest.raises(HistoryError, match="the history postgresql://"):
            await writing
    assert await everything(history) == [(START, 1.0)]
    await history.write([row("p", START + 1, 2.0)])
    assert await everything(history) == [(START, 1.0), (START + 1, 2.0)]


async def test_who_holds_a_lock_costs_an_error_and_no_more(history: PostgresHistory, other: asyncpg.Connection) -> None:
    await history.write([row("p", START, 1.0)])
    async with other.transaction():
        await other.execute("LOCK TABLE samples IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(HistoryError, match="lock timeout"):
            await history.write([row("p", START + 1, 2.0)])
    await history.write([row("p", START + 1, 2.0)])
    assert len(await everything(history)) == 2


async def test_work_on_a_server_that_hangs_ends_at_once_when_it_is_cancelled(
    history: PostgresHistory, other: asyncpg.Connection
) -> None:
    await history.write([row("p", START)])
    found = await other.fetch("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'vigilia history%'")
    pids = [record[0] for record in found]
    # A statement of the writer's has begun, and its answer does not come: it waits for this lock first.
    await other.execute("BEGIN")
    await other.execute("LOCK TABLE points IN ACCESS EXCLUSIVE MODE")
    writing = asyncio.create_task(history.write([row("p", START + SECOND)]))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = ANY($1::int[])"
    await until(lambda: other.fetchval(waiting, pids))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        writing.cancel()
        done, _ = await asyncio.wait({writing}, timeout=5)
        assert done, "neither the end of the statement nor ROLLBACK is waited for"
        assert writing.cancelled()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        await other.execute("ROLLBACK")
        await asyncio.gather(writing, return_exceptions=True)
    await history.write([row("p", START + SECOND)])
    assert len(await history.rows("p", START, START + SECOND, 10)) == 2


async def test_a_server_that_hangs_is_given_up(
    other: asyncpg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_server, "ANSWER_WAIT_S", 0.5)
    history = await PostgresHistory.open(url, FOR_EVER)
    await history.write([row("p", START, 1.0)])
    working = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'vigilia%' AND datname = current_database()"
    pids = [record[0] for record in await other.fetch(working)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(HistoryError, match="gives no answer in time"):
            await history.write([row("p", START + 1, 2.0)])
        with pytest.raises(HistoryError, match="gives no answer in time"):
            await history.read(Question("p", START, NOW, 10))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    await history.write([row("p", START + 1, 2.0)])
    assert len(await everything(history)) == 2
    await history.close()


async def test_a_question_that_takes_too_long_is_given_up(
    other: asyncpg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_server, "ANSWER_WAIT_S", 0.2)
    history = await PostgresHistory.open(url, FOR_EVER)
    await history.write([row("p", START, 1.0)])
    async with other.transaction():
        await other.execute("LOCK TABLE samples IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(HistoryError, match="gives no answer in time: canceling statement"):
            await history.read(Question("p", START, NOW, 10))
    assert len((await history.read(Question("p", START, NOW, 10))).buckets) == 1
    await history.close()


async def test_a_missing_package_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(StartError, match=r"asyncpg is missing: run pip install"):
        await PostgresHistory.open(url, FOR_EVER)


async def test_a_wrong_password_is_told_and_not_shown(url: str) -> None:
    with pytest.raises(HistoryError, match="password authentication failed") as raised:
        await PostgresHistory.open(url.replace(PASSWORD, "wrong-one"), FOR_EVER)
    assert "wrong-one" not in str(raised.value)


@pytest.mark.parametrize("bad", ["postgresql://", "postgresql://u:p#w@h/d", "http://x/y"])
async def test_an_address_that_makes_no_sense_is_refused(bad: str) -> None:
    with pytest.raises(StartError, match="the address of the history"):
        await PostgresHistory.open(bad, FOR_EVER)


async def test_a_role_that_may_not_make_tables_is_told_what_it_needs(url: str, cluster: Cluster) -> None:
    def sql(statement: str) -> None:
        cluster.sql(statement, database(url))

    await asyncio.to_thread(sql, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    await asyncio.to_thread(sql, f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    guest = url.replace("vigilia:", "guest:")
    with pytest.raises(HistoryError, match=r"permission denied for schema public.*GRANT CREATE ON SCHEMA"):
        await PostgresHistory.open(guest, FOR_EVER)
    await asyncio.to_thread(sql, "GRANT CREATE ON SCHEMA public TO guest")
    history = await PostgresHistory.open(guest, FOR_EVER)
    await history.write([row("p", START, 1.0)])
    await history.maintain(NOW)
    assert await everything(history) == [(START, 1.0)]
    await history.close()
    await asyncio.to_thread(sql, "DROP OWNED BY guest")
    await asyncio.to_thread(sql, "DROP ROLE guest")


async def test_a_newer_schema_is_refused(history: PostgresHistory, other: asyncpg.Connection, url: str) -> None:
    await other.execute("UPDATE history_version SET revision = 99")
    for opening in (PostgresHistory.open(url, FOR_EVER), PostgresHistory.look(url)):
        with pytest.raises(StartError, match="has revision 99, newer than this program's"):
            await opening


async def test_who_looks_makes_nothing(url: str, cluster: Cluster) -> None:
    with pytest.raises(HistoryError, match="has revision none"):
        await PostgresHistory.look(url)
    tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert await asyncio.to_thread(cluster.sql, tables, database(url)) == [(0,)]
    await (await PostgresHistory.open(url, FOR_EVER)).close()
    looker = await PostgresHistory.look(url)
    with pytest.raises(HistoryError, match="read-only"):
        await looker.write([row("p", START, 1.0)])
    await looker.close()


async def test_hours_that_wait_for_their_rollups_are_answered_from_samples(
    history: PostgresHistory, other: asyncpg.Connection
) -> None:
    await history.write([row("p", START + at * MINUTE, float(at)) for at in range(60 * 100)])
    await history.maintain(START + 50 * HOUR)
    assert await other.fetchval("SELECT count(*) FROM dirty") == 49
    await history.write([row("p", START + at * HOUR + 1, 9999.0) for at in range(0, 50, 2)])
    series = await history.read(Question("p", START, START + 100 * HOUR, 100))
    assert [bucket.high for bucket in series.buckets] == [
        9999.0 if at < 50 and at % 2 == 0 else at * 60 + 59 for at in range(100)
    ]


async def test_descriptions_that_others_spoilt_are_read_all_the_same(
    history: PostgresHistory, other: asyncpg.Connection
) -> None:
    await history.describe([PointInfo("p", "enum", labels=("Off", "On"))])
    await other.execute("UPDATE points SET labels = 'Off, On'")
    assert [info.labels for info in await history.points()] == [()]


def test_a_partition_is_named_after_its_first_day() -> None:
    assert SAMPLES.name(SAMPLES.start_of(START + 6 * DAY)) == "samples_20260101"
    assert SAMPLES.name(SAMPLES.start_of(START + 7 * DAY)) == "samples_20260108"
