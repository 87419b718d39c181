"""The engine on a real table, store and outbox: relays over inverters, brief alarms, restarts and kills."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.alarms.rig import NOON, Rig, flags, fresh, inverter, linked, pac, raw, relay
from vigilia.alarms.alarm import Alarm
from vigilia.points import Batch, Checkpoint, Reading, Sample, Severity
from vigilia.rules import Standing
from vigilia.store import alarmjournal
from vigilia.store.alarmjournal import JournalFilter
from vigilia.store.alarms import load_incidents

I1, I2, RA, RB = "P:Inverter-1:Pac-Mon", "P:Inverter-2:Pac-Mon", "P:Relay-A-Sts", "P:Relay-B-Sts"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.start()
    yield rig
    await rig.stop()


async def test_an_inverter_fails_and_recovers_by_three_readings_each(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, -3))
    assert await rig.notices() == []
    await rig.publish(pac(10, 0))
    await rig.publish(pac(15, 5), pac(20, 5), pac(25, -0.0), pac(30, 5), pac(35, 5))
    assert await rig.notices() == [f"raised {I1}"]
    await rig.publish(pac(40, 5))
    assert await rig.notices() == [f"raised {I1}", f"cleared {I1}"]
    (incident,) = await rig.incidents()
    assert (incident.began_at, incident.ended_at, incident.told) == (NOON, NOON + 1800, True)


async def test_under_a_relay_alarm_nothing_fails_and_afterwards_only_by_later_readings(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, 0))
    await rig.publish(flags(6, "r59A"))
    assert rig.engine.standing("inverter", I1) is Standing.SUPPRESSED
    await rig.publish(pac(10, 0), pac(15, 0), pac(20, 0))
    # The relay was normal at 17; found at 26 only. Two readings are later than it, one more is needed.
    await rig.publish(pac(25, 0))
    await rig.publish(flags(17, ""))
    assert await rig.notices() == [f"raised {RA}", f"cleared {RA}"]
    await rig.publish(pac(30, 0))
    assert await rig.notices() == [f"raised {RA}", f"cleared {RA}", f"raised {I1}"]
    assert [i.began_at for i in await rig.incidents() if i.point == I1] == [NOON + 1200]


async def test_readings_between_the_relays_normal_and_its_discovery_count_at_once(rig: Rig) -> None:
    await rig.publish(flags(0, "r59A"))
    await rig.publish(pac(5, 0), pac(10, 0), pac(15, 0))
    await rig.publish(flags(4, ""))
    assert await rig.notices() == [f"raised {RA}", f"cleared {RA}", f"raised {I1}"]


async def test_a_failure_nobody_was_told_of_is_withdrawn(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0))
    await rig.publish(flags(11, "r59A"))
    assert await rig.notices() == [f"raised {RA}"]
    failed = next(i for i in await rig.incidents() if i.point == I1)
    assert (failed.ended_at, failed.told, failed.suppressed_by) == (NOON + 600, False, f"relay@{RA}")
    await rig.restart()
    await rig.publish(pac(15, 5), pac(20, 5), pac(25, 5), flags(26, ""))
    assert await rig.notices() == [f"raised {RA}", f"cleared {RA}"]
    await rig.publish(pac(30, 0), pac(35, 0), pac(40, 0))
    assert (await rig.notices())[2:] == [f"raised {I1}"]


async def test_a_failure_that_was_told_stays_open_and_its_recovery_is_told(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0))
    await rig.claim()
    await rig.publish(flags(11, "r59A"))
    failed = next(i for i in await rig.incidents() if i.point == I1)
    assert (failed.ended_at, failed.suppressed_by) == (None, f"relay@{RA}")
    assert rig.engine.standing("inverter", I1) is Standing.SUPPRESSED
    await rig.publish(pac(15, 5), pac(20, 5))
    await rig.restart()
    await rig.publish(pac(25, 5))
    assert await rig.notices() == [f"raised {I1}", f"raised {RA}", f"cleared {I1}"]
    await rig.publish(pac(30, 0), pac(35, 0), pac(40, 0))
    assert len(await rig.notices()) == 3


async def test_two_relay_alarms_hold_until_both_are_over(rig: Rig) -> None:
    await rig.publish(flags(0, "r59A"), flags(1, "r49", "B"))
    await rig.publish(flags(10, ""))
    await rig.publish(pac(11, 0), pac(16, 0), pac(21, 0))
    assert rig.engine.standing("inverter", I1) is Standing.SUPPRESSED
    await rig.publish(flags(20, "", "B"))
    assert f"raised {I1}" not in await rig.notices()
    await rig.publish(pac(26, 0), pac(31, 0))
    assert (await rig.notices())[-1] == f"raised {I1}"


async def test_a_lost_link_takes_no_failure_back_and_its_readings_count_when_they_come(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0))
    await rig.publish(linked(12, "api", up=False), checkpoint=False)
    await rig.publish(linked(60, "api", up=True), checkpoint=False)
    await rig.publish(*(pac(minute, 0, 2) for minute in (0, 5, 10)))
    told = await rig.notices()
    assert (told[0], told[-1]) == (f"raised {I1}", f"raised {I2}")


async def test_a_relay_alarm_holds_what_a_lost_link_only_suppressed(rig: Rig) -> None:
    await rig.publish(linked(0, "api", up=False), checkpoint=False)
    await rig.publish(flags(1, "r59A"))
    await rig.publish(pac(2, 0), pac(7, 0), pac(12, 0))
    await rig.publish(linked(13, "api", up=True), checkpoint=False)
    assert f"raised {I1}" not in await rig.notices()


async def test_a_brief_relay_alarm_is_an_incident_without_a_card(rig: Rig) -> None:
    await rig.publish(flags(0, ""), flags(5, "r59A"), flags(6, ""), flags(10, "r81O"), flags(11, ""), flags(15, "r49"))
    first, second, third = await rig.incidents()
    assert [i.brief for i in (first, second, third)] == [True, True, False]
    assert [i.detail for i in (first, second, third)] == ["r59A", "r81O", "r49"]
    assert await rig.notices() == [f"raised {RA}"]


async def test_a_late_brief_alarm_does_not_end_what_a_standing_one_suppresses(rig: Rig) -> None:
    await rig.publish(flags(0, ""), flags(30, "r59A"))
    await rig.publish(flags(10, "r81O"), flags(12, ""))
    assert [i.brief for i in await rig.incidents()] == [True, False]
    await rig.publish(pac(31, 0), pac(36, 0), pac(41, 0))
    assert await rig.notices() == [f"raised {RA}"]
    await rig.publish(flags(10, "r81O"), flags(12, ""), flags(45, ""))
    assert len(await rig.incidents()) == 2


@pytest.mark.parametrize("later", [flags(65, ""), flags(60, "r59A")], ids=["brief", "standing"])
async def test_what_was_over_before_the_relay_alarm_is_an_incident_though_learned_later(
    rig: Rig, later: Sample
) -> None:
    await rig.publish(flags(0, ""), flags(60, "r59A"), later)
    await rig.publish(*(pac(minute, 0) for minute in (5, 10, 15)), *(pac(minute, 9) for minute in (20, 25, 30)))
    incidents = [i for i in await rig.incidents() if i.brief and i.began_at == NOON + 300]
    assert [(i.ended_at, i.suppressed_by) for i in incidents] == [(NOON + 1200, "")]
    assert f"raised {I1}" not in await rig.notices()


async def test_other_flags_are_detail_and_no_notice(rig: Rig) -> None:
    await rig.publish(flags(0, "r59A"))
    await rig.publish(flags(5, "r59A, r59B"))
    (incident,) = await rig.incidents()
    assert (incident.detail, incident.last_seen_at) == ("r59A, r59B", NOON + 300)
    assert await rig.notices() == [f"raised {RA}"]


async def test_no_answer_ends_nothing_and_makes_the_confirmation_stale(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0))
    await rig.publish(pac(15, None), pac(20, math.nan), pac(25, None), Sample(I1, Reading(5, None)))
    assert await rig.notices() == [f"raised {I1}"]
    assert rig.engine.alarms[f"inverter@{I1}"].unconfirmed
    await rig.restart()
    assert rig.engine.alarms[f"inverter@{I1}"].unconfirmed
    await rig.publish(pac(30, 5))
    assert not rig.engine.alarms[f"inverter@{I1}"].unconfirmed


async def test_readings_out_of_hours_count_for_nothing(rig: Rig) -> None:
    await rig.publish(pac(320, 0), pac(325, 0), pac(331, 0), pac(336, 0))
    assert await rig.notices() == []
    await rig.publish(pac(330, 0))
    assert await rig.notices() == [f"raised {I1}"]


async def test_what_a_link_suppresses_is_told_afterwards_if_it_still_holds(rig: Rig) -> None:
    await rig.publish(linked(0, "sw-1", up=False), checkpoint=False)
    await rig.publish(raw(1, 6, 1), raw(1, 6, 2), checkpoint=False)
    await rig.publish(raw(2, 1, 2), checkpoint=False)
    lost = "vigilia:sw-1:Connected-Sts"
    assert await rig.notices() == [f"raised {lost}"]
    await rig.publish(linked(3, "sw-1", up=True), checkpoint=False)
    assert await rig.notices() == [f"raised {lost}", f"cleared {lost}", "raised sw-1:1:PwrState-Raw"]
    await rig.publish(raw(4, 1, 1), checkpoint=False)
    assert (await rig.notices())[3:] == ["cleared sw-1:1:PwrState-Raw"]


async def test_severity_only_rises_within_an_incident(rig: Rig) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    await rig.publish(raw(1, 9), raw(2, 6), checkpoint=False)
    (incident,) = await rig.incidents()
    assert incident.severity == Severity.MAJOR
    assert len(await rig.notices()) == 1


SCRIPT: list[list[Sample]] = [
    [fresh(0), pac(0, 5), pac(0, 5, 2)],
    [flags(0, "")],
    [pac(5, 0), pac(10, 0)],
    [pac(15, 0), pac(15, 0, 2)],
    [flags(18, "r59A"), flags(19, "r49", "B")],
    [pac(5, 0), pac(10, 0), pac(20, 0), pac(25, 0), pac(20, 0, 2), pac(25, 0, 2)],
    [flags(22, "r59A, r59B"), flags(24, "", "B")],
    [pac(30, 5), pac(35, 5)],
    [flags(31, "")],
    [pac(40, 5), pac(35, 0, 2), pac(40, 0, 2)],
    [pac(45, 0, 2), pac(22, 3, 2)],
    [flags(45, "r81O"), flags(46, "")],
    [pac(50, 5, 2), pac(55, 5, 2), pac(60, 5, 2)],
]


async def run_script(path: Path, restart_after: set[int], kill_before: int | None = None) -> tuple[list[str], object]:
    rig = Rig(path)
    await rig.start()
    for index, batch in enumerate(SCRIPT):
        if index == kill_before:
            await rig.stop()
            killed = Rig(path)
            await killed.start(keeps=False)
            judged = asyncio.create_task(killed.publish(*batch))
            await until(lambda keeper=killed.engine.keeper: keeper.waiting > 0)
            judged.cancel()
            await asyncio.gather(judged, return_exceptions=True)
            await killed.stop()
            await rig.start()
        await rig.publish(*batch)
        if index == 3:
            await rig.claim()
        if index in restart_after:
            await rig.restart()
    rows = [
        (i.alarm, i.began_at, i.ended_at, i.detail, i.brief, i.told, i.suppressed_by) for i in await rig.incidents()
    ]
    notices = await rig.notices()
    await rig.stop()
    return notices, sorted(rows)


async def test_restarts_and_kills_at_any_point_change_nothing(tmp_path: Path) -> None:
    def place(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    whole = await run_script(place("whole"), set())
    ends = [f"cleared {RB}", f"cleared {RA}", f"cleared {I1}", f"raised {I2}", f"cleared {I2}"]
    assert whole[0] == [f"raised {I1}", f"raised {RA}", f"raised {RB}", *ends]
    for index in range(len(SCRIPT)):
        assert await run_script(place(f"after-{index}"), {index}) == whole, index
        assert await run_script(place(f"killed-{index}"), set(), kill_before=index) == whole, index
    assert await run_script(place("all"), set(range(len(SCRIPT)))) == whole


async def test_two_days_of_a_plant_in_one_batch(rig: Rig) -> None:
    rig.clock.time = NOON + 2 * 86400
    samples = [pac(5 * step, 0 if step in (10, 11, 12) else 7, number) for step in range(576) for number in (1, 2)]
    await rig.publish(*samples, *samples[-40:])
    assert await rig.notices() == []
    assert [(i.brief, i.ended_at) for i in await rig.incidents()] == [(True, NOON + 65 * 60)] * 2
    await rig.publish(*samples)
    assert len(await rig.incidents()) == 2


async def test_a_clock_set_back_neither_hides_nor_repeats_alarms(rig: Rig) -> None:
    await rig.publish(*(raw(minute, 1, 1) for minute in range(60)), raw(59, 6, 2), checkpoint=False)
    rig.clock.time = NOON
    await rig.table.publish(Batch("poe", [raw(-1, 6, 1), raw(-1, 6, 2)]))
    rig.clock.time = NOON + 60
    await rig.table.publish(Batch("poe", [raw(1, 6, 1), raw(1, 1, 2)]))
    await rig.engine.keeper.drain()
    one, two = "sw-1:1:PwrState-Raw", "sw-1:2:PwrState-Raw"
    told = [line for line in await rig.notices() if "sw-1" in line]
    assert told == [f"raised {two}", f"raised {one}", f"cleared {two}"]


@pytest.mark.parametrize("restart", [False, True])
async def test_a_clock_set_back_does_not_move_what_records_say(rig: Rig, restart: bool) -> None:
    """A late record without a flag, timed between the clock and the trip, is no evidence that the trip is over."""
    await rig.publish(flags(0, ""), flags(55, "r59A"))
    if restart:
        await rig.stop()
    rig.clock.time = NOON
    if restart:
        await rig.start()
    await rig.table.publish(Batch("pv", [flags(30, "")], checkpoint=Checkpoint("P", 30)))
    assert await rig.notices() == [f"raised {RA}"]
    assert [(row.began_at, row.ended_at) for row in await rig.incidents()] == [(NOON + 55 * 60, None)]
    rig.clock.time = NOON + 3600
    await rig.table.publish(Batch("pv", [flags(60, "")], checkpoint=Checkpoint("P", 60)))
    assert await rig.notices() == [f"raised {RA}", f"cleared {RA}"]
    assert [(row.began_at, row.ended_at) for row in await rig.incidents()] == [(NOON + 55 * 60, NOON + 3600)]


async def test_a_clock_set_back_does_not_move_a_suppression(rig: Rig) -> None:
    """What happened under a relay's alarm is not told, whenever it becomes known."""
    await rig.publish(flags(20, "r59A"), flags(55, ""))
    rig.clock.time = NOON
    await rig.table.publish(Batch("pv", [pac(25, 0), pac(30, 0), pac(35, 0)], checkpoint=Checkpoint("P", 35)))
    assert [line for line in await rig.notices() if I1 in line] == []


