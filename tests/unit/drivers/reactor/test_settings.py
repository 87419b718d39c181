"""Settings: durable, decided by the reactor, the newest only, and what both sides show."""

import asyncio
import statistics
from typing import Any

import pytest

from tests.conftest import until
from tests.unit.drivers.reactor.agents import FIRST, number
from tests.unit.drivers.reactor.conftest import ANA, GOOD, REFUSED, Run
from vigilia.errors import InvalidValue, NotWritable, Pending
from vigilia.points import Origin
from vigilia.store import StoreError
from vigilia.store.reactors import load_settings
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

DUTY, DUTY_RB = "R1:heater:Duty-SP", "R1:heater:Duty-RB"
BRUNO = Origin("epics", "bruno", "console-2")


async def test_a_setting_is_confirmed_once_the_reactor_has_applied_it(at_work: Run) -> None:
    async with at_work(status_interval_s=5.0) as site:
        agent = site.agent()
        async with agent.reporting():
            times: list[float] = []
            loop = asyncio.get_running_loop()
            await site.write(DUTY, 1.0)
            for duty in range(2, 22):
                began = loop.time()
                shown = await site.write(DUTY, float(duty))
                times.append(loop.time() - began)
                assert (shown.value, shown[2:]) == (duty, GOOD)
                assert agent.holds["heater", "Duty"].number == duty
                await until(site.shows(DUTY_RB, float(duty)))
            assert statistics.median(times) < 0.1, "through the stream of nudges, not with the next report in 5 s"
            await site.write("R1:heater:Power-Sel", "On")
            assert agent.holds["heater", "Power"].integer == 1
            await site.write("R1:ph:Title-SP", "Tânque")
            assert agent.holds["ph", "Title"].text == "Tânque"
        rows = {(row.part, row.parameter): row for row in await load_settings(site.store)}
        row = rows["heater", "Duty"]
        assert (row.value, row.state, row.asked_by, row.revision) == (21.0, "applied", str(ANA), 21)
        assert (row.held, row.held_revision) == (21.0, 21)
        assert ("answered", "1", "confirmed", "") in site.notebook.lines
        await agent.close()


