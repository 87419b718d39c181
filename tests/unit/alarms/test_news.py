"""Whoever follows alarms by what changes sees the same as one who looks at all of them, whatever happens."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.alarms.rig import NOON, Rig, contact, flags, linked, pac, port, raw
from vigilia.alarms.desk import AlarmDesk
from vigilia.errors import AlarmRefused, UnknownAlarm
from vigilia.notices import Notice, NoticeKind
from vigilia.points import Batch, Origin, Reading, Sample, Severity, Status
from vigilia.rules import AlarmItem, Told
from vigilia.store.outbox import waiting

ANA = Origin("web", "ana", "10.0.0.7")
PORT1 = "sw-1:1:PwrState-Raw"
ALARM = f"port@{PORT1}"


class Mirror:
    """Holds the alarms as a page does: all of them once, then those that are told."""

    def __init__(self, desk: AlarmDesk) -> None:
        self.desk = desk
        self.following = desk.follow()
        self.items = {item.id: item for item in desk.items()}

    def update(self) -> set[str]:
        """Take what is told; return the ids of those that look otherwise than before."""
        changed: set[str] = set()
        for name in self.following.fetch():
            item = self.desk.find(name)
            assert item is not None
            if self.items.get(name) != item:
                changed.add(name)
            self.items[name] = item
        return changed

    def assert_true(self) -> None:
        self.update()
        assert self.items == {item.id: item for item in self.desk.items()}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.start()
    yield rig
    await rig.stop()


@pytest.fixture
def mirror(rig: Rig) -> Mirror:
    return Mirror(AlarmDesk(rig.engine, rig.store, rig.clock, rig.notes))


def unreadable(minute: float) -> Sample:
    return Sample(PORT1, Reading(7.0, NOON + 60 * minute, Severity.INVALID, Status.TIMEOUT))


def _notice(alarm: str, incident: str) -> Notice:
    return Notice(NoticeKind.RAISED, "", "", "", NOON, alarm=alarm, incident=incident)


async def test_each_kind_of_change_is_told(rig: Rig, mirror: Mirror) -> None:
    await rig.publish(raw(0, 6), raw(0, 1, 2), checkpoint=False)
    assert mirror.update() == {ALARM}
    await rig.publish(raw(1, 6), checkpoint=False)
    assert mirror.update() == set()
    await rig.publish(raw(2, 9), checkpoint=False)
    assert mirror.update() == {ALARM}  # worse
    await rig.publish(unreadable(3), checkpoint=False)
    assert mirror.update() == {ALARM}  # its confirmation is stale
    assert "stale" in mirror.items[ALARM].detail
    await rig.publish(raw(4, 9), checkpoint=False)
    assert mirror.update() == {ALARM}
    await mirror.desk.act(ALARM, "acknowledge", ANA, "", None)
    assert mirror.update() == {ALARM}
    await rig.publish(linked(5, "sw-1", up=False), checkpoint=False)
    assert mirror.update() == {ALARM, "port@sw-1:2:PwrState-Raw", "contact@vigilia:sw-1:Connected-Sts"}
    incident = rig.engine.alarms[ALARM].incident
    assert incident is not None
    mirror.desk.delivered(_notice(ALARM, incident.id), Told("teams", 1, NOON + 301))
    assert mirror.update() == {ALARM}
    await rig.publish(linked(6, "sw-1", up=True), raw(6, 1), checkpoint=False)
    assert ALARM in mirror.update()
    mirror.assert_true()


async def test_an_act_that_the_store_did_not_take_is_told_as_undone(
    rig: Rig, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    mirror.update()
    monkeypatch.setattr("vigilia.alarms.desk._DEADLINE_S", 0.3)
    with rig.locked():
        act = asyncio.create_task(mirror.desk.act(ALARM, "acknowledge", ANA, "", None))
        await until(lambda: mirror.update() == {ALARM})
        assert mirror.items[ALARM].state == "acknowledged"
        with pytest.raises(AlarmRefused):
            await act
    mirror.assert_true()
    assert mirror.items[ALARM].state == "unacknowledged"


async def test_an_alarm_that_is_taken_back_is_told(rig: Rig, mirror: Mirror) -> None:
    name = "inverter@P:Inverter-1:Pac-Mon"
    await rig.publish(pac(0, 0.0), pac(5, 0.0), pac(10, 0.0))
    assert name in mirror.update()
    with rig.locked():
        tripped = asyncio.create_task(rig.publish(flags(9, "r59A")))
        await until(lambda: mirror.update() and mirror.items[name].state == "suppressed")
    await tripped
    mirror.assert_true()
    assert mirror.items[name].state == "normal"


async def test_who_follows_no_more_gathers_nothing(rig: Rig, mirror: Mirror) -> None:
    mirror.following.close()
    await rig.publish(raw(0, 6), checkpoint=False)
    assert not mirror.following.fetch()


@pytest.mark.parametrize("seed", range(6))
async def test_the_mirror_never_lies(rig: Rig, mirror: Mirror, seed: int) -> None:
    chance = random.Random(seed)
    seen: set[str] = set()
    for minute in range(1, 90):
        await _something_happens(rig, mirror.desk, chance, minute)
        mirror.assert_true()
        seen |= {item.state for item in mirror.items.values()}
    assert {"normal", "unacknowledged", "suppressed"} <= seen


async def _something_happens(rig: Rig, desk: AlarmDesk, chance: random.Random, minute: int) -> None:
    number = chance.choice((1, 2))
    match chance.randrange(9):
        case 0:
            await rig.publish(raw(minute, chance.choice((1, 6, 9.5)), number), checkpoint=False)
        case 1:
            await rig.publish(unreadable(minute), checkpoint=False)
        case 2:
            up = chance.random() < 0.5
            await rig.publish(linked(minute, chance.choice(("sw-1", "api")), up=up), checkpoint=False)
        case 3:
            await rig.publish(flags(minute, chance.choice(("", "r59A")), chance.choice("AB")))
        case 4:
            readings = [pac(minute + step / 10, chance.choice((0.0, 0.0, 5.0)), number) for step in range(4)]
            await rig.publish(*readings)
        case 5:
            if any(row.card is None for row in await waiting(rig.store, "teams", 100)):
                await rig.claim()
            for alarm in rig.engine.alarms.values():
                if alarm.incident is not None and chance.random() < 0.5:
                    desk.delivered(_notice(alarm.id, alarm.incident.id), Told("teams", 1, rig.clock.now()))
        case 6:
            old = rig.table.point(port(number).name)
            rig.table.define([replace(old, equipment=f"Camera {minute}")], None, rig.table.system(old.name))
            await rig.publish(raw(minute, 6, number), checkpoint=False)
        case 7:
            await rig.table.publish(Batch("clock", [Sample(contact("api").name, Reading(1, NOON + 60 * minute))]))
        case _:
            await _somebody_acts(rig, desk, chance)


async def _somebody_acts(rig: Rig, desk: AlarmDesk, chance: random.Random) -> None:
    items: list[AlarmItem] = list(desk.items())
    action = chance.choice(("acknowledge", "shelve", "unshelve", "out-of-service", "in-service"))
    end = rig.clock.now() + 300 if action == "shelve" else None
    with contextlib.suppress(AlarmRefused, UnknownAlarm):
        await desk.act(chance.choice(items).id if items else "none", action, ANA, "", end)
