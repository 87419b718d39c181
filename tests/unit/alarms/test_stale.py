"""Data that stay away: in the hours of the window only, one alarm a plant, over by a fresh record only."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.alarms.rig import NOON, POINTS, WINDOW, Rig, fresh, linked
from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.drivers.pvoperation.mapping import Catalogue
from vigilia.drivers.pvoperation.plants import Plant
from vigilia.drivers.pvoperation.rules import rules_of
from vigilia.points import Batch, Reading, Sample
from vigilia.settings import Secret

RECORD = "P:LastRecord-Mon"
OPENING = NOON - 5.5 * 3600


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.start()
    yield rig
    await rig.stop()


async def tick(rig: Rig, at: float) -> list[str]:
    """Have the clock show a time, and return what was told of the plant by then."""
    return [line for line in await told(rig, at) if RECORD in line]


async def told(rig: Rig, at: float) -> list[str]:
    """Have the clock show a time, let the engine look at it twice, and return all that was told by then."""
    rig.clock.time = at
    looked = 0

    def look() -> float:
        nonlocal looked
        looked += 1
        return at

    rig.clock.now = look  # type: ignore[method-assign]
    await until(lambda: looked > 6)
    del rig.clock.now  # type: ignore[misc]
    await rig.engine.keeper.drain()
    return await rig.notices()


async def test_45_minutes_without_a_record_are_stale_and_a_fresh_one_ends_it(rig: Rig) -> None:
    await rig.publish(fresh(0))
    assert await tick(rig, NOON + 2700) == []
    assert await tick(rig, NOON + 2701) == [f"raised {RECORD}"]
    rig.clock.time = NOON + 7200
    await rig.table.publish(Batch("pv", [fresh(60)]))  # late, and old
    assert await tick(rig, NOON + 7201) == [f"raised {RECORD}"]
    rig.clock.time = NOON + 7260
    await rig.table.publish(Batch("pv", [fresh(110)]))
    assert await tick(rig, NOON + 7261) == [f"raised {RECORD}", f"cleared {RECORD}"]
    (incident,) = await rig.incidents()
    assert (incident.began_at, incident.ended_at) == (NOON, NOON + 6600)


async def test_the_night_counts_for_nothing(rig: Rig) -> None:
    await rig.publish(fresh(300))
    night = NOON + 5.5 * 3600
    assert await tick(rig, night + 60) == []
    assert await tick(rig, OPENING + 86400 - 1) == []
    assert await tick(rig, OPENING + 86400 + 2700) == []
    assert await tick(rig, OPENING + 86400 + 2701) == [f"raised {RECORD}"]
    await rig.engine.keeper.drain()
    assert (await rig.incidents())[0].began_at == OPENING + 86400


async def test_an_account_that_is_down_has_one_alarm_and_its_plants_none(rig: Rig) -> None:
    await rig.publish(fresh(0))
    await rig.publish(linked(20, "api", up=False), checkpoint=False)
    assert await tick(rig, NOON + 7200) == []
    await rig.publish(linked(121, "api", up=True), checkpoint=False)
    assert await tick(rig, NOON + 60 * 121 + 2700) == []
    assert await tick(rig, NOON + 60 * 121 + 2701) == [f"raised {RECORD}"]


async def test_a_start_after_a_long_pause_lets_scans_come_first(rig: Rig) -> None:
    await rig.publish(fresh(0))
    await rig.stop()
    rig.clock.time = NOON + 7200
    await rig.start()
    assert await tick(rig, NOON + 7200 + 899) == []
    assert await tick(rig, NOON + 7200 + 901) == [f"raised {RECORD}"]
    assert (await rig.incidents())[0].began_at == NOON


async def test_a_restart_does_not_forget_it(rig: Rig) -> None:
    await rig.publish(fresh(0))
    assert await tick(rig, NOON + 2701) == [f"raised {RECORD}"]
    await rig.restart()
    assert await tick(rig, NOON + 4000) == [f"raised {RECORD}"]
    await rig.publish(fresh(70))
    assert await tick(rig, NOON + 4201) == [f"raised {RECORD}", f"cleared {RECORD}"]


async def test_a_window_that_changed_counts_at_once(rig: Rig) -> None:
    await rig.publish(fresh(0))
    assert await tick(rig, NOON + 60) == []
    shut = replace(WINDOW, end="12:30")
    rig.points = [replace(point, window=shut) if point.window else point for point in POINTS]
    await rig.restart()
    assert await tick(rig, NOON + 4000) == []


async def test_a_record_of_the_future_does_not_hide_that_data_are_missing(rig: Rig) -> None:
    await rig.table.publish(Batch("pv", [fresh(0), fresh(100_000)]))
    assert await tick(rig, NOON + 2701) == [f"raised {RECORD}"]


# Relays that report at a pace, as the driver of plants declares them

PLANT = Plant("P", "UFV P", "", "P")
ACCOUNT = PvOperationConfig(email="a@example.org", password=Secret("x"))
NEWEST = (Catalogue(ACCOUNT, UTC).of_plant(PLANT), Catalogue(ACCOUNT, UTC).of_relays(PLANT))
RULES = [rule for rule in rules_of(ACCOUNT, "vigilia") if rule.name.startswith("stale")]


def newest(minute: float, *, relays: bool) -> Sample:
    return Sample(NEWEST[relays].name, Reading("x", NOON + 60 * minute))


async def test_relays_that_fall_silent_beside_living_inverters_are_told(tmp_path: Path) -> None:
    rig = Rig(tmp_path, NEWEST, RULES)
    await rig.start()
    await rig.table.publish(Batch("pv", [newest(0, relays=False), newest(0, relays=True)]))
    for minute in range(0, 60, 5):
        rig.clock.time = NOON + 60 * minute
        await rig.table.publish(Batch("pv", [newest(minute, relays=False)]))
    assert await told(rig, NOON + 3600) == []
    assert await told(rig, NOON + 3601) == [f"raised {NEWEST[1].name}"]
    await rig.table.publish(Batch("pv", [newest(60, relays=False), newest(60, relays=True)]))
    assert await told(rig, NOON + 3700) == [f"raised {NEWEST[1].name}", f"cleared {NEWEST[1].name}"]
    await rig.stop()


async def test_a_plant_that_falls_silent_as_a_whole_has_one_alarm(tmp_path: Path) -> None:
    rig = Rig(tmp_path, NEWEST, RULES)
    await rig.start()
    await rig.table.publish(Batch("pv", [newest(0, relays=False), newest(0, relays=True)]))
    assert await told(rig, NOON + 2701) == [f"raised {NEWEST[0].name}"]
    assert await told(rig, NOON + 7200) == [f"raised {NEWEST[0].name}"]
    both = [f"raised {NEWEST[0].name}", f"cleared {NEWEST[0].name}"]
    await rig.table.publish(Batch("pv", [newest(120, relays=False)]))  # the relays' logger stays dead
    for minute in (120, 150, 179):
        rig.clock.time = NOON + 60 * minute
        await rig.table.publish(Batch("pv", [newest(minute, relays=False)]))
        assert await told(rig, NOON + 60 * minute) == both
    assert await told(rig, NOON + 60 * 180 + 1) == [*both, f"raised {NEWEST[1].name}"]
    await rig.stop()