async def test_a_reading_of_the_future_hides_nothing(rig: Rig) -> None:
    rig.clock.time = NOON
    await rig.table.publish(Batch("pv", [pac(60 * 24 * 365, 9), fresh(60 * 24 * 365)], checkpoint=Checkpoint("P", 1)))
    await rig.table.publish(Batch("pv", [pac(0, 0), pac(5, 0), pac(10, 0)], checkpoint=Checkpoint("P", 2)))
    assert f"{I1}" in (await rig.incidents())[0].point


async def test_a_failure_learned_together_with_the_relay_alarm_that_followed_it_is_closed_there(rig: Rig) -> None:
    """Nobody was told of it; that it ended, nobody knows. So it is no brief alarm, and its log has no recovery."""
    await rig.publish(flags(20, "r59A"))
    await rig.publish(*(pac(minute, 0.0) for minute in (0, 5, 10, 15, 25)))
    assert await rig.notices() == ["raised P:Relay-A-Sts"]
    rows = [row for row in await load_incidents(rig.store, 0.0) if row.rule == "inverter"]
    assert [(row.began_at, row.ended_at, row.brief, row.told) for row in rows] == [
        (NOON, NOON + 20 * 60, False, False),
    ]


async def test_a_point_that_moves_to_another_group_is_quiet_under_what_covers_that(rig: Rig) -> None:
    rig.table.add([relay("A", "Q")], system="pv")
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0))
    await rig.claim()
    await rig.table.publish(Batch("pv", [Sample(relay("A", "Q").name, Reading(1, NOON + 900))]))
    rig.table.define([replace(inverter(), under=("plant:Q",))], None, "vigilia")
    await rig.publish(pac(15, 0))
    alarm = rig.engine.alarms[f"inverter@{I1}"]
    assert (alarm.state.name, alarm.suppressed_by) == ("suppressed", f"relay@{relay('A', 'Q').name}")
    assert await journal(rig, alarm) == ["raised", "suppressed"]
    rig.table.define([inverter()], None, "vigilia")
    await rig.publish(pac(20, 0))
    assert (alarm.state.name, alarm.suppressed_by) == ("unacknowledged", "")
    assert await journal(rig, alarm) == ["raised", "suppressed", "released"]


async def test_a_trip_that_moves_to_another_group_releases_what_it_kept_quiet_and_covers_there(rig: Rig) -> None:
    elsewhere = inverter(1, "Q").name
    rig.table.add([inverter(1, "Q")], system="pv")
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0), Sample(elsewhere, Reading(5.0, NOON)))
    await rig.claim()
    await rig.publish(flags(11, "r59A"))
    here, there = (rig.engine.alarms[f"inverter@{name}"] for name in (I1, elsewhere))
    assert (here.state.suppressed, there.state.suppressed) == (True, False)
    rig.table.define([replace(relay(), covers="plant:Q")], None, "vigilia")
    await rig.publish(flags(12, "r59A"))
    assert (here.state.suppressed, there.state.suppressed) == (False, True)
    assert await journal(rig, here) == ["raised", "suppressed", "released"]


async def journal(rig: Rig, alarm: Alarm) -> list[str]:
    """What the journal says of an alarm, in order."""
    await rig.engine.keeper.drain()
    entries = await alarmjournal.newest(rig.store, JournalFilter(alarm=alarm.id))
    return [str(entry.event) for entry in reversed(entries)]
