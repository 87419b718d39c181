"""Commands: done once or not at all, with the reason, and never kept for later."""

import asyncio

import pytest

from tests.conftest import until
from tests.unit.drivers.reactor.agents import Agent
from tests.unit.drivers.reactor.conftest import GOOD, REFUSED, Run, Site
from vigilia.errors import Begun, InvalidValue, NotWritable, Refused, WriteTimeout
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

DOSE = "R1:acid:Dose-SP"
State = wire.CommandState


async def test_a_command_is_done_once_and_confirmed_by_its_end(at_work: Run) -> None:
    async with at_work(status_interval_s=5.0) as site:
        agent = site.agent()
        async with agent.reporting():
            shown = await site.write(DOSE, 2.5)
            assert (shown.value, shown[2:]) == (2.5, GOOD)
            await site.write(DOSE, 2.5)
            await site.write("R1:ph:Calibrate-Cmd", "mid,7.00")
            shown = await site.write("R1:ph:Find-Cmd", 1)
            assert shown.value is False, "it is over, and can be asked for again"
        values = [(c.part, c.parameter, c.value.WhichOneof("kind")) for c in agent.commands]
        assert values == [("acid", "Dose", "number")] * 2 + [("ph", "Calibrate", "text"), ("ph", "Find", "boolean")]
        assert len({command.id for command in agent.commands}) == 4
        assert all(0 < command.within_ms <= 8000 for command in agent.commands)
        await agent.close()


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        ({"outcome": State.REFUSED, "over_limit": True, "detail": "20 ml an hour"}, InvalidValue, "20 ml an hour"),
        ({"outcome": State.REFUSED, "detail": "calibrating"}, NotWritable, "R1 refused it: calibrating"),
        ({"outcome": State.FAILED, "detail": "1.2 of 2.5 ml"}, Refused, "R1 failed: 1.2 of 2.5 ml"),
        ({"outcome": State.LATE}, WriteTimeout, "too late: nothing was done"),
    ],
)
async def test_a_command_that_is_not_done_says_why(
    state: dict[str, object], error: type[Exception], words: str, at_work: Run
) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            await site.write(DOSE, 1.0)
            agent.obey = lambda command: State(id=command.id, **state)
            with pytest.raises(error, match=words):
                await site.write(DOSE, 2.5)
            assert (site.value(DOSE), site.alarm(DOSE)) == (1.0, GOOD if error is InvalidValue else REFUSED)
            await agent.report()
            reply = await agent.report()
            assert (list(reply.commands), list(reply.acknowledged)) == ([], []), "it is over on both sides"
        await agent.close()


