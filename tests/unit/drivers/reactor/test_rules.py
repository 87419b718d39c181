"""The alarms of reactors, by the real engine: one for a reactor that is lost, one of its own for everything else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

import pytest

from tests.conftest import until
from tests.unit.drivers.reactor.agents import always, reading
from tests.unit.drivers.reactor.conftest import Run, Site
from vigilia.alarms.engine import AlarmEngine
from vigilia.clock import Clock
from vigilia.drivers.reactor.rules import rules_of
from vigilia.points import Batch, Kind, Point, Reading, Sample

SPEED = 200.0
LOST = "reactor-lost@vigilia:R1:Connected-Sts"
SAFE = "reactor-output-safe@R1:heater:Safe-Sts"
COMM = "reactor-comm@R1:ph:Comm-Sts"
RESTARTED = "reactor-restarted@vigilia:R1:Restarted-Sts"
DROPPED = "reactor-samples-dropped@vigilia:R1:SamplesDropped-Mon"


@asynccontextmanager
async def judged(site: Site, clock: Clock) -> AsyncIterator[AlarmEngine]:
    engine = AlarmEngine(site.table, site.store, clock, UTC, lambda _notice: [], lambda: None)
    await engine.load(rules_of("vigilia"))
    site.table.add_consumer(engine)
    running = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        running.cancel()
        await asyncio.wait([running])


def state(engine: AlarmEngine, alarm: str) -> str:
    return engine.alarms[alarm].state.name if alarm in engine.alarms else "unknown"


async def test_a_lost_reactor_is_one_alarm_over_all_that_is_read_through_it(at_work: Run) -> None:
    clock = Clock(speed=SPEED)
    async with at_work(clock=clock) as site, judged(site, clock) as engine:
        agent = site.agent()
        agent.measure = lambda: [reading("heater", "Safe", 1), *always()[:1]]
        async with agent.reporting():
            await until(lambda: state(engine, SAFE) == "unacknowledged")
            assert engine.alarms[SAFE].point.equipment == "R1: Aquecedor"
            assert state(engine, LOST) == "normal"
        await until(lambda: state(engine, LOST) == "unacknowledged")
        assert state(engine, SAFE) == "suppressed"
        async with agent.reporting():
            await until(lambda: state(engine, LOST) == "returned")
            assert state(engine, SAFE) == "unacknowledged"
        await agent.close()


async def test_a_bus_error_that_lasts_is_an_alarm_with_the_address(at_work: Run) -> None:
    clock = Clock(speed=SPEED)
    async with at_work(clock=clock) as site, judged(site, clock) as engine:
        agent = site.agent()
        agent.measure = lambda: [reading("ph", "pH", 7.0, severity=3, status=9, detail="NACK at i2c-1, address 99")]
        async with agent.reporting():
            await until(lambda: state(engine, COMM) == "unacknowledged")
            incident = engine.alarms[COMM].incident
            assert incident is not None
            assert incident.detail == "NACK at i2c-1, address 99"
            agent.measure = always
            await until(lambda: state(engine, COMM) == "returned")
        await agent.close()


async def test_restarts_and_lost_samples_are_told_and_pass(at_work: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.drivers.reactor.reactor.RECENT_S", 200.0)
    clock = Clock(speed=SPEED)
    async with at_work(clock=clock) as site, judged(site, clock) as engine:
        agent = site.agent()
        await agent.register()
        await agent.close()
        again = site.agent()
        async with again.reporting():
            await until(lambda: state(engine, RESTARTED) == "unacknowledged")
            again.dropped = 4
            await until(lambda: state(engine, DROPPED) == "unacknowledged")
            await until(lambda: state(engine, RESTARTED) == state(engine, DROPPED) == "returned")
        await again.close()


async def test_what_others_call_alike_is_theirs(at_work: Run) -> None:
    clock = Clock(speed=SPEED)
    async with at_work(clock=clock) as site:
        site.table.add([Point("vigilia:sw-1:Connected-Sts", Kind.ENUM, "sw-1", labels=("Disconnected", "Connected"))])
        async with judged(site, clock) as engine:
            for _ in range(2):
                await site.table.publish(
                    Batch("vigilia", [Sample("vigilia:sw-1:Connected-Sts", Reading(0, clock.now()))])
                )
            assert engine.alarms == {}