async def test_without_a_stream_of_nudges_the_next_report_brings_it(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting(watch=False):
            assert (await site.write(DUTY, 40.0)).value == 40.0
        await agent.close()


async def test_what_nobody_chose_is_desired_as_it_is(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        agent.holds["heater", "Duty"] = wire.Value(number=15)
        await agent.register()
        assert site.value(DUTY) is None
        await agent.report()
        assert (site.value(DUTY), site.value(DUTY_RB), await load_settings(site.store)) == (15.0, 15.0, [])
        await agent.close()


async def test_limits_are_checked_before_anything_is_sent(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            with pytest.raises(InvalidValue, match="write 0 to 100 %"):
                await site.write(DUTY, 101.0)
        assert (agent.settings, await load_settings(site.store), site.value(DUTY)) == ([], [], 0.0)
        await agent.close()


async def test_a_rejected_setting_changes_nothing_and_is_shown(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            await site.write(DUTY, 30.0)
            agent.refuse = lambda _setting: "the loop drives it"
            with pytest.raises(NotWritable, match="R1 rejected it: the loop drives it"):
                await site.write(DUTY, 60.0)
            assert (site.value(DUTY), site.alarm(DUTY)) == (60.0, REFUSED)
            await until(site.shows(DUTY_RB, 30.0))
            [item] = site.driver.reactors()[0].settings
            assert (item.point, item.value, item.state, item.reason) == (DUTY, 60.0, "rejected", "the loop drives it")
            assert item.by == str(ANA)
            agent.refuse = lambda _setting: ""
            await site.write(DUTY, 61.0)
            assert (site.alarm(DUTY), site.driver.reactors()[0].settings) == (GOOD, [])
        await agent.close()


async def test_a_value_that_breaks_a_limit_of_the_reactor_is_an_invalid_value(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            agent.refuse, agent.over_limit = lambda _setting: "write 0 to 50 %", True
            with pytest.raises(InvalidValue, match="R1 rejected it: write 0 to 50 %"):
                await site.write(DUTY, 60.0)
            assert (site.value(DUTY), site.alarm(DUTY)) == (60.0, REFUSED)
        await agent.close()


async def test_what_was_rejected_is_not_sent_again_and_what_held_is(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            await site.write(DUTY, 30.0)
            agent.refuse = lambda _setting: "no"
            with pytest.raises(NotWritable):
                await site.write(DUTY, 60.0)
        await agent.close()
    async with at_work() as site:
        assert (site.value(DUTY), site.alarm(DUTY)) == (60.0, REFUSED)
        fresh = site.agent()  # it has forgotten everything
        async with fresh.reporting():
            assert fresh.holds["heater", "Duty"].number == 30.0
            assert (site.value(DUTY), site.alarm(DUTY)) == (60.0, REFUSED)
            await until(site.shows(DUTY_RB, 30.0))
        await fresh.close()


async def test_a_setting_for_a_reactor_that_is_away_is_kept_and_only_the_newest_goes_out(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            await site.write(DUTY, 10.0)
        await until(lambda: site.driver.reactors()[0].presence == "away")
        for duty in (20.0, 25.0, 30.0):
            with pytest.raises(Pending, match="R1 is away: the setting is kept, and applied when it is back"):
                await site.write(DUTY, duty)
        assert (site.value(DUTY), site.alarm(DUTY)) == (30.0, GOOD)
        assert [line[2] for line in site.notebook.lines if line[0] == "answered"] == ["confirmed", *["pending"] * 3]
        [item] = site.driver.reactors()[0].settings
        assert (item.value, item.state) == (30.0, "pending")
        await agent.report()
        await agent.report()
        assert [setting.value.number for setting in agent.settings] == [10.0, 30.0]
        await until(site.shows(DUTY_RB, 30.0))
        assert site.driver.reactors()[0].settings == []
        await agent.close()


async def test_a_restart_of_the_service_loses_no_setting(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            await site.write(DUTY, 10.0)
        await agent.close()
        await until(lambda: site.driver.reactors()[0].presence == "away")
        with pytest.raises(Pending):
            await site.write(DUTY, 35.0, BRUNO)
    async with at_work() as site:
        assert (site.value(DUTY), site.alarm(DUTY)) == (35.0, GOOD), "shown before the reactor has called"
        [item] = site.driver.reactors()[0].settings
        assert (item.value, item.by) == (35.0, str(BRUNO))
        again = site.agent(memory=agent.memory())
        reply = await again.register()
        assert [(s.part, s.parameter, s.value.number) for s in reply.settings] == [("heater", "Duty", 35.0)]
        assert (await again.report()).full_wanted is False, "it was full"
        await until(site.shows(DUTY_RB, 35.0))
        async with again.reporting():
            await site.write(DUTY, 36.0)
        assert again.revisions["heater", "Duty"] == 3, "revisions go on"
        await again.close()


async def test_the_last_writer_wins_and_both_see_it(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            first, second = await asyncio.gather(site.write(DUTY, 40.0), site.write(DUTY, 50.0, BRUNO))
            assert first.value == second.value == 50.0
            assert agent.holds["heater", "Duty"].number == 50.0
            await until(site.shows(DUTY_RB, 50.0))
            assert site.alarm(DUTY) == GOOD
        assert [row.asked_by for row in await load_settings(site.store)] == [str(BRUNO)]
        await agent.close()


async def test_a_reactor_that_goes_away_meanwhile_leaves_the_setting_pending(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        await agent.report()
        with pytest.raises(Pending, match="has not decided on it yet"):
            await site.write(DUTY, 40.0)
        assert site.alarm(DUTY) == GOOD
        await agent.close()


async def test_what_the_reactor_remembers_and_the_service_lost_holds(at_work: Run) -> None:
    async with at_work() as site:
        memory = {("heater", "Duty"): (wire.Value(number=77), 900)}
        agent = site.agent(memory=memory)
        async with agent.reporting():
            await until(site.shows(DUTY, 77.0))
            await site.write(DUTY, 78.0)
            assert agent.revisions["heater", "Duty"] == 901
        await agent.close()


async def test_a_setting_that_fits_the_reactor_no_more_is_not_sent(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            await site.write(DUTY, 90.0)
            await site.write("R1:ph:Interval-SP", 20.0)
        await agent.close()
    async with at_work() as site:
        weaker = wire.Part(name="heater", role=2, parameters=[number("Duty", wire.ACCESS_SETTING, 0, 50)])
        again = site.agent(parts=(weaker,))
        again.holds = {("heater", "Duty"): FIRST["heater", "Duty"]}
        reply = await again.register()
        assert list(reply.settings) == []
        await again.report()
        assert site.value("R1:heater:Duty-RB") == 0.0
        with pytest.raises(NotWritable, match="does not have it any more"):
            await site.write("R1:ph:Interval-SP", 30.0)
        await again.close()


class _Away:
    """A store that takes nothing."""

    def writing(self) -> Any:
        raise StoreError("the disk is full")


async def test_while_the_store_is_away_a_reactor_that_is_there_gets_its_settings(
    at_work: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            await site.write(DUTY, 10.0)
            with monkeypatch.context() as patch:
                patch.setattr(site.store, "writing", _Away().writing)
                patch.setattr("vigilia.drivers.reactor.keeper._RETRY_S", 0.02)
                await site.write(DUTY, 20.0)
                assert agent.holds["heater", "Duty"].number == 20.0
                assert "the store does not take reactors' settings: the disk is full" in site.driver.missing()
            await until(lambda: not site.driver.missing())
        assert [row.value for row in await load_settings(site.store)] == [20.0]
        await until(lambda: site.driver.reactors()[0].presence == "away")
        with monkeypatch.context() as patch:
            patch.setattr(site.store, "writing", _Away().writing)
            with pytest.raises(NotWritable, match="is away, and the store does not keep the setting: the disk is full"):
                await site.write(DUTY, 30.0)
        await agent.report()
        await agent.report()
        assert [setting.value.number for setting in agent.settings] == [10.0, 20.0]
        await agent.close()
