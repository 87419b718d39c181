"""The journal of alarms: every change is in it, once, with who did it and why, whatever is killed when."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.alarms.rig import NOON, Rig, contact, flags, linked, pac, raw, relay
from vigilia.alarms.desk import AlarmDesk
from vigilia.errors import AlarmRefused
from vigilia.points import Batch, Checkpoint, Origin, Severity
from vigilia.store import alarmjournal
from vigilia.store.alarmjournal import JournalEntry, JournalFilter
from vigilia.store.outbox import delivered, waiting

ANA = Origin("web", "ana", "10.0.0.7")
PORT1 = "sw-1:1:PwrState-Raw"
ALARM = f"port@{PORT1}"
I1 = "inverter@P:Inverter-1:Pac-Mon"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.start()
    yield rig
    await rig.stop()


@pytest.fixture
def desk(rig: Rig) -> AlarmDesk:
    return AlarmDesk(rig.engine, rig.store, rig.clock, rig.notes)


async def journal(rig: Rig, alarm: str = ALARM) -> list[JournalEntry]:
    """What it says, the oldest first."""
    await rig.engine.keeper.drain()
    return (await alarmjournal.newest(rig.store, JournalFilter(alarm=alarm), limit=1000))[::-1]


async def events(rig: Rig, alarm: str = ALARM) -> list[str]:
    return [str(entry.event) for entry in await journal(rig, alarm)]


async def test_an_alarm_from_its_beginning_to_its_end(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(-1, 6), checkpoint=False)  # a minute late
    rig.clock.time = NOON + 30
    await rig.publish(raw(0.25, 9.5), checkpoint=False)
    await desk.act(ALARM, "acknowledge", ANA, "on my way", None)
    await rig.publish(raw(1, 1), checkpoint=False)
    raised, worse, acknowledged, cleared = await journal(rig)
    (incident,) = await rig.incidents()
    assert (raised.event, raised.at, raised.happened_at, raised.state) == ("raised", NOON, NOON - 60, "unacknowledged")
    assert (raised.severity, raised.incident) == (Severity.MINOR, incident.id)
    assert (worse.event, worse.severity, worse.happened_at) == ("worse", Severity.MAJOR, NOON + 15)
    assert (acknowledged.event, acknowledged.by, acknowledged.comment) == ("acknowledged", ANA, "on my way")
    assert (acknowledged.state, acknowledged.at) == ("acknowledged", NOON + 30)
    assert (cleared.event, cleared.happened_at, cleared.state) == ("cleared", NOON + 60, "normal")
    assert {entry.incident for entry in (raised, worse, acknowledged, cleared)} == {incident.id}
    assert [entry.by.via for entry in (raised, worse, cleared)] == ["", "", ""]


async def test_shelving_says_until_when_and_ends_by_itself(rig: Rig, desk: AlarmDesk) -> None:
    await desk.act(ALARM, "shelve", ANA, "works", NOON + 60)
    rig.clock.time = NOON + 60
    await until(lambda: rig.engine.alarms[ALARM].state.name == "normal")
    shelved, unshelved = await journal(rig)
    assert (shelved.event, shelved.until, shelved.comment, shelved.by) == ("shelved", NOON + 60, "works", ANA)
    assert (shelved.severity, shelved.incident) == (Severity.MINOR, "")
    assert (unshelved.event, unshelved.state, unshelved.by.user) == ("unshelved", "normal", "")


async def test_each_act_is_in_it(rig: Rig, desk: AlarmDesk) -> None:
    for action, end in (("shelve", NOON + 60), ("unshelve", None), ("out-of-service", None), ("in-service", None)):
        await desk.act(ALARM, action, ANA, action, end)
    found = await journal(rig)
    assert [entry.event for entry in found] == ["shelved", "unshelved", "out-of-service", "in-service"]
    assert [entry.comment for entry in found] == ["shelve", "unshelve", "out-of-service", "in-service"]
    with pytest.raises(AlarmRefused):
        await desk.act(ALARM, "acknowledge", ANA, "", None)
    assert len(await journal(rig)) == 4, "what was refused has not happened"


async def test_what_suppresses_it_is_told_of_alarms_that_stand_only(rig: Rig) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    await rig.publish(linked(1, "sw-1", up=False), checkpoint=False)
    await rig.publish(linked(2, "sw-1", up=True), checkpoint=False)
    await rig.publish(linked(3, "sw-1", up=False), checkpoint=False)
    found = await journal(rig)
    assert [entry.event for entry in found] == ["raised", "suppressed", "released", "suppressed"]
    assert [entry.cause for entry in found] == ["", (cause := f"contact@{contact('sw-1').name}"), "", cause]
    assert await events(rig, "port@sw-1:2:PwrState-Raw") == []
    await rig.publish(raw(4, 6, 2), checkpoint=False)
    (raised,) = await journal(rig, "port@sw-1:2:PwrState-Raw")
    assert (raised.event, raised.state, raised.cause) == ("raised", "suppressed", cause)


async def test_another_cause_in_the_place_of_the_first(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0))
    await rig.claim()
    await rig.publish(flags(11, "r59A", "A"), flags(12, "r59A", "B"))
    await rig.publish(flags(13, "", "A"))
    causes = [(str(entry.event), entry.cause) for entry in await journal(rig, I1)]
    assert causes[1:] == [("suppressed", f"relay@{relay('A').name}"), ("suppressed", f"relay@{relay('B').name}")]


async def test_what_nobody_was_told_of_is_withdrawn(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0))
    await rig.publish(flags(11, "r59A"))
    found = await journal(rig, I1)
    first, *_, last = found
    of_first = [entry for entry in found if entry.incident == first.incident]
    assert [entry.event for entry in of_first] == ["raised", "suppressed", "withdrawn"]
    assert (of_first[-1].state, of_first[-1].cause) == ("normal", f"relay@{relay('A').name}")
    assert last.cause == f"relay@{relay('A').name}"


async def test_a_brief_one_began_and_ended(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0), pac(15, 5), pac(20, 5), pac(25, 5))
    raised, cleared = await journal(rig, I1)
    assert [(e.event, e.happened_at, e.state) for e in (raised, cleared)] == [
        ("raised", NOON, "normal"),
        ("cleared", NOON + 900, "normal"),
    ]
    assert raised.incident == cleared.incident != ""


async def test_which_card_told_of_it_is_said_once(rig: Rig) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    await rig.claim()
    (row,) = await waiting(rig.store, "teams", 10)
    assert row.card is not None
    for moment in (NOON + 7, NOON + 8):  # as after a crash between the two
        await delivered(rig.store, "teams", row.card, moment)
    raised, told = await journal(rig)
    assert (told.event, told.at, told.channel, told.card, told.detail) == (
        "told",
        NOON + 7,
        "teams",
        row.card,
        "raised",
    )
    assert (told.incident, told.severity, told.state) == (raised.incident, Severity.MINOR, "")


async def test_what_was_not_kept_is_not_in_it_or_is_undone(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    with rig.locked():
        for _ in range(2):
            with pytest.raises(AlarmRefused, match="try again later"):
                await desk.act(ALARM, "acknowledge", ANA, "", None)
    await rig.engine.keeper.drain()
    raised, *others = await events(rig)
    assert raised == "raised"
    assert others == ["acknowledged", "undone"] * (len(others) // 2)
    assert rig.engine.alarms[ALARM].state.name == "unacknowledged"


async def test_a_kill_leaves_the_change_and_its_entry_or_neither(rig: Rig) -> None:
    await rig.stop()
    await rig.start(keeps=False)
    batch = Batch("pv", (pac(0, 0), pac(5, 0), pac(10, 0)), checkpoint=Checkpoint("P", 1.0))
    task = asyncio.create_task(rig.table.publish(batch))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await rig.restart()
    assert (await rig.incidents(), await events(rig, I1)) == ([], [])
