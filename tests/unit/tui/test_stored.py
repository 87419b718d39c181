"""What the terminal view reads of a store is what the alarm engine and the desk put there."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.alarms.rig import NOON, Rig, raw
from tests.unit.tui.seeded import fill_history, good
from vigilia.alarms.desk import AlarmDesk
from vigilia.history.open import look
from vigilia.points import Origin
from vigilia.tui.stored import StoreReader

ALARM = "port@sw-1:1:PwrState-Raw"


@pytest.fixture
def no_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks may not write into any folder."""
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and allowed(path, mode))


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


@pytest.mark.usefixtures("no_rights")
async def test_who_may_not_write_beside_it_sees_what_a_service_that_starts_later_changes(rig: Rig) -> None:
    await rig.stop()
    reader = StoreReader(f"sqlite:///{rig.path}/vigilia.db")
    assert await reader.alarms() == []
    await rig.start()
    await rig.publish(raw(0, 6), checkpoint=False)
    assert [alarm.id for alarm in await reader.alarms()] == [ALARM]
    await rig.stop()
    assert [alarm.id for alarm in await reader.alarms()] == [ALARM]
    await rig.start()
    await rig.publish(raw(1, 6, 2), checkpoint=False)
    await rig.stop()
    assert len(await reader.alarms()) == 2
    await reader.close()
    await rig.start()


@pytest.mark.usefixtures("no_rights")
async def test_and_what_it_records(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/history.db"
    await fill_history(url, {}, [good("T1:Power-Mon", 1.0, 1.0)])
    backend = await look(url)
    assert len(await backend.latest()) == 1
    await fill_history(url, {}, [good("T2:Power-Mon", 2.0, 2.0)])
    assert len(await backend.latest()) == 2
    await backend.close()
