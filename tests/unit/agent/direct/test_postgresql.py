"""An agent and a PostgreSQL that is not as it should be: a sentence, no password, and nothing written."""

import asyncio
import socket
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.unit.agent.direct.conftest import SECRET, Door, agents_url
from tests.unit.agent.direct.test_direct import sample
from tests.unit.history.places import Place
from tests.unit.store.postgresql import Cluster
from vigilia.agent.direct import REVISION, DirectError, OtherRevision, make_direct, postgresql
from vigilia.drivers.reactor.coordinator import HISTORY_REVISION
from vigilia.history.postgresql_schema import NEWEST


@pytest.fixture
async def door(postgresql_place: Place) -> AsyncIterator[Door]:
    backend = await postgresql_place.open()
    yield Door(postgresql_place, backend, await agents_url(postgresql_place))
    await backend.close()


async def as_owner(door: Door, statement: str) -> None:
    owner = await asyncpg.connect(door.place.url)
    await owner.execute(statement)
    await owner.close()


async def fails(url: str, words: str) -> DirectError:
    with pytest.raises(DirectError, match=words) as raised:
        await make_direct(url, "R1").write([sample(1.0)])
    for text in (str(raised.value), repr(raised.value.__cause__)):
        assert SECRET not in text
        assert "hush" not in text
    return raised.value


def test_the_agent_knows_the_tables_of_this_version() -> None:
    assert REVISION == HISTORY_REVISION == NEWEST


@pytest.mark.parametrize("found", [REVISION + 1, REVISION - 1])
async def test_tables_of_another_revision_are_left_alone(door: Door, found: int) -> None:
    await as_owner(door, f"UPDATE history_version SET revision = {found}")
    error = await fails(door.url, f"has revision {found}, and this agent writes {REVISION}")
    assert isinstance(error, OtherRevision)
    assert await door.rows("R1:ph:pH-Mon") == []


async def test_a_role_without_its_rights_is_told_what_it_needs(door: Door) -> None:
    role = door.url.partition("://")[2].partition(":")[0]
    await as_owner(door, f"REVOKE SELECT ON history_version FROM {role}")
    await fails(door.url, "GRANT SELECT ON history_version")
    await as_owner(
        door, f"GRANT SELECT ON history_version TO {role}; REVOKE USAGE ON SCHEMA public FROM PUBLIC, {role}"
    )
    await fails(door.url, "has no tables of a history")


async def test_the_role_may_do_nothing_else(door: Door) -> None:
    agent = await asyncpg.connect(door.url)
    for statement in ("SELECT * FROM samples", "DELETE FROM history_version", "CREATE TABLE x (y int)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await agent.execute(statement)
    await agent.close()


async def test_an_empty_database_and_a_wrong_password_and_nobody_there(cluster: Cluster, door: Door) -> None:
    await fails(
        cluster.fresh().replace("vigilia:hush-hush", door.url[13:].rpartition("@")[0]), "no tables of a history"
    )
    await fails(door.url.replace("hush%2Fagent%407", "hush"), "password authentication failed")
    await fails(door.url.replace(f":{cluster.port}/", ":1/"), "the history postgresql://127.0.0.1:1/")
    await fails("postgresql://agent:hush@127.0.0.1:port/x", "check the address")


async def test_a_row_that_the_server_refuses_is_found_among_others(door: Door) -> None:
    bad = sample(1.0, 500, part="p" * 300)
    refused = await door.writer().write([*(sample(float(n), n) for n in range(100)), bad, sample(9.0, 1000)])
    assert [one.sample for one in refused] == [bad]
    assert "points" in refused[0].reason
    assert len(await door.rows("R1:ph:pH-Mon")) == 101


async def test_no_connection_stays_between_two_calls(door: Door) -> None:
    await door.writer().write([sample(1.0)])
    owner = await asyncpg.connect(door.place.url)
    mine = "application_name = 'vigilia agent' AND datname = current_database()"
    async with asyncio.timeout(10):
        while await owner.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {mine}"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await owner.close()


async def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"postgresql://agent:hush@127.0.0.1:{server.getsockname()[1]}/x"
        monkeypatch.setattr(postgresql, "_CONNECT_WAIT_S", 0.05)
        await fails(url, "gives no answer in time")
        monkeypatch.setattr(postgresql, "_CONNECT_WAIT_S", 30)
        (await asyncio.get_running_loop().sock_accept(server))[0].close()
        writing = asyncio.create_task(make_direct(url, "R1").write([sample(1.0)]))
        accepted, _ = await asyncio.get_running_loop().sock_accept(server)
        writing.cancel()
        await asyncio.wait([writing], timeout=5)
        assert writing.cancelled()
        accepted.close()


async def test_a_restart_of_the_server_costs_one_call(door: Door, cluster: Cluster) -> None:
    writer = door.writer()
    await writer.write([sample(1.0)])
    await asyncio.to_thread(cluster.stop)
    try:
        await fails(door.url, "the history postgresql://")
    finally:
        await asyncio.to_thread(cluster.start)
    await writer.write([sample(2.0, 1000)])
    assert [row.value for row in await door.rows("R1:ph:pH-Mon")] == [1.0, 2.0]
