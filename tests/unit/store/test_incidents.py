"""Incidents, as they are read back from a real store."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from vigilia.points import Kind, Point, Severity, Window
from vigilia.store import Store, incidents, schema
from vigilia.store.incidents import Incident, Position


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield store
    await store.close()


def incident(name: str, began_at: float, ended_at: float | None, **other: Any) -> Incident:
    values: dict[str, Any] = {
        "id": name,
        "alarm": f"relay@{name}",
        "rule": "relay",
        "system": "pvoperation",
        "point": name,
        "device": "d",
        "area": "UFV Sol",
        "equipment": "Relé 1",
        "family": "Relay alarms",
        "label": "OVERVOLTAGE",
        "severity": Severity.MAJOR,
        "last_seen_at": began_at,
        "detail": "r59A",
        "suppressed_by": "",
        "brief": False,
        "told": True,
        "outage": True,
        "found_at": began_at if ended_at is None else ended_at,
    }
    return Incident(**(values | {"began_at": began_at, "ended_at": ended_at} | other))


async def keep(store: Store, *found: Incident) -> None:
    async with store.writing() as connection:
        await connection.execute(insert(schema.incidents), [asdict(one) for one in found])


def names(found: list[Incident]) -> str:
    return "".join(one.id for one in found)


async def test_an_incident_comes_back_as_it_was(store: Store) -> None:
    kept = incident("a", 1.5, None, suppressed_by="x@y", severity=Severity.MINOR)
    await keep(store, kept)
    (found,) = await incidents.overlapping(store, 0, 10)
    assert found == kept
    assert isinstance(found.severity, Severity)
    assert found.brief is False


async def test_overlapping_means_open_at_some_moment_of_the_interval(store: Store) -> None:
    await keep(
        store,
        incident("a", 0, 10),  # over when it begins
        incident("b", 5, 10.5),
        incident("c", 5, None),
        incident("d", 10, 10),  # no time at all, at the very start
        incident("e", 12, 13),
        incident("f", 19.9, None),
        incident("g", 20, 25),  # begins when it is over
        incident("h", 2, 99),
    )
    assert names(await incidents.overlapping(store, 10, 20)) == "hbcdef"
    assert names(await incidents.newest(store, start=10, end=20)) == "fedcbh"
    assert names(await incidents.newest(store, start=20, end=None)) == "gfch"
    assert names(await incidents.newest(store, start=None, end=3)) == "ha"


async def test_pages_give_every_incident_once_even_with_one_start(store: Store) -> None:
    await keep(store, *(incident(name, 7, None) for name in "abcde"), incident("z", 6, 8))
    seen, before = "", None
    while page := await incidents.newest(store, start=None, end=None, before=before, limit=2):
        assert len(page) <= 2
        seen += names(page)
        before = Position(page[-1].began_at, page[-1].id)
    assert seen == "edcbaz"


async def test_active_ones_by_family(store: Store) -> None:
    await keep(
        store,
        incident("a", 1, None, area="B"),
        incident("b", 2, None, area="A", equipment="2"),
        incident("c", 3, None, area="A", equipment="1"),
        incident("d", 1, 2),
        incident("e", 1, None, family="Inverter alarms", area="C"),
    )
    assert names(await incidents.active(store, "Relay alarms")) == "cba"
    assert names(await incidents.active(store)) == "cbae"


async def test_brief_ones_since(store: Store) -> None:
    await keep(
        store,
        incident("a", 1, 5, brief=True),
        incident("b", 1, 4.9, brief=True),
        incident("c", 1, 6),
        incident("d", 1, None),
        incident("e", 2, 5, brief=True),
    )
    assert names(await incidents.brief_since(store, 5)) == "ae"


async def test_more_than_one_portion(store: Store) -> None:
    await keep(store, *(incident(f"{number:05}", number, None) for number in range(2345)))
    found = await incidents.overlapping(store, 0, 9999)
    assert [one.began_at for one in found] == list(range(2345))


async def test_windows_are_those_of_the_points_of_an_area(store: Store) -> None:
    sol, other = Window("06:30", "17:30", "America/Sao_Paulo", -23.5, -47.25), Window("07:00", "17:00", "UTC")
    await store.remember_points(
        "pvoperation",
        [
            Point("1:Relay-1:Other-Sts", Kind.BOOLEAN, "r", area="UFV Sol"),
            Point("1:Inverter-1:Pac-Mon", Kind.NUMBER, "i", area="UFV Sol", window=sol),
            Point("2:Inverter-1:Pac-Mon", Kind.NUMBER, "i", area="UFV Mar", window=other),
            Point("3:x", Kind.NUMBER, "i", window=other),
            Point("4:x", Kind.NUMBER, "i", area="Room"),
        ],
        1.0,
    )
    assert await incidents.windows(store) == {"UFV Sol": sol, "UFV Mar": other}
