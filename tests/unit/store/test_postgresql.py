"""What PostgreSQL adds: one service at a time, connections that are lost, and a password that nobody sees."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import vigilia
from tests.unit.store.postgresql import PASSWORD, Cluster
from tests.unit.store.test_schema import asked
from vigilia.errors import AlreadyRunning, StartError
from vigilia.notices import Notice, NoticeKind
from vigilia.points import Severity
from vigilia.store import Store, StoreError, marks, outbox

HOLD = (
    "import asyncio, sys\n"
    "from vigilia.store import Store\n"
    "async def main():\n"
    "    store = await Store.open(sys.argv[1])\n"
    "    print('open', flush=True)\n"
    "    await asyncio.sleep(60)\n"
    "asyncio.run(main())\n"
)


@pytest.fixture
def url(cluster: Cluster) -> str:
    return cluster.fresh()


async def terminate(url: str) -> None:
    """Have the server end every connection to the store's database but this one."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_a_second_instance_is_refused_and_told_of_the_first(url: str, store: Store) -> None:
    with pytest.raises(AlreadyRunning) as raised:
        await Store.open(url)
    said = str(raised.value)
    assert re.match(rf"Another instance is running: PID {os.getpid()} on \S+ holds postgresql://", said)
    assert PASSWORD not in said
    await store.record_writes([asked("a", "T1:Sel", 1)])
    await store.close()
    again = await Store.open(url)
    assert len(await again.audit()) == 1
    await again.close()


async def test_an_instance_in_another_database_of_the_server_is_no_hindrance(cluster: Cluster, store: Store) -> None:
    other = await Store.open(cluster.fresh())
    await other.record_writes([asked("a", "T1:Sel", 1)])
    assert await store.audit() == []
    await other.close()


async def test_a_killed_instance_leaves_the_way_free(url: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(vigilia.__file__).parents[1])}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, url), env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    with pytest.raises(AlreadyRunning, match=f"PID {process.pid} "):
        await Store.open(url)
    process.send_signal(signal.SIGKILL)
    store = await Store.open(url)
    await store.close()
    await process.communicate()


async def test_lost_connections_are_made_again(url: str, store: Store) -> None:
    await store.record_writes([asked("a", "T1:Sel", 1)])
    await terminate(url)
    for number in range(3):  # the first may find out what happened, no later one
        try:
            await store.record_writes([asked(f"b{number}", "T1:Sel", 1)])
        except StoreError:
            assert number == 0
    await store.check()
    assert len(await store.audit()) >= 3
    with pytest.raises(AlreadyRunning):
        await Store.open(url)


async def test_a_connection_lost_within_a_transaction_is_a_store_error_and_keeps_nothing(
    url: str, store: Store
) -> None:
    async def write_and_lose() -> None:
        async with store.writing() as connection:
            await marks.mark(connection, "half", {})
            await terminate(url)
            await marks.mark(connection, "whole", {})

    with pytest.raises(StoreError):
        await write_and_lose()
    assert await marks.marked(store, "half") is None
    await store.record_writes([asked("a", "T1:Sel", 1)])


async def test_a_server_that_restarts_is_found_again(cluster: Cluster, url: str, store: Store) -> None:
    await store.record_writes([asked("a", "T1:Sel", 1)])
    await asyncio.to_thread(cluster.stop)
    try:
        for call in (store.check(), store.audit(), store.record_writes([asked("b", "T1:Sel", 0)])):
            with pytest.raises(StoreError) as raised:
                await call
            assert PASSWORD not in str(raised.value)
        with pytest.raises(
            StartError, match=r"the store postgresql://vigilia:\*\*\*@.* cannot be opened: .*: check that"
        ):
            await Store.open(url)
    finally:
        await asyncio.to_thread(cluster.start)
    await store.record_writes([asked("b", "T1:Sel", 0)])
    assert len(await store.audit()) == 2


async def test_an_instance_that_lost_its_lock_to_another_writes_no_more(url: str, store: Store) -> None:
    await terminate(url)
    other = await Store.open(url)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"Another instance is running|lock"):
            await store.record_writes([asked("late", "T1:Sel", 1)])
    with pytest.raises(StoreError, match="Another instance is running"):
        await store.check()
    assert await other.audit() == []
    await other.close()
    await store.record_writes([asked("back", "T1:Sel", 1)])


