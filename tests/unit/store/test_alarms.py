"""Alarms, incidents and checkpoints in a real store: put in the place of what was there, all or none."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from vigilia.points import Checkpoint
from vigilia.store import Store, schema
from vigilia.store.alarms import (
    AlarmRow,
    IncidentRow,
    load_alarms,
    load_checkpoints,
    load_incidents,
    save_alarms,
    save_checkpoints,
    save_incidents,
)

ALARM = AlarmRow("r@p", "r", "p", {"base": "normal", "told": False}, {"times": [1.5, 2.0], "sides": "gb"}, 3.0)
OPEN = IncidentRow(
    "1",
    "r@p",
    "r",
    "pv",
    "p",
    "d",
    "Área",
    "e",
    "f",
    "l",
    2,
    10.0,
    None,
    11.0,
    "r59A",
    "",
    brief=False,
    told=True,
    outage=True,
    found_at=12.0,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield store
    await store.close()


async def test_a_row_comes_back_as_it_was_and_takes_the_place_of_the_one_before(store: Store) -> None:
    later = replace(ALARM, state={"base": "unacknowledged", "told": True}, changed_at=4.0)
    for row in (ALARM, later):
        async with store.writing() as connection:
            await save_alarms(connection, [row])
        assert await load_alarms(store) == [row]


async def test_incidents_that_are_open_or_ended_lately_are_loaded_by_their_start(store: Store) -> None:
    rows = [replace(OPEN, id=str(n), began_at=20.0 - n, ended_at=n * 10.0 if n else None) for n in range(4)]
    async with store.writing() as connection:
        await save_incidents(connection, rows)
    assert await load_incidents(store, 20.0) == [rows[3], rows[0]]


async def test_the_newest_checkpoint_of_a_key_counts(store: Store) -> None:
    async with store.writing() as connection:
        await save_checkpoints(connection, [("pv", Checkpoint("a", 1)), ("pv", Checkpoint("a", {"until": 2}))], 5.0)
        await save_checkpoints(connection, [("other", Checkpoint("a", 3))], 5.0)
    assert await load_checkpoints(store, "pv") == {"a": {"until": 2}}


async def test_many_rows_at_once_and_none(store: Store) -> None:
    async with store.writing() as connection:
        await save_alarms(connection, [])
        await save_alarms(connection, [replace(ALARM, id=f"r@{n}") for n in range(1201)])
    async with store.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(schema.alarms)) == 1201


async def test_what_raises_within_keeps_nothing(store: Store) -> None:
    async def fail() -> None:
        async with store.writing() as connection:
            await save_alarms(connection, [ALARM])
            await save_incidents(connection, [OPEN])
            raise asyncio.InvalidStateError

    with pytest.raises(asyncio.InvalidStateError):
        await fail()
    assert await load_alarms(store) == []
    assert await load_incidents(store, 0.0) == []
