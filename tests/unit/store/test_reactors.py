"""Reactors and their settings in a real store: durable, the newest revision, and readable whatever lies there."""

from dataclasses import replace

from sqlalchemy import update

from vigilia.store import Store, schema
from vigilia.store.reactors import (
    ReactorRow,
    SettingRow,
    load_reactors,
    load_settings,
    save_reactors,
    save_settings,
)

R1 = ReactorRow("R1", 1.5, "ana@console-1 (api)", "ab" * 32, "Tânque", "0.5.0", "b", "m", 2.5)
DUTY = SettingRow("R1", "heater", "Duty", 40.5, 2**40, "pending", "", 3.5, "ana", None, 0)


async def save(store: Store, *rows: ReactorRow | SettingRow) -> None:
    async with store.writing() as connection:
        await save_reactors(connection, [row for row in rows if isinstance(row, ReactorRow)])
        await save_settings(connection, [row for row in rows if isinstance(row, SettingRow)])


async def test_rows_come_back_as_they_were_and_take_the_place_of_those_before(store: Store) -> None:
    bare = ReactorRow("R0", 1.0, "")
    settings = [replace(DUTY, parameter=name, value=value, held=value) for name, value in
                (("A", True), ("B", 7), ("C", "a text with \u00e7"), ("D", 0.25))]  # fmt: skip
    for reactor in (R1, replace(R1, name="R", token_hash="", registered_at=9.0)):
        await save(store, reactor, bare, *settings)
        assert await load_reactors(store) == [bare, reactor]
    found = await load_settings(store)
    assert sorted(found, key=lambda row: row.parameter) == settings
    assert [type(row.value) for row in sorted(found, key=lambda row: row.parameter)] == [bool, int, str, float]


async def test_an_older_revision_replaces_no_newer_one(store: Store) -> None:
    newer = replace(DUTY, revision=DUTY.revision + 1, value=50.0)
    await save(store, newer)
    await save(store, DUTY)
    assert await load_settings(store) == [newer]
    applied = replace(newer, state="applied", held=50.0, held_revision=newer.revision)
    await save(store, applied)
    assert await load_settings(store) == [applied]


async def test_settings_come_in_the_order_they_were_asked_for(store: Store) -> None:
    rows = [replace(DUTY, parameter=f"P{n}", revision=n) for n in (3, 1, 2)]
    await save(store, *rows)
    assert [row.revision for row in await load_settings(store)] == [1, 2, 3]


async def test_a_row_that_cannot_be_read_is_left_out(store: Store) -> None:
    await save(store, DUTY, replace(DUTY, part="lamp"))
    table = schema.reactor_settings
    async with store.writing() as connection:
        await connection.execute(update(table).where(table.c.part == "heater").values(value={"no": "value"}))
    assert [row.part for row in await load_settings(store)] == ["lamp"]
