"""What the terminal view reads of a store is what the alarm engine and the desk put there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.alarms.rig import NOON, Rig, raw
from vigilia.alarms.desk import AlarmDesk
from vigilia.points import Origin
from vigilia.tui.stored import StoreReader

ALARM = "port@sw-1:1:PwrState-Raw"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.start()
    yield rig
    await rig.stop()


async def test_who_acknowledged_an_alarm_is_known_without_the_service(rig: Rig) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    reader = StoreReader(f"sqlite:///{rig.path}/vigilia.db")
    assert [(alarm.state, alarm.acknowledged_by) for alarm in await reader.alarms()] == [("unacknowledged", "")]
    desk = AlarmDesk(rig.engine, rig.store, rig.clock, rig.notes)
    await desk.act(ALARM, "acknowledge", Origin("web", "ana"), "on my way", None)
    await desk.act(ALARM, "shelve", Origin("web", "bia"), "", NOON + 900)
    await desk.act(ALARM, "unshelve", Origin("web", "bia"), "", None)
    (alarm,) = await reader.alarms()
    assert (alarm.id, alarm.state, alarm.acknowledged_by) == (ALARM, "acknowledged", "ana")
    await reader.close()
