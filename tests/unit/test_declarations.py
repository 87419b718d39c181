"""Points that come at run time: into the table, into the store, and back from it at the next start."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.tables import Equipment, Notebook
from vigilia.clock import Clock
from vigilia.declarations import Declarations
from vigilia.points import NEVER_READ, Batch, Kind, Origin, Point, Reading, Sample, Window
from vigilia.store import Store, StoreError
from vigilia.table import PointTable

WINDOW = Window("06:30", "17:30", "America/Cuiaba", latitude=-8.05, longitude=-34.9)
PAC = Point(
    "19478:Inverter-1:Pac-Mon",
    Kind.NUMBER,
    "19478:Inverter-1",
    "cloud",
    limits=(0, 2500.5),
    area="Usina",
    facts=(("Capacity", "2500 kWp"),),
    window=WINDOW,
    under=("plant:19478",),
)
DUTY = Point("R1:heater:Duty-SP", Kind.NUMBER, "R1", "R1", writable=True, blank=0.0)


class Site:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.equipment = Equipment()
        self.table = PointTable(Clock(), Notebook())
        self.declare = Declarations("pvoperation", self.table, store, Clock())
        self.declare.writer = self.equipment.write


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield Site(store)
    await store.close()


async def test_a_declared_point_takes_readings_and_writes_and_is_known_at_the_next_start(site: Site) -> None:
    await site.declare([PAC, DUTY])
    await site.table.publish(Batch("test", [Sample(PAC.name, Reading(12.5, 1.0))]))
    await site.table.write(DUTY.name, 40, Origin("test"))
    assert site.equipment.written == [(DUTY.name, 40.0)]
    assert site.table.system(PAC.name) == "pvoperation"
    known = await site.store.known_points("pvoperation")
    assert known == [PAC, DUTY], "every field as it was, those nested among them"
    assert await site.store.known_points("reactor") == []


async def test_points_are_added_to_those_known(site: Site) -> None:
    await site.store.remember_points("pvoperation", [PAC], 1.0)
    await site.declare([DUTY])
    assert await site.store.known_points("pvoperation") == [PAC, DUTY]


async def test_a_point_declared_again_changes_nothing(site: Site) -> None:
    await site.declare([PAC])
    version = site.table.version
    await site.declare([PAC])
    assert site.table.version == version


async def test_another_definition_takes_its_place_and_keeps_the_reading(site: Site) -> None:
    await site.declare([PAC])
    await site.table.publish(Batch("test", [Sample(PAC.name, Reading(12.5, 1.0))]))
    renamed = Point(PAC.name, PAC.kind, PAC.device, "other", area="Usina Nova")
    await site.declare([renamed])
    assert site.table.point(PAC.name) == renamed
    assert site.table.reading(PAC.name).value == 12.5
    assert await site.store.known_points("pvoperation") == [renamed]
    await site.table.lose("cloud")
    assert site.table.reading(PAC.name).severity == 0, "it is reached through the other link now"
    await site.table.lose("other")
    assert site.table.reading(PAC.name).severity == 3


async def test_a_reading_of_another_kind_is_not_kept(site: Site) -> None:
    await site.declare([PAC])
    await site.table.publish(Batch("test", [Sample(PAC.name, Reading(12.5, 1.0))]))
    await site.declare([Point(PAC.name, Kind.TEXT, PAC.device, PAC.link)])
    assert site.table.reading(PAC.name) == NEVER_READ


async def test_the_name_of_another_systems_point_is_refused_before_anything_is_done(site: Site) -> None:
    site.table.add([Point("vigilia:Memory-Mon", Kind.NUMBER, "vigilia")])
    with pytest.raises(ValueError, match="vigilia:Memory-Mon"):
        await site.declare([PAC, Point("vigilia:Memory-Mon", Kind.TEXT, "forged", "cloud")])
    assert [point.name for point in site.table.points()] == ["vigilia:Memory-Mon"]
    assert site.table.point("vigilia:Memory-Mon").device == "vigilia"
    assert await site.store.known_points("pvoperation") == []


async def test_what_the_store_did_not_take_is_remembered_with_the_next(site: Site, tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "vigilia.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StoreError, match="locked"):
            await site.declare([PAC])
    finally:
        holder.close()
    assert PAC.name in [point.name for point in site.table.points()], "the table does not wait for the store"
    assert await site.store.known_points("pvoperation") == []
    await site.declare([PAC])
    assert await site.store.known_points("pvoperation") == [PAC]


@pytest.mark.parametrize(
    "damage", ["json_set(definition, '$.kind', 'colour')", "json_remove(definition, '$.device')", "'[1]'"]
)
async def test_a_definition_that_cannot_be_read_is_forgotten(
    damage: str, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await site.declare([PAC, DUTY])
    with sqlite3.connect(tmp_path / "vigilia.db") as database:
        database.execute(f"UPDATE known_points SET definition = {damage} WHERE name = ?", [PAC.name])
    database.close()
    assert await site.store.known_points("pvoperation") == [DUTY]
    assert PAC.name in caplog.text


async def test_a_field_that_a_later_version_added_is_passed_over(site: Site, tmp_path: Path) -> None:
    await site.declare([PAC])
    with sqlite3.connect(tmp_path / "vigilia.db") as database:
        database.execute("UPDATE known_points SET definition = json_set(definition, '$.colour', 'red')")
    database.close()
    assert await site.store.known_points("pvoperation") == [PAC]
