"""Points that come while the table is in use: who learns of them, and when."""

import asyncio
from dataclasses import replace

import pytest

from tests.unit.tables import ALL, ELSEWHERE, POWER, RAW, Bench
from vigilia.points import NEVER_READ, Kind, Point

NEW = Point("T3:Power-Mon", Kind.NUMBER, "T3", "sw-1", max_age_s=3.0)


async def test_a_viewer_of_all_meets_a_new_point_and_follows_it() -> None:
    bench = Bench()
    viewer = bench.table.subscribe()
    await viewer.changes()
    bench.table.define([NEW], None, "test")
    assert await viewer.changes() == {NEW.name: NEVER_READ}
    await bench.publish(NEW, 3.5)
    assert (await viewer.changes())[NEW.name].value == 3.5


async def test_a_viewer_of_some_meets_only_those_it_is_for() -> None:
    bench = Bench()
    named = bench.table.subscribe(["T4:later", RAW.name])
    chosen = bench.table.subscribe(where=lambda point: point.link == "sw-1")
    assert set(await named.changes()) == {RAW.name}
    assert set(await chosen.changes()) == {point.name for point in ALL if point.link == "sw-1"}
    bench.table.define([NEW, Point("T4:later", Kind.TEXT, "T4", "sw-2")], None, "test")
    assert set(await named.changes()) == {"T4:later"}
    assert set(await chosen.changes()) == {NEW.name}
    await bench.publish(NEW, 1.0)
    await bench.publish(ELSEWHERE, 1)
    assert set(await chosen.changes()) == {NEW.name}
    assert named.fetch() == {}


async def test_a_viewer_parts_from_a_point_that_is_not_for_it_any_more() -> None:
    bench = Bench()
    chosen = bench.table.subscribe(where=lambda point: point.device == "T1")
    await chosen.changes()
    bench.table.define([replace(POWER, device="T9")], bench.equipment.write, "vigilia")
    await bench.publish(POWER, 2.0)
    assert chosen.fetch() == {}


async def test_the_version_changes_with_the_points_and_only_with_them() -> None:
    bench = Bench()
    seen = bench.table.version
    waiting = asyncio.create_task(bench.table.wait_for_version(seen))
    await bench.publish(RAW, 1)
    bench.table.define([RAW], None, "vigilia")
    await asyncio.sleep(0)
    assert not waiting.done()
    bench.table.define([NEW], None, "test")
    seen = await asyncio.wait_for(waiting, 5)
    assert seen == bench.table.version
    bench.table.define([replace(NEW, units="W")], None, "test")
    assert await asyncio.wait_for(bench.table.wait_for_version(seen), 5) != seen


async def test_a_new_point_is_lost_with_its_link() -> None:
    bench = Bench()
    bench.table.define([NEW], None, "test")
    await bench.publish(NEW, 3.5)
    await bench.table.lose("sw-1")
    assert bench.table.reading(NEW.name).severity == 3


async def test_adding_twice_is_a_mistake_and_defining_twice_is_none() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match=RAW.name):
        bench.table.add([RAW])
    assert bench.table.define([RAW], None, "vigilia") == []
