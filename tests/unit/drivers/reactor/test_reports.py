"""Reports: what they show, what is not believed, and what silence is."""

import asyncio
import time
from collections.abc import AsyncIterator

import grpc
import pytest

from tests.conftest import until
from tests.unit.drivers.reactor.agents import Agent, always, now_ms, reading
from tests.unit.drivers.reactor.conftest import GOOD, INTERVAL_S, LOST, Run, Site
from tests.unit.drivers.reactor.test_registration import refused
from vigilia.points import Severity, Status
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

COMM = (Severity.INVALID, Status.COMM)
READ = (Severity.INVALID, Status.READ)
CONNECTED = "vigilia:R1:Connected-Sts"


async def registered(site: Site, **more: object) -> Agent:
    agent = site.agent(**more)
    await agent.register()
    await agent.report()
    return agent


async def test_a_report_shows_at_once_with_times_alarms_and_details(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        at = now_ms()
        low = reading("ph", "pH", 3.25, time_ms=at, severity=1, status=6, detail="low\nforged line")
        await agent.report([low, reading("ph", "Calibration", "2 points; slope 99 %")], full=False)
        shown = site.table.reading("R1:ph:pH-Mon")
        assert shown == (3.25, at / 1000, Severity.MINOR, Status.LOW)
        assert site.keeper.of("R1:ph:pH-Mon")[-1].detail == r"low\nforged line"
        assert site.value("R1:ph:Calibration-Mon") == "2 points; slope 99 %"
        assert site.value("R1:heater:OnTime-Mon") == 12.5, "what is left out stays"
        assert (site.value("vigilia:R1:SamplesWaiting-Mon"), site.value("vigilia:R1:OldestSample-Mon")) == (3, 1.5)
        await agent.close()


async def test_what_does_not_fit_its_point_is_no_reading(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        wrong = [
            reading("ph", "pH", "seven"),
            reading("heater", "Safe", 2),
            reading("heater", "OnTime", float("nan")),
            reading("ph", "Calibration", 3.0),
            reading("acid", "Dosed", None, severity=3, status=9, detail="no answer at i2c-1, address 103"),
        ]
        await agent.report(wrong, full=False)
        for point, kept in (("ph:pH-Mon", 7.0), ("heater:Safe-Sts", 0), ("heater:OnTime-Mon", 12.5)):
            assert (site.value(f"R1:{point}"), site.alarm(f"R1:{point}")) == (kept, READ), point
        assert site.alarm("R1:ph:Calibration-Mon") == (Severity.INVALID, Status.UDF), "never read stays never read"
        assert (site.value("R1:acid:Dosed-Mon"), site.alarm("R1:acid:Dosed-Mon")) == (3.5, COMM)
        await agent.report()
        assert {site.alarm(f"R1:{point}") for point in ("ph:pH-Mon", "heater:Safe-Sts", "acid:Dosed-Mon")} == {GOOD}
        await agent.close()


async def test_a_bus_error_is_an_alarm_of_its_own(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        contact = "R1:ph:Comm-Sts"
        assert (site.value(contact), site.alarm(contact)) == (0, GOOD)
        nack = reading("ph", "pH", 7.0, severity=3, status=9, detail="NACK at i2c-1, address 99")
        await agent.report([nack], full=False)
        assert (site.value(contact), site.alarm(contact)) == (1, (Severity.MAJOR, Status.STATE))
        await agent.report([reading("heater", "OnTime", 13.0)], full=False)
        assert site.value(contact) == 1, "nothing was heard of the probe"
        assert site.keeper.of(contact)[-1].detail == "NACK at i2c-1, address 99"
        assert len(site.keeper.of(contact)) == 3, "it is told again, so that the alarm can count"
        assert site.value("R1:heater:Comm-Sts") == 0
        await agent.report()
        assert (site.value(contact), site.alarm(contact)) == (0, GOOD)
        await agent.close()


async def test_an_older_message_never_overwrites_a_newer_one(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        await agent.report([reading("ph", "pH", 6.0)], full=False)
        for sequence in (1, 2):
            await agent.report([reading("ph", "pH", 9.0)], full=True, sequence=sequence)
            assert site.value("R1:ph:pH-Mon") == 6.0
        agent.sequence = 2
        await agent.report([reading("ph", "pH", 5.0)], full=False)
        assert site.value("R1:ph:pH-Mon") == 5.0
        await agent.close()


async def test_a_report_that_was_lost_makes_the_next_be_full(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        assert (await agent.report([reading("ph", "pH", 6.0)], full=False)).full_wanted, "the first must be full"
        assert not (await agent.report()).full_wanted
        assert not (await agent.report([], full=False)).full_wanted
        agent.sequence += 1
        assert (await agent.report([], full=False)).full_wanted
        assert not (await agent.report()).full_wanted
        await agent.close()


async def test_a_clock_that_is_wrong_is_moved(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        for clock_ms, trusted in ((5_000_000, False), (now_ms() + 3_600_000, True), (now_ms() - 7_200_000, True)):
            late = [reading("ph", "pH", clock_ms / 1e12, time_ms=clock_ms)]
            await agent.report(late, full=False, time_ms=clock_ms, clock_trusted=trusted)
            shown = site.table.reading("R1:ph:pH-Mon")
            assert shown.value == clock_ms / 1e12
            assert shown.time is not None
            assert time.time() - 10 < shown.time <= time.time()
        await agent.report([reading("ph", "pH", 1.0, time_ms=now_ms() + 30_000)], full=False)
        assert (site.table.reading("R1:ph:pH-Mon").time or 0) <= time.time(), "no reading is of the future"
        await agent.close()


async def test_a_silent_reactor_is_lost_within_two_intervals_and_back_with_a_full_report(at_work: Run) -> None:
    async with at_work(status_interval_s=INTERVAL_S) as site:
        agent = await registered(site)
        heard = asyncio.get_running_loop().time()
        await until(site.shows("R1:ph:pH-Mon", 7.0, LOST))
        assert asyncio.get_running_loop().time() - heard > INTERVAL_S
        assert {site.alarm(f"R1:{point}") for point in ("heater:Duty-RB", "acid:Dosed-Mon", "ph:Comm-Sts")} == {LOST}
        assert site.alarm("R1:heater:Duty-SP") == GOOD, "what was chosen is left alone"
        await until(site.shows(CONNECTED, 0, (Severity.MAJOR, Status.STATE)))
        assert (site.value("vigilia:R1:Error-Mon"), site.driver.reactors()[0].presence) == (
            "it has stopped reporting",
            "away",
        )
        told = len(site.keeper.of(CONNECTED))
        await until(lambda: len(site.keeper.of(CONNECTED)) > told)  # again and again: the alarm counts readings
        reply = await agent.report([reading("ph", "pH", 6.5)], full=False)
        assert reply.full_wanted, "the others may have changed meanwhile"
        assert (site.value("R1:ph:pH-Mon"), site.alarm("R1:ph:pH-Mon"), site.value(CONNECTED)) == (6.5, GOOD, 1)
        assert site.alarm("R1:acid:Dosed-Mon") == LOST
        assert not (await agent.report()).full_wanted
        assert site.alarm("R1:acid:Dosed-Mon") == GOOD
        await agent.close()


async def test_what_has_not_changed_since_before_a_loss_is_confirmed_by_the_return(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        old = now_ms() - 3_600_000
        same = [reading("ph", "Calibration", "3 points", time_ms=old), reading("heater", "Safe", 1, time_ms=old)]
        await agent.report(same, full=True)
        assert site.table.reading("R1:ph:Calibration-Mon").time == old / 1000, "it has been so since then"
        for _ in range(2):
            await until(lambda: site.alarm("R1:ph:Calibration-Mon") == LOST)
            lost = site.table.reading("R1:ph:Calibration-Mon").time
            await agent.report([], full=False)
            await agent.report(same, full=True)
            back = site.table.reading("R1:ph:Calibration-Mon")
            assert (back.value, back[2:]) == ("3 points", GOOD)
            assert (site.value("R1:heater:Safe-Sts"), site.alarm("R1:heater:Safe-Sts")) == (1, GOOD)
            assert lost is not None
            assert back.time is not None
            assert lost < back.time, "history has both, the loss and the return"
            await agent.report(same, full=True)
            assert site.table.reading("R1:ph:Calibration-Mon") == back, "told again it is no news"
        await agent.close()


async def test_readings_of_a_clock_that_is_behind_show_at_once_after_a_loss(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        await until(lambda: site.alarm("R1:ph:pH-Mon") == LOST)
        for value in (6.5, 6.4):
            behind = now_ms() - 30_000
            await agent.report([reading("ph", "pH", value, time_ms=behind)], full=False, time_ms=behind)
            assert site.shows("R1:ph:pH-Mon", value)()
        await agent.close()


async def test_what_was_asked_of_a_reactor_is_not_lost_with_it(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            await site.write("R1:acid:Dose-SP", 2.5)
            await site.write("R1:ph:Calibrate-Cmd", "mid,7.00")
        await until(lambda: site.alarm("R1:ph:pH-Mon") == LOST)
        assert site.shows("R1:acid:Dose-SP", 2.5)()
        assert site.shows("R1:ph:Calibrate-Cmd", "mid,7.00")()
        await agent.close()


async def test_an_agent_that_only_registers_is_lost_all_the_same(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        await agent.report()

        async def register_again() -> None:
            while True:
                await agent.register()
                await asyncio.sleep(INTERVAL_S / 4)

        registering = asyncio.create_task(register_again())
        await until(lambda: site.alarm("R1:ph:pH-Mon") == LOST)
        registered = len(site.keeper.batches)
        await until(lambda: len(site.keeper.batches) > registered + 3)
        assert site.value("vigilia:R1:Connected-Sts") == 0
        assert "reports do not come" in str(site.value("vigilia:R1:Error-Mon"))
        registering.cancel()
        await asyncio.wait([registering])
        await agent.report()
        assert site.shows("R1:ph:pH-Mon", 7.0)()
        assert site.value("vigilia:R1:Connected-Sts") == 1
        await agent.close()


async def test_every_reactor_has_its_own_silence(at_work: Run) -> None:
    async with at_work() as site:
        first, second = await registered(site), await registered(site, name="R2")
        async with second.reporting():
            await until(site.shows("R1:ph:pH-Mon", 7.0, LOST))
            assert site.alarm("R2:ph:pH-Mon") == GOOD
        await first.close()
        await second.close()


async def test_a_report_needs_a_registration(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        with refused(grpc.StatusCode.ALREADY_EXISTS, "another agent with the id R1"):
            await agent.report(boot_id="another")
        with refused(grpc.StatusCode.FAILED_PRECONDITION, "'R9' is not registered"):
            await agent.report(reactor_id="R9")
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "1000 readings"):
            await agent.report(always() * 251)
        await agent.report()
        await until(lambda: site.driver.reactors()[0].presence == "away")
        with refused(grpc.StatusCode.FAILED_PRECONDITION, "R1 is not registered: register first"):
            await agent.report(boot_id="another")
        await agent.close()


async def test_samples_that_were_dropped_are_shown_for_a_while(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        agent.dropped = 5
        await agent.report()
        agent.dropped = 7
        await agent.report()
        assert site.value("vigilia:R1:SamplesDropped-Mon") == 7
        assert site.driver.reactors()[0].samples_dropped == 7
        await agent.close()


@pytest.mark.parametrize(("counted", "news"), [(7, 0), (17, 10), (3, 3)])
async def test_what_was_dropped_before_is_no_news_and_what_was_since_is(
    at_work: Run, monkeypatch: pytest.MonkeyPatch, counted: int, news: int
) -> None:
    """The agent counts on through its restarts and ours; with another file of samples it begins anew."""
    monkeypatch.setattr("vigilia.drivers.reactor.driver._SHOWN_EVERY_S", 0.05)
    async with at_work() as site:
        agent = await registered(site)
        agent.dropped = 7
        await agent.report()
        await until(lambda: site.driver._dropped.get("R1") == 7)  # noqa: SLF001 - kept by now
        again = site.agent()
        again.dropped = 7
        await agent.close()
        await again.register()
        await again.report()
        assert site.value("vigilia:R1:SamplesDropped-Mon") == 7, "as before: the agent's restart is no news"
        await again.close()
    async with at_work() as site:
        assert site.driver.reactors()[0].samples_dropped == 7
        agent = site.agent()
        agent.dropped = counted
        await agent.register()
        await agent.report()
        assert site.value("vigilia:R1:SamplesDropped-Mon") == news
        assert site.driver.reactors()[0].samples_dropped == counted
        await agent.close()


async def test_stored_samples_are_taken_and_acknowledged(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)

        async def batches(*sent: wire.SampleBatch) -> AsyncIterator[wire.SampleBatch]:
            for batch in sent:
                yield batch

        column = wire.SampleColumn(part="ph", parameter="pH", times_ms=[0, 1000], values=[7.1, 7.2])
        sent = wire.SampleBatch(next_offset=2, base_ms=round(time.time() * 1000) - 60_000, columns=[column])
        stream = agent.samples(batches(wire.SampleBatch(reactor_id="R1", store_id="s"), sent))
        assert [ack.next_offset async for ack in stream] == [0, 2]
        stored = [one for batch in site.keeper.batches if not batch.live for one in batch.every()]
        assert [(one.name, one.reading.value) for one in stored] == [("R1:ph:pH-Mon", 7.1), ("R1:ph:pH-Mon", 7.2)]
        assert site.value("R1:ph:pH-Mon") == 7.0, "the status is newer"
        again = agent.samples(batches(wire.SampleBatch(reactor_id="R1", store_id="s")))
        assert [ack.next_offset async for ack in again] == [2], "where to go on"
        for name, code in (
            ("R9", grpc.StatusCode.FAILED_PRECONDITION),
            ("R1", grpc.StatusCode.INVALID_ARGUMENT),
        ):
            with refused(code, ""):
                async for _ack in agent.samples(batches(wire.SampleBatch(reactor_id=name, store_id="x" * 500))):
                    pass
        assert [ack async for ack in agent.samples(batches())] == []
        await agent.close()


async def test_samples_of_a_time_to_come_wait_and_that_is_shown(at_work: Run) -> None:
    async with at_work() as site:
        agent = await registered(site)
        two_days = 2 * 86_400_000

        async def send(times: list[int]) -> list[int]:
            async def batches() -> AsyncIterator[wire.SampleBatch]:
                yield wire.SampleBatch(reactor_id="R1", store_id="s")
                column = wire.SampleColumn(part="ph", parameter="pH", times_ms=times, values=[7.1] * len(times))
                strange = wire.SampleColumn(part="ph", parameter="Strange", times_ms=[0], values=[7.1])
                yield wire.SampleBatch(next_offset=len(times) + 1, base_ms=now_ms(), columns=[column, strange])

            return [ack.next_offset async for ack in agent.samples(batches())]

        await agent.report(time_ms=now_ms() + two_days)
        with refused(grpc.StatusCode.OUT_OF_RANGE, "R1: its samples are of a time to come"):
            await send([0, two_days])
        await agent.report(time_ms=now_ms() + two_days)
        assert "of a time to come" in str(site.value("vigilia:R1:Error-Mon"))
        assert site.alarm("vigilia:R1:Error-Mon") == (Severity.MINOR, Status.STATE)
        assert "of a time to come" in site.driver.reactors()[0].trouble
        await agent.report()
        assert await send([0, two_days]) == [0, 3]
        await agent.report()
        assert site.shows("vigilia:R1:Error-Mon", "")()
        assert site.value("vigilia:R1:SamplesDropped-Mon") == 2, "of no use by either clock, or of no point"
        await agent.close()


async def test_samples_are_not_taken_before_it_is_said_what_there_is(at_work: Run) -> None:
    async with at_work() as site:
        await (await registered(site)).close()
    async with at_work() as site:
        agent = await registered(site, name="R2")

        async def batches() -> AsyncIterator[wire.SampleBatch]:
            yield wire.SampleBatch(reactor_id="R1", store_id="s")

        with refused(grpc.StatusCode.FAILED_PRECONDITION, "R1 is not registered: register first"):
            async for _ack in agent.samples(batches()):
                pass
        await agent.close()


async def test_the_listener_is_missed_until_it_answers(at_work: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work() as site:
        await until(lambda: not site.driver.missing())
        monkeypatch.setattr("vigilia.drivers.reactor.listener._SILENCE_S", -1.0)
        assert "the reactors' listener has not answered for" in site.driver.missing()[0]