async def test_limits_are_checked_before_anything_is_sent(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            for value in (0.4, 20.5):
                with pytest.raises(InvalidValue, match=r"write 0\.5 to 20 ml"):
                    await site.write(DOSE, value)
            with pytest.raises(InvalidValue, match=r"asked for with 1 \(Run\)"):
                await site.write("R1:ph:Find-Cmd", 0)
        assert agent.commands == []
        await agent.close()


async def test_a_command_to_a_reactor_that_is_away_fails_at_once_and_is_gone(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            pass
        await until(lambda: site.driver.reactors()[0].presence == "away")
        async with asyncio.timeout(1):
            with pytest.raises(NotWritable, match="R1 is away: a command is not kept for its return"):
                await site.write(DOSE, 2.5)
        await agent.report()
        await agent.report()
        assert agent.commands == []
        await agent.close()


async def test_a_reactor_that_is_lost_before_it_fetched_the_command_has_done_nothing(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        await agent.report()
        with pytest.raises(NotWritable, match="was lost: nothing was done"):
            await site.write(DOSE, 2.5)
        reply = await agent.report()
        assert list(reply.commands) == []
        await agent.close()


async def test_a_reactor_that_is_lost_after_it_fetched_the_command_may_have_done_it(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        await agent.report()
        write = asyncio.create_task(site.write(DOSE, 2.5))
        await asyncio.sleep(0)
        assert len((await agent.report()).commands) == 1
        with pytest.raises(WriteTimeout, match="it may or may not have been done"):
            await write
        assert site.alarm(DOSE) == REFUSED
        await agent.close()


async def test_a_command_is_told_again_until_the_reactor_says_something(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        await agent.report()
        write = asyncio.create_task(site.write(DOSE, 2.5))
        await asyncio.sleep(0)
        told = [command.id for _ in range(3) for command in (await agent.report(commands=[])).commands]
        assert len(told) == 3
        assert len(set(told)) == 1
        assert list((await agent.report()).acknowledged) == [told[0]]
        await write
        await agent.close()


async def test_a_command_that_has_begun_is_not_told_again(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        agent.obey = lambda command: State(id=command.id, outcome=State.RUNNING)
        await agent.register()
        await agent.report()
        write = asyncio.create_task(site.write(DOSE, 2.5))
        await asyncio.sleep(0)
        assert len((await agent.report()).commands) == 1
        assert (list((reply := await agent.report()).commands), list(reply.acknowledged)) == ([], [])
        [command] = agent.commands
        agent.end_command(State(id=command.id, outcome=State.DONE))
        assert list((await agent.report()).acknowledged) == [command.id]
        await write
        await agent.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has whoever asks wait for a moment only."""
    monkeypatch.setattr("vigilia.drivers.reactor.commands.BEGIN_S", 0.4)
    monkeypatch.setattr("vigilia.drivers.reactor.commands._MARGIN_S", 0.1)
    monkeypatch.setattr("vigilia.drivers.reactor.commands.RUNNING_S", 0.1)


async def begin_long(site: Site, agent: Agent) -> str:
    """Ask for a dose that is only begun by the time of the answer; return the command's id."""
    agent.obey = lambda command: State(id=command.id, outcome=State.RUNNING)
    with pytest.raises(Begun, match="R1 has begun, and is at it"):
        await site.write(DOSE, 20.0)
    assert site.shows(DOSE, 20.0)(), "what is being given"
    assert outcomes(site) == ["pending"]
    return agent.commands[-1].id


def outcomes(site: Site) -> list[str]:
    return [str(line[2]) for line in site.notebook.lines if line[0] == "answered"]


@pytest.mark.usefixtures("impatient")
async def test_a_long_command_is_pending_while_it_is_under_way_and_its_end_shows(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            command = await begin_long(site, agent)
            agent.end_command(State(id=command, outcome=State.FAILED, detail="no motor supply"))
            await until(site.shows(DOSE, 20.0, REFUSED))
            assert "no motor supply" in site.keeper.of(DOSE)[-1].detail
            await until(lambda: outcomes(site) == ["pending", "Refused"])
            assert "no motor supply" in site.notebook.lines[-1][3]
            site.notebook.lines.clear()
            command = await begin_long(site, agent)
            agent.end_command(State(id=command, outcome=State.DONE))
            await until(lambda: outcomes(site) == ["pending", "confirmed"])
            assert site.alarm(DOSE) == GOOD
        await agent.close()


@pytest.mark.usefixtures("impatient")
async def test_what_had_begun_before_an_agent_started_anew_has_an_unknown_end(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            await begin_long(site, agent)
        await agent.close()
        await until(site.shows(DOSE, 20.0, REFUSED))
        assert "contact was lost while it was at it" in site.keeper.of(DOSE)[-1].detail
        assert outcomes(site) == ["pending"], "it may be back, and tell"
        anew = site.agent()
        await anew.register()
        await until(lambda: outcomes(site) == ["pending", "WriteTimeout"])
        assert site.notebook.lines[-1][3] == (
            "R1 had begun, and its agent has started anew: how far it came is not known"
        )
        assert (site.value(DOSE), site.alarm(DOSE)) == (20.0, REFUSED)
        assert "started anew" in site.keeper.of(DOSE)[-1].detail
        await anew.close()


@pytest.mark.usefixtures("impatient")
async def test_a_reactor_that_is_back_tells_how_what_it_had_begun_ended(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            command = await begin_long(site, agent)
        await until(site.shows(DOSE, 20.0, REFUSED))
        agent.end_command(State(id=command, outcome=State.DONE))
        async with agent.reporting():
            await until(lambda: outcomes(site) == ["pending", "confirmed"])
            assert site.shows(DOSE, 20.0)()
        await agent.close()


@pytest.mark.usefixtures("impatient")
async def test_a_stop_of_the_service_leaves_no_write_pending(at_work: Run) -> None:
    async with at_work(status_interval_s=5.0) as site:
        agent = site.agent()
        async with agent.reporting():
            await begin_long(site, agent)
    assert outcomes(site) == ["pending", "WriteTimeout"]
    assert "the service has stopped" in site.notebook.lines[-1][3]
    await agent.close()


async def test_a_stop_is_not_kept_back_by_what_is_under_way(at_work: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.drivers.reactor.commands.MOST_COMMANDS", 2)
    monkeypatch.setattr("vigilia.drivers.reactor.commands.MOST_OF_ONE", 1)
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        await agent.report()
        stops = ("R1:acid:Stop-Cmd", "R1:acid:Stop-Cmd", "R1:ph:Halt-Cmd")
        agent.parts = (*agent.parts[1:], stoppable(agent.parts[0], "Halt"))
        agent.parts = tuple(stoppable(part, "Stop") if part.name == "acid" else part for part in agent.parts)
        await agent.register()
        writes = [asyncio.create_task(site.write(DOSE, 1.0)) for _ in range(2)]
        await asyncio.sleep(0)
        halts = [asyncio.create_task(site.write(stop, 1)) for stop in stops]
        await until(halts[1].done)
        with pytest.raises(NotWritable, match="1 commands under way already"):
            await halts[1]  # the same one is on its way
        await agent.report()
        await agent.report()
        await asyncio.gather(*writes, halts[0], halts[2])
        assert [command.parameter for command in agent.commands] == ["Dose", "Dose", "Stop", "Halt"]
        await agent.close()


def stoppable(part: wire.Part, name: str) -> wire.Part:
    stop = wire.Parameter(name=name, kind=wire.KIND_BOOLEAN, access=wire.ACCESS_COMMAND, at_once=True)
    changed = wire.Part()
    changed.CopyFrom(part)
    changed.parameters.append(stop)
    return changed


async def test_an_end_that_nobody_waits_for_is_acknowledged(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        agent.end_command(State(id="of-before", outcome=State.DONE))
        assert list((await agent.report()).acknowledged) == ["of-before"]
        await agent.close()


async def test_no_more_than_so_many_are_under_way(at_work: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.drivers.reactor.commands.MOST_COMMANDS", 2)
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        await agent.report()
        writes = [asyncio.create_task(site.write(DOSE, 1.0)) for _ in range(3)]
        await until(writes[2].done)
        with pytest.raises(NotWritable, match="2 commands under way already"):
            await writes[2]
        await agent.report()
        await agent.report()
        await asyncio.gather(*writes[:2])
        await agent.close()


async def test_a_stop_of_the_service_answers_whoever_waits(at_work: Run) -> None:
    async with at_work(status_interval_s=5.0) as site:
        agent = site.agent()
        await agent.register()
        await agent.report()
        write = asyncio.create_task(site.write(DOSE, 2.5))
        await asyncio.sleep(0)
    with pytest.raises(NotWritable, match="was lost: nothing was done"):
        await write
    await agent.close()
