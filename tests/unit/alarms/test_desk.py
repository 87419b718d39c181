"""The desk: what operators see, what they may do, and that it is kept or has not happened."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.alarms.rig import NOON, Rig, contact, linked, pac, raw
from vigilia.alarms.desk import AlarmDesk
from vigilia.alarms.keeping import Changes
from vigilia.alarms.machine import Event
from vigilia.errors import AlarmChanged, AlarmRefused, UnknownAlarm
from vigilia.notices import NoticeKind
from vigilia.points import Origin, Reading, Severity
from vigilia.rules import Act, AlarmItem, Told
from vigilia.store import StoreError, alarmjournal
from vigilia.store.alarmjournal import JournalEvent, JournalFilter
from vigilia.store.outbox import delivered, waiting

ANA = Origin("web", "ana", "10.0.0.7")
BIA = Origin("api", "bia", "10.0.0.8")
PORT1 = "sw-1:1:PwrState-Raw"
ALARM = f"port@{PORT1}"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.start()
    yield rig
    await rig.stop()


@pytest.fixture
def desk(rig: Rig) -> AlarmDesk:
    return desk_of(rig)


def shown(desk: AlarmDesk) -> list[AlarmItem]:
    """What a page shows: the alarms that are not normal."""
    return [item for item in desk.items() if item.state != "normal"]


def desk_of(rig: Rig) -> AlarmDesk:
    return AlarmDesk(rig.engine, rig.store, rig.clock, rig.notes)


def state(rig: Rig) -> str:
    return rig.engine.alarms[ALARM].state.name


async def test_alarms_and_how_they_stand(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), raw(0, 1, 2), checkpoint=False)
    (item,) = shown(desk)
    assert (item.id, item.point, item.device, item.name) == (ALARM, PORT1, "sw-1:1", "Port")
    assert (item.state, item.severity, item.since) == ("unacknowledged", Severity.MINOR, NOON)
    assert (item.suppressed_by, item.acknowledged_by, item.shelved_until, item.told_at) == (None, None, None, None)


async def test_an_acknowledged_alarm_says_by_whom_and_survives_a_restart(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    item = await desk.act(ALARM, "acknowledge", ANA, "on my way", None)
    assert (item.state, item.acknowledged_by) == ("acknowledged", "ana")
    assert rig.notes.lines == [
        (PORT1, "acknowledge port: on my way", "ana@10.0.0.7 (web)"),
        ("1", "confirmed", ""),
    ]
    await rig.restart()
    assert shown(desk_of(rig))[0].acknowledged_by == "ana"
    await rig.publish(raw(1, 1), checkpoint=False)
    assert shown(desk_of(rig)) == []
    await rig.publish(raw(2, 6), checkpoint=False)
    assert shown(desk_of(rig))[0].acknowledged_by is None


async def test_a_shelved_alarm_comes_back_by_itself_and_is_told_if_it_holds(rig: Rig, desk: AlarmDesk) -> None:
    await desk.act(ALARM, "shelve", ANA, "", NOON + 600)
    item = await desk.act(ALARM, "shelve", ANA, "", NOON + 900)  # again, until another time
    assert (item.state, item.shelved_until) == ("shelved", NOON + 900)
    await rig.publish(raw(1, 6), checkpoint=False)
    await rig.restart()
    assert await rig.notices() == []
    rig.clock.time = NOON + 899
    await asyncio.sleep(0.05)
    assert state(rig) == "shelved"
    rig.clock.time = NOON + 900
    await until(lambda: state(rig) == "unacknowledged")
    await rig.engine.keeper.drain()
    assert f"raised {PORT1}" in await rig.notices()


async def test_what_was_told_is_told_to_be_over_while_shelved(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    await desk.act(ALARM, "shelve", ANA, "", NOON + 900)
    await rig.publish(raw(1, 1), raw(2, 6), checkpoint=False)
    assert await rig.notices() == [f"raised {PORT1}", f"cleared {PORT1}"]
    assert (await desk.act(ALARM, "unshelve", ANA, "", None)).state == "unacknowledged"
    assert (await rig.notices())[2:] == [f"raised {PORT1}"]


async def test_out_of_service_and_back(rig: Rig, desk: AlarmDesk) -> None:
    assert (await desk.act(ALARM, "out-of-service", ANA, "", None)).state == "out-of-service"
    await rig.publish(raw(1, 6), checkpoint=False)
    assert await rig.notices() == []
    assert (await desk.act(ALARM, "in-service", ANA, "", None)).state == "unacknowledged"
    assert await rig.notices() == [f"raised {PORT1}"]


@pytest.mark.parametrize(
    ("action", "until_s", "words"),
    [
        ("acknowledge", None, "means nothing"),
        ("unshelve", None, "means nothing"),
        ("in-service", None, "means nothing"),
        ("shelve", None, "needs an end"),
        ("shelve", -1.0, "needs an end"),
        ("shelve", float("inf"), "needs an end"),
        ("shelve", float("nan"), "needs an end"),
        ("raise", None, "no action"),
    ],
)
async def test_what_means_nothing_is_refused_and_on_record(
    rig: Rig, desk: AlarmDesk, action: str, until_s: float | None, words: str
) -> None:
    end = None if until_s is None else NOON + until_s
    with pytest.raises(AlarmRefused, match=words):
        await desk.act(ALARM, action, ANA, "", end)
    assert [line[1] for line in rig.notes.lines][1:] == ["AlarmRefused"]
    assert state(rig) == "normal"


async def test_an_alarm_that_is_not_there(desk: AlarmDesk) -> None:
    with pytest.raises(UnknownAlarm, match="nobody@nowhere"):
        await desk.act("nobody@nowhere", "acknowledge", ANA, "", None)


async def test_an_act_that_cannot_be_kept_has_not_happened_and_never_does(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    with rig.locked():
        for action, end in (("acknowledge", None), ("shelve", NOON + 900), ("out-of-service", None)):
            with pytest.raises(AlarmRefused, match="try again later"):
                await desk.act(ALARM, action, ANA, "", end)
        assert state(rig) == "unacknowledged"
    await rig.engine.keeper.drain()
    (item,) = shown(desk)
    assert (item.state, item.acknowledged_by, item.shelved_until) == ("unacknowledged", None, None)
    await rig.restart()
    later = desk_of(rig)
    await later.load()
    assert shown(later) == [item]


async def test_while_the_store_is_known_to_be_away_an_act_waits_for_nothing(rig: Rig, desk: AlarmDesk) -> None:
    with rig.locked():
        with pytest.raises(StoreError):
            await rig.publish(raw(0, 6), checkpoint=False)
        await until(lambda: bool(rig.engine.keeper.failure))
        async with rig.engine.judging:
            with pytest.raises(AlarmRefused, match=r"locked.*try again later"):
                await asyncio.wait_for(desk.act(ALARM, "acknowledge", ANA, "", None), 2)
    await until(lambda: not rig.engine.keeper.failure)


async def test_an_act_that_was_kept_and_is_refused_all_the_same_is_undone(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    alarm, keeper = rig.engine.alarms[ALARM], rig.engine.keeper
    before, changes = alarm.state, Changes("desk")
    rig.engine.change(alarm, Event.ACKNOWLEDGE, changes)
    keeper.add(changes)
    await keeper.drain()
    alarm.state = before  # what waited behind it was not kept in time: it was answered with a refusal
    keeper.revoke(changes, rig.engine.as_it_is(alarm, ANA))
    await keeper.drain()
    await rig.restart()
    assert state(rig) == "unacknowledged"
    (newest, *_) = await alarmjournal.newest(rig.store, JournalFilter(alarm=ALARM))
    assert (newest.event, newest.by.user) == (JournalEvent.UNDONE, "ana")


async def test_it_began_when_the_equipment_says_whatever_people_do_about_it(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    rig.clock.time = NOON + 3 * 86_400
    item = await desk.act(ALARM, "acknowledge", ANA, "", None)
    assert (item.began, item.since) == (NOON, NOON + 3 * 86_400)
    await rig.publish(raw(90, 1), checkpoint=False)
    over = desk.find(ALARM)
    assert over is not None
    assert (over.began, over.incident, over.latest) == (None, "", item.incident)


async def test_an_act_on_what_was_seen_leaves_alone_what_was_raised_since(rig: Rig, desk: AlarmDesk) -> None:
    never = desk.find(ALARM)
    assert never is not None
    await rig.publish(raw(0, 6), checkpoint=False)
    with pytest.raises(AlarmChanged):
        await desk.act(ALARM, "shelve", ANA, "", NOON + 900, never.latest)
    (first,) = shown(desk)
    await rig.publish(raw(1, 1), checkpoint=False)
    assert state(rig) == "returned"
    await rig.publish(raw(2, 6), checkpoint=False)
    with pytest.raises(AlarmChanged, match=r"raised anew since you looked, and is unacknowledged"):
        await desk.act(ALARM, "acknowledge", ANA, "seen", None, first.latest)
    assert state(rig) == "unacknowledged"
    assert rig.notes.lines[-1][1] == "AlarmChanged"
    (second,) = shown(desk)
    await rig.publish(raw(3, 1), checkpoint=False)  # the same one, over meanwhile
    assert (await desk.act(ALARM, "acknowledge", ANA, "seen", None, second.latest)).state == "normal"


@pytest.mark.parametrize("channels", [(), ("teams", "apprise")])
async def test_who_is_yet_to_be_told(rig: Rig, desk: AlarmDesk, channels: tuple[str, ...]) -> None:
    rig.channels = channels
    await desk.act(ALARM, "shelve", ANA, "", NOON + 900)
    await rig.publish(raw(0, 6), checkpoint=False)
    assert [item.waiting for item in shown(desk)] == [()]
    await desk.act(ALARM, "unshelve", ANA, "", None)
    assert [item.waiting for item in shown(desk)] == [channels]
    if channels:
        await rig.claim()
        (row,) = await waiting(rig.store, "teams", 10)
        await delivered(rig.store, "teams", row.card or 0, NOON + 7)
        desk.delivered(row.notice, Told("teams", row.card or 0, NOON + 7))
    assert [item.waiting for item in shown(desk)] == [channels[1:]]
    await rig.restart()
    later = desk_of(rig)
    await later.load()
    assert [item.waiting for item in shown(later)] == [channels[1:]]


async def test_told_at_is_when_it_was_delivered_and_survives_a_restart(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    await rig.claim()
    (row,) = await waiting(rig.store, "teams", 10)
    assert row.card is not None
    await delivered(rig.store, "teams", row.card, NOON + 7)
    first, again = Told("teams", row.card, NOON + 7), Told("apprise", 3, NOON + 9)
    desk.delivered(row.notice, first)
    desk.delivered(row.notice, again)
    desk.delivered(replace(row.notice, incident="another"), again)
    desk.delivered(replace(row.notice, kind=NoticeKind.CLEARED), again)
    desk.delivered(replace(row.notice, alarm=""), again)
    assert [(item.told_at, item.told) for item in shown(desk)] == [(NOON + 7, (first, again))]
    await rig.restart()
    later = desk_of(rig)
    assert [item.told_at for item in shown(later)] == [None]
    await later.load()
    assert [(item.told_at, item.told) for item in shown(later)] == [(NOON + 7, (first,))]


async def test_what_people_said_is_shown_while_it_holds_and_survives_a_restart(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    await desk.act(ALARM, "acknowledge", ANA, "on my way", None)
    rig.clock.time = NOON + 60
    await desk.act(ALARM, "shelve", BIA, "works on the port", NOON + 900)
    await rig.restart()
    desk = desk_of(rig)
    (item,) = shown(desk)
    assert item.acknowledgement == Act("ana", NOON, "on my way")
    assert item.quieted == Act("bia", NOON + 60, "works on the port")
    item = await desk.act(ALARM, "out-of-service", ANA, "câmera removida\0", None)
    assert item.quieted == Act("ana", NOON + 60, "câmera removida\0")
    item = await desk.act(ALARM, "in-service", ANA, "", None)
    assert item.quieted == Act("bia", NOON + 60, "works on the port")
    item = await desk.act(ALARM, "unshelve", ANA, "", None)
    assert (item.quieted, item.acknowledgement) == (None, Act("ana", NOON, "on my way"))
    await rig.publish(raw(2, 1), raw(3, 6), checkpoint=False)
    assert shown(desk)[0].acknowledgement is None, "it was raised anew"


async def test_who_acknowledged_it_under_an_earlier_version_is_known(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    await desk.act(ALARM, "acknowledge", ANA, "", None)
    alarm = rig.engine.alarms[ALARM]
    old = alarm.row(NOON)
    state = {key: value for key, value in old.state.items() if key != "acts"} | {"acknowledged_by": "ana"}
    alarm.restore(replace(old, state=state))
    assert shown(desk)[0].acknowledgement == Act("ana", NOON, "")


async def test_what_suppresses_an_alarm_and_a_stale_confirmation_are_shown(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0, detail="E12"))
    await rig.publish(pac(15, None))
    await rig.publish(linked(20, "api", up=False), checkpoint=False)
    found = {item.id.split("@")[0]: item for item in shown(desk)}
    assert found["inverter"].detail == "E12; confirmation stale"
    assert (found["inverter"].state, found["inverter"].suppressed_by) == (
        "suppressed",
        f"contact@{contact('api').name}",
    )


async def test_a_reading_that_confirms_an_alarm_is_news_after_a_restart_as_well(rig: Rig, desk: AlarmDesk) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    unknown = raw(1, 6)._replace(reading=Reading(None, NOON + 60, Severity.INVALID))
    await rig.publish(unknown, checkpoint=False)
    await desk.act(ALARM, "acknowledge", ANA, "", None)
    await rig.restart()
    desk = desk_of(rig)
    assert shown(desk)[0].detail == "confirmation stale"
    following = desk.follow()
    await rig.publish(raw(2, 6), checkpoint=False)
    assert shown(desk)[0].detail == ""
    assert ALARM in following.fetch(), "pages would go on to show it as stale"