async def test_a_lock_that_only_the_server_knows_to_be_lost_stops_the_next_write(url: str, store: Store) -> None:
    """As where a network was cut in one direction: the connection seems to stand."""
    holder: Any = store._place._holder  # type: ignore[attr-defined]  # noqa: SLF001 - such a cut cannot be had otherwise
    await holder.execute("SELECT pg_advisory_unlock_all()")
    with pytest.raises(StoreError, match="took back the lock"):
        await store.record_writes([asked("late", "T1:Sel", 1)])
    await store.record_writes([asked("again", "T1:Sel", 1)])
    assert len(await store.audit()) == 1
    with pytest.raises(AlreadyRunning):
        await Store.open(url)


async def test_a_server_that_says_nothing_is_a_store_error_in_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that takes connections and answers nothing."""
    monkeypatch.setattr("vigilia.store.postgresql._CONNECT_WAIT_S", 0.2)
    silent: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: silent.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(StartError, match=r"gives no answer for 0.2 s: check that the server runs there"):
        await Store.open(f"postgresql://vigilia:{PASSWORD}@127.0.0.1:{port}/x")
    for writer in silent:
        writer.close()
    server.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((PASSWORD, "wrong"), "password authentication failed"),
        (("/t", "/nowhere"), 'database "nowhere'),
        (("vigilia:", "nobody:"), "password authentication failed"),
    ],
)
async def test_what_cannot_be_opened_is_named_without_the_password(
    change: tuple[str, str], reason: str, url: str
) -> None:
    wrong = url.replace(*change)
    with pytest.raises(StartError) as raised:
        await Store.open(wrong)
    assert reason in str(raised.value)
    assert PASSWORD not in str(raised.value)
    assert "wrong" not in str(raised.value)


async def test_a_database_that_only_reads_stops_the_start(cluster: Cluster, url: str) -> None:
    await (await Store.open(url)).close()
    name = url.rpartition("/")[2]
    await asyncio.to_thread(cluster.sql, f"ALTER DATABASE {name} SET default_transaction_read_only = on", "postgres")
    with pytest.raises(StartError, match="read-only transaction"):
        await Store.open(url)


async def test_a_missing_package_is_a_sentence(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(StartError, match=r'the Python package asyncpg is missing: run pip install "vigilia\[server,'):
        await Store.open(url)


def notice(number: int) -> Notice:
    return Notice(NoticeKind.RAISED, "Alarm", "Plant", "line", 1.0, Severity.MAJOR, incident=f"i{number}")


async def test_a_withdrawal_and_a_claim_never_both_succeed(url: str, store: Store) -> None:
    """Also where they come from two processes: the second one here writes past the instance's lock."""
    second = await asyncpg.connect(url)
    for number in range(20):
        async with store.writing() as connection:
            await outbox.queue(connection, [(notice(number), ["teams"])], 1.0)
        (waiting,) = [found for found in await outbox.waiting(store, "teams", 100) if found.card is None]

        async def claim(row: int = waiting.id) -> bool:
            return await outbox.claim(store, "teams", [[row]], 2.0) is not None

        async def withdraw(incident: str = f"i{number}") -> bool:
            async with second.transaction():
                await second.execute("SELECT pg_advisory_xact_lock(1449748329, 2)")
                free = await second.fetchval(
                    "SELECT count(*) FROM outbox WHERE incident = $1 AND card IS NULL", incident
                )
                await asyncio.sleep(0)
                if free:
                    await second.execute("DELETE FROM outbox WHERE incident = $1", incident)
                return bool(free)

        order = (claim(), withdraw()) if number % 2 else (withdraw(), claim())
        assert sum(await asyncio.gather(*order)) == 1
    await second.close()


async def test_many_writers_and_readers_at_once_wait_for_each_other(store: Store) -> None:
    async def count(number: int) -> None:
        async with store.writing() as connection:
            found: Any = await connection.exec_driver_sql("SELECT value ->> 'n' FROM marks WHERE name = 'n'")
            before = found.scalar()
        await store.audit()
        async with store.writing() as connection:
            found = await connection.exec_driver_sql("SELECT value ->> 'n' FROM marks WHERE name = 'n'")
            await marks.mark(connection, "n", {"n": int(found.scalar() or 0) + 1, "by": number, "saw": before})

    await asyncio.gather(*(count(number) for number in range(20)))
    assert (await marks.marked(store, "n") or {})["n"] == 20
